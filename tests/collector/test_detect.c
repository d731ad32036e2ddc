/* SPDX-License-Identifier: Apache-2.0 */
/* Rules on stored batches: what becomes an alert, what is only counted, and that each hit counts
 * once whatever happens between. */
#include "tests/collector/detect_fixture.h"

/* Hands a batch to the rules, as follow does, without a commit. */
static void batch(struct fix *f, const struct fixture_batch *what)
{
	struct follow_observer o = detect_observer(f->detect);
	const struct store_block meta = { .id = what->first_seq };
	AUTO_BUF struct buf frame = { 0 };

	load(f, what, &frame);
	assert_int_equal(o.batch(&meta, f->block, o.arg), 0);
}

static void commit(struct fix *f, uint64_t position)
{
	struct follow_observer o = detect_observer(f->detect);

	assert_int_equal(o.commit(position, o.arg), 0);
}

/* @n opens of files below /srv/word, from @seq on. */
static struct fixture_batch opens(const struct fix *f, uint64_t seq, uint32_t n, const char *word)
{
	return (struct fixture_batch){ .first_seq = seq,
				       .n = n,
				       .time_ns = f->base_ns + seq * 1000,
				       .step_ns = 1000,
				       .word = word };
}

static void run(struct fix *f, struct fixture_batch what)
{
	batch(f, &what);
	commit(f, what.first_seq);
}

static int show(const struct alert *a, void *arg)
{
	char *out = arg;
	size_t n = strlen(out);

	snprintf(out + n, 4096 - n, "%s %s %d %s; ", a->rule_id, a->object ? a->object : "-",
		 (int)a->n_events, alert_status_name(a->status));
	return 0;
}

static void check(struct fix *f, const char *expected)
{
	const struct alert_filter all = { .status = -1, .until_ns = UINT64_MAX, .limit = 1000 };
	char shown[4096] = "";

	assert_int_equal(alertbook_list(f->alerts, &all, show, shown), 0);
	assert_string_equal(shown, expected);
}

#define SRV0 "id: r\nname: r\nquery: file where file.path == \"/srv/x/0\"\n"

static void test_detect_given_rule_when_event_fits_then_one_alert_with_all_of_it(void **state)
{
	struct fix *f = *state;
	uint64_t position;

	apply(f, SRV0);
	run(f, opens(f, 100, 3, "x"));
	run(f, opens(f, 200, 3, "y"));
	check(f, "r /srv/x/0 1 open; ");
	assert_int_equal(alertbook_position(f->alerts, &position), 0);
	assert_int_equal(position, 200);
}

static int count_documents(const char *document, void *arg)
{
	assert_non_null(strstr(document, "\"_id\":\"n1:"));
	++*(size_t *)arg;
	return 0;
}

static int has_ancestry(const struct alert *a, void *arg)
{
	(void)arg;
	assert_non_null(strstr(a->body, "\"process\":{\"entity_id\":\"0000000000001064\""));
	assert_non_null(strstr(a->body, "\"name\":\"x\""));
	assert_string_equal(a->node, "n1");
	return 0;
}

static void test_detect_given_many_hits_when_same_then_counted_with_exemplars(void **state)
{
	struct fix *f = *state;
	size_t n = 0;

	apply(f, "id: r\nname: r\nquery: file where process.name == \"x\"\n");
	/* one path: as if one file were opened 3000 times */
	for (uint64_t i = 0; i < 3000; i += 100) {
		struct fixture_batch b = opens(f, 100, 1, "x");

		for (uint32_t k = 0; k < 100; k++)
			batch(f, &b);
		commit(f, 100 + i);
	}
	check(f, "r /srv/x/0 3000 open; ");
	assert_int_equal(alertbook_events(f->alerts, 1, count_documents, &n), 0);
	assert_int_equal(n, ALERT_EVENTS);
	assert_int_equal(alertbook_get(f->alerts, 1, has_ancestry, NULL), 0);
}

static void test_detect_given_commit_fails_when_batches_come_again_then_each_counts_once(
	void **state)
{
	struct fix *f = *state;
	struct follow_observer o = detect_observer(f->detect);
	struct fixture_batch b = opens(f, 100, 1, "x");

	apply(f, SRV0);
	batch(f, &b);
	o.rollback(o.arg);
	batch(f, &b);
	commit(f, 1);
	batch(f, &b);
	o.rollback(o.arg);
	batch(f, &b);
	commit(f, 2);
	check(f, "r /srv/x/0 2 open; ");
}

static void test_detect_given_restart_when_hits_go_on_then_the_same_alert(void **state)
{
	struct fix *f = *state;

	apply(f, SRV0);
	run(f, opens(f, 100, 1, "x"));
	restart(f);
	run(f, opens(f, 100, 1, "x"));
	check(f, "r /srv/x/0 2 open; ");
}

