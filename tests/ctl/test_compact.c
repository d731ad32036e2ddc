/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl/compact.h"
#include "ctl/events.h"
#include "ctl/text.h"

#define HEAD "\"@timestamp\":\"2021-11-22T21:44:19.123456789Z\",\"host\":{\"name\":\"web-1\"},"
#define EXEC "\"event\":{\"category\":\"process\",\"action\":\"exec\"},"

static void check(struct printer_config c, const char *row, const char *expected)
{
	AUTO_BUF struct buf out = { 0 };
	json_t *doc = json_loads(row, 0, NULL);

	text_init();
	assert_non_null(doc);
	compact_line(doc, &c, &out);
	buf_byte(&out, 0);
	assert_true(buf_ok(&out));
	assert_string_equal((const char *)out.data, expected);
	json_decref(doc);
}

static void test_compact_given_events_when_shown_then_who_did_what(void **state)
{
	static const struct printer_config file;

	(void)state;
	check(file,
	      "{" HEAD EXEC "\"process\":{\"name\":\"curl\",\"pid\":7,\"command_line\":\"curl x\","
	      "\"parent\":{\"name\":\"bash\"},\"user\":{\"name\":\"eve\"}}}",
	      "2021-11-22T21:44:19.123Z web-1 exec     bash>curl[7] (eve) curl x");
	check(file,
	      "{" HEAD EXEC "\"process\":{\"name\":\"sh\",\"pid\":7,\"user\":{\"name\":\"root\"}},"
	      "\"container\":{\"id\":\"3f1c9a6be20d77aa\"}}",
	      "2021-11-22T21:44:19.123Z web-1/3f1c9a6be20d exec     sh[7] ");
	check(file,
	      "{" HEAD EXEC "\"process\":{\"name\":\"sh\",\"pid\":7,\"command_line\":\"sh\"},"
	      "\"container\":{\"id\":\"3f1c\",\"name\":\"app\"},"
	      "\"orchestrator\":{\"namespace\":\"shop\",\"resource\":{\"name\":\"cart-7\"}}}",
	      "2021-11-22T21:44:19.123Z web-1/shop/cart-7 exec     sh[7] sh");
	check(file,
	      "{" HEAD "\"event\":{\"category\":\"rtsec\",\"action\":\"gap\"},"
	      "\"rtsec\":{\"gap\":{\"count\":12,\"class\":\"bulk\",\"cause\":\"ring_full\"}}}",
	      "2021-11-22T21:44:19.123Z web-1 gap      12 events lost: bulk, ring_full");
}

static void test_compact_given_a_terminal_when_shown_then_cut_to_it(void **state)
{
	const struct printer_config narrow = { .width = 70 }, tiny = { .width = 10 };

	(void)state;
	check(narrow,
	      "{" HEAD EXEC "\"process\":{\"name\":\"sh\",\"pid\":7,\"command_line\":"
	      "\"0123456789012345678901234567890123456789\"}}",
	      "2021-11-22 21:44:19.123Z web-1 exec     sh[7] 01234567890123456789012\xe2\x80\xa6");
	check(tiny,
	      "{" HEAD EXEC "\"process\":{\"name\":\"sh\",\"pid\":7,\"command_line\":"
	      "\"0123456789012345678901234567890123456789\"}}",
	      "2021-11-22 21:44:19.123Z web-1 exec     sh[7] 0123456789012345678\xe2\x80\xa6");
}

static void test_compact_given_colours_when_shown_then_by_kind_and_failure(void **state)
{
	const struct printer_config c = { .color = true, .tint = events_tint };

	(void)state;
	check(c, "{" HEAD EXEC "\"process\":{\"name\":\"sh\",\"pid\":7,\"command_line\":\"sh\"}}",
	      "\x1b[2m2021-11-22T21:44:19.123Z\x1b[0m web-1 \x1b[32mexec\x1b[0m     "
	      "\x1b[1msh[7]\x1b[0m sh");
	check(c,
	      "{" HEAD
	      "\"event\":{\"category\":\"file\",\"action\":\"open\",\"outcome\":\"failure\"},"
	      "\"file\":{\"path\":\"/x\"},\"error\":{\"code\":\"ENOENT\"}}",
	      "\x1b[31m2021-11-22T21:44:19.123Z web-1 open     /x [ENOENT]\x1b[0m");
}

static void test_compact_given_hostile_text_when_shown_then_harmless(void **state)
{
	static const struct printer_config file;

	(void)state;
	check(file,
	      "{" HEAD EXEC
	      "\"process\":{\"name\":\"\\u001b[2J\",\"pid\":7,\"command_line\":\"a\\nb\","
	      "\"parent\":{\"name\":\"\\u202e\"},\"user\":{\"name\":\"x\\r\"}}}",
	      "2021-11-22T21:44:19.123Z web-1 exec     \\u202e>\\x1b[2J[7] (x\\r) a\\nb");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compact_given_events_when_shown_then_who_did_what),
		cmocka_unit_test(test_compact_given_a_terminal_when_shown_then_cut_to_it),
		cmocka_unit_test(test_compact_given_colours_when_shown_then_by_kind_and_failure),
		cmocka_unit_test(test_compact_given_hostile_text_when_shown_then_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
