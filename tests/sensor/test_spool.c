/* SPDX-License-Identifier: Apache-2.0 */
/* A spool on a disk that is well. */
#include "tests/sensor/spool_fixture.h"

/* ---- order ---- */

static void test_spool_given_frames_of_both_classes_when_read_then_order_and_bytes_are_theirs(
	void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= 200; i++)
		assert_int_equal(0, append(100 + i * 7, i, i % 3 == 0, i % 3 != 0));
	assert_int_equal(200, totals().unread);
	for (uint64_t i = 1; i <= 200; i++)
		assert_int_equal(i, next(true));
	assert_int_equal(0, next(true));
	assert_int_equal(0, totals().files + totals().bytes + totals().records);
	assert_string_equal("", file());
	check_no_loss();
}

static void test_spool_given_a_restart_when_read_then_only_what_is_not_done_comes_again(
	void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= 100; i++)
		assert_int_equal(0, append(6000, i, i % 2, 1));
	for (uint64_t i = 1; i <= 40; i++)
		assert_int_equal(i, next(i != 7));
	restart();
	assert_int_equal(7, next(true)); /* given, not done */
	for (uint64_t i = 41; i <= 60; i++)
		assert_int_equal(i, next(true));
	assert_int_equal(0, append(6000, 101, 1, 1));
	restart();
	for (uint64_t i = 61; i <= 101; i++)
		assert_int_equal(i, next(true));
	assert_int_equal(0, next(true));
	check_no_loss();
	assert_int_equal(0, totals().files);
}

static void test_spool_given_a_frame_under_way_when_written_then_it_comes_only_after_a_restart(
	void **state)
{
	AUTO(outbox_frame) *f = frame(50, 5, 1, 0);
	struct spool_ref ref;

	(void)state;
	assert_int_equal(0, spool_append(spool, f, true, &ref));
	assert_int_equal(0, totals().unread);
	assert_int_equal(1, totals().records);
	assert_int_equal(0, next(true));
	restart();
	assert_int_equal(5, next(true));
	spool_done(spool, &ref); /* of what is gone: nothing happens */
}

static void test_spool_given_another_boot_when_read_then_its_numbers_are_not_ours(void **state)
{
	AUTO(outbox_frame) *f = frame(50, 5, 1, 0), *back = NULL;
	struct loss told = { .count = 3,
			     .class = CLASS_BULK,
			     .cause = LOSS_RING_FULL,
			     .from_ns = 1,
			     .to_ns = 2,
			     .first_seq = 8,
			     .last_seq = 9 };
	struct spool_ref ref;

	(void)state;
	f->losses = malloc(sizeof(told));
	f->losses[0] = told;
	f->n_losses = 1;
	assert_int_equal(0, spool_append(spool, f, false, &ref));
	restart();
	assert_int_equal(0, spool_next(spool, &back));
	assert_false(back->foreign);
	assert_memory_equal(&told, back->losses, sizeof(told));
	back = outbox_frame_free(back);
	config.boot_id[0] = 8;
	restart();
	assert_int_equal(0, spool_next(spool, &back));
	assert_true(back->foreign);
	assert_int_equal(3, back->losses[0].count);
	assert_int_equal(0, back->losses[0].last_seq);
}

static void test_spool_given_numbers_without_holes_when_restarted_then_it_says_how_far(void **state)
{
	(void)state;
	assert_int_equal(0, append(100, 10, 2, 3)); /* 10 to 14 */
	assert_int_equal(0, append(100, 15, 0, 5)); /* 15 to 19 */
	assert_int_equal(0, append(100, 30, 0, 5)); /* 30 to 34 */
	restart();
	assert_int_equal(9, spool_reaches(spool, 9));
	assert_int_equal(20, spool_reaches(spool, 10));
	assert_int_equal(20, spool_reaches(spool, 12));
	assert_int_equal(25, spool_reaches(spool, 25));
	assert_int_equal(35, spool_reaches(spool, 30));
}

/* ---- bounds ---- */

