/* SPDX-License-Identifier: Apache-2.0 */
/* What the collector notices of its sensors, and the events that it makes of that. */
#include "tests/collector/fixture.h"

#include "collector/ingest_alarm.h"
#include "collector/watch.h"
#include "lib/log.h"

#define SECOND_NS UINT64_C(1000000000)

struct fix {
	char dir[128];
	struct maindb *maindb;
	struct watch *watch;
	struct block *block;
	struct frame_codec *codec;
	uint64_t now_ms;
	uint32_t pipe;
	const char *address;
};

static int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	fixture_folder(f->dir);
	f->now_ms = 1000000;
	assert_int_equal(maindb_open(&f->maindb, f->dir, NULL), 0);
	assert_int_equal(watch_new(&f->watch, f->maindb, f->now_ms), 0);
	assert_int_equal(block_new(&f->block), 0);
	assert_int_equal(frame_codec_new(&f->codec), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	watch_free(f->watch);
	maindb_free(f->maindb);
	block_free(f->block);
	frame_codec_free(f->codec);
	fixture_remove(f->dir);
	free(f);
	return 0;
}

/* What a sensor sends; all 0: a heartbeat of version 0.2.0 with a right clock. */
struct sent {
	const char *node, *version, *says, *alarm;
	int64_t ahead_ns; /* its clock */
	uint64_t old_ns;  /* its event's age; 0: there is none */
};

static void load(struct fix *f, const struct sent *s, uint64_t now_ns)
{
	struct batch_origin origin = { .node_id = s->node ? s->node : "n1",
				       .node_name = "name",
				       .boot_id = { 1 },
				       .agent_version = s->version ? s->version : "0.2.0" };
	struct batch_stats stats = { .clock_offset_ns = s->ahead_ns, .clock_error_ns = 1000 };
	AUTO_BUF struct buf frame = { 0 };
	AUTO(batch) *b = NULL;

	assert_int_equal(batch_new(&b, &origin), 0);
	if (s->old_ns)
		batch_event(b, KIND_OPEN, 1, now_ns + (uint64_t)s->ahead_ns - s->old_ns);
	if (s->says) {
		batch_event(b, KIND_SENSOR, 2, now_ns + (uint64_t)s->ahead_ns);
		batch_set_str(b, KIND_SENSOR, FIELD_MESSAGE, s->says, strlen(s->says));
	}
	if (s->alarm) {
		batch_event(b, KIND_ALARM, 3, now_ns + (uint64_t)s->ahead_ns);
		batch_set_str(b, KIND_ALARM, FIELD_ALARM_REASON, s->alarm, strlen(s->alarm));
	}
	assert_int_equal(batch_seal(b, f->codec, &stats, 4, now_ns, &frame), 0);
	assert_int_equal(block_load(f->block, frame.data, frame.n, NULL), 0);
}

static void arrive(struct fix *f, struct sent s)
{
	struct watch_arrival a = { .pipe = f->pipe,
				   .address = f->address,
				   .received_ns = timestamp_now(),
				   .now_ms = f->now_ms };

	load(f, &s, a.received_ns);
	assert_int_equal(maindb_node_seen(f->maindb, f->block, a.received_ns, &a.number), 0);
	watch_batch(f->watch, f->block, &a);
}

static void later(struct fix *f, uint64_t ms)
{
	f->now_ms += ms;
	watch_tick(f->watch, f->now_ms);
}

static void expect_alarm(struct fix *f, enum watch_condition c, bool raised)
{
	struct watch_alarm a;

	assert_true(watch_take(f->watch, &a));
	assert_string_equal(watch_name(a.condition), watch_name(c));
	assert_int_equal(a.raised, raised);
	assert_string_equal(a.node_name, "name");
	assert_true(a.text[0]);
}

static void expect_none(struct fix *f)
{
	struct watch_alarm a;

	assert_false(watch_take(f->watch, &a));
}

