/* SPDX-License-Identifier: Apache-2.0 */
/* What rules find: shapes of values, modifiers and conditions. */
#include "tests/lib/sigma_fixture.h"

/* ---- rules ---- */

static const uint32_t of_source[] = {
	EXECS, FILES, DELETED,	  RENAMED, READ | TRUNCATED | PRELOAD | CREATED | CREATE_FAILED,
	FLOWS, ENDED, EVERYTHING,
};

static void check(struct fixture *f, enum source source, const char *detection,
		  const char *condition, uint32_t want)
{
	uint32_t got = hits(f, source, detection, condition);

	if (got != want)
		fail_msg("%s\ncondition: %s\ngot %x, want %x", detection, condition, got, want);
}

static void test_sigma_given_shapes_when_evaluated_then_triggers_fire_and_near_misses_do_not(
	void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
		check(*state, shapes[i].source, shapes[i].detection, "selection", shapes[i].hits);
}

/* Two values: what a selection does not hit, its NOT does, fields that are not there included. */
static void test_sigma_given_shapes_when_negated_then_exactly_the_others(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		uint32_t all = of_source[shapes[i].source], yes = shapes[i].hits;

		check(*state, shapes[i].source, shapes[i].detection, "not selection", all & ~yes);
		check(*state, shapes[i].source, shapes[i].detection, "not not selection", yes);
		check(*state, shapes[i].source, shapes[i].detection,
		      "not (selection or not selection)", 0);
		check(*state, shapes[i].source, shapes[i].detection,
		      "not (selection and not selection)", all);
	}
}

static void test_sigma_given_conditions_when_evaluated_then_grouped_right(void **state)
{
	static const char d[] =
		"sel_a:\n  Image|endswith: /cp\nsel_b:\n  CommandLine|contains: "
		"/bin/sh\nfilter:\n  CommandLine|endswith: crond\n_hidden:\n  Image: x";
	static const struct {
		const char *condition;
		uint32_t hits;
	} cases[] = {
		{ "sel_a and sel_b", CP | CP_TURNED },
		{ "sel_a and not filter", CP_TURNED },
		{ "1 of sel_*", CP | CP_TURNED },
		{ "any of sel_*", CP | CP_TURNED },
		{ "all of sel_*", CP | CP_TURNED },
		{ "all of sel_* and not 1 of filter*", CP_TURNED },
		{ "all of them", CP },
		{ "1 of them", CP | CP_TURNED },
		{ "not 1 of them", EXECS & ~(CP | CP_TURNED) },
		{ "filter or sel_a and not sel_b", CP },
		{ "(filter or sel_a) and not filter", CP_TURNED },
		{ "NOT sel_a OR filter", (EXECS & ~CP_TURNED) },
		{ "[sel_a and filter, _hidden]", CP },
		{ "\"sel_a\\n and sel_b\"", CP | CP_TURNED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check(*state, PROC, d, cases[i].condition, cases[i].hits);
}

/* ---- what is told ---- */

static void test_sigma_given_table_when_checked_then_every_entry_is_known(void **state)
{
	struct diag d = { 0 };

	(void)state;
	if (sigma_check_table(&d) < 0)
		fail_msg("%s", d.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_sigma_given_shapes_when_evaluated_then_triggers_fire_and_near_misses_do_not),
		cmocka_unit_test(test_sigma_given_shapes_when_negated_then_exactly_the_others),
		cmocka_unit_test(test_sigma_given_conditions_when_evaluated_then_grouped_right),
		cmocka_unit_test(test_sigma_given_table_when_checked_then_every_entry_is_known),
	};

	return cmocka_run_group_tests(tests, setup, fixture_teardown);
}
