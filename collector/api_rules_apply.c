/* SPDX-License-Identifier: Apache-2.0 */
/* POST /api/v1/rules and /api/v1/rules/lint: in a thread of the pool, for compiling takes time. */
#include "collector/api.h"
#include "collector/api_rules.h"
#include "lib/rule_test.h"

struct task {
	char *source, *note, *author;
	bool dry, lint;
};

static void task_free(void *arg)
{
	struct task *t = arg;

	if (!t)
		return;
	free(t->source);
	free(t->note);
	free(t->author);
	free(t);
}
DEFINE_FREEP(task)

struct answer {
	struct json *j;
	bool tests;
	uint64_t failed;
};

/* "tests" of a rule, run. */
static int write_tests(struct answer *a, const struct rule *rule)
{
	struct json *j = a->j;

	json_key(j, "tests");
	json_begin_array(j);
	for (size_t i = 0; i < rule->n_tests; i++) {
		struct diag d = { 0 };
		bool passed = false;
		int e = rule_test_run(rule, i, &passed, &d);

		if (e < 0 && e != -EINVAL)
			return e;
		a->failed += !passed;
		json_begin_object(j);
		json_key_text(j, "name", rule->tests[i].name);
		json_key_bool(j, "fires", rule->tests[i].fires);
		json_key_bool(j, "passed", passed);
		json_key_text(j, "reason", passed ? NULL : d.text);
		json_end_object(j);
	}
	json_end_array(j);
	return 0;
}

static int each_result(const struct rulebook_result *x, void *arg)
{
	struct answer *a = arg;
	struct json *j = a->j;
	int e = 0;

	json_begin_object(j);
	json_key_text(j, "id", x->id);
	json_key_text(j, "change", x->change);
	json_key_uint(j, "revision", x->revision);
	json_key_uint(j, "line", x->line + 1);
	json_key_text(j, "status", rule_status_name(x->rule));
	if (x->rule)
		api_write_rule(j, x->rule, false);
	api_write_problems(j, x->rule, x->problem, x->line);
	if (a->tests && x->rule) {
		api_write_query(j, x->rule);
		e = write_tests(a, x->rule);
	}
	json_end_object(j);
	return e;
}

static void work(struct request *r, struct query_worker *w, void *task)
{
	const struct task *t = task;
	struct rulebook *b = request_server(r)->config.rulebook;
	struct json j = json_to(request_body(r));
	struct answer a = { .j = &j, .tests = t->lint };
	struct rulebook_change c = { .text = t->source,
				     .n = strlen(t->source),
				     .author = t->author,
				     .note = t->note,
				     .dry = t->dry || t->lint };
	int e;

	(void)w;
	json_begin_object(&j);
	json_key(&j, "rules");
	json_begin_array(&j);
	e = rulebook_apply(b, &c, each_result, &a);
	if (e < 0) {
		request_problem_errno(r, e);
		return;
	}
	json_end_array(&j);
	json_key_bool(&j, "applied", e == 0 && !c.dry);
	json_key_bool(&j, "wrong", e == RULEBOOK_E_WRONG);
	if (a.tests)
		json_key_uint(&j, "failed_tests", a.failed);
	json_end_object(&j);
	buf_byte(j.out, '\n');
	/* what is wrong is the text, and told for each rule of it */
	request_answer(r, e == RULEBOOK_E_WRONG && !t->lint ? 422 : 200, "application/json");
}

static void start(struct request *r, bool lint)
{
	const char *source = api_text(r, PARAM_SOURCE), *note = api_text(r, PARAM_NOTE);
	AUTO(task) *t = api_rulebook(r) ? api_task(r, sizeof(*t)) : NULL;

	if (!t || (!lint && !api_read_bool(r, PARAM_DRY, &t->dry)))
		return;
	t->lint = lint;
	t->source = strdup(source ? source : "");
	t->note = strdup(note ? note : "");
	t->author = strdup(request_token(r)->name);
	if (t->source && t->note && t->author)
		request_run(r, work, TAKE(t), task_free);
	else
		request_problem_errno(r, -ENOMEM);
}

void api_rules_apply(struct request *r)
{
	start(r, false);
}

void api_rules_lint(struct request *r)
{
	start(r, true);
}
