/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/search; tables are in api_table.c */
#include "collector/api_table.h"
#include "collector/explain.h"
#include "collector/query_ranked.h"
#include "collector/query_sequence.h"

enum { MAX_ANSWER_BYTES = 12 << 20 };

struct search {
	struct ask ask;
	struct document *document;
	struct query_cursor cursor; /* as given; its range and order hold without one too */
	bool has_cursor, ndjson, explain;
	bool is_tail;  /* the last hits of the order, not the first */
	bool one_page; /* head or tail said how many */
	uint32_t limit;
	uint64_t asked;		     /* by head or tail */
	struct search_within within; /* narrow NULL: none */
	bool within_cut;
};

static void search_free(void *arg)
{
	struct search *s = arg;

	if (!s)
		return;
	ask_done(&s->ask);
	document_free(s->document);
	if (s->within.free_arg)
		s->within.free_arg(s->within.arg);
	free(s);
}
DEFINE_FREEP(search)

/* ---- asked ---- */

static bool read_order(struct request *r, bool *ret_ascending)
{
	struct diag d = { 0 };
	size_t n;
	const char *s = params_text(request_params(r), PARAM_ORDER, &n);

	*ret_ascending = strcmp(s, "asc") == 0;
	if (*ret_ascending || strcmp(s, "desc") == 0)
		return true;
	diag_set(&d, 0, 0, 0, "expected desc or asc");
	api_bad_param(r, PARAM_ORDER, &d);
	return false;
}

static bool read_cursor(struct request *r, struct search *s)
{
	struct diag d = { 0 };
	size_t n;
	const char *text = params_text(request_params(r), PARAM_CURSOR, &n);
	bool ascending = s->cursor.ascending;

	s->cursor.from_ns = s->ask.from_ns;
	s->cursor.to_ns = s->ask.to_ns;
	s->has_cursor = n > 0;
	if (n == 0)
		return true;
	if (query_cursor_parse(&s->cursor, text, n) == 0 && s->cursor.ascending == ascending) {
		s->ask.from_ns = s->cursor.from_ns;
		s->ask.to_ns = s->cursor.to_ns;
		return true;
	}
	diag_set(&d, 0, 0, 0, "expected the cursor of an answer with the same order");
	api_bad_param(r, PARAM_CURSOR, &d);
	return false;
}

static bool read_limit(struct request *r, struct search *s)
{
	struct diag d = { 0 };
	uint64_t limit = 0;

	if (params_number(request_params(r), PARAM_LIMIT, 1, LIMIT_SEARCH_HITS, &limit, &d) < 0)
		api_bad_param(r, PARAM_LIMIT, &d);
	s->limit = (uint32_t)limit;
	return limit != 0;
}

/* head and tail are answered by one page, whatever limit says. */
static bool read_cut(struct request *r, struct search *s)
{
	const struct pipe *p = s->ask.pipe;

	if (!p || (!p->n && !p->series && !pipe_is_ranked(p)))
		return true;
	if (s->has_cursor) {
		request_problem_text(
			r, 400,
			"head, tail, sort, uniq, sequences and samples have no cursor: "
			"they are one page");
		return false;
	}
	s->one_page = true;
	if (!p->n)
		return true;
	s->is_tail = p->is_tail;
	s->asked = p->n;
	s->limit = (uint32_t)MIN(p->n, (uint64_t)LIMIT_SEARCH_HITS);
	return true;
}

/* ---- answered ---- */

struct found {
	struct query_page page;
	struct store_scan_stats stats;
	struct buf gaps; /* an array */
	struct buf plan; /* "plan" and its object; empty: not asked for */
	uint32_t n_gaps;
	char cursor[QUERY_CURSOR_BYTES]; /* "": no more */
	struct sequence_info sequences;	 /* of a sequence or sample */
};

static void turn(struct query_page *p)
{
	for (uint32_t i = 0; i < p->n_hits / 2; i++) {
		struct query_hit hit = p->hits[i];

		p->hits[i] = p->hits[p->n_hits - 1 - i];
		p->hits[p->n_hits - 1 - i] = hit;
	}
}

static int find(const struct search *s, struct request *r, struct query_worker *w,
		struct found *ret)
{
	struct query q = ask_query(&s->ask, r, &ret->stats), alone = q;
	struct query_page_request page = { .ascending = s->cursor.ascending != s->is_tail,
					   .after = s->has_cursor ? &s->cursor.key : NULL,
					   .limit = s->limit,
					   .max_bytes = MAX_ANSWER_BYTES,
					   .document = s->document };
	struct query_cursor next = s->cursor;
	struct json gaps = json_to(&ret->gaps), plan = json_to(&ret->plan);
	const struct pipe *pipe = s->ask.pipe;
	int e;

	if (pipe && pipe_is_ranked(pipe)) {
		page.ascending =
			s->cursor.ascending; /* of the order before the last ones are cut */
		e = query_ranked(w, &q, pipe, &page, &ret->page);
	} else if (pipe && pipe->series)
		e = query_sequences(w, &q, pipe->series, &page, &ret->page, &ret->sequences);
	else
		e = query_page(w, &q, &page, &ret->page);
	ret->page.cut |=
		query_lacks_kin(w, &q) || ret->sequences.n_evicted || ret->sequences.n_late;
	alone.stats = NULL;
	if (e == 0)
		e = query_gaps(w, &alone, &gaps, &ret->n_gaps);
	if (e == 0 && s->explain)
		e = explain_write(w, &q, &plan);
	if (s->is_tail)
		turn(&ret->page);
	if (s->one_page && !s->asked)
		ret->page.cut |= ret->page.more;
	else if (s->one_page)
		ret->page.cut |= ret->page.more && s->asked > s->limit;
	else if (e == 0 && ret->page.more) {
		next.key = ret->page.last;
		query_cursor_format(&next, ret->cursor);
	}
	return e;
}

