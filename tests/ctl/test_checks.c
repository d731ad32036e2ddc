/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl/checks.h"
#include "ctl/text.h"
#include "lib/rawjson.h"

enum part { STATUS, NODES, RULES, OUTPUTS, ALERTS, RETENTION, GAPS, TAMPERS };

static struct picture picture_of(enum part part, const json_t *doc)
{
	static const size_t offsets[] = {
		[STATUS] = offsetof(struct picture, status),
		[NODES] = offsetof(struct picture, nodes),
		[RULES] = offsetof(struct picture, rules),
		[OUTPUTS] = offsetof(struct picture, outputs),
		[ALERTS] = offsetof(struct picture, alerts),
		[RETENTION] = offsetof(struct picture, retention),
		[GAPS] = offsetof(struct picture, gaps),
		[TAMPERS] = offsetof(struct picture, tampers),
	};
	struct picture p = { 0 };

	*(const json_t **)(void *)((char *)&p + offsets[part]) = doc;
	return p;
}

/* What the check @name says of an answer @text as @part. */
static void check_with(struct picture p, const char *name, enum check_state state, const char *has,
		       const char *mend)
{
	struct check_result all[CHECKS];
	size_t n = checks_run(&p, all), found = 0;

	for (size_t i = 0; i < n; i++) {
		if (strcmp(all[i].name, name) == 0) {
			const char *said = (const char *)all[i].text.data;

			found++;
			if (all[i].state != state)
				fail_msg("%s is %s: %s", name, check_state_name(all[i].state),
					 said);
			if (!strstr(said, has))
				fail_msg("%s says \"%s\", not \"%s\"", name, said, has);
			if (mend && (!all[i].mend.n || !strstr((char *)all[i].mend.data, mend)))
				fail_msg("%s is not to be mended by %s", name, mend);
			if (!mend)
				assert_int_equal(all[i].mend.n, 0);
		}
		check_done(&all[i]);
	}
	assert_int_equal(found, 1);
}

static void check(enum part part, const char *text, const char *name, enum check_state state,
		  const char *has, const char *mend)
{
	json_t *doc = json_loads(text, 0, NULL);

	assert_non_null(doc);
	check_with(picture_of(part, doc), name, state, has, mend);
	json_decref(doc);
}

static void test_checks_given_a_collector_when_judged_then_trouble_is_told(void **state)
{
	(void)state;
	check(STATUS, "{\"version\":\"0.1.0\",\"uptime_s\":7200,\"store\":{\"events\":12}}",
	      "collector", CHECK_OK, "version 0.1.0, up 2h; 12 events", NULL);
	check(STATUS, "{\"ingest\":{\"failing\":1}}", "collector", CHECK_FAIL, "CANNOT STORE",
	      "journalctl");
	check(STATUS, "{\"http\":{\"answers_5xx\":2}}", "collector", CHECK_WARN,
	      "2 requests failed", "journalctl");
	check(STATUS, "{\"store\":{\"blocks\":3,\"damaged_blocks\":1,\"damaged_events\":9}}",
	      "store", CHECK_WARN, "1 damaged, with 9 events", "docs/retention.md");
	check(STATUS, "{\"ingest\":{\"refused\":4}}", "store", CHECK_WARN, "4 batches refused",
	      "whose and why");
	check(STATUS, "{\"refused\":{\"message_revoked\":2},\"http\":{\"unauthorized\":1}}", "doors",
	      CHECK_WARN, "2 with a revoked one, 1 requests without a valid token", "journalctl");
	check(STATUS, "{\"http\":{\"unauthorized\":1}}", "doors", CHECK_OK, "1 requests", NULL);
	check(STATUS, "{}", "doors", CHECK_OK, "nobody was refused", NULL);
}