static void test_detect_given_closed_alert_when_hit_again_then_a_new_one(void **state)
{
	struct fix *f = *state;
	const struct alert_edit close = { .status = ALERT_CLOSED, .note = "done", .author = "me" };

	apply(f, SRV0);
	run(f, opens(f, 100, 1, "x"));
	assert_int_equal(alertbook_edit(f->alerts, 1, &close), 0);
	run(f, opens(f, 100, 1, "x"));
	run(f, opens(f, 100, 1, "x"));
	run(f, opens(f, 100, 1, "x"));
	check(f, "r /srv/x/0 3 open; r /srv/x/0 1 closed; ");
}

static void test_detect_given_hours_between_when_hit_again_then_a_new_one(void **state)
{
	struct fix *f = *state;
	struct fixture_batch late = opens(f, 100, 1, "x");

	apply(f, SRV0);
	run(f, opens(f, 100, 1, "x"));
	late.time_ns += UINT64_C(2) * 3600 * 1000000000;
	run(f, late);
	check(f, "r /srv/x/0 1 open; r /srv/x/0 1 open; ");
}

static void test_detect_given_too_many_objects_when_hit_then_the_rest_is_one_alert(void **state)
{
	struct fix *f = *state;
	const struct alert_filter all = { .status = -1, .until_ns = UINT64_MAX, .limit = 1 };
	char shown[4096] = "";

	apply(f, "id: r\nname: r\nquery: file where process.name == \"x\"\n");
	run(f, opens(f, 100, 1000, "x"));
	assert_int_equal(alertbook_list(f->alerts, &all, show, shown), 0);
	assert_string_equal(shown, "r - 800 open; ");
	run(f, opens(f, 100, 1000, "x"));
	shown[0] = '\0';
	assert_int_equal(alertbook_list(f->alerts, &all, show, shown), 0);
	assert_string_equal(shown, "r - 1600 open; ");
}

static void test_detect_given_exceptions_when_events_fit_then_left_out_until_they_expire(
	void **state)
{
	struct fix *f = *state;
	struct rulebook_exception x = { .rule_id = "r",
					.condition = "file.path == \"/srv/x/0\"",
					.owner = "me",
					.expires_ns = f->base_ns + 150000 };
	struct diag d = { 0 };
	uint64_t id;

	apply(f, "id: r\nname: r\nquery: file where process.name == \"x\"\n"
		 "exceptions: [{ condition: 'file.path == \"/srv/x/1\"' }]\n");
	run(f, opens(f, 10, 2, "x"));
	check(f, "r /srv/x/0 1 open; ");
	assert_int_equal(rulebook_except(f->rules, &x, &id, &d), 0);
	run(f, opens(f, 10, 2, "x"));
	check(f, "r /srv/x/0 1 open; ");
	run(f, opens(f, 200, 2, "x"));
	check(f, "r /srv/x/0 1 open; r /srv/x/0 1 open; ");
}

static void test_detect_given_rules_that_change_when_batches_flow_then_no_hit_is_lost(void **state)
{
	struct fix *f = *state;
	struct detect_rule_stats stats;

	for (uint64_t i = 0; i < 50; i++) {
		AUTO_BUF struct buf other = { 0 };

		if (i == 10 || i == 30)
			assert_int_equal(rulebook_enable(f->rules, "r", i == 30), 0);
		if (i == 0)
			apply(f, SRV0);
		buf_printf(&other, "id: o%d\nname: o\nquery: process.name == \"n%d\"\n", (int)i,
			   (int)i);
		buf_byte(&other, 0);
		apply(f, (const char *)other.data);
		run(f, opens(f, 100, 1, "x"));
	}
	check(f, "r /srv/x/0 30 open; "); /* 20 while it was off */
	assert_true(detect_rule_stats(f->detect, "r", &stats));
	assert_true(detect_rule_stats(f->detect, "o49", &stats));
	assert_false(detect_rule_stats(f->detect, "o50", &stats));
}

static void test_detect_given_regex_and_null_rule_when_asked_then_only_what_fits(void **state)
{
	struct fix *f = *state;

	apply(f, "id: a\nname: a\nquery: file where process.name regex \"[xy]\"\n---\n"
		 "id: b\nname: b\nquery: process.exit_code == 5\n---\n"
		 "id: c\nname: c\nquery: not process.name == \"x\"\n");
	run(f, opens(f, 100, 1, "x"));
	check(f, "a /srv/x/0 1 open; ");
	run(f, opens(f, 200, 1, "z"));
	check(f, "c /srv/z/0 1 open; a /srv/x/0 1 open; ");
}

/* The same, stored before. */
static void store_and_run(struct fix *f, struct fixture_batch what)
{
	store(f, &what);
	run(f, what);
}

