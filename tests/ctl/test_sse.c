/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl/sse.h"

/* Events as "type|id|data;" one after the other. */
static int record(const struct sse_event *e, void *arg)
{
	buf_printf(arg, "%s|%s|%s;", e->type, e->id, e->data);
	return strcmp(e->type, "stop") == 0 ? 7 : 0;
}

/* Feeds @text in pieces of @piece bytes. */
static void check_pieces(const char *text, size_t n, size_t piece, const char *expected)
{
	AUTO_BUF struct buf out = { 0 };
	struct sse s = { 0 };

	for (size_t i = 0; i < n; i += piece)
		assert_int_equal(sse_feed(&s, text + i, MIN(piece, n - i), record, &out), 0);
	buf_byte(&out, 0);
	assert_string_equal((const char *)out.data, expected);
	sse_done(&s);
}

static void check(const char *text, const char *expected)
{
	for (size_t piece = 1; piece <= strlen(text) + 1; piece++)
		check_pieces(text, strlen(text), piece, expected);
}

static void test_sse_given_events_when_fed_in_any_pieces_then_the_same_events(void **state)
{
	(void)state;
	check("data: a\n\n", "message||a;");
	check("id: 7\ndata: a\n\nid:8\ndata:b\n\n", "message|7|a;message|8|b;");
	check("data: a\ndata: b\n\n", "message||a\nb;");
	check("event: dropped\ndata: {\"count\":3}\n\n", "dropped||{\"count\":3};");
	check("event: x\ndata: a\n\ndata: b\n\n", "x||a;message||b;");
	check("data:  two blanks\n\n", "message|| two blanks;");
	check("data\n\n", "message||;");
}

static void test_sse_given_any_line_end_when_fed_then_the_same_events(void **state)
{
	(void)state;
	check("id: 1\r\ndata: a\r\n\r\ndata: b\r\n\r\n", "message|1|a;message|1|b;");
	check("id: 1\rdata: a\r\rdata: b\r\r", "message|1|a;message|1|b;");
	check("data: a\r\n\ndata: b\n\r\n", "message||a;message||b;");
}

static void test_sse_given_what_to_ignore_when_fed_then_ignored(void **state)
{
	(void)state;
	check(": keep-alive\n\n: more\n\n", "");
	check("\xef\xbb\xbf"
	      "data: a\n\n",
	      "message||a;");
	check("data: \xef\xbb\xbf\n\n", "message||\xef\xbb\xbf;");
	check("nonsense: 1\ndata: a\nretry: 20\nretry: x\n\n", "message||a;");
	check("event: x\n\ndata: a\n\n", "message||a;");
	check("data: not ended", "");
	check("data: not ended\n", "");
}

static void test_sse_given_id_with_nul_when_fed_then_id_is_ignored(void **state)
{
	static const char text[] = "id: 1\ndata: a\n\nid: 2\0z\ndata: b\n\n";

	(void)state;
	check_pieces(text, sizeof(text) - 1, 5, "message|1|a;message|1|b;");
}

static void test_sse_given_broken_event_when_reset_then_last_id_is_of_the_complete_one(void **state)
{
	static const char text[] = "id: 1\ndata: a\n\nid: 2\ndata: half";
	AUTO_BUF struct buf out = { 0 };
	struct sse s = { 0 };

	(void)state;
	assert_int_equal(sse_feed(&s, text, strlen(text), record, &out), 0);
	sse_reset(&s);
	assert_string_equal(sse_last_id(&s), "1");
	assert_int_equal(sse_feed(&s, "data: b\n\n", 9, record, &out), 0);
	assert_string_equal(sse_last_id(&s), "1");
	buf_byte(&out, 0);
	assert_string_equal((const char *)out.data, "message|1|a;message|1|b;");
	sse_done(&s);
}

static void test_sse_given_retry_when_fed_then_kept(void **state)
{
	struct sse s = { 0 };

	(void)state;
	assert_int_equal(sse_feed(&s, "retry: 1500\n", 12, record, NULL), 0);
	assert_int_equal(s.retry_ms, 1500);
	sse_done(&s);
}

static void test_sse_given_callback_says_stop_when_fed_then_stops_there(void **state)
{
	static const char text[] = "event: stop\ndata: a\n\ndata: b\n\n";
	AUTO_BUF struct buf out = { 0 };
	struct sse s = { 0 };

	(void)state;
	assert_int_equal(sse_feed(&s, text, strlen(text), record, &out), 7);
	buf_byte(&out, 0);
	assert_string_equal((const char *)out.data, "stop||a;");
	sse_done(&s);
}

static int feed_much(const char *piece, size_t n, size_t times)
{
	AUTO_BUF struct buf out = { 0 };
	struct sse s = { 0 };
	int r = 0;

	while (r == 0 && times--)
		r = sse_feed(&s, piece, n, record, &out);
	sse_done(&s);
	return r;
}

static void test_sse_given_endless_line_or_event_when_fed_then_refused(void **state)
{
	static char piece[64 << 10];

	(void)state;
	memset(piece, 'x', sizeof(piece));
	assert_int_equal(feed_much(piece, sizeof(piece), SSE_EVENT_BYTES / sizeof(piece) + 1),
			 -EMSGSIZE);
	memcpy(piece, "data:", 5);
	piece[sizeof(piece) - 1] = '\n';
	assert_int_equal(feed_much(piece, sizeof(piece), SSE_EVENT_BYTES / sizeof(piece) + 2),
			 -EMSGSIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sse_given_events_when_fed_in_any_pieces_then_the_same_events),
		cmocka_unit_test(test_sse_given_any_line_end_when_fed_then_the_same_events),
		cmocka_unit_test(test_sse_given_what_to_ignore_when_fed_then_ignored),
		cmocka_unit_test(test_sse_given_id_with_nul_when_fed_then_id_is_ignored),
		cmocka_unit_test(
			test_sse_given_broken_event_when_reset_then_last_id_is_of_the_complete_one),
		cmocka_unit_test(test_sse_given_retry_when_fed_then_kept),
		cmocka_unit_test(test_sse_given_callback_says_stop_when_fed_then_stops_there),
		cmocka_unit_test(test_sse_given_endless_line_or_event_when_fed_then_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
