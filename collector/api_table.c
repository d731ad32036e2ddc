/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/search of a query whose pipes make a table, and what pipes mean for the other
 * resources. */
#include "collector/api_table.h"

#include "collector/explain.h"
#include "collector/query_table.h"

enum { MAX_ANSWER_BYTES = 12 << 20 };

struct table {
	struct ask ask;
	bool ndjson, explain;
};

static void table_free(void *arg)
{
	struct table *t = arg;

	ask_done(&t->ask);
	free(t);
}

/* Writes rows while there is room in the answer.  *ret tells what came of it. */
static void write_rows(struct pipe_run *run, bool objects, struct json *j,
		       struct pipe_table_info *ret)
{
	uint32_t i;

	pipe_run_info(run, ret);
	for (i = 0; i < ret->n_rows && j->out->n < MAX_ANSWER_BYTES; i++) {
		if (!objects) {
			pipe_write_row(run, i, j);
			continue;
		}
		j->comma = false;
		pipe_write_object(run, i, j);
		buf_byte(j->out, '\n');
	}
	pipe_run_info(run, ret); /* cells may have been cut */
	ret->truncated |= i < ret->n_rows;
	ret->n_rows = i;
}

static int answer_ndjson(struct request *r, struct query_worker *w, struct pipe_run *run,
			 const struct query *q)
{
	struct json rows = json_to(request_body(r));
	AUTO_BUF struct buf text = { 0 };
	struct json gaps = json_to(&text);
	struct query alone = *q;
	struct pipe_table_info info;
	uint32_t n_gaps = 0;
	int e;

	alone.stats = NULL;
	e = query_gaps(w, &alone, &gaps, &n_gaps);
	write_rows(run, true, &rows, &info);
	if (e < 0 || !buf_ok(request_body(r)))
		return e < 0 ? e : err_origin(-ENOMEM);
	request_add_number(r, "Rtsec-Rows", info.n_rows);
	request_add_number(r, "Rtsec-Left-Out", info.n_left_out);
	request_add_number(r, "Rtsec-Took-Ms", request_took_ns(r) / 1000000);
	request_add_number(r, "Rtsec-Gaps", n_gaps);
	request_add_header(r, "Rtsec-Truncated",
			   info.truncated || query_lacks_kin(w, q) ? "true" : "false");
	request_add_number(r, "Rtsec-Scanned-Blocks-Damaged", q->stats->blocks_damaged);
	request_add_number(r, "Rtsec-Scanned-Events", q->stats->events);
	request_answer(r, 200, "application/x-ndjson");
	return 0;
}

static int answer_json(struct request *r, struct query_worker *w, const struct table *t,
		       struct pipe_run *run, const struct query *q)
{
	struct json j = json_to(request_body(r));
	struct pipe_table_info info;
	uint32_t n_gaps;
	int e;

	json_begin_object(&j);
	json_key(&j, "columns");
	pipe_write_columns(t->ask.pipe, &j);
	json_key(&j, "rows");
	json_begin_array(&j);
	write_rows(run, false, &j, &info);
	json_end_array(&j);
	json_key_bool(&j, "truncated", info.truncated || query_lacks_kin(w, q));
	json_key_uint(&j, "left_out", info.n_left_out);
	e = api_write_gaps(w, q, &j, &n_gaps);
	api_write_stats(r, q->stats, &j);
	if (e == 0 && t->explain)
		e = explain_write(w, q, &j);
	json_end_object(&j);
	buf_byte(j.out, '\n');
	if (e < 0 || !buf_ok(j.out))
		return e < 0 ? e : err_origin(-ENOMEM);
	request_answer(r, 200, "application/json");
	return 0;
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
	if (e == 0)
		e = t->ndjson ? answer_ndjson(r, w, run, &q) : answer_json(r, w, t, run, &q);
	if (e < 0)
		request_problem_errno(r, e);
}

void api_search_table(struct request *r, struct ask *ask, bool ndjson)
{
	struct table *t;

	if (request_params(r)->value[PARAM_CURSOR].n) {
		request_problem_text(r, 400, "a table has no cursor: it is answered whole");
		return;
	}
	t = api_task(r, sizeof(*t));
	if (!t)
		return;
	if (!api_read_bool(r, PARAM_EXPLAIN, &t->explain)) {
		free(t);
		return;
	}
	t->ask = *ask;
	t->ndjson = ndjson;
	*ask = (struct ask){ 0 };
	request_run(r, work, t, table_free);
}

bool ask_take_pipe(struct request *r, struct ask *ask, enum ask_taken taken)
{
	const struct pipe *p = ask->pipe;

	if (taken < ASK_SERIES && p->series) {
		request_problem_text(r, 400,
				     "sequences and samples are for /api/v1/search and "
				     "/api/v1/count");
		return false;
	}
	if (taken < ASK_ALL && (p->is_table || p->n || pipe_is_ranked(p))) {
		request_problem_text(
			r, 400,
			"only the pipes where, keep and drop are taken here; "
			"stats, top, rare, count, sort, uniq, head, limit and tail are for "
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
