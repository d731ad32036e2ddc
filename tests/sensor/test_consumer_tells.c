/* SPDX-License-Identifier: Apache-2.0 */
/* What the consumer tells of itself: losses, alarms, statistics, filters in force. */
#include "tests/sensor/consumer_fixture.h"

/* ---- tests ---- */

static void test_consumer_given_many_events_when_sealed_then_numbers_have_no_hole(void **state)
{
	uint64_t next = w.seq.next, events = 0;

	(void)state;
	for (uint32_t i = 0; i < 10000; i++) {
		made_open(&made, 10 + i % 7, second, 20 * second + i, "/etc/hosts", 0);
		feed();
	}
	consumer_finish(w.consumer, "stop");
	while (next_frame()) {
		assert_int_equal(next, block_info(w.block)->first_seq);
		assert_true(block_info(w.block)->n_events <= 4096);
		next += block_info(w.block)->n_events;
		events += block_info(w.block)->n_events;
	}
	assert_int_equal(10001, events); /* and the sensor's own */
	assert_int_equal(w.seq.next, next);
}

static void test_consumer_given_losses_of_each_kind_when_sealed_then_gaps_tell_them(void **state)
{
	struct batch_stats stats;

	(void)state;
	w.replay.loss[REC_CLASS_BULK][REC_LOST_RING] = (struct probe_loss){ 7, second, 2 * second };
	w.replay.loss[REC_CLASS_PRIORITY][REC_LOST_RING] = (struct probe_loss){ 3, second, second };
	w.replay.malformed = 2;
	made_exit(&made, 10, second, 2 * second, 0);
	made.head.type = 99;
	feed();
	run();
	assert_true(find(KIND_GAP));
	assert_int_equal(3, block_rows(w.block, w.table));
	check_text(0, "rtsec.gap.class", "priority");
	check_text(0, "rtsec.gap.cause", "ring_full");
	check_number(0, "rtsec.gap.count", 3);
	check_text(1, "rtsec.gap.class", "bulk");
	check_number(1, "rtsec.gap.count", 7);
	check_number(1, "rtsec.gap.from", enrich_time(w.enrich, second));
	check_number(1, "rtsec.gap.to", enrich_time(w.enrich, 2 * second));
	check_text(2, "rtsec.gap.cause", "malformed");
	check_number(2, "rtsec.gap.count", 3);
	consumer_stats(w.consumer, &stats);
	assert_int_equal(3, stats.lost_priority);
	assert_int_equal(7, stats.lost_bulk);
	assert_int_equal(3, stats.malformed);
	assert_true(find(KIND_SENSOR));
	check_text(0, "message", "stop");
}

/* Takes all frames: @kept counts their events but for gaps, @lost what their gaps tell. */
static void count_all(uint64_t *kept, uint64_t *lost)
{
	while (next_frame()) {
		*kept += block_info(w.block)->n_events;
		if (!find(KIND_GAP))
			continue;
		*kept -= block_rows(w.block, w.table);
		for (uint32_t i = 0; i < block_rows(w.block, w.table); i++) {
			check_text(i, "rtsec.gap.cause", "queue_full");
			*lost += value(i, "rtsec.gap.count").number;
		}
	}
}

static void test_consumer_given_a_small_queue_when_flooded_then_stored_and_lost_are_all(
	void **state)
{
	uint64_t kept = 0, lost = 0;

	(void)state;
	teardown(NULL);
	setup_sized(60000);
	for (uint32_t i = 0; i < 12000; i++) {
		char path[64];

		if (i % 100 == 0)
			feed_exec(10, "/bin/bash", 20 * second + i);
		snprintf(path, sizeof(path), "/var/%08x/%08x", i * 2654435761u, i * 40503u);
		made_open(&made, 10 + i % 7, second, 20 * second + i, path, 0);
		feed();
	}
	consumer_finish(w.consumer, "stop"); /* nobody takes a frame meanwhile */
	count_all(&kept, &lost);
	consumer_finish(w.consumer, "stop"); /* tells what the end of the first pushed out */
	count_all(&kept, &lost);
	assert_true(lost > 0);
	assert_int_equal(12000 + 120 + 2, kept + lost);
}

static void test_consumer_given_an_open_of_the_state_when_sealed_then_an_alarm_tells_who(
	void **state)
{
	char path[160];

	(void)state;
	snprintf(path, sizeof(path), "%s/seq", w.dir);
	made_open(&made, 10, 10 * second, 20 * second, path, O_RDONLY);
	feed();
	made_open(&made, 10, 10 * second, 20 * second + 1, path, O_RDONLY); /* within a second */
	feed();
	made_open_failed(&made, 10, 10 * second, 22 * second, "/home/ann", path, EACCES);
	feed();
	run();
	assert_true(find(KIND_ALARM));
	assert_int_equal(1, block_rows(w.block, w.table));
	check_text(0, "rtsec.alarm.reason", "state_opened");
	check_text(0, "rtsec.alarm.state", "raised");
	check_text(0, "file.path", path);
	check_text(0, "process.name", "comm10");
	assert_true(find(KIND_OPEN));
	assert_int_equal(3, block_rows(w.block, w.table));
}

