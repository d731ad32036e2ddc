/* SPDX-License-Identifier: Apache-2.0 */
/* How long events wait for others, with every time known. */
#include "tests/test.h"

#include "lib/monotonic.h"
#include "sensor/pace.h"

enum { NOTHING, PRIORITY = 1, BULK = 2, BOTH = 3 };

static const uint64_t ms = NS_PER_MS, start = UINT64_C(1795383859) * NS_PER_S;

/* A turn at @at_ms that reads @events, of the classes @what, to what is unsealed already. */
static void look(struct pace *p, uint64_t at_ms, uint64_t events, unsigned what)
{
	const struct pace_turn turn = {
		.events = events,
		.woken = events && (what & PRIORITY),
		.priority = what & PRIORITY,
		.bulk = what & BULK,
	};

	pace_look(p, &turn, start + at_ms * ms);
}

static uint64_t left_ms(const struct pace *p, uint64_t at_ms)
{
	uint64_t left = pace_left_ns(p, start + at_ms * ms);

	return left == UINT64_MAX ? left : left / ms;
}

static void seal(struct pace *p, uint64_t at_ms)
{
	assert_int_equal(left_ms(p, at_ms), 0);
	pace_sealed(p, start + at_ms * ms);
	assert_true(left_ms(p, at_ms) == UINT64_MAX);
}

static void sleeps(const struct pace *p, uint64_t at_ms, uint64_t want_ms, enum rec_wake want)
{
	enum rec_wake wake;

	assert_int_equal(pace_sleep_ns(p, start + at_ms * ms, &wake) / ms, want_ms);
	assert_int_equal(wake, want);
}

static void test_pace_given_nothing_when_it_sleeps_then_only_priority_wakes(void **state)
{
	struct pace p;

	(void)state;
	pace_init(&p, 0);
	look(&p, 0, 0, NOTHING);
	assert_true(left_ms(&p, 0) == UINT64_MAX);
	sleeps(&p, 0, 1000, REC_WAKE_PRIORITY);
}

static void test_pace_given_a_priority_event_when_there_is_credit_then_it_is_prompt(void **state)
{
	struct pace p;

	(void)state;
	pace_init(&p, 0);
	look(&p, 0, 0, NOTHING);
	look(&p, 700, 2, BOTH); /* the bulk one may be there since 0 */
	assert_int_equal(left_ms(&p, 700), PACE_PROMPT_MS);
	sleeps(&p, 700, 100, REC_WAKE_FILL);
	look(&p, 750, 1, BOTH);
	assert_int_equal(left_ms(&p, 750), 50);
	seal(&p, 800);
}

static void test_pace_given_bulk_events_when_found_then_they_are_sealed_within_a_second_of_coming(
	void **state)
{
	struct pace p;

	(void)state;
	pace_init(&p, 0);
	look(&p, 0, 0, NOTHING);
	look(&p, 1000, 3, BULK);
	seal(&p, 1000);
	look(&p, 1300, 1, BULK);
	assert_int_equal(left_ms(&p, 1300), 700);
	sleeps(&p, 1300, 700, REC_WAKE_PRIORITY);
	sleeps(&p, 1950, 50, REC_WAKE_FILL);
	seal(&p, 2000);
}

/* Priority events without end: ten batches are prompt, then a second each. */
static void test_pace_given_priority_events_that_hum_when_credit_is_spent_then_one_batch_a_second(
	void **state)
{
	uint64_t at = 0;
	struct pace p;

	(void)state;
	pace_init(&p, 0);
	look(&p, 0, 0, NOTHING);
	for (int i = 0; i < PACE_CREDIT + 1; i++, at += 100) { /* one more is earned meanwhile */
		look(&p, at, 1, PRIORITY);
		assert_int_equal(left_ms(&p, at), 100);
		seal(&p, at + 100);
	}
	for (int i = 0; i < 5; i++) {
		uint64_t sealed = at;

		for (at += 50; left_ms(&p, at) > 0; at += 50)
			look(&p, at, 1, PRIORITY);
		seal(&p, at);
		assert_true(at - sealed >= 800 && at - sealed <= 1000);
	}
}

static void test_pace_given_no_credit_when_a_priority_record_came_then_the_next_pause_is_short(
	void **state)
{
	struct pace p;

	(void)state;
	pace_init(&p, 0);
	p.credit_ns = 0;
	p.credited_ns = start;
	look(&p, 0, 1, PRIORITY);
	assert_int_equal(left_ms(&p, 0), 1000);
	sleeps(&p, 0, 100, REC_WAKE_FILL);
	look(&p, 100, 0, PRIORITY);
	sleeps(&p, 100, 900, REC_WAKE_PRIORITY);
	look(&p, 300, 1, PRIORITY);
	sleeps(&p, 300, 100, REC_WAKE_FILL);
	seal(&p, 1000);
}

