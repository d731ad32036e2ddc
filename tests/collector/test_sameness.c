/* SPDX-License-Identifier: Apache-2.0 */
/* One question, asked in every way there is, has one answer: random events in a store and random
 * conditions; a plain evaluator of single values, pages, counts, pipes, sorted events, what a live
 * tail looks at, and SQL.  RTSEC_TEST_SEED=N for other ones than CI's. */
#include "tests/collector/served.h"

#include "collector/query.h"
#include "collector/query_ranked.h"
#include "collector/query_table.h"
#include "collector/sql_query.h"
#include "lib/pipe.h"
#include "tests/lib/expr_models.h"

enum { BLOCKS = 8, TREES = 50, MAX_EVENTS = 16384 };

struct world {
	struct served *s;
	struct query_worker *worker;
	struct document *document;
	struct expr_scratch *scratch;
	struct block *blocks[BLOCKS];
	uint64_t n_events;	/* numbers 1 .. n_events */
	bool right[MAX_EVENTS]; /* what the plain evaluator says */
	uint64_t n_right, all_right;
};

static void fill(struct world *w)
{
	AUTO(frame_codec) *codec = NULL;
	uint64_t seq = 1;

	assert_int_equal(frame_codec_new(&codec), 0);
	for (size_t i = 0; i < BLOCKS; i++) {
		AUTO_BUF struct buf frame = { 0 };
		uint64_t ingested_ns;
		struct diag d;

		random_frame(codec, &seq, &frame);
		ingested_ns = served_put_frame(w->s, &frame);
		assert_int_equal(block_load(w->blocks[i], frame.data, frame.n, &d), 0);
		block_set_ingested(w->blocks[i], ingested_ns);
	}
	w->n_events = seq - 1;
	assert_true(seq < MAX_EVENTS);
}

static uint64_t seq_at(struct block *b, uint32_t table, uint32_t row)
{
	return block_column(b, table, FIELD_SEQ)[row] - 1;
}

static void ask_model(struct world *w, const struct model *m)
{
	memset(w->right, 0, sizeof(w->right));
	w->n_right = 0;
	for (size_t i = 0; i < BLOCKS; i++)
		for (uint32_t t = 0; t < block_info(w->blocks[i])->n_tables; t++)
			for (uint32_t row = 0; row < block_rows(w->blocks[i], t); row++) {
				struct view at = { w->blocks[i], t, row };
				bool yes = model_eval(m, at) == YES;

				w->right[seq_at(w->blocks[i], t, row)] = yes;
				w->n_right += yes;
			}
	w->all_right += w->n_right;
}

/* ---- the ways ---- */

/* Each event that is right must have come once. */
static void expect_page(const struct world *w, const struct query_page *p, bool sorted,
			const char *way, const char *text)
{
	static bool came[MAX_EVENTS];
	uint64_t before = 0;

	memset(came, 0, sizeof(came));
	for (uint32_t i = 0; i < p->n_hits; i++) {
		const char *at =
			memmem(p->text.data + p->hits[i].at, p->hits[i].n, "\"sequence\":", 11);
		uint64_t seq = at ? strtoull(at + 11, NULL, 10) : 0;

		if (seq == 0 || seq > w->n_events || !w->right[seq] || came[seq] ||
		    (sorted && seq < before))
			fail_msg("%s: event %llu of %s", way, (unsigned long long)seq, text);
		came[seq] = true;
		before = seq;
	}
	if (p->n_hits != w->n_right)
		fail_msg("%s: %u of %llu events of %s", way, p->n_hits,
			 (unsigned long long)w->n_right, text);
}

static void ask_page(struct world *w, const struct expr *e, const char *text)
{
	const struct query_page_request request = { .limit = LIMIT_SEARCH_HITS,
						    .max_bytes = 32 << 20,
						    .document = w->document };
	const struct query q = { .expr = e, .to_ns = UINT64_MAX };
	struct query_page page;
	uint64_t n;

	assert_int_equal(query_page(w->worker, &q, &request, &page), 0);
	expect_page(w, &page, false, "page", text);
	query_page_done(&page);
	assert_int_equal(query_count(w->worker, &q, &n), 0);
	assert_int_equal(n, w->n_right);
}

static struct pipe *plan_of(const char *head, const char *text, const char *tail)
{
	AUTO_BUF struct buf q = { 0 };
	struct pipe *p = NULL;
	struct diag d = { 0 };

	buf_printf(&q, "%s(%s)%s", head, text, tail);
	if (pipe_parse(&p, (const char *)q.data, q.n, &d) < 0)
		fail_msg("%u:%u %s: %.*s", d.line, d.column, d.text, (int)q.n, q.data);
	return p;
}

