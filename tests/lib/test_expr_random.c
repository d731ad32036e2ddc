/* SPDX-License-Identifier: Apache-2.0 */
/* Random expressions on random blocks: the engine against the plain meaning of expr_model.h. */
#include "expr_models.h"
#include "lib/token.h"

enum { BLOCKS = 70, TREES = 60, TOKENS_MAX = 8192 };

/* ---- what must hold ---- */

struct tokens {
	uint64_t known[TOKENS_MAX];
	size_t n;
};

static void add_token(uint64_t token, void *arg)
{
	struct tokens *t = arg;

	assert_in_range(t->n, 0, TOKENS_MAX - 1);
	t->known[t->n++] = token;
}

static bool has_token(uint64_t token, void *arg)
{
	const struct tokens *t = arg;

	for (size_t i = 0; i < t->n; i++)
		if (t->known[i] == token)
			return true;
	return false;
}

/* Of all columns of ids, as collector/filter.c has them. */
static void add_ids(struct block *b, uint32_t table, enum field_home home, struct tokens *ret)
{
	for (uint32_t k = 1; k < FIELD_MAX; k++) {
		const struct field_info *info = field_info(k);
		const uint64_t *ids;

		if (!info || info->type != TYPE_ID || info->home != home || info->rule)
			continue;
		ids = block_column(b, table, info->field);
		for (uint32_t row = 0; ids && row < block_rows(b, table); row++)
			if (ids[row])
				add_token(token_of_id(ids[row]), ret);
	}
}

static void tokens_of(struct block *b, struct tokens *ret)
{
	ret->n = 0;
	for (uint32_t i = 1; i <= block_info(b)->n_strings; i++) {
		struct block_string s = block_string(b, i);

		token_each(s.s, s.n, add_token, ret);
	}
	add_ids(b, BLOCK_PROCESSES, HOME_PROCESS, ret);
	for (uint32_t t = 0; t < block_info(b)->n_tables; t++)
		add_ids(b, t, HOME_EVENT, ret);
}

static struct {
	uint64_t rows, hits, excluded, kinds_excluded, element_hits;
	uint64_t by_op[EXPR_CONTAINS_NOCASE + 1];
} seen;

static uint64_t check_table(struct expr_scratch *s, const struct model *m, struct block *b,
			    uint32_t t, const char *text)
{
	const uint64_t *hits;
	uint64_t n = 0;

	assert_int_equal(expr_eval(s, t, &hits), 0);
	for (uint32_t row = 0; row < block_rows(b, t); row++) {
		bool hit = hits[row / 64] >> (row % 64) & 1;
		bool right = model_eval(m, (struct view){ b, t, row }) == YES;

		if (hit != right)
			fail_msg("table %u row %u: engine %d, model %d: %s", t, row, hit, right,
				 text);
		n += hit;
	}
	if (block_rows(b, t) % 64)
		assert_int_equal(hits[block_rows(b, t) / 64] >> (block_rows(b, t) % 64), 0);
	seen.rows += block_rows(b, t);
	return n;
}

static void check_tree(struct expr_scratch *s, const struct model *m, struct block *b,
		       struct tokens *tokens)
{
	AUTO(expr) *e = build(m);
	AUTO(expr) *again = NULL;
	AUTO_BUF struct buf text = { 0 }, second = { 0 };
	uint64_t kinds = expr_kinds(e), all = 0;
	struct diag d = { 0 };

	expr_print(e, &text);
	if (eql_parse(&again, (char *)text.data, text.n, &d) < 0)
		fail_msg("%u:%u %s: %.*s", d.line, d.column, d.text, (int)text.n, text.data);
	expr_print(again, &second);
	buf_byte(&text, 0);
	buf_byte(&second, 0);
	assert_string_equal((char *)text.data, (char *)second.data);
	assert_int_equal(expr_begin(s, random_below(2) ? e : again, b), 0);
	for (uint32_t t = 0; t < block_info(b)->n_tables; t++) {
		uint64_t hits = check_table(s, m, b, t, (char *)text.data);

		all += hits;
		if (!(kinds >> block_kind(b, t) & 1)) {
			seen.kinds_excluded++;
			if (hits)
				fail_msg("kind %u hit but not expected: %s", block_kind(b, t),
					 text.data);
		}
	}
	seen.hits += all;
	if (m->element && m->type == M_COMPARE)
		seen.element_hits += all;
	if (m->type == M_COMPARE)
		seen.by_op[m->op] += all;
	if (expr_may_match(e, has_token, tokens))
		return;
	seen.excluded++;
	if (all)
		fail_msg("hits though a word is missing: %s", text.data);
}

static void test_expr_given_random_blocks_when_evaluated_then_as_the_model(void **state)
{
	AUTO(expr_scratch) *s = NULL;
	AUTO(frame_codec) *codec = NULL;
	AUTO(block) *b = NULL;
	static struct tokens tokens;

	(void)state;
	random_state = 20261122;
	models_begin();
	assert_int_equal(expr_scratch_new(&s), 0);
	assert_int_equal(frame_codec_new(&codec), 0);
	assert_int_equal(block_new(&b), 0);
	for (int i = 0; i < BLOCKS; i++) {
		random_block(b, codec);
		tokens_of(b, &tokens);
		for (int k = 0; k < TREES; k++) {
			struct model *m = random_model((unsigned)k % 5);

			check_tree(s, m, b, &tokens);
			model_free(m);
		}
	}
	assert_int_equal(expr_gave_up(s), 0);
	/* the check says something only if all outcomes were there */
	assert_in_range(seen.hits, seen.rows / 20, seen.rows - seen.rows / 20);
	assert_in_range(seen.excluded, 50, BLOCKS * TREES / 2);
	assert_in_range(seen.kinds_excluded, 50, BLOCKS * TREES * 4);
	assert_in_range(seen.element_hits, 50, seen.rows);
	for (size_t op = 0; op < ARRAY_SIZE(seen.by_op); op++)
		assert_in_range(seen.by_op[op], 1, seen.rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expr_given_random_blocks_when_evaluated_then_as_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