static int note_state(const struct node *n, void *arg)
{
	*(const char **)arg = n->state;
	return 0;
}

static void expect_state(struct fix *f, const char *state)
{
	const char *got = NULL;

	assert_int_equal(maindb_nodes(f->maindb, note_state, &got), 0);
	if (state)
		assert_string_equal(got, state);
	else
		assert_null(got);
}

/* ---- one test a condition ---- */

static void test_watch_given_a_node_when_nothing_comes_for_a_minute_then_silent_once_until_heard(
	void **state)
{
	struct fix *f = *state;

	arrive(f, (struct sent){ 0 });
	later(f, 60000);
	expect_none(f);
	later(f, 1);
	later(f, 60000);
	expect_alarm(f, WATCH_SILENT, true);
	expect_none(f);
	expect_state(f, "silent");
	arrive(f, (struct sent){ 0 });
	expect_alarm(f, WATCH_SILENT, false);
	expect_none(f);
	expect_state(f, NULL);
}

static void test_watch_given_nodes_of_before_when_they_do_not_come_then_silent(void **state)
{
	struct fix *f = *state;

	arrive(f, (struct sent){ 0 });
	f->watch = watch_free(f->watch);
	assert_int_equal(watch_new(&f->watch, f->maindb, f->now_ms), 0);
	later(f, 60001);
	expect_alarm(f, WATCH_SILENT, true);
}

static void test_watch_given_a_stop_when_told_then_stopped_and_never_silent_until_a_start(
	void **state)
{
	struct fix *f = *state;

	arrive(f, (struct sent){ .says = "stop" });
	expect_alarm(f, WATCH_STOPPED, true);
	arrive(f, (struct sent){ .old_ns = 5 }); /* what was gathered before */
	later(f, 300000);
	expect_none(f);
	expect_state(f, "stopped");
	arrive(f, (struct sent){ .says = "start: version 0.2.0" });
	expect_alarm(f, WATCH_STOPPED, false);
	expect_none(f);
}

static void test_watch_given_old_events_when_they_go_on_then_lagging_until_new_ones(void **state)
{
	struct fix *f = *state;

	for (int i = 0; i < 10; i++) {
		arrive(f, (struct sent){ .old_ns = 61 * SECOND_NS });
		later(f, 1000);
	}
	expect_none(f);
	arrive(f, (struct sent){ .old_ns = 61 * SECOND_NS });
	expect_alarm(f, WATCH_LAGGING, true);
	arrive(f, (struct sent){ 0 });		 /* a heartbeat tells nothing of it */
	arrive(f, (struct sent){ .old_ns = 1 }); /* nor does what is told first, of old ones */
	expect_none(f);
	later(f, 10000);
	arrive(f, (struct sent){ .old_ns = 1 });
	expect_alarm(f, WATCH_LAGGING, false);
	arrive(f, (struct sent){ .old_ns = 61 * SECOND_NS });
	later(f, 61000);
	expect_alarm(f, WATCH_SILENT, true);
	arrive(f, (struct sent){ .old_ns = 61 * SECOND_NS }); /* now and then is not on end */
	expect_alarm(f, WATCH_SILENT, false);
	expect_none(f);
	arrive(f, (struct sent){ .old_ns = 1, .ahead_ns = -1000 * (int64_t)SECOND_NS });
	expect_alarm(f, WATCH_SKEWED, true); /* its clock is wrong, but it does not lag */
	later(f, 20000);
	arrive(f, (struct sent){ .old_ns = 1, .ahead_ns = -1000 * (int64_t)SECOND_NS });
	expect_none(f);
}

static void test_watch_given_a_clock_off_when_measured_then_skewed_until_it_is_well_within(
	void **state)
{
	struct fix *f = *state;

	arrive(f, (struct sent){ .ahead_ns = 4900000000 });
	expect_none(f);
	arrive(f, (struct sent){ .ahead_ns = -5100000000 });
	expect_alarm(f, WATCH_SKEWED, true);
	arrive(f, (struct sent){ .ahead_ns = 4900000000 });
	expect_none(f);
	arrive(f, (struct sent){ .ahead_ns = 3900000000 });
	expect_alarm(f, WATCH_SKEWED, false);
}

