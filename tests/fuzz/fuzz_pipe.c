/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_pipe - query text with pipes, and sequences: what parses keeps within its tables, and says
 * the same of blocks in either order; what does not tells where. */
#include <assert.h>

#include "tests/lib/expr_random.h"

#include "lib/expr_kin.h"
#include "lib/pipe_run.h"
#include "lib/sequence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { BLOCKS = 3, MATCHES_MAX = 1000 };

static struct block *blocks[BLOCKS];
static struct expr_scratch *scratch;

static void check(const struct pipe *p)
{
	if (!p->expr || p->n_keys > PIPE_KEYS || p->n_columns > PIPE_COLUMNS ||
	    p->n_steps > PIPE_STEPS || p->n_shown > p->n_columns || p->is_table != !!p->n_columns)
		abort();
	for (uint32_t i = 0; i < p->n_shown; i++)
		if (p->shown[i] >= p->n_columns)
			abort();
	for (uint32_t i = 0; i < p->n_steps; i++)
		for (uint32_t k = 0; k < p->steps[i].n_sort; k++)
			if (p->steps[i].sort[k].column >= p->n_columns)
				abort();
	if (p->fields && strlen(p->fields) != p->n_fields)
		abort();
}

static void begin(void)
{
	AUTO(frame_codec) *codec = NULL;

	random_state = 20261128;
	assert(frame_codec_new(&codec) == 0 && expr_scratch_new(&scratch) == 0);
	for (size_t i = 0; i < BLOCKS; i++) {
		assert(block_new(&blocks[i]) == 0);
		random_block(blocks[i], codec);
	}
}

/* Writes the table over all blocks, the last first where @backwards.  Returns false when rows or
 * values were left out. */
static bool write_table(const struct pipe *p, bool backwards, struct buf *out)
{
	const struct pipe_run_config config = { .pipe = p, .to_ns = UINT64_MAX };
	struct json j = json_to(out);
	struct pipe_table_info info;
	AUTO(pipe_run) *r = NULL;
	int e = pipe_run_new(&r, &config);

	for (size_t i = 0; i < BLOCKS && e == 0; i++)
		e = pipe_run_block(r, scratch, blocks[backwards ? BLOCKS - 1 - i : i]);
	assert(e == 0 && pipe_run_finish(r) == 0);
	pipe_write_columns(p, &j);
	pipe_run_info(r, &info);
	assert(info.n_rows <= PIPE_ROWS && (p->n_keys || info.n_rows <= 1));
	for (uint32_t i = 0; i < info.n_rows; i++) {
		pipe_write_row(r, i, &j);
		pipe_write_object(r, i, &j);
	}
	pipe_run_info(r, &info);
	return !info.truncated;
}

/* Blocks come in any order. */
static void run(const struct pipe *p)
{
	AUTO_BUF struct buf a = { 0 }, b = { 0 };
	bool whole = write_table(p, false, &a);

	assert(write_table(p, true, &b) == whole);
	assert(!whole || (a.n == b.n && memcmp(a.data, b.data, a.n) == 0));
}

struct matches {
	const struct eql_statement *statement;
	uint64_t n, sum, last_ns;
};

static int take_match(const struct sequence_match *m, void *arg)
{
	struct matches *all = arg;

	assert(m->n_events >= all->statement->n_stages && m->n_events <= EQL_TERMS);
	assert(m->time_ns >= all->last_ns);
	all->last_ns = m->time_ns;
	for (uint32_t i = 0; i < m->n_events; i++)
		all->sum = all->sum * 31 + (m->events[i].missing ? 7 : m->events[i].seq);
	return ++all->n == MATCHES_MAX;
}

static struct matches find(const struct eql_statement *st, bool backwards)
{
	struct matches m = { .statement = st };
	const struct sequence_config config = {
		.statement = st, .to_ns = UINT64_MAX, .match = take_match, .arg = &m
	};
	AUTO(sequence) *s = NULL;
	int r = sequence_new(&s, &config);

	assert(r == 0);
	for (size_t i = 0; i < BLOCKS && r == 0; i++) {
		size_t k = backwards ? BLOCKS - 1 - i : i;

		r = sequence_block(s, scratch, blocks[k], k);
	}
	if (r == 0)
		r = sequence_finish(s);
	assert(r == 0 || m.n == MATCHES_MAX);
	return m;
}

static void run_series(const struct eql_statement *st)
{
	struct matches a, b;

	assert(st->n_stages > 0 && st->n_stages <= EQL_STAGES && st->n_terms <= EQL_TERMS);
	a = find(st, false);
	b = find(st, true);
	assert(a.n == b.n && a.sum == b.sum);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct expr_kin *kins[EXPR_KINS];
	AUTO(pipe) *p = NULL;
	struct diag d = { 0 };

	if (!scratch)
		begin();
	if (pipe_parse(&p, (const char *)data, n, &d) < 0) {
		if (d.line == 0 || d.column == 0 || d.text[0] == '\0')
			abort();
		return 0;
	}
	check(p);
	if (expr_kins(p->expr, kins)) /* that is learnt first: collector/query.c */
		return 0;
	if (p->is_table)
		run(p);
	if (p->series)
		run_series(p->series);
	return 0;
}
