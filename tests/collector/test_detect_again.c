/* SPDX-License-Identifier: Apache-2.0 */
/* Rules over several events when the collector was away, when a commit fails, when events come late
 * and when nothing more comes: each alert is made once, as if all had come in order. */
#include "tests/collector/detect_fixture.h"

#include "lib/correlate.h"
#include "lib/sequence.h"

static int show(const struct alert *a, void *arg)
{
	char *out = arg;
	size_t n = strlen(out);

	snprintf(out + n, 8192 - n, "%s %s %d; ", a->rule_id, a->object ? a->object : "-",
		 (int)a->n_events);
	return 0;
}

static void list(struct alertbook *b, char shown[8192])
{
	const struct alert_filter all = { .status = -1, .until_ns = UINT64_MAX, .limit = 1000 };

	shown[0] = '\0';
	assert_int_equal(alertbook_list(b, &all, show, shown), 0);
}

static void check(struct fix *f, const char *expected)
{
	char shown[8192];

	list(f->alerts, shown);
	assert_string_equal(shown, expected);
}

/* ---- the collector was away ---- */

static void test_detect_given_restart_within_sequence_when_it_goes_on_then_one_alert(void **state)
{
	struct fix *f = *state;

	apply_and_follow(f, X_THEN_Y);
	happen(f, "n1", 0, 1, "x");
	happen(f, "n1", 2, 1, "other");
	restart(f);
	follow(f); /* nothing new: the state is made when something comes */
	happen(f, "n1", 10, 1, "y");
	check(f, "q [\"n1\"] 1; ");
	restart(f);
	happen(f, "n1", 20, 1, "other");
	happen(f, "n1", 21, 1, "y"); /* the x is used up */
	check(f, "q [\"n1\"] 1; ");
	restart(f);
	happen(f, "n1", 200, 1, "x");
	restart(f);
	happen(f, "n1", 300, 1, "y"); /* over a minute later */
	happen(f, "n1", 301, 1, "other");
	check(f, "q [\"n1\"] 1; ");
}

static void test_detect_given_restart_within_window_when_it_goes_on_then_counted_once(void **state)
{
	struct fix *f = *state;

	apply_and_follow(f, THREE_X);
	happen(f, "n1", 0, 2, "x");
	restart(f);
	happen(f, "n1", 10, 1, "x");
	check(f, "many process.name=x 1; ");
	restart(f);
	happen(f, "n1", 20, 1, "other");
	check(f, "many process.name=x 1; ");
	restart(f);
	happen(f, "n1", 30, 1, "x");
	check(f, "many process.name=x 2; ");
	restart(f);
	happen(f, "n1", 200, 2, "x");
	check(f, "many process.name=x 2; ");
}

static void test_detect_given_failed_commit_when_batches_come_again_then_state_is_as_before(
	void **state)
{
	struct fix *f = *state;
	struct follow_observer o = detect_observer(f->detect);
	int (*commit)(uint64_t, void *) = o.commit;

	apply_and_follow(f, X_THEN_Y "---\n" THREE_X);
	happen(f, "n1", 0, 2, "x");
	put(f, "n1", 10, 1, "x");
	put(f, "n1", 11, 1, "y");
	put(f, "n1", 12, 1, "other");
	o.kinds = 0;
	for (int i = 0; i < 2; i++) { /* taken in, and forgotten */
		struct fixture_batch again = {
			.first_seq = 99000, .n = 1, .time_ns = f->base_ns + 11 * S, .word = "y"
		};
		const struct store_block meta = { .id = 1 };
		AUTO_BUF struct buf frame = { 0 };

		load(f, &again, &frame);
		assert_int_equal(o.batch(&meta, f->block, o.arg), 0);
		o.rollback(o.arg);
	}
	assert_ptr_equal(commit, o.commit);
	follow(f);
	check(f, "q [\"n1\"] 1; many process.name=x 1; ");
}

/* ---- late ---- */

static void test_detect_given_batch_an_hour_late_when_it_begins_a_sequence_then_it_is_found(
	void **state)
{
	struct fix *f = *state;
	struct detect_rule_stats s;

	apply_and_follow(
		f,
		"id: q\nname: q\nquery: |\n  sequence by file.path with maxspan=1m\n"
		"    [ file where host.id == \"late\" ]\n    [ file where host.id == \"n1\" ]\n");
	happen(f, "n1", 10, 1, "a");
	happen(f, "n1", 20, 1, "b");
	happen(f, "n1", 3600, 1, "z"); /* an hour goes by */
	check(f, "");
	put(f, "late", 5, 1, "a");  /* out of its spool: before the other one's */
	put(f, "late", 25, 1, "b"); /* and after it: the wrong order */
	follow(f);
	check(f, "q [\"/srv/a/0\"] 1; ");
	assert_true(detect_rule_stats(f->detect, "q", &s));
	assert_int_equal(s.late, 2);
	happen(f, "n1", 3601, 1, "z");
	restart(f);
	happen(f, "n1", 3602, 1, "z");
	check(f, "q [\"/srv/a/0\"] 1; "); /* once */
}

static void test_detect_given_late_event_when_the_rest_comes_after_then_it_is_waited_for(
	void **state)
{
	struct fix *f = *state;

	apply_and_follow(
		f,
		"id: q\nname: q\nquery: |\n  sequence by file.path with maxspan=1m\n"
		"    [ file where host.id == \"late\" ]\n    [ file where host.id == \"n1\" ]\n");
	happen(f, "n1", 100, 1, "z");
	happen(f, "late", 80, 1, "a"); /* 20 s late */
	happen(f, "n1", 105, 1, "z");
	check(f, "");
	happen(f, "n1", 120, 1, "a");
	happen(f, "n1", 130, 1, "z");
	happen(f, "late", 130, 1, "w"); /* until then it may have had something to say */
	check(f, "q [\"/srv/a/0\"] 1; ");
}

