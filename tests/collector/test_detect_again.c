/* SPDX-License-Identifier: Apache-2.0 */
/* Rules over several events when the collector was away, when a commit fails, and when events come
 * late: each alert is made once, as if all had come in order.  And history finds what live rules
 * do. */
#include "tests/collector/fixture.h"

#include "collector/detect.h"
#include "collector/maindb.h"
#include "lib/correlate.h"
#include "lib/sequence.h"

#define S UINT64_C(1000000000)

struct fix {
	char dir[128];
	struct maindb *maindb;
	struct rulebook *rules;
	struct alertbook *alerts;
	struct store *store;
	struct detect *detect;
	struct block *block;
	uint64_t base_ns; /* two to three hours ago, so that all that follows is settled at once;
			     half past, so that no clock hour has more alerts of a rule than are
			     made each */
	uint64_t seq;
	uint64_t random;
};

static void start(struct fix *f)
{
	struct diag d = { 0 };

	assert_int_equal(maindb_open(&f->maindb, f->dir, &d), 0);
	assert_int_equal(rulebook_open(&f->rules, f->dir, &d), 0);
	assert_int_equal(alertbook_open(&f->alerts, f->dir, &d), 0);
	assert_int_equal(store_open(&f->store, f->dir, &d), 0);
	assert_int_equal(detect_new(&f->detect, f->rules, f->alerts, f->store), 0);
	detect_set_patience(f->detect, UINT64_MAX); /* however long the test takes */
}

static void stop(struct fix *f)
{
	f->detect = detect_free(f->detect);
	f->store = store_free(f->store);
	f->alerts = alertbook_free(f->alerts);
	f->rules = rulebook_free(f->rules);
	f->maindb = maindb_free(f->maindb);
}

static void restart(struct fix *f)
{
	stop(f);
	start(f);
}

static int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	fixture_folder(f->dir);
	f->base_ns = timestamp_now() / (3600 * S) * 3600 * S - 9000 * S;
	f->random = 88172645463325252u;
	assert_int_equal(block_new(&f->block), 0);
	start(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	stop(f);
	block_free(f->block);
	fixture_remove(f->dir);
	free(f);
	return 0;
}

/* Asks the rules of all that was stored since; the first time it only takes its place. */
static void follow(struct fix *f)
{
	const struct follow_observer o = detect_observer(f->detect);

	assert_int_equal(follow_catch_up(f->store, &o), 0);
}

static void apply(struct fix *f, const char *text)
{
	const struct rulebook_change c = { .text = text, .n = strlen(text) };

	assert_int_equal(rulebook_apply(f->rules, &c, NULL, NULL), 0);
	follow(f);
}

/* Stores @n opens of @word by node @node, a second apart, from @at_s seconds after the begin on. */
static void put(struct fix *f, const char *node, uint64_t at_s, uint32_t n, const char *word)
{
	const struct fixture_batch what = { .node = node,
					    .first_seq = f->seq += 1000,
					    .n = n,
					    .time_ns = f->base_ns + at_s * S,
					    .step_ns = S,
					    .word = word };
	AUTO_BUF struct buf frame = { 0 };
	struct diag d = { 0 };

	fixture_frame(&what, &frame);
	assert_int_equal(block_load(f->block, frame.data, frame.n, &d), 0);
	assert_int_equal(store_append(f->store, f->block, frame.data, frame.n,
				      store_arrival(f->store, timestamp_now())),
			 0);
	assert_int_equal(store_commit(f->store), 0);
}

/* The same, and asks the rules. */
static void happen(struct fix *f, const char *node, uint64_t at_s, uint32_t n, const char *word)
{
	put(f, node, at_s, n, word);
	follow(f);
}

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

#define X_THEN_Y                                                            \
	"id: q\nname: q\nquery: |\n  sequence by host.id with maxspan=1m\n" \
	"    [ file where process.name == \"x\" ]\n"                        \
	"    [ file where process.name == \"y\" ]\n"
#define THREE_X                                                                       \
	"id: base\nname: b\nquery: file where process.name == \"x\"\n---\n"           \
	"title: many\nid: many\ncorrelation:\n  type: event_count\n  rules: [base]\n" \
	"  group-by: [process.name]\n  timespan: 1m\n  condition: { gte: 3 }\n"

