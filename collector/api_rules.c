/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/rules: the rule book over HTTP. */
#include "collector/api.h"
#include "collector/api_rules.h"
#include "lib/timestamp.h"

struct rulebook *api_rulebook(struct request *r)
{
	struct rulebook *b = request_server(r)->config.rulebook;

	if (!b)
		request_problem_text(r, 503, "there are no rules here");
	return b;
}

/* Answers what a call of the book returned.  True: it went well, and nothing is answered yet. */
static bool went_well(struct request *r, int e, const char *unknown)
{
	struct problem p = { .status = 404, .kind = "parameter", .parameter = "rule_id" };

	if (e == RULEBOOK_E_UNKNOWN) {
		diag_set(&p.diag, 0, 0, 0, "%s", unknown);
		request_problem(r, &p);
	} else if (e < 0) {
		request_problem_errno(r, e);
	}
	return e == 0;
}

static const char *const no_rule = "there is no rule with this id";

/* ---- one rule as JSON ---- */

static void write_words(struct json *j, const char *key, const struct sigma_list *l)
{
	json_key(j, key);
	json_begin_array(j);
	for (size_t i = 0; i < l->n; i++)
		json_text(j, l->v[i]);
	json_end_array(j);
}

void api_write_problems(struct json *j, const struct rule *rule, const struct diag *wrong,
			uint32_t lines_before)
{
	size_t n = rule ? rule->n_gaps : wrong != NULL;

	json_key(j, "problems");
	json_begin_array(j);
	for (size_t i = 0; i < n; i++) {
		const struct diag *d = rule ? &rule->gaps[i] : wrong;

		json_begin_object(j);
		json_key_uint(j, "line", d->line + (rule ? lines_before : 0));
		json_key_uint(j, "column", d->column);
		json_key_text(j, "text", d->text);
		json_end_object(j);
	}
	json_end_array(j);
}

void api_write_query(struct json *j, const struct rule *rule)
{
	AUTO_BUF struct buf query = { 0 };

	rule_print_query(rule, &query);
	j->out->failed |= query.failed;
	json_key(j, "query");
	if (query.n)
		json_text_n(j, (const char *)query.data, query.n);
	else
		json_nil(j);
}

void api_write_rule(struct json *j, const struct rule *rule, bool whole)
{
	json_key_text(j, "title", rule->title);
	json_key_text(j, "language", rule_language_name(rule->language));
	json_key_text(j, "level", rule_level_name(rule->level));
	write_words(j, "techniques", &rule->techniques);
	if (!whole)
		return;
	json_key_text(j, "name", rule->name);
	json_key_text(j, "description", rule->description);
	json_key_text(j, "author", rule->author);
	json_key_text(j, "bypass", rule->bypass);
	write_words(j, "references", &rule->references);
	write_words(j, "false_positives", &rule->false_positives);
	write_words(j, "tags", &rule->tags);
	json_key_uint(j, "tests", rule->n_tests);
	api_write_query(j, rule);
}

static void write_exception(struct json *j, const struct rulebook_exception *x)
{
	json_begin_object(j);
	json_key_uint(j, "id", x->id);
	json_key_text(j, "condition", x->condition);
	json_key_text(j, "note", x->reason);
	json_key_text(j, "owner", x->owner);
	json_key(j, "alert");
	if (x->alert_id)
		json_uint(j, x->alert_id);
	else
		json_nil(j);
	json_key_time(j, "created", x->created_ns);
	json_key(j, "expires");
	if (x->expires_ns)
		json_time(j, x->expires_ns);
	else
		json_nil(j);
	json_end_object(j);
}

static void write_exceptions(struct json *j, const struct rulebook_entry *e)
{
	json_key(j, "exceptions");
	json_begin_array(j);
	for (size_t i = 0; i < e->n_exceptions; i++)
		write_exception(j, &e->exceptions[i]);
	json_end_array(j);
}

/* What it has done since the collector started; zeroes when it does not run. */
static void write_stats(struct json *j, struct detect *d, const char *id)
{
	struct detect_rule_stats s = { 0 };

	if (d && !detect_rule_stats(d, id, &s))
		s = (struct detect_rule_stats){ 0 };
	json_key_uint(j, "hits", s.hits);
	json_key_uint(j, "batches", s.asked);
	json_key_uint(j, "skipped", s.skipped);
	json_key_uint(j, "cost_ns", s.ns);
	json_key_uint(j, "state_bytes", s.state_bytes);
	json_key_uint(j, "evicted", s.evicted);
	json_key_uint(j, "late", s.late);
	json_key_bool(j, "dear", s.dear);
}