/* What only sequences and samples have. */
static void write_sequence_info(const struct sequence_info *info, struct json *j)
{
	json_key_uint(j, "evicted", info->n_evicted);
	json_key_uint(j, "late", info->n_late);
}

static void answer_json(struct request *r, const struct found *f, bool series)
{
	struct buf *out = request_body(r);
	struct json j = json_to(out);

	buf_reserve(out, f->page.text.n + f->page.n_hits + f->gaps.n + 1024);
	json_begin_object(&j);
	json_key(&j, series ? "sequences" : "hits");
	json_begin_array(&j);
	for (uint32_t i = 0; i < f->page.n_hits; i++)
		json_raw(&j, f->page.text.data + f->page.hits[i].at, f->page.hits[i].n);
	json_end_array(&j);
	json_key_text(&j, "cursor", f->cursor[0] ? f->cursor : NULL);
	api_write_stats(r, &f->stats, &j);
	if (series)
		write_sequence_info(&f->sequences, &j);
	json_key_bool(&j, "truncated", f->page.cut);
	json_key(&j, "gaps");
	json_raw(&j, f->gaps.data, f->gaps.n);
	if (f->plan.n) {
		buf_byte(out, ',');
		buf_add(out, f->plan.data, f->plan.n);
	}
	json_end_object(&j);
	buf_byte(out, '\n');
	request_answer(r, 200, "application/json");
}

static void answer_ndjson(struct request *r, const struct found *f, bool series)
{
	struct buf *out = request_body(r);

	buf_reserve(out, f->page.text.n + f->page.n_hits);
	for (uint32_t i = 0; i < f->page.n_hits; i++) {
		buf_add(out, f->page.text.data + f->page.hits[i].at, f->page.hits[i].n);
		buf_byte(out, '\n');
	}
	if (f->cursor[0])
		request_add_header(r, "Rtsec-Cursor", f->cursor);
	request_add_number(r, "Rtsec-Hits", f->page.n_hits);
	request_add_number(r, "Rtsec-Took-Ms", request_took_ns(r) / 1000000);
	request_add_number(r, "Rtsec-Gaps", f->n_gaps);
	if (series)
		request_add_number(r, "Rtsec-Evicted", f->sequences.n_evicted);
	request_add_header(r, "Rtsec-Truncated", f->page.cut ? "true" : "false");
	request_add_number(r, "Rtsec-Scanned-Blocks", f->stats.blocks);
	request_add_number(r, "Rtsec-Scanned-Blocks-Skipped", f->stats.blocks_skipped);
	request_add_number(r, "Rtsec-Scanned-Blocks-Damaged", f->stats.blocks_damaged);
	request_add_number(r, "Rtsec-Scanned-Events", f->stats.events);
	request_add_number(r, "Rtsec-Scanned-Bytes", f->stats.bytes);
	request_answer(r, 200, "application/x-ndjson");
}

static int narrow(struct search *s, struct request *r, struct query_worker *w, struct found *f)
{
	struct query q = ask_query(&s->ask, r, &f->stats);

	if (!s->within.narrow)
		return 0;
	return s->within.narrow(w, &q, s->within.arg, &s->ask, &s->within_cut);
}

static void work(struct request *r, struct query_worker *w, void *task)
{
	struct search *s = task;
	bool series = s->ask.pipe && s->ask.pipe->series;
	uint64_t gave_up = query_gave_up(w);
	struct found f = { 0 };
	int e = narrow(s, r, w, &f);

	if (e == 0)
		e = find(s, r, w, &f);
	f.page.cut |= s->within_cut || query_gave_up(w) > gave_up;
	if (e < 0)
		request_problem_errno(r, e);
	else if (s->ndjson)
		answer_ndjson(r, &f, series);
	else
		answer_json(r, &f, series);
	query_page_done(&f.page);
	buf_done(&f.gaps);
	buf_done(&f.plan);
}

void api_search(struct request *r)
{
	AUTO(search) *s = api_task(r, sizeof(*s));

	if (!s || !ask_read_pipes(r, &s->ask))
		return;
	s->ndjson = api_wants_lines(r);
	if (s->ask.pipe && s->ask.pipe->is_table) {
		api_search_table(r, &s->ask, s->ndjson);
		return;
	}
	if (!api_read_bool(r, PARAM_EXPLAIN, &s->explain) || !read_order(r, &s->cursor.ascending) ||
	    !read_cursor(r, s) || !read_limit(r, s) || !read_cut(r, s) ||
	    !ask_read_fields(r, &s->ask, &s->document))
		return;
	request_run(r, work, TAKE(s), search_free);
}

void api_search_within(struct request *r, const struct search_within *within)
{
	AUTO(search) *s = api_task(r, sizeof(*s));

	if (!s) {
		within->free_arg(within->arg);
		return;
	}
	s->within = *within;
	s->cursor.ascending = true;
	if (!ask_read_ever(r, &s->ask))
		return;
	s->ndjson = api_wants_lines(r);
	if (read_cursor(r, s) && read_limit(r, s) && ask_read_fields(r, &s->ask, &s->document))
		request_run(r, work, TAKE(s), search_free);
}