static void test_watch_given_a_lower_version_when_seen_then_downgraded_until_it_is_back(
	void **state)
{
	struct fix *f = *state;

	arrive(f, (struct sent){ .version = "0.9.1" });
	arrive(f, (struct sent){ .version = "0.10.0" });
	expect_none(f);
	arrive(f, (struct sent){ .version = "0.9.1" });
	expect_alarm(f, WATCH_DOWNGRADED, true);
	arrive(f, (struct sent){ .version = "0.9.9" });
	expect_none(f);
	f->watch = watch_free(f->watch);
	assert_int_equal(watch_new(&f->watch, f->maindb, f->now_ms), 0);
	arrive(f, (struct sent){ .version = "0.9.8" }); /* as lower as it was */
	expect_none(f);
	arrive(f, (struct sent){ .version = "0.10.0" });
	expect_alarm(f, WATCH_DOWNGRADED, false);
	f->watch = watch_free(f->watch);
	assert_int_equal(watch_new(&f->watch, f->maindb, f->now_ms), 0);
	arrive(f, (struct sent){ .version = "0.9.8" }); /* lower than what main.db knows */
	expect_alarm(f, WATCH_DOWNGRADED, true);
	arrive(f, (struct sent){ .version = "1.0" });
	expect_alarm(f, WATCH_DOWNGRADED, false);
	expect_none(f);
}

static void from(struct fix *f, uint32_t pipe, const char *address)
{
	f->pipe = pipe;
	f->address = address;
	arrive(f, (struct sent){ 0 });
}

static void test_watch_given_two_with_one_state_when_both_send_then_an_alarm_names_both(
	void **state)
{
	struct fix *f = *state;
	struct watch_alarm a;

	for (int i = 0; i < 3; i++) {
		from(f, 7, "10.0.0.1:1000");
		later(f, 10000);
		from(f, 9, "10.0.0.2:2000");
		later(f, 10000);
	}
	assert_true(watch_take(f->watch, &a));
	assert_int_equal(a.condition, WATCH_DUPLICATED);
	assert_string_equal(a.addresses[0], "10.0.0.1:1000");
	assert_string_equal(a.addresses[1], "10.0.0.2:2000");
	assert_non_null(strstr(a.text, "10.0.0.1:1000"));
	assert_non_null(strstr(a.text, "10.0.0.2:2000"));
	expect_none(f);
	expect_state(f, "duplicated");
	for (int i = 0; i < 13; i++) { /* one of them goes */
		later(f, 10000);
		from(f, 9, "10.0.0.2:2000");
	}
	later(f, 1);
	expect_alarm(f, WATCH_DUPLICATED, false);
	expect_none(f);
}

static void test_watch_given_a_sensor_that_dials_anew_when_often_then_no_alarm(void **state)
{
	struct fix *f = *state;

	for (uint32_t i = 1; i < 200; i++) {
		from(f, i, "10.0.0.1:1000");
		later(f, 100);
	}
	expect_none(f);
}

/* What a sensor tells of itself is raised by its event, and cleared by ours. */
static void test_watch_given_alarms_of_the_sensor_when_told_then_cleared_when_over(void **state)
{
	struct fix *f = *state;

	arrive(f, (struct sent){ .alarm = "silent" }); /* not its to tell */
	expect_state(f, NULL);
	arrive(f, (struct sent){ .alarm = "state_opened" });
	later(f, 50000);
	arrive(f, (struct sent){ .alarm = "state_opened" });
	arrive(f, (struct sent){ .alarm = "ring_opened" });
	expect_state(f, "ring_opened");
	later(f, 30000);
	arrive(f, (struct sent){ 0 });
	expect_none(f);
	later(f, 50000);
	arrive(f, (struct sent){ 0 });
	later(f, 40001);
	expect_alarm(f, WATCH_STATE_OPENED, false);
	expect_alarm(f, WATCH_RING_OPENED, false);
	expect_state(f, NULL);
	arrive(f, (struct sent){ .alarm = "detached", .says = "stop" });
	expect_alarm(f, WATCH_STOPPED, true);
	expect_state(f, "detached");
	later(f, 1000000);
	expect_none(f);
	arrive(f, (struct sent){ .says = "start: version 0.2.0" });
	expect_alarm(f, WATCH_STOPPED, false);
	expect_alarm(f, WATCH_DETACHED, false);
	expect_none(f);
	expect_state(f, NULL);
}