static void test_checks_given_disks_when_judged_then_low_and_soon_full_are_told(void **state)
{
	json_t *status = json_loads("{\"ingest\":{\"disk_free_bytes\":5000000000},"
				    "\"store\":{\"bytes\":1700000,\"days\":3}}",
				    0, NULL);
	json_t *days =
		json_loads("{\"keep_days\":30,\"days\":[{\"bytes\":1},{\"bytes\":2000000000},"
			   "{\"bytes\":5}]}",
			   0, NULL);
	json_t *few = json_loads(
		"{\"keep_days\":4,\"days\":[{\"bytes\":2000000000},{\"bytes\":5}]}", 0, NULL);
	struct picture p = { .status = status, .retention = days };

	(void)state;
	check_with(p, "disk", CHECK_WARN, "full in 2 day(s) at 2.0 GB a day", "--keep-days");
	p.retention = few;
	check_with(p, "disk", CHECK_OK, "5.0 GB free; events take 1.7 MB in 3 day(s), kept for 4",
		   NULL);
	check(STATUS, "{\"ingest\":{\"disk_low\":1}}", "disk", CHECK_FAIL, "bulk events wait",
	      "operations");
	check(STATUS, "{\"ingest\":{\"disk_low\":2}}", "disk", CHECK_FAIL, "nothing is taken",
	      "operations");
	json_decref(status);
	json_decref(days);
	json_decref(few);
}

static void test_checks_given_nodes_when_judged_then_the_gravest_counts(void **state)
{
	(void)state;
	check(NODES, "[{\"name\":\"a\",\"state\":\"up\"},{\"name\":\"b\",\"state\":\"up\"}]",
	      "nodes", CHECK_OK, "2 of 2 up", NULL);
	check(NODES,
	      "[{\"name\":\"a\",\"state\":\"silent\",\"lag_ms\":180000},"
	      "{\"name\":\"b\",\"state\":\"stopped\",\"lag_ms\":200000000}]",
	      "nodes", CHECK_FAIL, "0 of 2 up; 1 silent (a for 3m); 1 stopped (b for 2d)",
	      "rtsec-sensor doctor");
	check(NODES,
	      "[{\"name\":\"a\",\"state\":\"silent\"},{\"name\":\"b\",\"state\":\"silent\"},"
	      "{\"name\":\"c\",\"state\":\"silent\"},{\"name\":\"d\",\"state\":\"silent\"}]",
	      "nodes", CHECK_FAIL, "4 silent (a for 0s, b for 0s, c for 0s, ...)", "doctor");
	check(NODES, "[{\"name\":\"a\",\"state\":\"skewed\"}]", "nodes", CHECK_WARN, "1 skewed",
	      "chrony");
	check(NODES, "[]", "nodes", CHECK_WARN, "0 of 0 up", "node token create");
	check(NODES,
	      "[{\"name\":\"a\",\"state\":\"up\",\"lag_ms\":2000,\"clock_offset_ns\":-3000000000,"
	      "\"sensor\":{\"bytes_queued\":1500}}]",
	      "lag", CHECK_WARN, "within 2s; sensors hold 1.5 kB; the clock of a is off by 3s",
	      "chrony");
	check(NODES, "[{\"name\":\"a\",\"state\":\"up\",\"lag_ms\":61000}]", "lag", CHECK_WARN,
	      "a is late", "doctor");
	check(NODES, "[{\"name\":\"a\",\"state\":\"silent\",\"lag_ms\":61000}]", "lag", CHECK_OK,
	      "within 0s", NULL);
}

static void test_checks_given_loss_and_alarms_when_judged_then_whose(void **state)
{
	(void)state;
	check(GAPS, "[]", "loss", CHECK_OK, "0 events lost in the last 24 hours", NULL);
	check(GAPS, "[[\"web-2\",1284],[\"a\",2.0],[\"b\",1],[\"c\",1]]", "loss", CHECK_WARN,
	      "1288 events lost in the last 24 hours (web-2, a, b, ...)", "gap");
	check(TAMPERS, "[]", "tamper", CHECK_OK, "nobody touched", NULL);
	check(TAMPERS, "[{\"host\":{\"name\":\"db-1\"},\"message\":\"state opened\"}]", "tamper",
	      CHECK_FAIL, "1 alarm(s) of sensors; the last of db-1: state opened", "alarm");
}

