/* SPDX-License-Identifier: Apache-2.0 */
/* Any search over stored events is answered as by looking at each event of each block: by what the
 * planner skips (kinds, words, texts that must occur), by the set that rules are asked in, and by
 * the text that the tree is printed as. */
#include <assert.h>

#include "tests/collector/fixture.h"
#include "tests/lib/expr_random.h"

#include "collector/query.h"
#include "lib/eql.h"
#include "lib/expr_kin.h"
#include "lib/expr_set.h"
#include "lib/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { BLOCKS = 4, WORDS = 600 };

static struct world {
	struct store *store;
	struct store_reader *reader;
	struct query_worker *worker;
	struct expr_scratch *scratch;
	char dir[128];
} all;

/* One question. */
struct question {
	const struct expr *expr, *again; /* again: of its text; NULL: that is too long */
	struct expr_set_runner *runner;
	uint64_t set_hits, hits; /* of the set in this block; of all blocks */
};

static void end(void)
{
	query_worker_free(all.worker);
	store_reader_free(all.reader);
	store_free(all.store);
	expr_scratch_free(all.scratch);
	fixture_remove(all.dir);
}

static void put(struct frame_codec *codec, struct block *b, uint64_t *seq)
{
	AUTO_BUF struct buf frame = { 0 };
	int r;

	random_frame(codec, seq, &frame);
	r = block_load(b, frame.data, frame.n, NULL);
	assert(r == 0);
	r = store_append(all.store, b, frame.data, frame.n,
			 store_arrival(all.store, timestamp_now()));
	assert(r == 0);
	r = store_commit(all.store);
	assert(r == 0);
}

static void begin(void)
{
	AUTO(frame_codec) *codec = NULL;
	AUTO(block) *b = NULL;
	struct diag d = { 0 };
	uint64_t seq = 1;
	int r;

	fixture_folder(all.dir);
	r = store_open(&all.store, all.dir, &d);
	assert(r == 0);
	r = frame_codec_new(&codec) | block_new(&b) | expr_scratch_new(&all.scratch);
	assert(r == 0);
	random_state = 20261128;
	for (int i = 0; i < BLOCKS; i++)
		put(codec, b, &seq);
	r = store_reader_new(all.store, &all.reader) | query_worker_new(&all.worker, all.store);
	assert(r == 0);
	atexit(end);
}

/* ---- a block, looked at whole ---- */

static uint64_t count(const uint64_t *hits, uint32_t rows)
{
	uint64_t n = 0;

	for (uint32_t row = 0; row < rows; row++)
		n += hits[row / 64] >> row % 64 & 1;
	return n;
}

static uint64_t hits_of(const struct expr *e, struct block *b)
{
	uint64_t n = 0;
	int r = expr_begin(all.scratch, e, b);

	assert(r == 0);
	for (uint32_t t = 0; t < block_info(b)->n_tables; t++) {
		const uint64_t *hits;
		uint64_t here;

		r = expr_eval(all.scratch, t, &hits);
		assert(r == 0);
		here = count(hits, block_rows(b, t));
		assert(!here || expr_kinds(e) >> block_kind(b, t) & 1);
		n += here;
	}
	return n;
}

struct needed {
	struct block *b;
	bool found;
};

static bool has(struct block_string s, const char *text, size_t n)
{
	for (size_t i = 0; i + n <= s.n; i++)
		if (strncasecmp(s.s + i, text, n) == 0)
			return true;
	return false;
}

static void find_text(const char *text, size_t n, void *arg)
{
	struct needed *need = arg;

	for (uint32_t i = 1; i <= block_info(need->b)->n_strings && !need->found; i++)
		need->found = has(block_string(need->b, i), text, n);
}

static int add_hits(uint32_t tree, struct block *b, uint32_t table, const uint64_t *hits, void *arg)
{
	struct question *q = arg;

	(void)tree;
	q->set_hits += count(hits, block_rows(b, table));
	return 0;
}

static int look(const struct store_block *meta, struct block *b, void *arg)
{
	struct question *q = arg;
	struct needed need = { .b = b };
	uint64_t n = hits_of(q->expr, b);

	(void)meta;
	q->hits += n;
	assert(!q->again || hits_of(q->again, b) == n);
	if (n && expr_needs(q->expr, find_text, &need))
		assert(need.found);
	q->set_hits = 0;
	if (q->runner) {
		int r = expr_set_run(q->runner, b, NULL, add_hits, q);

		assert(r == 0);
		assert(q->set_hits == n);
	}
	return 0;
}

/* ---- the question ---- */

static struct expr *reread(const struct expr *e)
{
	AUTO_BUF struct buf text = { 0 };
	struct expr *again = NULL;
	struct diag d = { 0 };
	int r;

	expr_print(e, &text);
	assert(buf_ok(&text));
	r = eql_parse(&again, (const char *)text.data, text.n, &d);
	assert(r == 0 || text.n > LIMIT_QUERY_BYTES);
	return again;
}

static void ask(const struct expr *e)
{
	const struct store_range everything = { .to_ns = UINT64_MAX };
	const struct query q = { .expr = e, .to_ns = UINT64_MAX };
	struct store_scan_stats stats = { 0 };
	struct question question = { .expr = e };
	struct expr *again = reread(e);
	AUTO(expr_set) *set = NULL;
	uint64_t n;
	int r;

	question.again = again;
	r = expr_set_new(&set, &e, 1);
	assert(r == 0);
	r = expr_set_runner_new(&question.runner, set);
	assert(r == 0);
	r = store_scan(all.reader, &everything, NULL, look, &question, &stats);
	assert(r == 0 && stats.blocks_damaged == 0);
	r = query_count(all.worker, &q, &n);
	assert(r == 0);
	assert(n == question.hits);
	expr_set_runner_free(question.runner);
	expr_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct expr_kin *kins[EXPR_KINS];
	AUTO(expr) *e = NULL;
	struct diag d = { 0 };

	if (!all.store)
		begin();
	/* What regular expressions cost has bounds of its own, where they are null. */
	if (n > WORDS || eql_parse(&e, (const char *)data, n, &d) < 0)
		return 0;
	if (expr_kins(e, kins) == 0 && !memmem(data, n, "regex", 5))
		ask(e);
	return 0;
}