/* ---- the collector was away ---- */

static void test_detect_given_restart_within_sequence_when_it_goes_on_then_one_alert(void **state)
{
	struct fix *f = *state;

	apply(f, X_THEN_Y);
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

	apply(f, THREE_X);
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

	apply(f, X_THEN_Y "---\n" THREE_X);
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
		struct diag d = { 0 };

		fixture_frame(&again, &frame);
		assert_int_equal(block_load(f->block, frame.data, frame.n, &d), 0);
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

	apply(f, "id: q\nname: q\nquery: |\n  sequence by file.path with maxspan=1m\n"
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

	apply(f, "id: q\nname: q\nquery: |\n  sequence by file.path with maxspan=1m\n"
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

	apply(f, THREE_X);
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

	apply(f, X_THEN_Y);
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

	apply(f, "id: pair\nname: p\nquery: |\n  sequence by file.path with maxspan=1d\n"
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
		struct diag d = { 0 };

		snprintf(word, sizeof(word), "w%d", (int)i);
		fixture_frame(&what, &frame);
		assert_int_equal(block_load(f->block, frame.data, frame.n, &d), 0);
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

/* ---- history ---- */

static uint64_t next_random(struct fix *f, uint64_t below)
{
	f->random ^= f->random << 13;
	f->random ^= f->random >> 7;
	f->random ^= f->random << 17;
	return f->random % below;
}

static int show_key(const struct alert *a, void *arg)
{
	char *out = arg;
	size_t n = strlen(out);

	snprintf(out + n, 65536 - n, "%s %016llx %s %s %d %lld\n", a->rule_id,
		 (unsigned long long)a->dedup, a->node, a->object ? a->object : "-",
		 (int)a->n_events, (long long)(a->first_ns % (1000 * S)));
	return 0;
}

static int by_line(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* All alerts, a line each, sorted; the caller's. */
static char *sorted(struct alertbook *b)
{
	const struct alert_filter all = { .status = -1, .until_ns = UINT64_MAX, .limit = 1000 };
	char *text = calloc(1, 65536), *out = calloc(1, 65536), *lines[1000], *rest = NULL;
	size_t n = 0, at = 0;

	assert_non_null(text);
	assert_non_null(out);
	assert_int_equal(alertbook_list(b, &all, show_key, text), 0);
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		lines[n++] = line;
	if (n)
		qsort(lines, n, sizeof(lines[0]), by_line);
	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(out + at, 65536 - at, "%s\n", lines[i]);
	free(text);
	return out;
}

/* What the rules in force would have found in all that is stored. */
static char *history(struct fix *f)
{
	struct store_scan_stats stats = { 0 };
	struct detect_history h = { .range = { .to_ns = UINT64_MAX, .ascending = true },
				    .stats = &stats };
	AUTO(store_reader) *reader = NULL;
	AUTO(alertbook) *alerts = NULL;
	AUTO(detect) *d = NULL;
	struct diag diag = { 0 };

	assert_int_equal(alertbook_open(&alerts, NULL, &diag), 0);
	assert_int_equal(detect_new(&d, f->rules, alerts, f->store), 0);
	assert_int_equal(store_reader_new(f->store, &reader), 0);
	h.reader = reader;
	assert_int_equal(detect_history(d, &h), 0);
	return sorted(alerts);
}

#define ALL_KINDS                                                                               \
	X_THEN_Y "---\n" THREE_X                                                                \
		 "---\nid: plain\nname: p\nquery: file where process.name in (\"y\", \"z\")\n"  \
		 "---\ntitle: kinds\nid: kinds\ncorrelation:\n  type: value_count\n"            \
		 "  rules: [plain]\n  group-by: [host.id]\n  timespan: 20s\n  generate: true\n" \
		 "  condition: { field: process.name, gte: 2 }\n"                               \
		 "---\nid: until\nname: u\nquery: |\n  sequence by host.id with maxspan=30s\n"  \
		 "    [ file where process.name == \"z\" ]\n"                                   \
		 "    [ file where process.name == \"x\" ]\n"                                   \
		 "  until [ file where process.name == \"y\" ]\n"

/* An hour of it: nodes whose batches come in the order of their making, but each node's as late as
 * it likes within some seconds, the rules asked after some of them, and the collector stopped now
 * and then. */
static void test_detect_given_recorded_hour_when_history_is_asked_then_as_live(void **state)
{
	static const char *const words[] = { "x", "y", "z", "other" }, *const nodes[] = { "n1",
											  "n2" };
	struct fix *f = *state;
	AUTO_MEM char *live = NULL, *then = NULL;

	apply(f, ALL_KINDS);
	for (uint64_t at_s = 0; at_s < 3600; at_s += 1 + next_random(f, 30)) {
		put(f, nodes[next_random(f, 2)], at_s, 1 + (uint32_t)next_random(f, 3),
		    words[next_random(f, 4)]);
		if (next_random(f, 4) == 0)
			follow(f);
		if (next_random(f, 20) == 0)
			restart(f);
	}
	put(f, "n1", 4000, 1, "other");
	put(f, "n2", 4001, 1, "other");
	follow(f);
	live = sorted(f->alerts);
	then = history(f);
	assert_true(strlen(live) > 500);
	assert_string_equal(live, then);
}

/* Pairs of one event on each node, that come in any order whatever, however late. */
enum { PAIRS = 60 };
struct pair {
	char word[16];
	uint64_t at_s[2];
};

#define PAIR_RULES                                                                         \
	"id: order\nname: o\nquery: |\n  sequence by process.name with maxspan=1m\n"       \
	"    [ file where host.id == \"n1\" and process.name like \"w*\" ]\n"              \
	"    [ file where host.id == \"n2\" and process.name like \"w*\" ]\n"              \
	"---\nid: base\nname: b\nquery: file where process.name like \"w*\"\n"             \
	"---\ntitle: both\nid: both\ncorrelation:\n  type: event_count\n  rules: [base]\n" \
	"  group-by: [process.name]\n  timespan: 1m\n  condition: { gte: 2 }\n"

static size_t count_of(const char *text, const char *word)
{
	size_t n = 0;

	while ((text = strstr(text, word))) {
		text += strlen(word);
		n++;
	}
	return n;
}

static void test_detect_given_pairs_in_any_order_when_asked_then_each_that_there_is_once(
	void **state)
{
	struct fix *f = *state;
	AUTO_MEM char *live = NULL, *then = NULL;
	struct pair pairs[PAIRS];
	size_t order[2 * PAIRS], in_order = 0, both = 0;

	apply(f, PAIR_RULES);
	for (size_t i = 0; i < PAIRS; i++) {
		uint64_t at_s = 100 + next_random(f, 3000), *at = pairs[i].at_s;

		snprintf(pairs[i].word, sizeof(pairs[i].word), "w%zu.", i);
		at[0] = at_s;
		at[1] = at_s - 80 + next_random(f, 160);
		in_order +=
			at[1] > at[0] && at[1] - at[0] <= 60; /* at the same time: n1 is first */
		in_order += at[1] == at[0];
		both += (at[1] > at[0] ? at[1] - at[0] : at[0] - at[1]) <= 60;
		order[2 * i] = 2 * i;
		order[2 * i + 1] = 2 * i + 1;
	}
	for (size_t i = 2 * PAIRS; i-- > 1;) {
		size_t k = next_random(f, i + 1), swap = order[i];

		order[i] = order[k];
		order[k] = swap;
	}
	for (size_t i = 0; i < 2 * PAIRS; i++) {
		const struct pair *p = &pairs[order[i] / 2];

		put(f, order[i] % 2 ? "n2" : "n1", p->at_s[order[i] % 2], 1, p->word);
		if (next_random(f, 3) == 0)
			follow(f);
		if (next_random(f, 20) == 0)
			restart(f);
	}
	put(f, "n1", 5000, 1, "end");
	put(f, "n2", 5000, 1, "end");
	follow(f);
	live = sorted(f->alerts);
	then = history(f);
	assert_int_equal(count_of(live, "order "), in_order);
	assert_int_equal(count_of(live, "both "), both);
	assert_string_equal(live, then);
}

#define AGAIN(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

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
		AGAIN(test_detect_given_recorded_hour_when_history_is_asked_then_as_live),
		AGAIN(test_detect_given_pairs_in_any_order_when_asked_then_each_that_there_is_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