static void restart(struct fix *f)
{
	f->watch = watch_free(f->watch);
	assert_int_equal(maindb_flush(f->maindb), 0);
	f->maindb = maindb_free(f->maindb);
	assert_int_equal(maindb_open(&f->maindb, f->dir, NULL), 0);
	assert_int_equal(watch_new(&f->watch, f->maindb, f->now_ms), 0);
}

static void test_watch_given_a_stop_before_a_restart_when_older_ones_come_then_still_stopped(
	void **state)
{
	struct fix *f = *state;

	arrive(f, (struct sent){ .says = "stop" });
	expect_alarm(f, WATCH_STOPPED, true);
	later(f, 300000);
	restart(f);
	arrive(f, (struct sent){ .old_ns = 5 }); /* what was gathered before */
	expect_none(f);
	expect_state(f, "stopped");
	arrive(f, (struct sent){ .says = "start: version 0.2.0" });
	expect_alarm(f, WATCH_STOPPED, false);
	expect_none(f);
}

static void test_watch_given_alarms_when_restarted_then_neither_raised_nor_cleared_twice(
	void **state)
{
	struct fix *f = *state;

	arrive(f, (struct sent){ .version = "0.3.0" });
	arrive(f, (struct sent){ .version = "0.2.0", .ahead_ns = 9000000000 });
	expect_alarm(f, WATCH_DOWNGRADED, true);
	expect_alarm(f, WATCH_SKEWED, true);
	restart(f);
	expect_state(f, "downgraded");
	arrive(f, (struct sent){ .version = "0.2.0", .ahead_ns = 9000000000 });
	expect_none(f);
	later(f, 60001);
	expect_alarm(f, WATCH_SILENT, true);
	restart(f);
	later(f, 60001);
	expect_none(f);
	expect_state(f, "silent");
	arrive(f, (struct sent){ .version = "0.3.0" });
	expect_alarm(f, WATCH_SILENT, false);
	expect_alarm(f, WATCH_DOWNGRADED, false);
	expect_alarm(f, WATCH_SKEWED, false);
	expect_none(f);
	expect_state(f, NULL);
}

static void test_watch_given_other_limits_when_set_then_they_count(void **state)
{
	static const struct watch_limits limits = {
		.silent_ms = 5000, .lag_ms = 6000, .skew_ms = 1000, .calm_ms = 3000
	};
	struct fix *f = *state;

	watch_set_limits(f->watch, &limits);
	arrive(f, (struct sent){ .ahead_ns = 1100000000, .old_ns = 7 * SECOND_NS });
	expect_alarm(f, WATCH_SKEWED, true);
	later(f, 1000);
	arrive(f, (struct sent){ .old_ns = 7 * SECOND_NS });
	expect_alarm(f, WATCH_SKEWED, false);
	expect_alarm(f, WATCH_LAGGING, true);
	later(f, 5001);
	expect_alarm(f, WATCH_SILENT, true);
	arrive(f, (struct sent){ .alarm = "state_opened", .old_ns = 1 });
	expect_alarm(f, WATCH_SILENT, false);
	expect_alarm(f, WATCH_LAGGING, false);
	later(f, 3001);
	expect_alarm(f, WATCH_STATE_OPENED, false);
}

