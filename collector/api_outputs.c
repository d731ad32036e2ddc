/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/outputs */
#include "collector/api.h"
#include "collector/output.h"

static void finish(struct request *r, struct json *j)
{
	json_end_object(j);
	buf_byte(j->out, '\n');
	request_answer(r, 200, "application/json");
}

void api_outputs(struct request *r)
{
	struct json j = json_to(request_body(r));

	json_begin_object(&j);
	json_key(&j, "outputs");
	outputs_write(request_server(r)->config.outputs, &j);
	finish(r, &j);
}

void api_output_replay(struct request *r)
{
	struct problem p = { .status = 404, .kind = "parameter", .parameter = "output" };
	struct json j = json_to(request_body(r));
	char name[PATH_VALUE_BYTES];
	uint64_t n;
	int e;

	if (!request_path_value(r, "output", name))
		return;
	e = outputs_replay(request_server(r)->config.outputs, name, &n);
	if (e < 0) {
		request_problem_errno(r, e);
		return;
	}
	if (e) {
		diag_set(&p.diag, 0, 0, 0, "there is no output of this name");
		request_problem(r, &p);
		return;
	}
	json_begin_object(&j);
	json_key_text(&j, "output", name);
	json_key_uint(&j, "replayed", n);
	finish(r, &j);
}