static void test_checks_given_detection_when_judged_then_what_does_not_work(void **state)
{
	(void)state;
	check(RULES,
	      "[{\"id\":\"a\",\"enabled\":true,\"status\":\"ok\"},"
	      "{\"id\":\"b\",\"enabled\":false,\"status\":\"unmapped\"}]",
	      "rules", CHECK_FAIL, "1 of 2 on; 1 cannot fire", "cannot fire: b");
	check(RULES, "[]", "rules", CHECK_WARN, "0 of 0 on", "rules apply");
	check(ALERTS,
	      "[{\"rule\":{\"level\":\"low\"}},{\"rule\":{\"level\":\"high\"}},"
	      "{\"rule\":{\"level\":\"high\"}}]",
	      "alerts", CHECK_WARN, "3 open: 2 high, 1 low", "rtsecctl incidents");
	check(ALERTS, "[{\"rule\":{\"level\":\"low\"}}]", "alerts", CHECK_OK, "1 open: 1 low",
	      NULL);
	check(OUTPUTS, "[]", "outputs", CHECK_OK, "none: alerts are told to nobody", NULL);
	check(OUTPUTS, "[{\"name\":\"chat\",\"error\":null,\"dead\":0}]", "outputs", CHECK_OK, "1",
	      NULL);
	check(OUTPUTS, "[{\"name\":\"chat\",\"error\":\"503\",\"dead\":2}]", "outputs", CHECK_FAIL,
	      "1; chat fails: 503; 2 dead letters of chat", "outputs test");
}

static void test_checks_given_followers_behind_when_judged_then_told(void **state)
{
	json_t *status =
		json_loads("{\"rules\":{\"dear\":1,\"skipped\":2,\"evicted\":3},\"followers\":"
			   "[{\"name\":\"rules\",\"lag_ns\":120000000000,\"failures\":4}]}",
			   0, NULL);
	json_t *rules = json_loads("[{\"id\":\"a\",\"enabled\":true,\"status\":\"ok\"}]", 0, NULL);
	struct picture p = { .status = status, .rules = rules };

	(void)state;
	check_with(p, "rules", CHECK_WARN,
		   "1 of 1 on; 1 too dear; 5 times one was skipped, or a sequence forgotten; rules "
		   "failed 4 times; rules are behind by 2m",
		   "rtsecctl rules cost");
	json_decref(status);
	json_decref(rules);
}

static void test_checks_given_nothing_when_judged_then_unknown(void **state)
{
	struct picture none = { 0 };

	(void)state;
	check_with(none, "nodes", CHECK_UNKNOWN, "not told to this token", NULL);
}

static void wraps(const char *text, size_t indent, size_t width, const char *expected)
{
	char *out = NULL;
	size_t n;
	FILE *f = open_memstream(&out, &n);

	text_init();
	text_wrap(f, text, indent, width);
	fclose(f);
	assert_string_equal(out, expected);
	free(out);
}

static void test_text_given_long_lines_when_wrapped_then_at_blanks(void **state)
{
	(void)state;
	wraps("a bc def", 2, 0, "a bc def");
	wraps("a bc def", 2, 7, "a bc\n  def");
	wraps("a bc def", 0, 8, "a bc def");
	wraps("abcdefghij k", 0, 4, "abcdefghij\nk");
	wraps("", 2, 7, "");
	wraps("one  two", 0, 4, "one\ntwo");
}

static void test_text_given_bytes_when_told_then_in_one_unit(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *expected;
	} all[] = { { 0, "0 B" },
		    { 999, "999 B" },
		    { 1000, "1.0 kB" },
		    { 9960, "10 kB" },
		    { 1700000, "1.7 MB" },
		    { 66200000000, "66 GB" },
		    { UINT64_MAX, "18447 PB" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		AUTO_BUF struct buf out = { 0 };

		text_bytes(all[i].bytes, &out);
		buf_byte(&out, 0);
		assert_string_equal((const char *)out.data, all[i].expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checks_given_a_collector_when_judged_then_trouble_is_told),
		cmocka_unit_test(
			test_checks_given_disks_when_judged_then_low_and_soon_full_are_told),
		cmocka_unit_test(test_checks_given_nodes_when_judged_then_the_gravest_counts),
		cmocka_unit_test(test_checks_given_loss_and_alarms_when_judged_then_whose),
		cmocka_unit_test(test_checks_given_detection_when_judged_then_what_does_not_work),
		cmocka_unit_test(test_checks_given_followers_behind_when_judged_then_told),
		cmocka_unit_test(test_checks_given_nothing_when_judged_then_unknown),
		cmocka_unit_test(test_text_given_long_lines_when_wrapped_then_at_blanks),
		cmocka_unit_test(test_text_given_bytes_when_told_then_in_one_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