static void test_watch_given_more_alarms_than_have_a_place_when_raised_then_counted(void **state)
{
	struct fix *f = *state;

	for (unsigned i = 0; i < WATCH_PENDING + 5u; i++)
		arrive(f, (struct sent){ .ahead_ns = i % 2 ? 0 : 9000000000 });
	assert_int_equal(watch_lost(f->watch), 5);
	for (unsigned i = 0; i < WATCH_PENDING; i++)
		expect_alarm(f, WATCH_SKEWED, i % 2 == 0);
	expect_none(f);
}

/* ---- as an event ---- */

static void expect_text(struct block *b, enum field f, const char *text)
{
	const uint64_t *column = block_column(b, 0, f);
	struct block_string s;

	assert_non_null(column);
	s = block_string(b, (uint32_t)column[0]);
	assert_int_equal(s.n, strlen(text));
	assert_memory_equal(s.s, text, s.n);
}

static void test_alarm_given_one_when_written_then_it_is_an_event_of_its_node(void **state)
{
	struct fix *f = *state;
	struct watch_alarm a = { .condition = WATCH_DUPLICATED,
				 .raised = true,
				 .node_id = "n1",
				 .node_name = "name",
				 .addresses = { "10.0.0.1:1", "10.0.0.2:2" },
				 .text = "two" };
	AUTO(alarm_writer) *w = NULL;
	AUTO_BUF struct buf frame = { 0 };
	struct block_list list;

	assert_int_equal(alarm_writer_new(&w), 0);
	for (uint64_t i = 1; i < 3; i++) {
		buf_clear(&frame);
		assert_int_equal(alarm_write(w, &a, 77, &frame), 0);
		assert_int_equal(block_load(f->block, frame.data, frame.n, NULL), 0);
		assert_int_equal(block_info(f->block)->n_events, 1);
		assert_int_equal(block_info(f->block)->first_seq, i);
		assert_memory_equal(block_info(f->block)->node_id.s, "n1", 2);
		assert_int_equal(block_kind(f->block, 0), KIND_ALARM);
		expect_text(f->block, FIELD_ALARM_REASON, "duplicated");
		expect_text(f->block, FIELD_ALARM_STATE, "raised");
		expect_text(f->block, FIELD_MESSAGE, "two");
		assert_true(block_list(f->block, 0, FIELD_ALARM_ADDRESSES, &list));
		assert_int_equal(list.starts[1] - list.starts[0], 2);
	}
	a.node_id[0] = '\0';
	buf_clear(&frame);
	assert_int_equal(alarm_write(w, &a, 77, &frame), -EINVAL);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_watch_given_a_node_when_nothing_comes_for_a_minute_then_silent_once_until_heard),
		T(test_watch_given_nodes_of_before_when_they_do_not_come_then_silent),
		T(test_watch_given_a_stop_when_told_then_stopped_and_never_silent_until_a_start),
		T(test_watch_given_a_stop_before_a_restart_when_older_ones_come_then_still_stopped),
		T(test_watch_given_old_events_when_they_go_on_then_lagging_until_new_ones),
		T(test_watch_given_a_clock_off_when_measured_then_skewed_until_it_is_well_within),
		T(test_watch_given_a_lower_version_when_seen_then_downgraded_until_it_is_back),
		T(test_watch_given_two_with_one_state_when_both_send_then_an_alarm_names_both),
		T(test_watch_given_a_sensor_that_dials_anew_when_often_then_no_alarm),
		T(test_watch_given_alarms_of_the_sensor_when_told_then_cleared_when_over),
		T(test_watch_given_alarms_when_restarted_then_neither_raised_nor_cleared_twice),
		T(test_watch_given_other_limits_when_set_then_they_count),
		T(test_watch_given_more_alarms_than_have_a_place_when_raised_then_counted),
		T(test_alarm_given_one_when_written_then_it_is_an_event_of_its_node),
	};

	log_set_level(LOG_ERROR + 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