static void test_detect_given_hit_an_hour_late_when_its_window_fills_then_counted(void **state)
{
	struct fix *f = *state;
	struct detect_rule_stats s;

	apply_and_follow(f, THREE_X);
	happen(f, "n1", 10, 1, "x");
	happen(f, "n1", 30, 1, "x");
	happen(f, "n1", 3600, 1, "x"); /* the group has gone on */
	check(f, "");
	happen(f, "late", 20, 1, "x"); /* between the first two: the window at 30 s holds now */
	check(f, "many process.name=x 1; ");
	happen(f, "late", 200, 1, "x"); /* alone in its minute */
	check(f, "many process.name=x 1; ");
	assert_true(detect_rule_stats(f->detect, "many", &s));
	assert_int_equal(s.late, 2);
	happen(f, "n1", 3610, 2, "x"); /* the window of now was left alone */
	check(f, "many process.name=x 2; ");
}

/* ---- what only time brings ---- */

static uint64_t count_alerts(struct fix *f)
{
	char shown[8192];
	uint64_t n = 0;

	list(f->alerts, shown);
	for (const char *at = shown; (at = strstr(at, "; ")); at += 2)
		n++;
	return n;
}

static void test_detect_given_quiet_fleet_when_sequence_is_complete_then_told_all_the_same(
	void **state)
{
	struct fix *f = *state;
	const struct follow_observer o = detect_observer(f->detect);
	AUTO(follow) *follow_ = NULL;

	apply_and_follow(f, X_THEN_Y);
	assert_int_equal(follow_new(&follow_, f->store), 0);
	assert_int_equal(follow_add(follow_, &o), 0);
	f->base_ns = timestamp_now();
	put(f, "n1", 0, 1, "x");
	f->base_ns = timestamp_now();
	put(f, "n1", 0, 1, "y"); /* may still be overtaken; and then nothing more comes */
	follow_wake(follow_);
	for (int i = 0; i < 600 && count_alerts(f) == 0; i++)
		usleep(50000);
	follow_ = follow_free(follow_);
	check(f, "q [\"n1\"] 1; ");
}

/* ---- a flood ---- */

/* Files of which none is the same, for rules that wait for each of them again. */
static void test_detect_given_flood_of_new_keys_when_rules_wait_then_state_is_bounded(void **state)
{
	struct fix *f = *state;
	const struct follow_observer o = detect_observer(f->detect);
	struct detect_rule_stats pair, many;

	apply_and_follow(
		f, "id: pair\nname: p\nquery: |\n  sequence by file.path with maxspan=1d\n"
		   "    [ file where event.action == \"open\" ]\n"
		   "    [ file where event.action == \"deletion\" ]\n---\n"
		   "id: base\nname: b\nquery: file where event.action == \"open\"\n---\n"
		   "title: many\nid: many\ncorrelation:\n  type: event_count\n  rules: [base]\n"
		   "  group-by: [file.path]\n  timespan: 1d\n  condition: { gte: 3 }\n");
	for (uint64_t i = 0; i < 40; i++) {
		char word[16];
		const struct fixture_batch what = { .first_seq = f->seq += 10000,
						    .n = 4000,
						    .time_ns = f->base_ns + i * 4000000,
						    .step_ns = 1000,
						    .word = word };
		const struct store_block meta = { .id = i + 1, .ingested_ns = 1000 + i };
		AUTO_BUF struct buf frame = { 0 };

		snprintf(word, sizeof(word), "w%d", (int)i);
		load(f, &what, &frame);
		assert_int_equal(o.batch(&meta, f->block, o.arg), 0);
	}
	assert_int_equal(o.commit(2000, o.arg), 0);
	assert_true(detect_rule_stats(f->detect, "pair", &pair));
	assert_true(detect_rule_stats(f->detect, "many", &many));
	assert_in_range(pair.state_bytes, 1 << 20, SEQUENCE_MEMORY_BYTES);
	assert_true(pair.evicted > 10000);
	assert_in_range(many.state_bytes, 1 << 20, CORRELATE_HITS * sizeof(struct correlate_hit));
	assert_int_equal(many.evicted, 160000 - CORRELATE_GROUPS);
	check(f, "");
}

#define AGAIN(test) cmocka_unit_test_setup_teardown(test, setup_ago, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		AGAIN(test_detect_given_restart_within_sequence_when_it_goes_on_then_one_alert),
		AGAIN(test_detect_given_restart_within_window_when_it_goes_on_then_counted_once),
		AGAIN(test_detect_given_failed_commit_when_batches_come_again_then_state_is_as_before),
		AGAIN(test_detect_given_batch_an_hour_late_when_it_begins_a_sequence_then_it_is_found),
		AGAIN(test_detect_given_late_event_when_the_rest_comes_after_then_it_is_waited_for),
		AGAIN(test_detect_given_hit_an_hour_late_when_its_window_fills_then_counted),
		AGAIN(test_detect_given_quiet_fleet_when_sequence_is_complete_then_told_all_the_same),
		AGAIN(test_detect_given_flood_of_new_keys_when_rules_wait_then_state_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
