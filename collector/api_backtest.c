/* SPDX-License-Identifier: Apache-2.0 */
/* POST /api/v1/rules/backtest: the alerts that rules would have made of what is stored, by the
 * engine that makes them live, into books in memory. */
#include "collector/api.h"
#include "collector/api_alerts.h"
#include "collector/api_rules.h"
#include "lib/timestamp.h"

#define DAY_NS UINT64_C(86400000000000)

struct task {
	char *source, *node; /* NULL: the rules in force; all nodes */
	uint64_t from_ns, to_ns, limit;
};

static void task_free(void *arg)
{
	struct task *t = arg;

	if (!t)
		return;
	free(t->source);
	free(t->node);
	free(t);
}
DEFINE_FREEP(task)

/* ---- the answer ---- */

struct answer {
	struct json *j;
	struct detect *detect;
	uint64_t left; /* alerts that there is room for */
	bool cut;
};

static int write_rule(const struct rulebook_entry *e, void *arg)
{
	struct answer *a = arg;
	struct detect_rule_stats s = { 0 };

	if (!e->rule || !detect_rule_stats(a->detect, e->id, &s))
		return 0;
	json_begin_object(a->j);
	json_key_text(a->j, "id", e->id);
	json_key_text(a->j, "title", e->rule->title);
	json_key_text(a->j, "level", rule_level_name(e->rule->level));
	json_key_uint(a->j, "hits", s.hits);
	json_key_uint(a->j, "alerts", s.alerts);
	json_key_uint(a->j, "cost_ns", s.ns);
	json_end_object(a->j);
	return 0;
}

static int write_alert(const struct alert *x, void *arg)
{
	struct answer *a = arg;

	a->cut = a->left == 0;
	if (a->cut)
		return 1;
	a->left--;
	alert_write(a->j, x);
	return 0;
}

static int write_answer(struct answer *a, struct rulebook *rules, struct alertbook *alerts)
{
	const struct alert_filter all = { .status = -1,
					  .until_ns = UINT64_MAX,
					  .limit = UINT32_MAX };
	struct json *j = a->j;
	int e;

	json_key(j, "rules");
	json_begin_array(j);
	e = rulebook_each(rules, NULL, write_rule, a);
	json_end_array(j);
	json_key(j, "alerts");
	json_begin_array(j);
	if (e == 0)
		e = alertbook_list(alerts, &all, write_alert, a);
	json_end_array(j);
	json_key_bool(j, "truncated", a->cut);
	return MIN(e, 0);
}

/* ---- the work ---- */

static int take_problem(const struct rulebook_result *x, void *arg)
{
	struct problem *p = arg;

	if (x->problem && !p->diag.text[0])
		diag_set(&p->diag, 0, 0, 0, "parameter 'source': line %u, column %u: %s",
			 x->problem->line, x->problem->column, x->problem->text);
	return 0;
}

/* The rules to ask: of the text, else those in force; *ret_own is freed by the caller.  NULL:
 * answered. */
static struct rulebook *rules_of(struct request *r, const struct task *t, struct rulebook **ret_own)
{
	struct problem p = { .status = 400, .kind = "parameter", .parameter = "source" };
	struct rulebook_change c = { .text = t->source, .author = "", .note = "" };
	int e;

	if (!t->source)
		return request_server(r)->config.rulebook;
	c.n = strlen(t->source);
	e = rulebook_open(ret_own, NULL, &p.diag);
	if (e == 0)
		e = rulebook_apply(*ret_own, &c, take_problem, &p);
	if (e == RULEBOOK_E_WRONG)
		request_problem(r, &p);
	else if (e < 0)
		request_problem_errno(r, e);
	return e == 0 ? *ret_own : NULL;
}

static int run(struct request *r, struct query_worker *w, const struct task *t,
	       struct rulebook *rules)
{
	struct store_scan_stats stats = { 0 };
	const struct detect_history h = {
		.reader = query_worker_reader(w),
		.range = { .from_ns = t->from_ns,
			   .to_ns = t->to_ns,
			   .node = t->node,
			   .ascending = true },
		.cancel = request_cancel(r),
		.stats = &stats,
	};
	const struct query q = { .from_ns = t->from_ns, .to_ns = t->to_ns, .node = t->node };
	struct json j = json_to(request_body(r));
	struct answer a = { .j = &j, .left = t->limit };
	AUTO(alertbook) *alerts = NULL;
	AUTO(detect) *d = NULL;
	struct diag diag = { 0 };
	uint32_t n_gaps;
	int e = alertbook_open(&alerts, NULL, &diag);

	if (e == 0)
		e = detect_new(&d, rules, alerts, request_server(r)->config.store);
	if (e == 0)
		e = detect_history(d, &h);
	a.detect = d;
	json_begin_object(&j);
	if (e == 0)
		e = write_answer(&a, rules, alerts);
	if (e == 0)
		e = api_write_gaps(w, &q, &j, &n_gaps);
	if (e == 0) {
		api_write_stats(r, &stats, &j);
		api_finish(r, &j);
	}
	return e;
}

static void work(struct request *r, struct query_worker *w, void *task)
{
	struct rulebook *own = NULL, *rules = rules_of(r, task, &own);
	int e = rules ? run(r, w, task, rules) : 0;

	if (e < 0)
		request_problem_errno(r, e);
	rulebook_free(own);
}

static bool read_task(struct request *r, struct task *t)
{
	const char *source = api_text(r, PARAM_SOURCE), *node = api_text(r, PARAM_NODE);
	struct diag d = { 0 };

	t->to_ns = timestamp_now();
	t->from_ns = t->to_ns - DAY_NS;
	if (!api_read_time(r, PARAM_SINCE, t->to_ns, &t->from_ns) ||
	    !api_read_time(r, PARAM_UNTIL, t->to_ns, &t->to_ns))
		return false;
	if (params_number(request_params(r), PARAM_LIMIT, 1, LIMIT_SEARCH_HITS, &t->limit, &d) <
	    0) {
		api_bad_param(r, PARAM_LIMIT, &d);
		return false;
	}
	t->source = source ? strdup(source) : NULL;
	t->node = node ? strdup(node) : NULL;
	if ((!source || t->source) && (!node || t->node))
		return true;
	request_problem_errno(r, -ENOMEM);
	return false;
}

void api_rules_backtest(struct request *r)
{
	AUTO(task) *t = api_rulebook(r) ? api_task(r, sizeof(*t)) : NULL;

	if (t && read_task(r, t))
		request_run(r, work, TAKE(t), task_free);
}
