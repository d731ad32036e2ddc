/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/collector/fixture.h"

#include "collector/filter.h"
#include "lib/token.h"

struct fix {
	struct filter_builder *filter;
	struct block *block;
	struct buf frame;
	const void *bits;
	size_t n;
};

static int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(filter_builder_new(&f->filter), 0);
	assert_int_equal(block_new(&f->block), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	filter_builder_free(f->filter);
	block_free(f->block);
	buf_done(&f->frame);
	free(f);
	return 0;
}

static void build(struct fix *f, struct fixture_batch batch)
{
	struct diag d = { 0 };

	buf_clear(&f->frame);
	fixture_frame(&batch, &f->frame);
	if (block_load(f->block, f->frame.data, f->frame.n, &d) < 0)
		fail_msg("%s", d.text);
	assert_int_equal(filter_build(f->filter, f->block, &f->bits, &f->n), 0);
}

static bool has(const struct fix *f, const char *word)
{
	return filter_has(f->bits, f->n, token_hash(word, strlen(word)));
}

/* Batches of any number of tokens, one after the other through one builder. */
static void test_filter_given_strings_when_built_then_no_token_is_missed(void **state)
{
	static const uint32_t sizes[] = { 20000, 1, 700, 65000, 10 };
	struct fix *f = *state;

	for (size_t k = 0; k < ARRAY_SIZE(sizes); k++) {
		build(f, (struct fixture_batch){ .first_seq = 1, .n = sizes[k], .word = "zebra" });
		assert_true(has(f, "srv") && has(f, "ZEBRA"));
		for (uint32_t i = 10; i < sizes[k]; i++) { /* one digit is no token */
			char number[16];

			snprintf(number, sizeof(number), "%u", i);
			assert_true(has(f, number));
		}
	}
}

static void test_filter_given_header_and_ids_when_built_then_they_are_entered(void **state)
{
	struct fix *f = *state;

	build(f, (struct fixture_batch){
			 .node = "node-seventeen", .name = "lighthouse", .first_seq = 5, .n = 1 });
	assert_true(has(f, "seventeen") && has(f, "lighthouse") && has(f, "x86"));
	assert_true(filter_has(f->bits, f->n, token_of_id(0x1005)));
	assert_false(has(f, "absentword"));
	assert_false(filter_has(f->bits, f->n, token_of_id(0x1006)));
}

static void test_filter_given_absent_tokens_when_asked_then_maybe_is_rare_and_size_is_small(
	void **state)
{
	struct fix *f = *state;
	const uint32_t n = 30000;
	uint32_t maybe = 0;

	build(f, (struct fixture_batch){ .first_seq = 1, .n = n });
	for (uint32_t i = 0; i < 100000; i++) {
		char word[24];

		snprintf(word, sizeof(word), "absent%u", i);
		maybe += has(f, word);
	}
	assert_true(maybe < 2500); /* of 100,000 */
	assert_true(f->n <= n * 10 / 8 + 128);
}

static void test_filter_given_words_when_asked_how_they_begin_then_known(void **state)
{
	struct fix *f = *state;

	build(f, (struct fixture_batch){ .first_seq = 1, .n = 12345, .word = "zebra" });
	assert_true(filter_has_prefixes(f->bits, f->n));
	assert_true(filter_has(f->bits, f->n, token_prefix_hash("zebr")));
	assert_true(filter_has(f->bits, f->n, token_prefix_hash("ZEBRA-CROSSING")));
	assert_false(filter_has(f->bits, f->n, token_prefix_hash("1234"))); /* no letters */
	assert_false(token_has_prefix("1234", 4) || token_has_prefix("abc", 3) ||
		     token_has_prefix("abc4", 4));
	assert_false(filter_has(f->bits, f->n, token_prefix_hash("cebr")));
	assert_false(filter_has(f->bits, f->n, token_hash("zebr", 4)));
	assert_false(filter_has_prefixes(f->bits, f->n - 1)); /* as it was once */
	assert_true(filter_has(f->bits, f->n - 1, token_hash("zebra", 5)));
}

static void test_filter_given_broken_bits_when_asked_then_everything_may_be_there(void **state)
{
	(void)state;
	assert_true(filter_has("", 0, 42));
	assert_true(filter_has("0123456789", 10, 42));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_filter_given_strings_when_built_then_no_token_is_missed),
		T(test_filter_given_header_and_ids_when_built_then_they_are_entered),
		T(test_filter_given_absent_tokens_when_asked_then_maybe_is_rare_and_size_is_small),
		T(test_filter_given_words_when_asked_how_they_begin_then_known),
		T(test_filter_given_broken_bits_when_asked_then_everything_may_be_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
