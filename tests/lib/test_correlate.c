/* SPDX-License-Identifier: Apache-2.0 */
/* Correlations against examples worked by hand: the edges of windows, late hits, bounds. */
#include "tests/test.h"

#include "lib/correlate.h"

#define S UINT64_C(1000000000)
#define T (1000000 * S)

/* A hit at second @at of rule @rule with a value; the windows' ends that are told are noted. */
struct step {
	int at;
	uint32_t rule;
	int value;
};

static int note(const struct correlate_hit *hits, size_t n, void *arg)
{
	char *out = arg;
	size_t len = strlen(out);

	snprintf(out + len, 512 - len, "%d(%zu) ", (int)((hits[n - 1].time_ns - T) / S), n);
	return 0;
}

static void play(struct correlate *c, uint64_t key, const struct step *steps, size_t n, char *told)
{
	static uint64_t id;

	for (size_t i = 0; i < n; i++) {
		const struct correlate_hit h = {
			.time_ns = T + (uint64_t)steps[i].at * S,
			.id = ++id,
			.rule = steps[i].rule,
			.value = (uint64_t)steps[i].value,
			.number = steps[i].value,
		};

		assert_int_equal(correlate_add(c, key, &h, note, told), 0);
	}
}

/* Plays @steps to a new correlation of a window of ten seconds; "second(hits)" of each that is
 * told. */
