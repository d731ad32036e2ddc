/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl/when.h"
#include "lib/timestamp.h"

/* Saturday, in Berlin 22:44 */
static const char now_text[] = "2026-11-28T21:44:19Z";

static uint64_t now(void)
{
	uint64_t ns;

	assert_int_equal(timestamp_parse(now_text, strlen(now_text), 0, &ns, NULL), 0);
	return ns;
}

static void zone(const char *name)
{
	setenv("TZ", name, 1);
	tzset();
}

struct typed {
	const char *text, *expected;
};

static void check(const struct typed *all, size_t n, enum when_side side, bool local)
{
	for (size_t i = 0; i < n; i++) {
		char ret[WHEN_BYTES];
		struct diag d = { 0 };

		if (when_read(all[i].text, side, local, now(), ret, &d) < 0)
			fail_msg("\"%s\" is refused: %s", all[i].text, d.text);
		assert_string_equal(ret, all[i].expected);
	}
}

static void test_when_given_what_the_collector_takes_when_read_then_unchanged(void **state)
{
	static const char *const all[] = { "-15m",
					   "now",
					   "now-2h30m",
					   "1795383859",
					   "2026-11-22",
					   "2026-11-22T21:44:19.5Z",
					   "2026-11-22T21:44:19+01:00" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		check(&(struct typed){ all[i], all[i] }, 1, WHEN_PAST, false);
}

static void test_when_given_a_length_when_read_then_it_is_before_now(void **state)
{
	static const struct typed all[] = {
		{ "15m", "-15m" },	  { "2h30m", "-2h30m" },     { "15m ago", "-15m" },
		{ "2 hours ago", "-2h" }, { "1 day", "-1d" },	     { "10 min", "-10m" },
		{ "30 seconds", "-30s" }, { "1h30m ago", "-1h30m" }, { "3 weeks ago", "-3w" },
		{ "90 Minutes", "-90m" },
	};

	(void)state;
	check(all, ARRAY_SIZE(all), WHEN_PAST, false);
}

static void test_when_given_words_and_clocks_when_read_then_days_of_utc(void **state)
{
	static const struct typed all[] = {
		{ "today", "2026-11-28T00:00:00Z" },
		{ "yesterday", "2026-11-27T00:00:00Z" },
		{ "Yesterday 23:10", "2026-11-27T23:10:00Z" },
		{ "14:30", "2026-11-28T14:30:00Z" },
		{ "14:30:05.123Z", "2026-11-28T14:30:05Z" },
		{ "23:50", "2026-11-27T23:50:00Z" }, /* is still to come today */
		{ "2026-11-22 14:30", "2026-11-22T14:30:00Z" },
		{ "11-22 21:44:19.123Z", "2026-11-22T21:44:19Z" },
		{ "12-24 10:00", "2025-12-24T10:00:00Z" },
		{ "2026-11-22T14:30", "2026-11-22T14:30:00Z" },
	};

	(void)state;
	check(all, ARRAY_SIZE(all), WHEN_PAST, false);
}

static void test_when_given_local_when_read_then_of_this_zone(void **state)
{
	static const struct typed all[] = {
		{ "today", "2026-11-27T23:00:00Z" },
		{ "14:30", "2026-11-28T13:30:00Z" },
		{ "14:30Z", "2026-11-28T14:30:00Z" },
		{ "2026-11-22", "2026-11-21T23:00:00Z" },
		{ "2026-07-22 14:30", "2026-07-22T12:30:00Z" }, /* summer */
		{ "2026-11-22T14:30:00", "2026-11-22T13:30:00Z" },
		{ "2026-11-22T14:30:00Z", "2026-11-22T14:30:00Z" },
		{ "-15m", "-15m" },
	};

	(void)state;
	zone("CET-1CEST,M3.5.0,M10.5.0/3");
	check(all, ARRAY_SIZE(all), WHEN_PAST, true);
	zone("UTC");
}

static void test_when_given_a_time_ahead_when_read_then_after_now(void **state)
{
	static const struct typed all[] = {
		{ "7d", "2026-12-05T21:44:19Z" },	{ "2 hours", "2026-11-28T23:44:19Z" },
		{ "tomorrow", "2026-11-29T00:00:00Z" }, { "14:30", "2026-11-29T14:30:00Z" },
		{ "2027-01-01", "2027-01-01" },
	};

	(void)state;
	check(all, ARRAY_SIZE(all), WHEN_AHEAD, false);
}

static void test_when_given_nonsense_when_read_then_told_what_is_taken(void **state)
{
	static const char *const all[] = { "",
					   "soon",
					   "15",
					   "m15",
					   "15 parsecs",
					   "25:00",
					   "14:99",
					   "todayish",
					   "today x",
					   "15m later",
					   "14:30x",
					   "2026-13-01 10:00",
					   "2026-11-22 ",
					   "99999999999999999999d",
					   "today 15m",
					   "11-22" };
	char text[4096];

	(void)state;
	memset(text, '1', sizeof(text));
	text[sizeof(text) - 1] = 0;
	for (size_t i = 0; i <= ARRAY_SIZE(all); i++) {
		const char *typed = i < ARRAY_SIZE(all) ? all[i] : text;
		char ret[WHEN_BYTES];
		struct diag d = { 0 };

		if (strcmp(typed, "15") == 0)
			continue; /* seconds since 1970 */
		if (when_read(typed, WHEN_PAST, false, now(), ret, &d) == 0)
			fail_msg("\"%s\" is taken as %s", typed, ret);
		assert_non_null(strstr(d.text, "wants a time such as 15m, 14:30, today"));
	}
}

static void shows(const char *time, struct when_style style, const char *expected)
{
	AUTO_BUF struct buf out = { 0 };

	style.now_ns = now();
	when_show(time, &style, &out);
	buf_byte(&out, 0);
	assert_string_equal((const char *)out.data, expected);
}

static void test_when_given_times_when_shown_then_as_short_as_is_clear(void **state)
{
	const struct when_style brief = { .millis = true, .brief = true };
	const struct when_style local = { .local = true, .brief = true };

	(void)state;
	shows("2026-11-28T07:00:01.987654321Z", brief, "07:00:01.987Z");
	shows("2026-11-22T21:44:19.123456789Z", brief, "11-22 21:44:19.123Z");
	shows("2025-11-22T21:44:19Z", brief, "2025-11-22 21:44:19.000Z");
	shows("2026-11-28T07:00:01.987654321Z", (struct when_style){ 0 }, "2026-11-28T07:00:01Z");
	shows("2026-11-28T07:00:01+01:00", (struct when_style){ 0 }, "2026-11-28T06:00:01Z");
	zone("CET-1CEST,M3.5.0,M10.5.0/3");
	shows("2026-11-28T22:30:00Z", local, "23:30:00");
	shows("2026-11-28T23:30:00Z", local, "11-29 00:30:00");
	shows("2026-07-28T22:30:00Z", (struct when_style){ .local = true },
	      "2026-07-29T00:30:00+02:00");
	zone("UTC");
	shows("", brief, "");
	shows("never", brief, "never");
	shows("-15m", brief, "-15m");
}

static void test_when_given_spans_when_shown_then_one_unit(void **state)
{
	static const struct {
		uint64_t seconds;
		const char *expected;
	} all[] = { { 0, "0s" },    { 59, "59s" },     { 60, "1m" },	{ 3599, "59m" },
		    { 3600, "1h" }, { 172799, "47h" }, { 172800, "2d" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		AUTO_BUF struct buf out = { 0 };

		when_span(all[i].seconds * 1000000000, &out);
		buf_byte(&out, 0);
		assert_string_equal((const char *)out.data, all[i].expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_when_given_what_the_collector_takes_when_read_then_unchanged),
		cmocka_unit_test(test_when_given_a_length_when_read_then_it_is_before_now),
		cmocka_unit_test(test_when_given_words_and_clocks_when_read_then_days_of_utc),
		cmocka_unit_test(test_when_given_local_when_read_then_of_this_zone),
		cmocka_unit_test(test_when_given_a_time_ahead_when_read_then_after_now),
		cmocka_unit_test(test_when_given_nonsense_when_read_then_told_what_is_taken),
		cmocka_unit_test(test_when_given_times_when_shown_then_as_short_as_is_clear),
		cmocka_unit_test(test_when_given_spans_when_shown_then_one_unit),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
