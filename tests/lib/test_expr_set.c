/* SPDX-License-Identifier: Apache-2.0 */
/* A set of trees finds exactly what each tree finds alone; what it does not ask could not hit. */
#include "query_fixture.h"

#include "lib/expr_set.h"
#include "lib/pattern_set.h"
#include "tests/test.h"

struct found {
	uint64_t bits[KIND_MAX][16]; /* by tree: of each table */
};

static int note(uint32_t tree, struct block *b, uint32_t table, const uint64_t *hits, void *arg)
{
	struct found *f = arg;

	assert_true(block_rows(b, table) <= 64);
	f->bits[tree][table] = hits[0];
	return 0;
}

/* Runs @texts, 64 at most, as one set, and each alone. */
static void compare(struct fixture *f, const char *const *texts, uint32_t n, uint64_t *ret_asked)
{
	struct expr *exprs[64] = { 0 };
	AUTO(expr_set_runner) *runner = NULL;
	AUTO(expr_set) *set = NULL;
	struct found found = { 0 };

	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(eql_parse(&exprs[i], texts[i], strlen(texts[i]), NULL), 0);
	assert_int_equal(expr_set_new(&set, (const struct expr *const *)exprs, n), 0);
	assert_int_equal(expr_set_runner_new(&runner, set), 0);
	assert_int_equal(expr_set_run(runner, f->block, NULL, note, &found), 0);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(expr_begin(f->scratch, exprs[i], f->block), 0);
		for (uint32_t t = 0; t < block_info(f->block)->n_tables; t++) {
			const uint64_t *alone;

			assert_int_equal(expr_eval(f->scratch, t, &alone), 0);
			if (alone[0] != found.bits[i][t])
				fail_msg("%s: table %u", texts[i], t);
		}
		*ret_asked |= (uint64_t)(expr_set_cost(runner, i)->asked > 0) << i;
		expr_free(exprs[i]);
	}
}

static void test_expr_set_given_trees_when_run_then_as_each_alone(void **state)
{
	static const char *const texts[] = {
		"process.name == \"curl\"",
		"process.command_line : \"*bash -c cat*\"",
		"process.command_line : \"*nothing of that*\"",
		"process.args : (\"nowhere\", \"evil\")",
		"not process.name == \"curl\"",
		"not (process.name != \"curl\")",
		"file.name == \"passwd\" or file.extension : \"SH\"",
		"file.directory : \"/usr/local/*\"",
		"process.parent.name : \"BASH\" and event.action == \"exec\"",
		"cidrmatch(destination.ip, \"203.0.113.0/24\")",
		"host.name : \"*\"",
		"event.action == \"open\" and process.name : \"unseen-name\"",
		"process.name regex \"cu.l\"",
		"process.exit_code == 0",
		"unseenbareword",
		"passwd",
		"true",
		"file.path != \"/etc/passwd\"",
		"process.name in (\"a\", \"bash\")",
		"process.name : \"??sh\"",
		"process.name : \"b*h\"",
		"length(process.name) == 4",
		"process.pid : \"130*\"",
		"process.entity_id == \"0000000000abc514\"",
		"process.name == \"\\u{00}bash\"",
		"process.name : \"\\u{00}*ash\"",
		"not process.name : \"ba\\u{00}sh\"",
	};
	struct fixture *f = *state;
	uint64_t asked = 0;

	compare(f, texts, ARRAY_SIZE(texts), &asked);
	assert_false(asked >> 2 & 1);  /* no string has it */
	assert_false(asked >> 11 & 1); /* the same, under an event.action that is there */
	assert_false(asked >> 14 & 1);
	assert_true(asked & 1);
}

static void test_expr_set_given_null_and_nothing_when_run_then_no_hit(void **state)
{
	struct fixture *f = *state;
	const struct expr *none[1] = { NULL };
	AUTO(expr_set_runner) *runner = NULL;
	AUTO(expr_set) *set = NULL;
	struct found found = { 0 };

	assert_int_equal(expr_set_new(&set, none, 1), 0);
	assert_int_equal(expr_set_runner_new(&runner, set), 0);
	assert_int_equal(expr_set_run(runner, f->block, NULL, note, &found), 0);
	assert_int_equal(expr_set_cost(runner, 0)->asked, 0);
}

static void test_pattern_set_given_texts_when_scanned_then_those_that_occur_in_any_case(
	void **state)
{
	static const char *const texts[] = { "abc", "ABC", "bcd", "zz", "a" };
	AUTO(pattern_scratch) *scratch = NULL;
	AUTO(pattern_set) *s = NULL;
	uint64_t found = 0;
	uint32_t number;

	(void)state;
	assert_int_equal(pattern_set_new(&s), 0);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(pattern_set_add(s, texts[i], strlen(texts[i]), &number), 0);
	assert_int_equal(pattern_set_count(s), 4);
	assert_int_equal(pattern_set_compile(s), 0);
	assert_int_equal(pattern_scratch_new(&scratch, s), 0);
	assert_int_equal(pattern_set_scan(s, scratch, TEXT("xxAbCd"), &found), 0);
	assert_int_equal(found, 1 | 2 | 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_expr_set_given_trees_when_run_then_as_each_alone, fixture_setup,
			fixture_teardown),
		cmocka_unit_test_setup_teardown(
			test_expr_set_given_null_and_nothing_when_run_then_no_hit, fixture_setup,
			fixture_teardown),
		cmocka_unit_test(
			test_pattern_set_given_texts_when_scanned_then_those_that_occur_in_any_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