#define CHECK(type_, op_, number_, said, ...)                           \
	do {                                                            \
		static const struct step steps[] = { __VA_ARGS__ };     \
		const struct correlate_config config = {                \
			.type = CORRELATE_##type_,                      \
			.timespan_ns = 10 * S,                          \
			.n_rules = 3,                                   \
			.percentile = 50,                               \
			.conditions = { { CORRELATE_##op_, number_ } }, \
			.n_conditions = 1,                              \
		};                                                      \
		AUTO(correlate) *c = NULL;                              \
		char told[512] = "";                                    \
		assert_int_equal(correlate_new(&c, &config), 0);        \
		play(c, 1, steps, ARRAY_SIZE(steps), told);             \
		assert_string_equal(told, said);                        \
	} while (0)

static void test_correlate_given_event_count_when_window_slides_then_each_end_that_holds(
	void **state)
{
	(void)state;
	/* 0..10 is one window, both ends included; 11 has only 10 and itself */
	CHECK(EVENT_COUNT, GTE, 3, "10(3) ", { 0, 0, 0 }, { 5, 0, 0 }, { 10, 0, 0 });
	CHECK(EVENT_COUNT, GTE, 3, "", { 0, 0, 0 }, { 5, 0, 0 }, { 11, 0, 0 });
	/* fixed buckets of ten seconds would see two and two */
	CHECK(EVENT_COUNT, GTE, 4, "12(4) ", { 8, 0, 0 }, { 9, 0, 0 }, { 11, 0, 0 }, { 12, 0, 0 });
	CHECK(EVENT_COUNT, GT, 2, "3(3) 4(4) ", { 1, 0, 0 }, { 2, 0, 0 }, { 3, 0, 0 }, { 4, 0, 0 });
	CHECK(EVENT_COUNT, EQ, 2, "2(2) 13(2) ", { 1, 0, 0 }, { 2, 0, 0 }, { 3, 0, 0 },
	      { 13, 0, 0 });
	CHECK(EVENT_COUNT, LT, 2, "1(1) ", { 1, 0, 0 }, { 2, 0, 0 });
	CHECK(EVENT_COUNT, LTE, 1, "1(1) 20(1) ", { 1, 0, 0 }, { 2, 0, 0 }, { 20, 0, 0 });
	CHECK(EVENT_COUNT, NEQ, 1, "2(2) ", { 1, 0, 0 }, { 2, 0, 0 });
}

static void test_correlate_given_late_hit_when_added_then_its_windows_are_looked_at_again(
	void **state)
{
	(void)state;
	CHECK(EVENT_COUNT, GTE, 3, "10(3) ", { 0, 0, 0 }, { 10, 0, 0 }, { 5, 0, 0 });
	CHECK(EVENT_COUNT, GTE, 3, "9(3) 5(3) ", { 9, 0, 0 }, { 4, 0, 0 }, { -1, 0, 0 },
	      { 5, 0, 0 });
	CHECK(TEMPORAL_ORDERED, GTE, 0, "9(3) ", { 9, 2, 0 }, { 3, 0, 0 }, { 5, 1, 0 });
}

static void test_correlate_given_values_when_counted_then_distinct_ones(void **state)
{
	(void)state;
	CHECK(VALUE_COUNT, GTE, 3, "4(4) ", { 1, 0, 7 }, { 2, 0, 7 }, { 3, 0, 8 }, { 4, 0, 9 });
	CHECK(VALUE_COUNT, GTE, 3, "", { 1, 0, 7 }, { 2, 0, 8 }, { 12, 0, 9 });
	CHECK(VALUE_COUNT, GTE, 3, "12(3) ", { 2, 0, 7 }, { 3, 0, 8 }, { 12, 0, 9 });
}

static void test_correlate_given_rules_when_temporal_then_all_of_them_in_one_window(void **state)
{
	(void)state;
	CHECK(TEMPORAL, GTE, 0, "3(3) ", { 1, 2, 0 }, { 2, 0, 0 }, { 3, 1, 0 });
	CHECK(TEMPORAL, GTE, 0, "", { 1, 2, 0 }, { 2, 0, 0 }, { 12, 1, 0 });
	CHECK(TEMPORAL, GTE, 0, "11(3) ", { 1, 2, 0 }, { 2, 0, 0 }, { 11, 1, 0 });
	CHECK(TEMPORAL_ORDERED, GTE, 0, "", { 1, 2, 0 }, { 2, 0, 0 }, { 3, 1, 0 });
	CHECK(TEMPORAL_ORDERED, GTE, 0, "5(5) ", { 1, 0, 0 }, { 2, 1, 0 }, { 3, 0, 0 }, { 4, 1, 0 },
	      { 5, 2, 0 });
	CHECK(TEMPORAL_ORDERED, GTE, 0, "", { 1, 0, 0 }, { 3, 1, 0 }, { 12, 2, 0 });
	CHECK(TEMPORAL_ORDERED, GTE, 0, "11(3) 12(4) ", { 1, 0, 0 }, { 3, 1, 0 }, { 11, 2, 0 },
	      { 2, 0, 0 }, { 12, 2, 0 });
}

static void test_correlate_given_numbers_when_summed_then_of_the_window(void **state)
{
	(void)state;
	CHECK(VALUE_SUM, GT, 100, "2(2) ", { 1, 0, 60 }, { 2, 0, 50 }, { 12, 0, 40 });
	CHECK(VALUE_SUM, GTE, 90, "2(2) 12(2) ", { 1, 0, 60 }, { 2, 0, 50 }, { 12, 0, 40 });
	CHECK(VALUE_AVG, GTE, 55, "1(1) 2(2) ", { 1, 0, 60 }, { 2, 0, 50 }, { 3, 0, 40 });
	/* nearest rank: of 1 2 3 4 the second */
	CHECK(VALUE_PERCENTILE, EQ, 2, "4(4) ", { 1, 0, 4 }, { 2, 0, 3 }, { 3, 0, 1 }, { 4, 0, 2 });
}

static void test_correlate_given_groups_when_mixed_then_each_counts_alone(void **state)
{
	static const struct step one[] = { { 1, 0, 0 }, { 2, 0, 0 } }, last[] = { { 3, 0, 0 } };
	const struct correlate_config config = { .type = CORRELATE_EVENT_COUNT,
						 .timespan_ns = 10 * S,
						 .conditions = { { CORRELATE_GTE, 3 } },
						 .n_conditions = 1 };
	AUTO(correlate) *c = NULL;
	char told[512] = "";

	(void)state;
	assert_int_equal(correlate_new(&c, &config), 0);
	play(c, 1, one, 2, told);
	play(c, 2, one, 2, told);
	assert_string_equal(told, "");
	play(c, 2, last, 1, told);
	assert_string_equal(told, "3(3) ");
}

static void test_correlate_given_same_hit_when_added_again_then_told_again_not_counted(void **state)
{
	const struct correlate_config config = { .type = CORRELATE_EVENT_COUNT,
						 .timespan_ns = 10 * S,
						 .conditions = { { CORRELATE_GTE, 2 } },
						 .n_conditions = 1 };
	struct correlate_hit h = { .time_ns = T, .id = 1 };
	AUTO(correlate) *c = NULL;
	char told[512] = "";

	(void)state;
	assert_int_equal(correlate_new(&c, &config), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(correlate_add(c, 1, &h, note, told), 0);
	assert_string_equal(told, "");
	h.id = 2;
	for (int i = 0; i < 2; i++)
		assert_int_equal(correlate_add(c, 1, &h, note, told), 0);
	assert_string_equal(told, "0(2) 0(2) ");
}

static int nothing(const struct correlate_hit *hits, size_t n, void *arg)
{
	(void)hits;
	(void)n;
	(void)arg;
	return 0;
}

static void test_correlate_given_flood_when_made_to_explode_then_bounded_and_counted(void **state)
{
	const struct correlate_config config = { .type = CORRELATE_VALUE_COUNT,
						 .timespan_ns = 3600 * S,
						 .conditions = { { CORRELATE_GTE, 1e9 } },
						 .n_conditions = 1 };
	struct correlate_info info;
	AUTO(correlate) *c = NULL;

	(void)state;
	assert_int_equal(correlate_new(&c, &config), 0);
	for (uint64_t i = 0; i < 100000; i++) {
		const struct correlate_hit h = { .time_ns = T + i, .id = i, .value = i };

		assert_int_equal(correlate_add(c, i, &h, nothing, NULL), 0);
	}
	for (uint64_t i = 0; i < 100000; i++) { /* one group, one value */
		const struct correlate_hit h = { .time_ns = T + i, .id = i, .value = 5 };

		assert_int_equal(correlate_add(c, 1, &h, nothing, NULL), 0);
	}
	correlate_info(c, &info);
	assert_true(info.groups <= CORRELATE_GROUPS);
	assert_true(info.hits <= CORRELATE_HITS);
	assert_true(info.evicted >= 100000 - CORRELATE_GROUPS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_correlate_given_event_count_when_window_slides_then_each_end_that_holds),
		cmocka_unit_test(
			test_correlate_given_late_hit_when_added_then_its_windows_are_looked_at_again),
		cmocka_unit_test(test_correlate_given_values_when_counted_then_distinct_ones),
		cmocka_unit_test(
			test_correlate_given_rules_when_temporal_then_all_of_them_in_one_window),
		cmocka_unit_test(test_correlate_given_numbers_when_summed_then_of_the_window),
		cmocka_unit_test(test_correlate_given_groups_when_mixed_then_each_counts_alone),
		cmocka_unit_test(
			test_correlate_given_same_hit_when_added_again_then_told_again_not_counted),
		cmocka_unit_test(
			test_correlate_given_flood_when_made_to_explode_then_bounded_and_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