static void test_pace_given_quiet_when_it_lasts_then_credit_comes_back(void **state)
{
	struct pace p;

	(void)state;
	pace_init(&p, 0);
	p.credit_ns = 0;
	p.credited_ns = start;
	for (uint64_t at = 3600000, i = 0; i < PACE_CREDIT; i++, at += 10) {
		look(&p, at, 1, PRIORITY);
		assert_int_equal(left_ms(&p, at), 100);
		at += 100;
		seal(&p, at);
	}
	look(&p, 3601200, 1, PRIORITY);
	assert_int_equal(left_ms(&p, 3601200), 100); /* earned by these 1.1 s */
	seal(&p, 3601300);
	look(&p, 3601300, 1, PRIORITY);
	assert_in_range(left_ms(&p, 3601300), 600, 800);
}

static void test_pace_given_many_events_when_they_pay_for_it_then_batches_are_prompt(void **state)
{
	struct pace p;

	(void)state;
	pace_init(&p, 0);
	look(&p, 0, 0, NOTHING);
	look(&p, 1000, 5000, BULK);
	seal(&p, 1000);
	sleeps(&p, 1000, 100, REC_WAKE_FILL);
	for (uint64_t at = 1100; at < 3000; at += 100) {
		look(&p, at, 100, BULK);
		seal(&p, at);
		sleeps(&p, at, 100, REC_WAKE_FILL);
	}
	look(&p, 3000, 0, NOTHING); /* it is over */
	sleeps(&p, 3000, 1000, REC_WAKE_PRIORITY);
	look(&p, 3100, 100, BULK);
	assert_int_equal(left_ms(&p, 3100), 900);
}

static void test_pace_given_someone_tails_when_an_event_comes_then_it_waits_as_asked(void **state)
{
	struct pace_turn turn = { .events = 1, .bulk = true, .asked_ms = 5 };
	struct pace p;

	(void)state;
	pace_init(&p, 0);
	pace_look(&p, &turn, start);
	assert_int_equal(left_ms(&p, 0), 5);
	sleeps(&p, 0, 5, REC_WAKE_FILL);
	seal(&p, 5);
	sleeps(&p, 5, 1000, REC_WAKE_FIRST);
	pace_look(&p, &turn, start + 800 * ms); /* the first record has woken it */
	assert_int_equal(left_ms(&p, 800), 5);
	turn.asked_ms = 3000; /* more than we would wait by ourselves */
	pace_look(&p, &turn, start + 801 * ms);
	assert_int_equal(left_ms(&p, 801), 99);
}

static void test_pace_given_a_time_in_the_settings_when_an_event_comes_then_it_is_that(void **state)
{
	struct pace_turn turn = { .events = 1, .woken = true, .priority = true, .asked_ms = 50 };
	struct pace p;

	(void)state;
	pace_init(&p, 400);
	look(&p, 0, 0, NOTHING);
	sleeps(&p, 0, 1000, REC_WAKE_FIRST);
	look(&p, 500, 100000, BOTH);
	assert_int_equal(left_ms(&p, 500), 400);
	sleeps(&p, 500, 400, REC_WAKE_FILL);
	seal(&p, 900);
	pace_look(&p, &turn, start + 1000 * ms);
	assert_int_equal(left_ms(&p, 1000), 50);
	turn.asked_ms = 500;
	pace_look(&p, &turn, start + 1001 * ms);
	assert_int_equal(left_ms(&p, 1001), 399);
}

static void test_pace_given_a_clock_set_back_when_events_wait_then_they_are_due(void **state)
{
	struct pace p;

	(void)state;
	pace_init(&p, 0);
	look(&p, 100000, 1, BOTH);
	seal(&p, 5000);
	look(&p, 5000, 1, PRIORITY); /* and credit is there */
	assert_int_equal(left_ms(&p, 5000), 100);
}

int main(void)
{
#define T(name) cmocka_unit_test(test_pace_given_##name)
	const struct CMUnitTest tests[] = {
		T(nothing_when_it_sleeps_then_only_priority_wakes),
		T(a_priority_event_when_there_is_credit_then_it_is_prompt),
		T(bulk_events_when_found_then_they_are_sealed_within_a_second_of_coming),
		T(priority_events_that_hum_when_credit_is_spent_then_one_batch_a_second),
		T(no_credit_when_a_priority_record_came_then_the_next_pause_is_short),
		T(quiet_when_it_lasts_then_credit_comes_back),
		T(many_events_when_they_pay_for_it_then_batches_are_prompt),
		T(someone_tails_when_an_event_comes_then_it_waits_as_asked),
		T(a_time_in_the_settings_when_an_event_comes_then_it_is_that),
		T(a_clock_set_back_when_events_wait_then_they_are_due),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