struct writer {
	struct json *j;
	struct detect *detect;
};

static void write_entry(const struct writer *w, const struct rulebook_entry *e, bool whole)
{
	struct json *j = w->j;

	json_key_text(j, "id", e->id);
	json_key_uint(j, "revision", e->revision);
	json_key_time(j, "changed", e->created_ns);
	json_key_bool(j, "enabled", e->enabled);
	json_key_text(j, "status", rule_status_name(e->rule));
	if (e->rule)
		api_write_rule(j, e->rule, whole);
	api_write_problems(j, e->rule, &e->wrong, 0);
	write_stats(j, w->detect, e->id);
	if (whole)
		write_exceptions(j, e);
	else
		json_key_uint(j, "exceptions", e->n_exceptions);
}

/* ---- reading ---- */

static int each_rule(const struct rulebook_entry *e, void *arg)
{
	const struct writer *w = arg;

	json_begin_object(w->j);
	write_entry(w, e, false);
	json_end_object(w->j);
	return 0;
}

void api_rules(struct request *r)
{
	struct rulebook *b = api_rulebook(r);
	struct json j = json_to(request_body(r));
	struct writer w = { &j, request_server(r)->config.detect };

	if (!b)
		return;
	json_begin_object(&j);
	json_key(&j, "rules");
	json_begin_array(&j);
	if (!went_well(r, rulebook_each(b, NULL, each_rule, &w), no_rule))
		return;
	json_end_array(&j);
	api_finish(r, &j);
}

static int one_rule(const struct rulebook_entry *e, void *arg)
{
	write_entry(arg, e, true);
	return 0;
}

/* Answers with the rule as it is now. */
static void answer_rule(struct request *r, struct rulebook *b, const char *id)
{
	struct json j = json_to(request_body(r));
	struct writer w = { &j, request_server(r)->config.detect };

	json_begin_object(&j);
	if (went_well(r, rulebook_each(b, id, one_rule, &w), no_rule))
		api_finish(r, &j);
}

void api_rule(struct request *r)
{
	struct rulebook *b = api_rulebook(r);
	char id[PATH_VALUE_BYTES];

	if (b && request_path_value(r, "rule_id", id))
		answer_rule(r, b, id);
}

static int each_revision(const struct rulebook_revision *v, void *arg)
{
	struct json *j = arg;

	json_begin_object(j);
	json_key_uint(j, "revision", v->revision);
	json_key_time(j, "created", v->created_ns);
	json_key_text(j, "author", v->author);
	json_key_text(j, "note", v->note);
	json_key_bool(j, "current", v->current);
	json_end_object(j);
	return 0;
}

void api_rule_revisions(struct request *r)
{
	struct rulebook *b = api_rulebook(r);
	struct json j = json_to(request_body(r));
	char id[PATH_VALUE_BYTES];

	if (!b || !request_path_value(r, "rule_id", id))
		return;
	json_begin_object(&j);
	json_key_text(&j, "id", id);
	json_key(&j, "revisions");
	json_begin_array(&j);
	if (!went_well(r, rulebook_revisions(b, id, each_revision, &j), no_rule))
		return;
	json_end_array(&j);
	api_finish(r, &j);
}

struct wanted {
	struct buf *out;
	uint64_t revision; /* 0: the one in force */
	bool found;
};

static int take_source(const struct rulebook_revision *v, void *arg)
{
	struct wanted *w = arg;

	if (w->revision ? v->revision != w->revision : !v->current)
		return 0;
	buf_str(w->out, v->source);
	w->found = true;
	return 0;
}

/* The parameter revision; @optional: 0 when it is not given.  False: answered already. */
static bool read_revision(struct request *r, bool optional, uint64_t *ret)
{
	struct diag d = { 0 };

	*ret = 0;
	if (optional && !api_text(r, PARAM_REVISION))
		return true;
	if (params_number(request_params(r), PARAM_REVISION, 1, INT64_MAX, ret, &d) == 0)
		return true;
	api_bad_param(r, PARAM_REVISION, &d);
	return false;
}