#define BASE "id: base\nname: b\nquery: file where process.name in (\"x\", \"y\")\n---\n"
#define MANY(more)                                                                            \
	"title: many\nid: many\nlevel: high\ncorrelation:\n  type: event_count\n"             \
	"  rules: [base]\n  group-by: [process.name]\n  timespan: 1m\n  condition: { gte: 3 " \
	"}\n" more

static void test_detect_given_correlation_when_enough_events_then_one_alert_a_group(void **state)
{
	struct fix *f = *state;
	size_t n = 0;

	apply(f, BASE MANY(""));
	store_and_run(f, opens(f, 100, 2, "x"));
	store_and_run(f, opens(f, 200, 2, "y"));
	check(f, "");
	store_and_run(f, opens(f, 300, 1, "x"));
	check(f, "many process.name=x 1 open; ");
	assert_int_equal(alertbook_events(f->alerts, 1, count_documents, &n), 0);
	assert_int_equal(n, 3); /* those of the window, from the store */
	store_and_run(f, opens(f, 400, 1, "x"));
	check(f, "many process.name=x 2 open; ");
	apply(f, "id: other\nname: o\nquery: 'false'\n"); /* rules change: the window stays */
	store_and_run(f, opens(f, 500, 1, "y"));
	check(f, "many process.name=y 1 open; many process.name=x 2 open; ");
}

static void test_detect_given_generate_when_base_rule_fits_then_it_makes_alerts_too(void **state)
{
	struct fix *f = *state;

	apply(f, BASE MANY("  generate: true\n"));
	run(f, opens(f, 100, 1, "x"));
	check(f, "base /srv/x/0 1 open; ");
}

static void test_detect_given_chain_when_lower_ones_tell_then_the_upper_counts(void **state)
{
	struct fix *f = *state;

	apply(f, BASE MANY("") "---\ntitle: top\nid: top\ncorrelation:\n  type: value_count\n"
			       "  rules: [many]\n  timespan: 1m\n"
			       "  condition: { field: process.name, gte: 2 }\n");
	run(f, opens(f, 100, 3, "x"));
	check(f, "");
	run(f, opens(f, 200, 3, "y"));
	check(f, "top - 1 open; ");
}

static void test_detect_given_filter_when_it_is_for_the_rule_then_it_holds_too(void **state)
{
	struct fix *f = *state;
	static const char rules[] =
		"title: s\nid: s\nlogsource: { category: file_access, product: linux }\n"
		"detection:\n  a: { TargetFilename|startswith: /srv/ }\n  condition: a\n---\n"
		"title: f\nid: f\nlogsource: { category: file_access, product: linux }\n"
		"filter:\n  rules: [s]\n  b: { TargetFilename|endswith: '0' }\n"
		"  condition: not b\n";

	apply(f, rules);
	run(f, opens(f, 100, 2, "x"));
	check(f, "s /srv/x/1 1 open; ");
	assert_int_equal(rulebook_enable(f->rules, "f", false), 0);
	run(f, opens(f, 100, 1, "x"));
	check(f, "s /srv/x/0 1 open; s /srv/x/1 1 open; ");
}

static void test_detect_given_filter_of_another_log_source_when_named_any_then_it_does_not_hold(
	void **state)
{
	struct fix *f = *state;
	static const char rules[] =
		"title: s\nid: s\nlogsource: { category: file_access, product: linux }\n"
		"detection:\n  a: { TargetFilename|startswith: /srv/ }\n  condition: a\n---\n"
		"title: f\nid: f\nlogsource: { category: file_delete, product: linux }\n"
		"filter:\n  rules: any\n  b: { TargetFilename|endswith: '0' }\n"
		"  condition: not 1 of them\n";

	apply(f, rules);
	run(f, opens(f, 100, 1, "x"));
	check(f, "s /srv/x/0 1 open; ");
}

static void test_detect_given_sequence_when_complete_then_alert_with_its_events(void **state)
{
	struct fix *f = *state;
	size_t n = 0;

	apply(f, "id: q\nname: q\nquery: |\n  sequence by host.id with maxspan=1m\n"
		 "    [ file where process.name == \"x\" ]\n"
		 "    [ file where process.name == \"y\" ]\n");
	store_and_run(f, opens(f, 100, 1, "y"));
	store_and_run(f, opens(f, 200, 1, "x"));
	check(f, "");
	store_and_run(f, opens(f, 300, 1, "y"));
	check(f, "q [\"n1\"] 1 open; ");
	assert_int_equal(alertbook_events(f->alerts, 1, count_documents, &n), 0);
	assert_int_equal(n, 2);
}

