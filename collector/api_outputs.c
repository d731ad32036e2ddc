/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/outputs */
#include "collector/api.h"
#include "collector/output.h"
#include "lib/timestamp.h"

#define YEAR_NS (UINT64_C(365) * 86400 * 1000000000)

/* Answers what a call of outputs returned; true: it went well. */
static bool went_well(struct request *r, int e, const char *parameter)
{
	struct problem p = { .status = 404, .kind = "parameter", .parameter = parameter };

	if (e == -ENOSPC) {
		request_problem_text(r, 409, "the output has as many silences as it can keep");
	} else if (e < 0) {
		request_problem_errno(r, e);
	} else if (e) {
		diag_set(&p.diag, 0, 0, 0, "there is no %s of this name",
			 strcmp(parameter, "output") == 0 ? "output" : "silence of the output");
		request_problem(r, &p);
	}
	return e == 0;
}

void api_outputs(struct request *r)
{
	struct json j = json_to(request_body(r));

	json_begin_object(&j);
	json_key(&j, "outputs");
	outputs_write(request_server(r)->config.outputs, &j);
	api_finish(r, &j);
}

void api_output_dead(struct request *r)
{
	struct json j = json_to(request_body(r));
	char name[PATH_VALUE_BYTES];
	struct diag d = { 0 };
	uint64_t limit;

	if (!request_path_value(r, "output", name))
		return;
	if (params_number(request_params(r), PARAM_LIMIT, 1, 10000, &limit, &d) < 0) {
		api_bad_param(r, PARAM_LIMIT, &d);
		return;
	}
	json_begin_object(&j);
	json_key(&j, "dead");
	if (went_well(r, outputs_dead(request_server(r)->config.outputs, name, (uint32_t)limit, &j),
		      "output"))
		api_finish(r, &j);
}

void api_output_replay(struct request *r)
{
	struct json j = json_to(request_body(r));
	char name[PATH_VALUE_BYTES];
	uint64_t n;

	if (!request_path_value(r, "output", name) ||
	    !went_well(r, outputs_replay(request_server(r)->config.outputs, name, &n), "output"))
		return;
	json_begin_object(&j);
	json_key_text(&j, "output", name);
	json_key_uint(&j, "replayed", n);
	api_finish(r, &j);
}

/* ---- a test: it waits for the other side ---- */

struct test {
	struct outputs *outputs; /* those of now: others may be in force when it runs */
	char name[PATH_VALUE_BYTES];
};

static void test_free(void *arg)
{
	struct test *t = arg;

	outputs_unref(t->outputs);
	free(t);
}

static void work_test(struct request *r, struct query_worker *w, void *task)
{
	struct json j = json_to(request_body(r));
	const struct test *t = task;
	const char *name = t->name;
	struct diag d = { 0 };
	int e = outputs_test(t->outputs, name, request_cancel(r), &d);

	(void)w;
	if (e != -EIO && !went_well(r, e, "output"))
		return;
	json_begin_object(&j);
	json_key_text(&j, "output", name);
	json_key_bool(&j, "sent", e == 0);
	json_key_text(&j, "error", e == 0 ? NULL : d.text);
	api_finish(r, &j);
}

void api_output_test(struct request *r)
{
	struct test *t = api_task(r, sizeof(*t));

	if (!t)
		return;
	if (!request_path_value(r, "output", t->name)) {
		free(t);
		return;
	}
	t->outputs = outputs_ref(request_server(r)->config.outputs);
	request_run(r, work_test, t, test_free);
}

/* ---- silences ---- */

void api_output_silence(struct request *r)
{
	struct json j = json_to(request_body(r));
	struct alert_silence s = { .rule = api_text(r, PARAM_RULE),
				   .node = api_text(r, PARAM_NODE),
				   .note = api_text(r, PARAM_NOTE),
				   .author = request_token(r)->name };
	char name[PATH_VALUE_BYTES];

	if (!request_path_value(r, "output", name) ||
	    !api_read_ttl(r, "1h", YEAR_NS, &s.until_ns) ||
	    !went_well(r, outputs_silence(request_server(r)->config.outputs, name, &s), "output"))
		return;
	json_begin_object(&j);
	json_key_text(&j, "output", name);
	json_key_uint(&j, "silence", s.id);
	json_key_time(&j, "until", s.until_ns);
	api_finish(r, &j);
}

void api_output_silence_drop(struct request *r)
{
	struct json j = json_to(request_body(r));
	char name[PATH_VALUE_BYTES], number[PATH_VALUE_BYTES];
	uint64_t id;

	if (!request_path_value(r, "output", name) || !request_path_value(r, "silence_id", number))
		return;
	id = strtoull(number, NULL, 10);
	if (!went_well(r, outputs_silence_drop(request_server(r)->config.outputs, name, id),
		       "silence_id"))
		return;
	json_begin_object(&j);
	json_key_text(&j, "output", name);
	json_key_uint(&j, "ended", id);
	api_finish(r, &j);
}