void api_rule_source(struct request *r)
{
	struct rulebook *b = api_rulebook(r);
	struct wanted w = { .out = request_body(r) };
	char id[PATH_VALUE_BYTES];

	if (!b || !request_path_value(r, "rule_id", id) || !read_revision(r, true, &w.revision))
		return;
	if (!went_well(r, rulebook_revisions(b, id, take_source, &w), no_rule))
		return;
	if (w.found)
		request_answer(r, 200, "application/yaml");
	else
		went_well(r, RULEBOOK_E_UNKNOWN, "the rule has no such revision");
}

/* ---- changing ---- */

static void set_enabled(struct request *r, bool enabled)
{
	struct rulebook *b = api_rulebook(r);
	char id[PATH_VALUE_BYTES];

	if (b && request_path_value(r, "rule_id", id) &&
	    went_well(r, rulebook_enable(b, id, enabled), no_rule))
		answer_rule(r, b, id);
}

void api_rule_enable(struct request *r)
{
	set_enabled(r, true);
}

void api_rule_disable(struct request *r)
{
	set_enabled(r, false);
}

void api_rule_delete(struct request *r)
{
	struct rulebook *b = api_rulebook(r);
	struct json j = json_to(request_body(r));
	char id[PATH_VALUE_BYTES];

	if (!b || !request_path_value(r, "rule_id", id) ||
	    !went_well(r, rulebook_delete(b, id), no_rule))
		return;
	json_begin_object(&j);
	json_key_text(&j, "id", id);
	json_key_bool(&j, "deleted", true);
	api_finish(r, &j);
}

void api_rule_rollback(struct request *r)
{
	struct rulebook *b = api_rulebook(r);
	uint64_t revision, now;
	char id[PATH_VALUE_BYTES];

	if (!b || !request_path_value(r, "rule_id", id) || !read_revision(r, false, &revision))
		return;
	if (went_well(r, rulebook_rollback(b, id, revision, request_token(r)->name, &now),
		      "the rule has no such revision"))
		answer_rule(r, b, id);
}

/* The parameter expires.  False: answered already. */
static bool read_expires(struct request *r, uint64_t *ret)
{
	const char *s = api_text(r, PARAM_EXPIRES);
	uint64_t now_ns = timestamp_now();
	struct diag d = { 0 };

	*ret = 0;
	if (!s || (timestamp_parse(s, strlen(s), now_ns, ret, &d) == 0 && *ret > now_ns))
		return true;
	if (!d.text[0])
		diag_set(&d, 0, 0, 0, "expected a time to come");
	api_bad_param(r, PARAM_EXPIRES, &d);
	return false;
}

void api_rule_add_exception(struct request *r, const char *rule_id, const char *condition,
			    uint64_t alert_id)
{
	struct rulebook *b = api_rulebook(r);
	struct rulebook_exception x = {
		.rule_id = rule_id,
		.condition = condition,
		.reason = api_text(r, PARAM_NOTE),
		.owner = api_text(r, PARAM_OWNER),
		.alert_id = alert_id,
	};
	struct diag d = { 0 };
	uint64_t id;
	int e;

	if (!b || !read_expires(r, &x.expires_ns))
		return;
	if (!condition || !x.owner) {
		diag_set(&d, 0, 0, 0, "an exception needs a condition and an owner");
		api_bad_param(r, condition ? PARAM_OWNER : PARAM_CONDITION, &d);
		return;
	}
	e = rulebook_except(b, &x, &id, &d);
	if (e == -EINVAL)
		api_bad_param(r, PARAM_CONDITION, &d);
	else if (went_well(r, e, no_rule))
		answer_rule(r, b, rule_id);
}

void api_rule_except(struct request *r)
{
	char id[PATH_VALUE_BYTES];

	if (request_path_value(r, "rule_id", id))
		api_rule_add_exception(r, id, api_text(r, PARAM_CONDITION), 0);
}

void api_rule_except_drop(struct request *r)
{
	struct rulebook *b = api_rulebook(r);
	char id[PATH_VALUE_BYTES], number[PATH_VALUE_BYTES];

	if (b && request_path_value(r, "rule_id", id) &&
	    request_path_value(r, "exception_id", number) &&
	    went_well(r, rulebook_except_drop(b, id, strtoull(number, NULL, 10)),
		      "the rule has no such exception"))
		answer_rule(r, b, id);
}