static void test_detect_given_rule_too_dear_when_batches_flow_then_asked_of_some_and_told(
	void **state)
{
	struct fix *f = *state;
	struct detect_rule_stats s;
	struct detect_stats all;

	apply(f, SRV0);
	detect_set_dear(f->detect, 0); /* whatever it takes is too much */
	for (uint64_t i = 0; i < 10 * DETECT_DEAR_EVERY; i++)
		run(f, opens(f, 100, 1, "x"));
	assert_true(detect_rule_stats(f->detect, "r", &s));
	assert_true(s.dear);
	assert_int_equal(s.asked + s.skipped, 10 * DETECT_DEAR_EVERY);
	assert_in_range(s.asked, 10, 12);
	assert_int_equal(s.hits, s.asked);
	detect_stats(f->detect, &all);
	assert_int_equal(all.dear, 1);
	assert_int_equal(all.skipped, s.skipped);
	detect_set_dear(f->detect, UINT64_MAX); /* it is forgiven, and asked each time again */
	for (uint64_t i = 0; i < 2 * DETECT_DEAR_EVERY; i++)
		run(f, opens(f, 100, 1, "x"));
	assert_true(detect_rule_stats(f->detect, "r", &s));
	assert_false(s.dear);
	run(f, opens(f, 100, 1, "x"));
	assert_true(detect_rule_stats(f->detect, "r", &s));
	assert_int_equal(s.asked + s.skipped, 12 * DETECT_DEAR_EVERY + 1);
	assert_true(s.asked > 10 + DETECT_DEAR_EVERY);
}

static void except_y(struct fix *f, const char *rule)
{
	struct rulebook_exception x = { .rule_id = rule,
					.condition = "process.name == \"y\"",
					.owner = "me" };
	struct diag d = { 0 };
	uint64_t id;

	assert_int_equal(rulebook_except(f->rules, &x, &id, &d), 0);
}

static void test_detect_given_exception_of_sequence_when_event_fits_then_it_is_no_step(void **state)
{
	struct fix *f = *state;

	apply(f, "id: q\nname: q\nquery: |\n  sequence by host.id with maxspan=1m\n"
		 "    [ file where process.name == \"x\" ]\n"
		 "    [ file where process.name in (\"y\", \"z\") ]\n");
	except_y(f, "q");
	store_and_run(f, opens(f, 100, 1, "x"));
	store_and_run(f, opens(f, 200, 1, "y"));
	check(f, "");
	store_and_run(f, opens(f, 300, 1, "z"));
	check(f, "q [\"n1\"] 1 open; ");
}

static void test_detect_given_exception_of_correlation_when_hit_fits_then_not_counted(void **state)
{
	struct fix *f = *state;

	apply(f, BASE MANY("  generate: true\n"));
	except_y(f, "many");
	store_and_run(f, opens(f, 100, 3, "x"));
	store_and_run(f, opens(f, 200, 3, "y"));
	check(f, "base /srv/y/2 1 open; base /srv/y/1 1 open; base /srv/y/0 1 open; "
		 "base /srv/x/2 1 open; many process.name=x 1 open; "
		 "base /srv/x/1 1 open; base /srv/x/0 1 open; ");
}

#define DETECT(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DETECT(test_detect_given_rule_when_event_fits_then_one_alert_with_all_of_it),
		DETECT(test_detect_given_many_hits_when_same_then_counted_with_exemplars),
		DETECT(test_detect_given_commit_fails_when_batches_come_again_then_each_counts_once),
		DETECT(test_detect_given_restart_when_hits_go_on_then_the_same_alert),
		DETECT(test_detect_given_closed_alert_when_hit_again_then_a_new_one),
		DETECT(test_detect_given_hours_between_when_hit_again_then_a_new_one),
		DETECT(test_detect_given_too_many_objects_when_hit_then_the_rest_is_one_alert),
		DETECT(test_detect_given_exceptions_when_events_fit_then_left_out_until_they_expire),
		DETECT(test_detect_given_rules_that_change_when_batches_flow_then_no_hit_is_lost),
		DETECT(test_detect_given_correlation_when_enough_events_then_one_alert_a_group),
		DETECT(test_detect_given_generate_when_base_rule_fits_then_it_makes_alerts_too),
		DETECT(test_detect_given_chain_when_lower_ones_tell_then_the_upper_counts),
		DETECT(test_detect_given_filter_when_it_is_for_the_rule_then_it_holds_too),
		DETECT(test_detect_given_filter_of_another_log_source_when_named_any_then_it_does_not_hold),
		DETECT(test_detect_given_exception_of_sequence_when_event_fits_then_it_is_no_step),
		DETECT(test_detect_given_exception_of_correlation_when_hit_fits_then_not_counted),
		DETECT(test_detect_given_rule_too_dear_when_batches_flow_then_asked_of_some_and_told),
		DETECT(test_detect_given_sequence_when_complete_then_alert_with_its_events),
		DETECT(test_detect_given_regex_and_null_rule_when_asked_then_only_what_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