static void test_spool_given_no_room_when_written_then_bulk_goes_first_and_is_told(void **state)
{
	uint64_t seq = 1, kept = 0;
	struct loss l;

	(void)state;
	for (; seq <= 20; seq++)
		assert_int_equal(0, append(20000, seq, 1, 0));
	for (; seq <= 100; seq++)
		assert_int_equal(0, append(20000, seq, 0, 1));
	assert_true(totals().bytes <= config.max_bytes);
	for (uint64_t s; (s = next(true)); kept++)
		if (kept < 20)
			assert_int_equal(kept + 1, s);
	assert_true(lost(&l));
	assert_int_equal(CLASS_BULK, l.class);
	assert_int_equal(LOSS_SPOOL_FULL, l.cause);
	assert_int_equal(21, l.first_seq);
	assert_int_equal(100, kept + l.count);
	assert_int_equal(l.count, n_lost);
	assert_false(losses_take(&losses, &l));
}

static void test_spool_given_only_priority_inside_when_bulk_comes_then_it_has_no_room(void **state)
{
	struct loss l;

	(void)state;
	for (uint64_t i = 1; i <= 52; i++)
		assert_int_equal(0, append(20000, i, 1, 0));
	assert_int_equal(SPOOL_E_NO_ROOM, append(20000, 53, 0, 1));
	check_no_loss();
	assert_int_equal(0, append(20000, 54, 1, 0)); /* pushes out the oldest of its kind */
	assert_true(lost(&l));
	assert_int_equal(CLASS_PRIORITY, l.class);
	assert_int_equal(1, l.first_seq);
	assert_int_equal(SPOOL_E_NO_ROOM, append(2 << 20, 55, 1, 0));
}

static uint64_t clock_ns;

static uint64_t test_now_ns(clockid_t clock)
{
	return clock == CLOCK_REALTIME ? clock_ns + 1000000000000 : clock_ns;
}

static void test_spool_given_an_age_when_over_it_then_frames_are_dropped_and_told(void **state)
{
	struct spool_io io = spool_io_system;
	const uint64_t hour = 3600000000000;
	struct loss l;

	(void)state;
	io.now_ns = test_now_ns;
	config.io = &io;
	config.max_age_ns = 10 * hour;
	config.segment_bytes = 1000;
	clock_ns = hour;
	restart();
	assert_int_equal(0, append(900, 1, 1, 0));
	clock_ns += 6 * hour;
	assert_int_equal(0, append(900, 2, 1, 0));
	restart(); /* over it, age is that of the wall clock */
	clock_ns += 3 * hour;
	assert_int_equal(0, spool_tick(spool, false));
	assert_int_equal(2, totals().records);
	clock_ns += 2 * hour;
	assert_int_equal(0, spool_tick(spool, false));
	assert_int_equal(1, totals().records);
	assert_true(lost(&l));
	assert_int_equal(LOSS_SPOOL_EXPIRED, l.cause);
	assert_int_equal(1, l.first_seq);
	assert_int_equal(1, l.count);
	assert_int_equal(2, next(true));
}

/* ---- a disk that fails ---- */

static void test_spool_given_a_bad_configuration_when_made_then_it_is_refused_with_a_reason(
	void **state)
{
	struct spool_config bad = { .dir = "/no/such/folder", .max_bytes = 1 };
	struct spool *s = NULL;
	struct diag d = { 0 };

	(void)state;
	assert_int_equal(-ENOENT, spool_new(&s, &bad, &d));
	assert_true(d.text[0]);
	d.text[0] = 0;
	bad.max_bytes = 0;
	assert_int_equal(-EINVAL, spool_new(&s, &bad, &d));
	assert_true(d.text[0]);
	assert_null(s);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_spool_given_frames_of_both_classes_when_read_then_order_and_bytes_are_theirs),
		T(test_spool_given_a_restart_when_read_then_only_what_is_not_done_comes_again),
		T(test_spool_given_a_frame_under_way_when_written_then_it_comes_only_after_a_restart),
		T(test_spool_given_another_boot_when_read_then_its_numbers_are_not_ours),
		T(test_spool_given_numbers_without_holes_when_restarted_then_it_says_how_far),
		T(test_spool_given_no_room_when_written_then_bulk_goes_first_and_is_told),
		T(test_spool_given_only_priority_inside_when_bulk_comes_then_it_has_no_room),
		T(test_spool_given_an_age_when_over_it_then_frames_are_dropped_and_told),
		T(test_spool_given_a_bad_configuration_when_made_then_it_is_refused_with_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
