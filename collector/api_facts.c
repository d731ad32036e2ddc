/* SPDX-License-Identifier: Apache-2.0 */
/* What was ever seen, how often and where: /api/v1/prevalence and /api/v1/spread. */
#include "collector/api.h"
#include "collector/facts.h"
#include "lib/timestamp.h"

enum { MAX_FACTS = 10000, MAX_TOLD_NODES = 100 };

struct task {
	struct facts_spread spread; /* its kind, since_ns and nodes are prevalence's, too */
	char *value;		    /* of prevalence: this one only; NULL: the rarest */
	uint32_t limit;
};

static void task_free(void *arg)
{
	struct task *t = arg;

	if (!t)
		return;
	free(t->value);
	free(t);
}
DEFINE_FREEP(task)

/* ---- asked ---- */

static bool read_kind(struct request *r, struct task *t)
{
	size_t n;

	t->spread.kind = fact_kind_find(params_text(request_params(r), PARAM_KIND, &n));
	return t->spread.kind != FACT_NONE ||
	       api_bad(r, PARAM_KIND,
		       "expected executable, hash, pair, destination, domain or user");
}

static bool read_within(struct request *r, struct task *t)
{
	struct diag d = { 0 };
	size_t n;
	const char *s = params_text(request_params(r), PARAM_WITHIN, &n);

	if (duration_parse(s, n, &t->spread.within_ns, &d) == 0)
		return true;
	api_bad_param(r, PARAM_WITHIN, &d);
	return false;
}

/* ---- answered ---- */

struct fact_list {
	struct json *j;
	struct facts_reader *reader;
	const struct task *task;
	bool with_nodes, more;
	uint32_t n, n_nodes;
};

static int write_node(const char *id, const char *name, uint64_t first_ns, uint64_t last_ns,
		      uint64_t n, void *arg)
{
	struct fact_list *l = arg;

	if (l->n_nodes++ == MAX_TOLD_NODES)
		return 1;
	json_begin_object(l->j);
	json_key_text(l->j, "id", id);
	json_key_text(l->j, "name", name);
	json_key_time(l->j, "first_seen", first_ns);
	json_key_time(l->j, "last_seen", last_ns);
	json_key_uint(l->j, "count", n);
	json_end_object(l->j);
	return 0;
}

static int write_fact(const struct fact *f, void *arg)
{
	struct fact_list *l = arg;
	int e = 0;

	if (l->n == l->task->limit) {
		l->more = true;
		return 1;
	}
	l->n++;
	json_begin_object(l->j);
	json_key_text(l->j, "kind", fact_kind_name(f->kind));
	json_key_text(l->j, "value", f->value);
	json_key_time(l->j, "first_seen", f->first_ns);
	json_key_time(l->j, "last_seen", f->last_ns);
	json_key_uint(l->j, "count", f->n);
	json_key_uint(l->j, "nodes", f->nodes);
	if (l->with_nodes) {
		l->n_nodes = 0;
		json_key(l->j, "seen_on");
		json_begin_array(l->j);
		e = facts_nodes(l->reader, f->id, write_node, l);
		json_end_array(l->j);
	}
	if (l->task->spread.within_ns) {
		json_key(l->j, "window_ms");
		json_double(l->j, (double)f->window_ns / 1e6);
	}
	json_end_object(l->j);
	return MIN(e, 0);
}

static int write_one(struct fact_list *l, struct facts_reader *reader)
{
	const struct task *t = l->task;
	struct fact f;
	int e = facts_get(reader, t->spread.kind, t->value, strlen(t->value), &f);

	if (e < 0)
		return e == -ENOENT ? 0 : e;
	l->with_nodes = true;
	return write_fact(&f, l);
}

static int write_list(struct fact_list *l, struct facts_reader *reader)
{
	const struct task *t = l->task;

	if (t->value)
		return write_one(l, reader);
	if (!t->spread.within_ns)
		return facts_rare(reader, t->spread.kind, t->spread.since_ns, t->spread.nodes,
				  write_fact, l);
	l->with_nodes = true;
	return facts_spread(reader, &t->spread, write_fact, l);
}

static void work_facts(struct request *r, struct query_worker *w, void *task)
{
	const struct facts *facts = request_server(r)->config.facts;
	struct json j = json_to(request_body(r));
	struct fact_list l = { .j = &j, .task = task };
	AUTO(facts_reader) *reader = NULL;
	int e = facts ? facts_reader_new(&reader, facts) : -ENOENT;

	(void)w;
	l.reader = reader;
	json_begin_object(&j);
	json_key(&j, "facts");
	json_begin_array(&j);
	if (e == 0)
		e = write_list(&l, reader);
	json_end_array(&j);
	api_finish_list(r, &j, l.more, e);
}

void api_prevalence(struct request *r)
{
	AUTO(task) *t = api_task(r, sizeof(*t));
	size_t n;
	const char *value = params_text(request_params(r), PARAM_VALUE, &n);

	if (!t || !read_kind(r, t) ||
	    !api_read_time(r, PARAM_SINCE, timestamp_now(), &t->spread.since_ns) ||
	    !api_read_number(r, PARAM_LIMIT, MAX_FACTS, &t->limit) ||
	    !api_read_number(r, PARAM_MAX_NODES, UINT32_MAX, &t->spread.nodes))
		return;
	t->value = n ? strdup(value) : NULL;
	if (n && !t->value)
		request_problem_errno(r, -ENOMEM);
	else
		request_run(r, work_facts, TAKE(t), task_free);
}

void api_spread(struct request *r)
{
	AUTO(task) *t = api_task(r, sizeof(*t));

	if (t && read_kind(r, t) &&
	    api_read_time(r, PARAM_SINCE, timestamp_now(), &t->spread.since_ns) &&
	    read_within(r, t) && api_read_number(r, PARAM_LIMIT, MAX_FACTS, &t->limit) &&
	    api_read_number(r, PARAM_NODES, 1024, &t->spread.nodes))
		request_run(r, work_facts, TAKE(t), task_free);
}
