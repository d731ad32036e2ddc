/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "lib/arena.h"
#include "lib/column.h"
#include "lib/token.h"

static void encode(const uint64_t *v, uint32_t n, enum field_type type,
		   enum column_encoding expected)
{
	AUTO_BUF struct buf b = { 0 };
	uint64_t back[64];

	assert_int_equal(column_encode(v, n, type, &b), expected);
	assert_true(column_decode(expected, b.data, b.n, n, UINT64_MAX, back));
	assert_memory_equal(back, v, n * sizeof(*v));
	assert_false(column_decode(expected, b.data, b.n - 1, n, UINT64_MAX, back));
}

static void test_column_given_shapes_when_encoded_then_smallest_and_back(void **state)
{
	(void)state;
	encode((uint64_t[]){ 7, 7, 7 }, 3, TYPE_LONG, COLUMN_CONST);
	encode((uint64_t[]){ 0, 0 }, 2, TYPE_LONG, COLUMN_CONST);
	encode((uint64_t[]){ 1000000, 1000001, 1000005 }, 3, TYPE_DATE, COLUMN_DELTA);
	encode((uint64_t[]){ 1, 90, 2, 80 }, 4, TYPE_KEYWORD, COLUMN_VARINT);
	encode((uint64_t[]){ UINT64_MAX, 1, UINT64_MAX / 2 }, 3, TYPE_ID, COLUMN_FIXED64);
	encode((uint64_t[]){ UINT64_MAX, 0, UINT64_MAX - 1 }, 3, TYPE_LONG, COLUMN_DELTA);
}

static void test_column_given_values_past_max_when_decoded_then_null_and_told(void **state)
{
	const uint8_t varints[] = { 1, 9, 3 };
	uint64_t v[3];

	(void)state;
	assert_false(column_decode(COLUMN_VARINT, varints, 3, 3, 8, v));
	assert_int_equal(v[0], 1);
	assert_int_equal(v[1], 0);
	assert_int_equal(v[2], 3);
	assert_false(column_decode(COLUMN_CONST, varints + 1, 1, 3, 8, v));
	assert_int_equal(v[2], 0);
	assert_false(column_decode((enum column_encoding)99, varints, 3, 3, 8, v));
}

static void test_column_given_varint_over_64_bits_when_decoded_then_refused(void **state)
{
	const uint8_t most[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01 };
	const uint8_t over[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02 };
	uint64_t v;

	(void)state;
	assert_true(column_decode(COLUMN_VARINT, most, sizeof(most), 1, UINT64_MAX, &v));
	assert_true(v == UINT64_MAX);
	assert_false(column_decode(COLUMN_VARINT, over, sizeof(over), 1, UINT64_MAX, &v));
}

static void test_column_given_lists_cut_short_when_decoded_then_rows_in_bounds(void **state)
{
	const uint8_t lists[] = { 2, 5, 6, 1, 7, 1, 0x87, 1, 3, 1, 2, 3 };
	uint32_t starts[5], values[8];

	(void)state;
	for (size_t n = 0; n < sizeof(lists); n++) {
		memset(starts, 0xff, sizeof(starts));
		assert_false(column_decode_list(lists, n, 4, 200, starts, values, 8));
		assert_int_equal(starts[0], 0);
		for (uint32_t row = 0; row < 4; row++)
			assert_in_range(starts[row + 1], starts[row], MIN(n, 8));
	}
}

static void test_column_given_lists_when_decoded_then_rows_or_told(void **state)
{
	const uint8_t lists[] = { 2, 5, 6, 0, 1, 7 };
	uint32_t starts[4], values[8];

	(void)state;
	assert_true(column_decode_list(lists, sizeof(lists), 3, 7, starts, values, 8));
	assert_int_equal(starts[1], 2);
	assert_int_equal(starts[2], 2);
	assert_int_equal(starts[3], 3);
	assert_int_equal(values[2], 7);
	assert_false(column_decode_list(lists, sizeof(lists), 3, 6, starts, values, 8));
	assert_int_equal(starts[3], 2);
	assert_false(column_decode_list(lists, sizeof(lists), 3, 7, starts, values, 2));
	assert_false(column_decode_list(lists, 2, 3, 7, starts, values, 8));
	assert_true(starts[3] <= 8);
	assert_false(column_decode_list(lists, sizeof(lists), 2, 7, starts, values, 8));
}

static void test_arena_given_limit_when_reached_then_null_until_cleared(void **state)
{
	struct arena a = { .limit = 1000 };

	(void)state;
	assert_non_null(arena_alloc(&a, 900));
	assert_null(arena_alloc(&a, 200));
	arena_clear(&a);
	assert_non_null(arena_alloc(&a, 200));
	assert_null(arena_array(&a, SIZE_MAX / 2, 4));
	arena_done(&a);
}

struct seen {
	uint64_t tokens[16];
	size_t n;
};

static void see(uint64_t token, void *arg)
{
	struct seen *s = arg;

	assert_true(s->n < ARRAY_SIZE(s->tokens));
	s->tokens[s->n++] = token;
}

static void test_token_given_text_when_split_then_lowered_words(void **state)
{
	struct seen s = { 0 };
	char longest[600];

	(void)state;
	token_each(TEXT("/usr/BIN/x a-b 10.0.0.12 caf\xc3\xa9"), see, &s);
	assert_int_equal(s.n, 6); /* usr bin 10 12 caf\xe9, caf\xc3; x a b 0 are too short */
	assert_true(s.tokens[1] == token_hash(TEXT("bin")));
	assert_true(s.tokens[1] == token_hash(TEXT("Bin")));
	assert_true(s.tokens[4] == token_hash(TEXT("CAF\xc3\xa9")));
	memset(longest, 'Q', sizeof(longest));
	s.n = 0;
	token_each(longest, sizeof(longest), see, &s);
	memset(longest, 'q', sizeof(longest));
	assert_int_equal(s.n, 2);
	assert_true(s.tokens[0] == token_hash(longest, sizeof(longest)));
	assert_true(s.tokens[1] == token_prefix_hash("QQqq"));
	assert_true(token_of_id(1) != token_of_id(2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_column_given_shapes_when_encoded_then_smallest_and_back),
		cmocka_unit_test(test_column_given_values_past_max_when_decoded_then_null_and_told),
		cmocka_unit_test(test_column_given_varint_over_64_bits_when_decoded_then_refused),
		cmocka_unit_test(test_column_given_lists_when_decoded_then_rows_or_told),
		cmocka_unit_test(
			test_column_given_lists_cut_short_when_decoded_then_rows_in_bounds),
		cmocka_unit_test(test_arena_given_limit_when_reached_then_null_until_cleared),
		cmocka_unit_test(test_token_given_text_when_split_then_lowered_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
