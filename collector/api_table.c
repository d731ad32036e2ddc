/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/search of a query whose pipes make a table, and what pipes mean for the other
 * resources. */
#include "collector/api_table.h"

#include "collector/query_table.h"

struct table {
	struct ask ask;
	bool ndjson;
};

static void table_free(void *arg)
{
	struct table *t = arg;

	ask_done(&t->ask);
	free(t);
}

static void add_number(struct request *r, const char *name, uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
	request_add_header(r, name, text);
}

static void answer_ndjson(struct request *r, const struct pipe_run *run,
			  const struct store_scan_stats *stats, uint32_t n_gaps)
{
	struct buf *out = request_body(r);
	struct pipe_table_info info;

	pipe_run_info(run, &info);
	buf_clear(out);
	for (uint32_t i = 0; i < info.n_rows; i++) {
		struct json j = json_to(out);

		pipe_write_object(run, i, &j);
		buf_byte(out, '\n');
	}
	add_number(r, "Rtsec-Rows", info.n_rows);
	add_number(r, "Rtsec-Left-Out", info.n_left_out);
	add_number(r, "Rtsec-Took-Ms", request_took_ns(r) / 1000000);
	add_number(r, "Rtsec-Gaps", n_gaps);
	request_add_header(r, "Rtsec-Truncated", info.truncated ? "true" : "false");
	add_number(r, "Rtsec-Scanned-Blocks-Damaged", stats->blocks_damaged);
	add_number(r, "Rtsec-Scanned-Events", stats->events);
	request_answer(r, 200, "application/x-ndjson");
}

static void write_table(const struct pipe *p, const struct pipe_run *run, struct json *j)
{
	struct pipe_table_info info;

	pipe_run_info(run, &info);
	json_begin_object(j);
	json_key(j, "columns");
	pipe_write_columns(p, j);
	json_key(j, "rows");
	json_begin_array(j);
	for (uint32_t i = 0; i < info.n_rows; i++)
		pipe_write_row(run, i, j);
	json_end_array(j);
	json_key_bool(j, "truncated", info.truncated);
	json_key_uint(j, "left_out", info.n_left_out);
}

static void answer(struct request *r, struct query_worker *w, const struct table *t,
		   const struct pipe_run *run, const struct query *q)
{
	struct json j = json_to(request_body(r));
	uint32_t n_gaps = 0;
	int e;

	write_table(t->ask.pipe, run, &j);
	e = api_write_gaps(w, q, &j, &n_gaps);
	if (e == 0 && !buf_ok(request_body(r)))
		e = err_origin(-ENOMEM);
	if (e < 0) {
		request_problem_errno(r, e);
		return;
	}
	if (t->ndjson) {
		answer_ndjson(r, run, q->stats, n_gaps);
		return;
	}
	api_write_stats(r, q->stats, &j);
	json_end_object(&j);
	buf_byte(j.out, '\n');
	request_answer(r, 200, "application/json");
}

static void work(struct request *r, struct query_worker *w, void *task)
{
	const struct table *t = task;
	struct store_scan_stats stats = { 0 };
	struct query q = ask_query(&t->ask, r, &stats);
	const struct pipe_run_config config = { .pipe = t->ask.pipe,
						.from_ns = q.from_ns,
						.to_ns = q.to_ns };
	AUTO(pipe_run) *run = NULL;
	int e;

	q.expr = t->ask.pipe->expr;
	e = pipe_run_new(&run, &config);
	if (e == 0)
		e = query_table(w, &q, run);
	if (e < 0)
		request_problem_errno(r, e);
	else
		answer(r, w, t, run, &q);
}

void api_search_table(struct request *r, struct ask *ask, bool ndjson)
{
	struct table *t;

	if (request_params(r)->value[PARAM_CURSOR].n) {
		request_problem_text(r, 400, "a table has no cursor: it is answered whole");
		return;
	}
	t = calloc(1, sizeof(*t));
	if (!t) {
		request_problem_errno(r, -ENOMEM);
		return;
	}
	t->ask = *ask;
	t->ndjson = ndjson;
	*ask = (struct ask){ 0 };
	request_run(r, work, t, table_free);
}

bool ask_take_pipe(struct request *r, struct ask *ask, bool any)
{
	if (!any && !pipe_is_filter(ask->pipe)) {
		request_problem_text(r, 400,
				     "only the pipes where, keep and drop are taken here; "
				     "stats, top, rare, sort, head, limit and tail are for "
				     "/api/v1/search");
		return false;
	}
	if (!ask->pipe->is_table)
		ask->expr = TAKE(ask->pipe->expr);
	return true;
}

bool ask_read_fields(struct request *r, const struct ask *ask, struct document **ret)
{
	const struct pipe *p = ask->pipe;
	struct diag d = { 0 };
	int e;

	if (!p || !p->fields)
		return api_read_fields(r, ret);
	e = document_new(ret, p->fields, p->n_fields, &d);
	if (e < 0)
		request_problem_errno(r, e);
	return e == 0;
}
