/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sensor/outbox.h"

/* A frame of @n bytes with @priority and @bulk events, numbered from @seq on. */
static struct outbox_frame *frame(size_t n, uint64_t seq, uint64_t priority, uint64_t bulk)
{
	struct outbox_frame *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->data = calloc(1, n);
	f->n = n;
	f->first_seq = seq;
	f->last_seq = seq + priority + bulk - 1;
	f->events[CLASS_PRIORITY] = priority;
	f->events[CLASS_BULK] = bulk;
	f->from_ns = seq * 10;
	f->to_ns = seq * 10 + 5;
	return f;
}

static struct outbox *make(size_t max_bytes)
{
	struct outbox *o = NULL;

	assert_int_equal(0, outbox_new(&o, max_bytes));
	return o;
}

static void test_outbox_given_frames_when_taken_and_stored_then_order_and_totals_are_right(
	void **state)
{
	struct outbox *o = make(1000);
	struct outbox_totals totals;
	struct outbox_frame *a, *b;

	(void)state;
	outbox_push(o, frame(10, 1, 0, 5));
	outbox_push(o, frame(20, 6, 1, 5));
	a = outbox_take(o);
	b = outbox_take(o);
	assert_int_equal(1, a->first_seq);
	assert_int_equal(6, b->first_seq);
	assert_null(outbox_take(o));
	outbox_totals(o, &totals);
	assert_int_equal(2, totals.frames);
	assert_int_equal(30, totals.bytes);
	assert_int_equal(1, totals.lowest_seq);
	outbox_stored(o, a);
	outbox_totals(o, &totals);
	assert_int_equal(6, totals.lowest_seq);
	assert_false(outbox_wait_empty(o, 10));
	outbox_stored(o, b);
	assert_true(outbox_wait_empty(o, 10));
	outbox_free(o);
}

/* Not after the hour that it may take. */
static void test_outbox_given_a_spooler_when_no_ack_comes_then_the_wait_ends(void **state)
{
	struct outbox *o = make(1000);
	struct outbox_frame *a;

	(void)state;
	outbox_spooling(o, &(struct outbox_spooling){ .away_ms = 3600000 });
	outbox_push(o, frame(10, 1, 0, 5));
	a = outbox_take(o);
	assert_false(outbox_wait_empty(o, 3600000));
	outbox_stored(o, a);
	assert_true(outbox_wait_empty(o, 3600000));
	outbox_spooling(o, NULL);
	outbox_free(o);
}

static void test_outbox_given_no_room_when_pushed_then_the_oldest_bulk_goes_and_is_told(
	void **state)
{
	struct outbox *o = make(100);
	struct losses lost = { 0 };
	struct loss l;

	(void)state;
	outbox_push(o, frame(40, 1, 10, 0));
	outbox_push(o, frame(40, 11, 0, 10));
	outbox_push(o, frame(40, 21, 0, 7));
	outbox_losses(o, &lost);
	assert_true(losses_take(&lost, &l));
	assert_int_equal(10, l.count);
	assert_int_equal(CLASS_BULK, l.class);
	assert_int_equal(LOSS_QUEUE_FULL, l.cause);
	assert_int_equal(11, l.first_seq);
	assert_int_equal(20, l.last_seq);
	assert_int_equal(110, l.from_ns);
	assert_false(losses_take(&lost, &l));
	assert_int_equal(1, outbox_take(o)->first_seq);
	assert_int_equal(21, outbox_take(o)->first_seq);
	outbox_free(o);
}

static void test_outbox_given_all_under_way_when_pushed_then_the_new_frame_is_the_loss(void **state)
{
	struct outbox *o = make(100);
	struct losses lost = { 0 };
	struct outbox_totals totals;
	struct loss l;

	(void)state;
	outbox_push(o, frame(90, 1, 1, 2));
	assert_non_null(outbox_take(o));
	outbox_push(o, frame(90, 4, 3, 4));
	outbox_losses(o, &lost);
	assert_true(losses_take(&lost, &l));
	assert_int_equal(3, l.count);
	assert_true(losses_take(&lost, &l));
	assert_int_equal(4, l.count);
	outbox_totals(o, &totals);
	assert_int_equal(7, totals.lost_events);
	assert_int_equal(1, totals.frames);
	outbox_free(o);
}

static void test_outbox_given_a_frame_that_tells_a_gap_when_lost_then_the_gap_comes_back(
	void **state)
{
	struct outbox *o = make(100);
	struct outbox_frame *f = frame(50, 100, 1, 0);
	struct losses lost = { 0 };
	struct loss l;

	(void)state;
	f->losses = calloc(1, sizeof(*f->losses));
	f->n_losses = 1;
	f->losses[0] = (struct loss){
		.count = 55, .class = CLASS_BULK, .cause = LOSS_RING_FULL, .from_ns = 3, .to_ns = 4
	};
	outbox_push(o, f);
	outbox_refused(o, outbox_take(o));
	outbox_losses(o, &lost);
	assert_true(losses_take(&lost, &l));
	assert_int_equal(LOSS_REFUSED, l.cause);
	assert_int_equal(1, l.count);
	assert_true(losses_take(&lost, &l));
	assert_int_equal(LOSS_RING_FULL, l.cause);
	assert_int_equal(55, l.count);
	assert_int_equal(3, l.from_ns);
	outbox_free(o);
}

static void test_outbox_given_waiting_frames_when_a_heartbeat_is_pushed_then_it_is_dropped(
	void **state)
{
	struct outbox *o = make(100);
	struct outbox_totals totals;

	(void)state;
	outbox_push(o, frame(10, 1, 0, 0));
	outbox_push(o, frame(10, 1, 0, 0));
	outbox_totals(o, &totals);
	assert_int_equal(1, totals.frames);
	assert_int_equal(0, totals.lowest_seq);
	outbox_free(o);
}

static void test_losses_given_the_same_cause_twice_when_added_then_they_are_one(void **state)
{
	struct losses all = { 0 };
	struct loss a = {
		.count = 2, .class = CLASS_BULK, .cause = LOSS_RING_FULL, .from_ns = 10, .to_ns = 20
	};
	struct loss b = { .count = 3,
			  .class = CLASS_BULK,
			  .cause = LOSS_RING_FULL,
			  .from_ns = 5,
			  .to_ns = 15,
			  .first_seq = 7,
			  .last_seq = 9 };
	struct loss l;

	(void)state;
	losses_add(&all, &a);
	losses_add(&all, &b);
	assert_true(losses_take(&all, &l));
	assert_int_equal(5, l.count);
	assert_int_equal(5, l.from_ns);
	assert_int_equal(20, l.to_ns);
	assert_int_equal(7, l.first_seq);
	assert_int_equal(9, l.last_seq);
	assert_false(losses_any(&all));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outbox_given_a_spooler_when_no_ack_comes_then_the_wait_ends),
		cmocka_unit_test(
			test_outbox_given_frames_when_taken_and_stored_then_order_and_totals_are_right),
		cmocka_unit_test(
			test_outbox_given_no_room_when_pushed_then_the_oldest_bulk_goes_and_is_told),
		cmocka_unit_test(
			test_outbox_given_all_under_way_when_pushed_then_the_new_frame_is_the_loss),
		cmocka_unit_test(
			test_outbox_given_a_frame_that_tells_a_gap_when_lost_then_the_gap_comes_back),
		cmocka_unit_test(
			test_outbox_given_waiting_frames_when_a_heartbeat_is_pushed_then_it_is_dropped),
		cmocka_unit_test(
			test_losses_given_the_same_cause_twice_when_added_then_they_are_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
