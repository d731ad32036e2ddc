/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/facets and /api/v1/values */
#include <uv.h>

#include "collector/api.h"
#include "collector/query_facet.h"

enum {
	DEFAULT_TOP = 10,
	MAX_TOP = 1000,
	VALUES_BLOCKS = 4000, /* completion answers while somebody types */
	VALUES_MS = 400,
};

struct task {
	struct ask ask;
	struct facets *facets;
	uint32_t limit;
};

static void task_free(void *arg)
{
	struct task *t = arg;

	if (!t)
		return;
	ask_done(&t->ask);
	facets_free(t->facets);
	free(t);
}
DEFINE_FREEP(task)

static bool read_limit(struct request *r, struct task *t)
{
	const struct params *p = request_params(r);
	uint64_t limit = DEFAULT_TOP;
	struct diag d = { 0 };

	if (p->value[PARAM_LIMIT].n && params_number(p, PARAM_LIMIT, 1, MAX_TOP, &limit, &d) < 0) {
		api_bad_param(r, PARAM_LIMIT, &d);
		return false;
	}
	t->limit = (uint32_t)limit;
	return true;
}

static bool read_field(struct request *r, struct task *t)
{
	struct diag d = { 0 };
	size_t n;
	const char *names = params_text(request_params(r), PARAM_FIELD, &n);
	int e = -EINVAL;

	if (n == 0)
		diag_set(&d, e, 0, 0, "expected the name of a field, or more with commas between");
	else
		e = facets_new(&t->facets, names, n, &d);
	if (e == -EINVAL)
		api_bad_param(r, PARAM_FIELD, &d);
	else if (e < 0)
		request_problem_errno(r, e);
	return e == 0;
}

static void finish(struct request *r, const struct query *q, struct json *j)
{
	api_write_stats(r, q->stats, j);
	api_finish(r, j);
}

/* ---- facets ---- */

static void work_facets(struct request *r, struct query_worker *w, void *task)
{
	static const struct query_budget unlimited = { 0 };
	struct task *t = task;
	struct store_scan_stats stats = { 0 };
	struct query q = ask_query(&t->ask, r, &stats);
	struct json j = json_to(request_body(r));
	uint32_t n_gaps;
	bool cut;
	int e = query_facets(w, &q, t->facets, &unlimited, &cut);

	if (e == 0) {
		json_begin_object(&j);
		json_key_uint(&j, "total", facets_rows(t->facets));
		json_key(&j, "facets");
		facets_write(t->facets, FACET_MOST, t->limit, &j);
		e = api_write_gaps(w, &q, &j, &n_gaps);
	}
	if (e < 0)
		request_problem_errno(r, e);
	else
		finish(r, &q, &j);
}

void api_facets(struct request *r)
{
	AUTO(task) *t = api_task(r, sizeof(*t));

	if (t && ask_read(r, false, &t->ask) && read_limit(r, t) && read_field(r, t))
		request_run(r, work_facets, TAKE(t), task_free);
}

/* ---- values ---- */

static void work_values(struct request *r, struct query_worker *w, void *task)
{
	struct task *t = task;
	struct store_scan_stats stats = { 0 };
	struct query q = ask_query(&t->ask, r, &stats);
	struct query_budget budget = {
		.deadline_ns = uv_hrtime() + VALUES_MS * UINT64_C(1000000),
		.blocks = VALUES_BLOCKS,
		.values = t->limit,
	};
	struct json j = json_to(request_body(r));
	bool cut;
	int e = query_facets(w, &q, t->facets, &budget, &cut);

	if (e < 0) {
		request_problem_errno(r, e);
		return;
	}
	json_begin_object(&j);
	json_key(&j, "fields");
	facets_write(t->facets, FACET_MET, t->limit, &j);
	json_key_bool(&j, "truncated", cut);
	finish(r, &q, &j);
}

void api_values(struct request *r)
{
	AUTO(task) *t = api_task(r, sizeof(*t));
	const char *prefix;
	size_t n;
	int e;

	if (!t || !ask_read(r, false, &t->ask) || !read_limit(r, t) || !read_field(r, t))
		return;
	prefix = params_text(request_params(r), PARAM_PREFIX, &n);
	e = facets_prefix(t->facets, prefix, n);
	if (e < 0)
		request_problem_errno(r, e);
	else
		request_run(r, work_values, TAKE(t), task_free);
}
