/* SPDX-License-Identifier: Apache-2.0 */
/* What handlers begin with: memory for their task, the parameters of the request. */
#include "collector/api.h"
#include "lib/timestamp.h"

void *api_task(struct request *r, size_t n)
{
	void *t = calloc(1, n);

	if (!t)
		request_problem_errno(r, -ENOMEM);
	return t;
}

void api_bad_param(struct request *r, enum param p, const struct diag *d)
{
	const char *name = param_info(p)->name;
	struct problem problem = {
		.status = 400, .kind = "parameter", .parameter = name, .diag = *d
	};

	if (p == PARAM_Q) { /* its position is the text's own */
		problem.kind = "query";
		problem.query = request_params(r)->value[PARAM_Q].s;
	} else {
		problem.diag.line = 0;
		diag_set(&problem.diag, 0, 0, 0, "parameter '%s': %s", name, d->text);
	}
	request_problem(r, &problem);
}

bool api_bad(struct request *r, enum param p, const char *expected)
{
	struct diag d = { 0 };

	diag_set(&d, 0, 0, 0, "%s", expected);
	api_bad_param(r, p, &d);
	return false;
}

const char *api_text(const struct request *r, enum param p)
{
	const struct params *params = request_params(r);

	return params->value[p].n ? params->value[p].s : NULL;
}

bool api_read_bool(struct request *r, enum param p, bool *ret)
{
	size_t n;
	const char *s = params_text(request_params(r), p, &n);

	*ret = strcmp(s, "true") == 0;
	if (*ret || strcmp(s, "false") == 0)
		return true;
	return api_bad(r, p, "expected true or false");
}

bool api_read_number(struct request *r, enum param p, uint64_t most, uint32_t *ret)
{
	struct diag d = { 0 };
	uint64_t v = 0;

	if (params_number(request_params(r), p, 1, most, &v, &d) < 0)
		api_bad_param(r, p, &d);
	*ret = (uint32_t)v;
	return v != 0;
}

bool api_read_time(struct request *r, enum param p, uint64_t now_ns, uint64_t *ret)
{
	size_t n;
	const char *s = params_text(request_params(r), p, &n);
	struct diag d = { 0 };

	if (n == 0 || timestamp_parse(s, n, now_ns, ret, &d) == 0)
		return true;
	api_bad_param(r, p, &d);
	return false;
}

bool api_read_ttl(struct request *r, const char *otherwise, uint64_t most_ns,
		  uint64_t *ret_expires_ns)
{
	struct diag d = { 0 };
	size_t n;
	const char *s = params_text(request_params(r), PARAM_TTL, &n);
	uint64_t ttl_ns;
	int e = n ? duration_parse(s, n, &ttl_ns, &d)
		  : duration_parse(otherwise, strlen(otherwise), &ttl_ns, &d);

	if (e == 0 && (ttl_ns == 0 || ttl_ns > most_ns))
		e = diag_set(&d, -EINVAL, 0, 0, "expected a time up to %llud",
			     (unsigned long long)(most_ns / 86400000000000u));
	if (e < 0)
		api_bad_param(r, PARAM_TTL, &d);
	*ret_expires_ns = timestamp_now() + ttl_ns;
	return e == 0;
}