static void ask_pipes(struct world *w, const char *text)
{
	const struct query_page_request request = { .ascending = true,
						    .limit = LIMIT_SEARCH_HITS,
						    .max_bytes = 32 << 20,
						    .document = w->document };
	AUTO(pipe) *sorted = plan_of("any where true | where ", text, " | sort event.sequence");
	AUTO(pipe) *counted = plan_of("any where ", text, " | stats count");
	const struct query q = { .expr = sorted->expr, .to_ns = UINT64_MAX };
	const struct query c = { .expr = counted->expr, .to_ns = UINT64_MAX };
	const struct pipe_run_config config = { .pipe = counted, .to_ns = UINT64_MAX };
	AUTO_BUF struct buf row = { 0 };
	struct json j = json_to(&row);
	AUTO(pipe_run) *run = NULL;
	struct query_page page;

	assert_int_equal(query_ranked(w->worker, &q, sorted, &request, &page), 0);
	expect_page(w, &page, true, "sort", text);
	query_page_done(&page);
	assert_int_equal(pipe_run_new(&run, &config), 0);
	assert_int_equal(query_table(w->worker, &c, run), 0);
	pipe_write_row(run, 0, &j);
	buf_byte(&row, 0);
	assert_int_equal(strtoull((char *)row.data + 1, NULL, 10), w->n_right);
}

struct live {
	const struct world *w;
	const char *text;
	uint64_t n;
};

static int on_row(struct block *b, uint32_t table, uint32_t row, void *arg)
{
	struct live *l = arg;

	if (!l->w->right[seq_at(b, table, row)])
		fail_msg("live: event %llu of %s", (unsigned long long)seq_at(b, table, row),
			 l->text);
	l->n++;
	return 0;
}

/* Tails and rules ask each block as it comes. */
static void ask_live(struct world *w, const struct expr *e, const char *text)
{
	struct live l = { w, text, 0 };

	for (size_t i = 0; i < BLOCKS; i++)
		assert_int_equal(query_rows(w->scratch, e, w->blocks[i], on_row, &l), 0);
	assert_int_equal(l.n, w->n_right);
}

static void ask_sql(struct world *w, const char *text)
{
	AUTO_BUF struct buf sql = { 0 };
	struct sql_answer answer = { 0 };
	struct sql_query q = {
		.store = w->s->store, .maindb = w->s->maindb, .limit = 10, .within_ms = 600000
	};
	struct diag d = { 0 };

	buf_str(&sql, "SELECT count(*) FROM events('");
	for (const char *c = text; *c; c++)
		buf_printf(&sql, *c == '\'' ? "''" : "%c", *c);
	buf_str(&sql, "')");
	q.n = sql.n;
	buf_byte(&sql, 0);
	q.text = (const char *)sql.data;
	if (sql_query_run(&q, &answer, &d) < 0)
		fail_msg("%s: %.*s", d.text, (int)sql.n, sql.data);
	assert_int_equal(strtoull((char *)answer.rows.data + 2, NULL, 10), w->n_right);
	sql_answer_done(&answer);
}

static void check(struct world *w, const struct model *m, bool with_sql)
{
	AUTO(expr) *e = build(m);
	AUTO_BUF struct buf text = { 0 };
	const char *s;

	expr_print(e, &text);
	buf_byte(&text, 0);
	s = (const char *)text.data;
	ask_model(w, m);
	ask_page(w, e, s);
	ask_pipes(w, s);
	ask_live(w, e, s);
	if (with_sql)
		ask_sql(w, s);
}

static void test_sameness_given_random_events_when_asked_in_every_way_then_one_answer(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct diag d;

	assert_non_null(w);
	w->s = *state;
	models_begin();
	assert_int_equal(expr_scratch_new(&w->scratch), 0);
	assert_int_equal(query_worker_new(&w->worker, w->s->store), 0);
	assert_int_equal(document_new(&w->document, "event.sequence", 14, &d), 0);
	for (size_t i = 0; i < BLOCKS; i++)
		assert_int_equal(block_new(&w->blocks[i]), 0);
	fill(w);
	for (int k = 0; k < TREES; k++) {
		struct model *m = random_model((unsigned)k % 5);

		check(w, m, k % 4 == 0);
		model_free(m);
	}
	assert_true(w->all_right > w->n_events); /* there was something to agree on */
	for (size_t i = 0; i < BLOCKS; i++)
		block_free(w->blocks[i]);
	document_free(w->document);
	query_worker_free(w->worker);
	expr_scratch_free(w->scratch);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(test_sameness_given_random_events_when_asked_in_every_way_then_one_answer),
		SERVED(test_sameness_given_random_events_when_asked_in_every_way_then_one_answer),
		SERVED(test_sameness_given_random_events_when_asked_in_every_way_then_one_answer),
	};
	const char *seed = getenv("RTSEC_TEST_SEED");

	random_state = seed ? strtoull(seed, NULL, 0) : 20261128;
	print_message("RTSEC_TEST_SEED=%llu\n", (unsigned long long)random_state);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
