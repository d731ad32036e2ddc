/* SPDX-License-Identifier: Apache-2.0 */
/* POST /api/v1/sql */
#include "collector/api.h"
#include "collector/sql_query.h"

enum { DEFAULT_ROWS = 1000 };

struct task {
	char *text;
	size_t n;
	uint32_t limit;
	bool lines;
};

static void task_free(void *arg)
{
	struct task *t = arg;

	free(t->text);
	free(t);
}

static void write_bound(struct json *j, const char *key, uint64_t ns, uint64_t open)
{
	json_key(j, key);
	if (ns == open)
		json_nil(j);
	else
		json_time(j, ns);
}

/* What each scan of events pushed down, and what that left to be read. */
static void write_scans(const struct sql_events *e, struct json *j)
{
	json_key(j, "scans");
	json_begin_array(j);
	for (uint32_t i = 0; i < e->n_scans; i++) {
		const struct sql_scan *s = &e->scans[i];

		json_begin_object(j);
		json_key(j, "pushed");
		json_text_n(j, s->pushed.n ? (const char *)s->pushed.data : "", s->pushed.n);
		write_bound(j, "from", s->from_ns, 0);
		write_bound(j, "to", s->to_ns, UINT64_MAX);
		json_key_uint(j, "rounds", s->rounds);
		json_key_uint(j, "blocks", s->blocks);
		json_key_uint(j, "blocks_skipped", s->blocks_skipped);
		json_key_uint(j, "blocks_read", s->blocks_read);
		json_key_uint(j, "events", s->events);
		json_end_object(j);
	}
	json_end_array(j);
}

/* The gaps that fall into what the scans looked at. */
static int write_gaps(struct request *r, struct query_worker *w, const struct sql_events *e,
		      struct json *j)
{
	struct query q = { .from_ns = UINT64_MAX, .cancel = request_cancel(r) };
	uint32_t n;

	for (uint32_t i = 0; i < e->n_scans; i++) {
		q.from_ns = MIN(q.from_ns, e->scans[i].from_ns);
		q.to_ns = MAX(q.to_ns, e->scans[i].to_ns);
	}
	return api_write_gaps(w, &q, j, &n);
}

static int answer_json(struct request *r, struct query_worker *w, const struct sql_answer *a)
{
	struct json j = json_to(request_body(r));
	int e;

	buf_reserve(j.out, a->rows.n + a->columns.n + 4096);
	json_begin_object(&j);
	json_key(&j, "columns");
	json_raw(&j, a->columns.data, a->columns.n);
	json_key(&j, "rows");
	json_raw(&j, a->rows.data, a->rows.n);
	json_key_bool(&j, "truncated", a->truncated);
	write_scans(&a->events, &j);
	e = write_gaps(r, w, &a->events, &j);
	api_write_stats(r, &a->events.stats, &j);
	json_end_object(&j);
	buf_byte(j.out, '\n');
	if (e == 0)
		request_answer(r, 200, "application/json");
	return e;
}

static void answer_lines(struct request *r, const struct sql_answer *a)
{
	buf_add(request_body(r), a->rows.data, a->rows.n);
	request_add_number(r, "Rtsec-Rows", a->n_rows);
	request_add_header(r, "Rtsec-Truncated", a->truncated ? "true" : "false");
	request_add_number(r, "Rtsec-Took-Ms", request_took_ns(r) / 1000000);
	request_add_number(r, "Rtsec-Scanned-Blocks", a->events.stats.blocks);
	request_add_number(r, "Rtsec-Scanned-Blocks-Skipped", a->events.stats.blocks_skipped);
	request_add_number(r, "Rtsec-Scanned-Blocks-Damaged", a->events.stats.blocks_damaged);
	request_add_number(r, "Rtsec-Scanned-Events", a->events.stats.events);
	request_answer(r, 200, "application/x-ndjson");
}

static void refuse(struct request *r, const char *text, const struct diag *d, const char *kind)
{
	struct problem p = { .status = 400, .kind = kind, .parameter = "sql", .diag = *d };

	if (d->line)
		p.query = text;
	request_problem(r, &p);
}

static void work(struct request *r, struct query_worker *w, void *task)
{
	const struct task *t = task;
	const struct http_config *config = &request_server(r)->config;
	struct sql_query q = { .text = t->text,
			       .n = t->n,
			       .store = config->store,
			       .maindb = config->maindb,
			       .cancel = request_cancel(r),
			       .limit = t->limit,
			       .lines = t->lines };
	struct sql_answer answer = { 0 };
	struct diag d = { 0 };
	int e = sql_query_run(&q, &answer, &d);

	if (e == -EINVAL)
		refuse(r, t->text, &d, "sql");
	else if (e == -ETIME || e == -E2BIG)
		refuse(r, t->text, &d, "limit");
	else if (e == 0 && t->lines)
		answer_lines(r, &answer);
	else if (e == 0)
		e = answer_json(r, w, &answer);
	if (e < 0 && e != -EINVAL && e != -ETIME && e != -E2BIG)
		request_problem_errno(r, e);
	sql_answer_done(&answer);
}

void api_sql(struct request *r)
{
	const struct params *p = request_params(r);
	uint64_t limit = DEFAULT_ROWS;
	struct diag d = { 0 };
	struct task *t;

	if (p->value[PARAM_LIMIT].n &&
	    params_number(p, PARAM_LIMIT, 1, SQL_QUERY_ROWS, &limit, &d) < 0) {
		api_bad_param(r, PARAM_LIMIT, &d);
		return;
	}
	t = calloc(1, sizeof(*t));
	if (t)
		t->text = strdup(params_text(p, PARAM_SQL, &t->n));
	if (!t || !t->text) {
		free(t);
		request_problem_errno(r, -ENOMEM);
		return;
	}
	t->limit = (uint32_t)limit;
	t->lines = api_wants_lines(r);
	request_run(r, work, t, task_free);
}