static void test_consumer_given_programs_detached_when_told_then_an_alarm_before_the_stop(
	void **state)
{
	(void)state;
	consumer_detached(w.consumer, "3 of the sensor's programs are no longer attached");
	run();
	assert_true(find(KIND_ALARM));
	assert_int_equal(1, block_rows(w.block, w.table));
	check_text(0, "rtsec.alarm.reason", "detached");
	check_text(0, "message", "3 of the sensor's programs are no longer attached");
	assert_true(find(KIND_SENSOR));
}

static void test_consumer_given_a_broken_source_when_turned_then_it_says_so(void **state)
{
	(void)state;
	w.replay.failure = -EBADMSG;
	assert_int_equal(-EBADMSG, consumer_turn(w.consumer, 0));
}

/* A sensor event of the frames to come says @text. */
static bool is_said(const char *text)
{
	while (next_frame())
		for (uint32_t i = 0; find(KIND_SENSOR) && i < block_rows(w.block, w.table); i++) {
			struct block_string s = value(i, "message").string;

			if (memmem(s.s, s.n, text, strlen(text)))
				return true;
		}
	return false;
}

static struct filter *one_rule(const char *name)
{
	struct filter *f = NULL;
	struct diag d;

	assert_int_equal(0, filter_new(&f));
	assert_int_equal(0, filter_rule(f, name, FILTER_DROP, 0, &d));
	return f;
}

static void test_consumer_given_filters_when_handed_over_then_the_last_are_put_in_force(
	void **state)
{
	(void)state;
	consumer_filter(w.consumer, one_rule("first"));
	consumer_filter(w.consumer, one_rule("second"));
	assert_null(w.replay.filter);
	assert_int_equal(0, consumer_turn(w.consumer, 0));
	assert_string_equal("second", filter_name(w.replay.filter, 0));
	w.replay.refuses = -ENOSPC;
	consumer_filter(w.consumer, one_rule("third"));
	assert_int_equal(0, consumer_turn(w.consumer, 0));
	assert_string_equal("second", filter_name(w.replay.filter, 0));
	consumer_filter(w.consumer, one_rule("never"));
	consumer_finish(w.consumer, "stop");
	assert_true(is_said("filters in force: 1 rules"));
}

static void test_consumer_given_counts_when_sealed_then_the_statistics_have_them(void **state)
{
	struct block_stats s;
	char text[64];

	(void)state;
	w.replay.counts = (struct probe_counts){ 11, 12, 13, 0, 0 };
	w.replay.filter = one_rule("quiet");
	run();
	block_stats(w.block, &s);
	assert_int_equal(11, s.left_out);
	assert_int_equal(12, s.undecided);
	assert_int_equal(2, s.n_counters);
	snprintf(text, sizeof(text), "%.*s %.*s", (int)s.counters[0].n, s.counters[0].s,
		 (int)s.counters[1].n, s.counters[1].s);
	assert_string_equal("evicted followed=13 filter quiet=7", text);
}

static void test_consumer_given_a_process_from_before_when_sealed_then_it_is_counted(void **state)
{
	struct block_stats s;
	char text[64];

	(void)state;
	feed_exec(70, "/usr/bin/older", second);
	run();
	block_stats(w.block, &s);
	assert_int_equal(1, s.n_counters);
	snprintf(text, sizeof(text), "%.*s", (int)s.counters[0].n, s.counters[0].s);
	assert_string_equal("processes begin_unseen=1", text);
}

static void test_consumer_given_full_tables_when_more_gives_way_then_an_event_tells(void **state)
{
	(void)state;
	w.replay.counts = (struct probe_counts){ .unfollowed = 13, .unthrottled = 2 };
	assert_int_equal(0, consumer_turn(w.consumer, 0)); /* a heartbeat counts them */
	assert_int_equal(0, consumer_turn(w.consumer, 0));
	consumer_finish(w.consumer, "stop");
	assert_true(is_said("gave way since the start: followed=13 workloads=2"));
}

/* The watchdog goes by it. */
static void test_consumer_given_thread_when_it_lives_then_its_turns_go_on(void **state)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	uint64_t before;

	(void)state;
	assert_int_equal(0, consumer_turns(w.consumer));
	assert_int_equal(0, consumer_start(w.consumer));
	for (int i = 0; consumer_turns(w.consumer) < 3; i++) {
		assert_true(i < 30000);
		nanosleep(&pause, NULL);
	}
	consumer_stop(w.consumer, "stop");
	before = consumer_turns(w.consumer);
	assert_int_equal(before, consumer_turns(w.consumer));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_consumer_given_many_events_when_sealed_then_numbers_have_no_hole),
		T(test_consumer_given_losses_of_each_kind_when_sealed_then_gaps_tell_them),
		T(test_consumer_given_a_small_queue_when_flooded_then_stored_and_lost_are_all),
		T(test_consumer_given_filters_when_handed_over_then_the_last_are_put_in_force),
		T(test_consumer_given_counts_when_sealed_then_the_statistics_have_them),
		T(test_consumer_given_a_process_from_before_when_sealed_then_it_is_counted),
		T(test_consumer_given_full_tables_when_more_gives_way_then_an_event_tells),
		T(test_consumer_given_an_open_of_the_state_when_sealed_then_an_alarm_tells_who),
		T(test_consumer_given_programs_detached_when_told_then_an_alarm_before_the_stop),
		T(test_consumer_given_thread_when_it_lives_then_its_turns_go_on),
		T(test_consumer_given_a_broken_source_when_turned_then_it_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
