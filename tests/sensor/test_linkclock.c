/* SPDX-License-Identifier: Apache-2.0 */
/* The clock offset of a link, with every delay of the way known. */
#include "tests/test.h"

#include "sensor/linkclock.h"

static const int64_t ms = 1000000, s = 1000000000;
static const uint64_t base = UINT64_C(1795383859) * 1000000000;

/* A batch that the collector takes at @at_ns (its clock), after @there_ns on the way; its Ack takes
 * @back_ns.  The node is ahead by @skew_ns. */
static void note(struct linkclock *c, uint64_t at_ns, int64_t skew_ns, int64_t there_ns,
		 int64_t back_ns)
{
	linkclock_note(c, at_ns + (uint64_t)(skew_ns - there_ns), at_ns,
		       at_ns + (uint64_t)(skew_ns + back_ns));
}

static void holds(const struct linkclock *c, int64_t skew_ns, uint64_t most_error_ns)
{
	int64_t offset_ns = 0;
	uint64_t error_ns = 0;

	assert_true(linkclock_read(c, &offset_ns, &error_ns));
	assert_true(error_ns > 0 && error_ns <= most_error_ns);
	assert_true(llabs(offset_ns - skew_ns) <= (int64_t)error_ns);
}

static void test_linkclock_given_nothing_when_read_then_not_measured(void **state)
{
	struct linkclock c = { 0 };
	int64_t offset_ns;
	uint64_t error_ns;

	(void)state;
	assert_false(linkclock_read(&c, &offset_ns, &error_ns));
	linkclock_note(&c, base, 0, base + 5);
	linkclock_note(&c, base, base, base - 1);
	assert_false(linkclock_read(&c, &offset_ns, &error_ns));
}

static void test_linkclock_given_ways_of_any_length_when_noted_then_the_shortest_tells(void **state)
{
	static const int64_t skews[] = { 0, 3000000000, -3000000000, 86400000000000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(skews); i++) {
		struct linkclock c = { 0 };

		note(&c, base, skews[i], 40 * ms, 900 * ms);
		holds(&c, skews[i], (uint64_t)(471 * ms));
		note(&c, base + (uint64_t)s, skews[i], 2 * ms, 4 * ms);
		note(&c, base + (uint64_t)(2 * s), skews[i], 3600 * s, 5 * s); /* sat in a queue */
		holds(&c, skews[i], (uint64_t)(5 * ms));
	}
}

static void test_linkclock_given_a_clock_that_is_set_when_noted_then_measured_anew(void **state)
{
	struct linkclock c = { 0 };

	(void)state;
	for (uint64_t i = 0; i < 20; i++)
		note(&c, base + i * (uint64_t)s, 3600 * s, ms, ms);
	holds(&c, 3600 * s, (uint64_t)(2 * ms));
	note(&c, base + (uint64_t)(30 * s), 0, ms, 20 * ms);
	holds(&c, 0, (uint64_t)(20 * ms));
}

static void test_linkclock_given_drift_when_minutes_pass_then_old_ranges_do_not_stay(void **state)
{
	struct linkclock c = { 0 };
	int64_t skew = 0;

	(void)state;
	note(&c, base, skew, 0, 0); /* as narrow as can be */
	for (uint64_t i = 1; i < 300; i++) {
		skew += ms; /* 100 ppm */
		note(&c, base + i * 10 * (uint64_t)s, skew, 100 * ms, 100 * ms);
		holds(&c, skew, (uint64_t)(200 * ms));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_linkclock_given_nothing_when_read_then_not_measured),
		cmocka_unit_test(
			test_linkclock_given_ways_of_any_length_when_noted_then_the_shortest_tells),
		cmocka_unit_test(
			test_linkclock_given_a_clock_that_is_set_when_noted_then_measured_anew),
		cmocka_unit_test(
			test_linkclock_given_drift_when_minutes_pass_then_old_ranges_do_not_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
