/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl/problem.h"
#include "ctl/text.h"

static void check(const char *body, const char *query, size_t width, const char *expected)
{
	AUTO_BUF struct buf out = { 0 };
	struct problem p;

	text_init();
	problem_read(&p, 400, body, strlen(body));
	problem_format(&p, query, width, &out);
	buf_byte(&out, 0);
	assert_string_equal((const char *)out.data, expected);
}

static void test_problem_given_position_when_shown_then_caret_under_the_place(void **state)
{
	(void)state;
	check("{\"title\":\"Bad query\",\"detail\":\"unknown field "
	      "\\\"a.b\\\"\",\"line\":1,\"column\":15,"
	      "\"expected\":\"a field\"}",
	      "process where a.b == 1", 0,
	      "query:1:15: unknown field \"a.b\"; expected a field\n"
	      "  process where a.b == 1\n"
	      "                ^\n");
	check("{\"detail\":\"x\",\"line\":1,\"column\":4,\"expected\":[\"and\",\"or\",\"the "
	      "end\"]}",
	      "a b", 0, "query:1:4: x; expected and, or, the end\n  a b\n     ^\n");
}

static void test_problem_given_several_lines_when_shown_then_only_the_one(void **state)
{
	(void)state;
	check("{\"detail\":\"x\",\"line\":2,\"column\":3}", "any where\na == \nb", 0,
	      "query:2:3: x\n  a == \n    ^\n");
	check("{\"detail\":\"x\",\"line\":9,\"column\":9}", "any", 0, "query:9:9: x\n  \n  ^\n");
}

static void test_problem_given_odd_characters_when_shown_then_caret_still_fits(void **state)
{
	(void)state;
	check("{\"detail\":\"x\",\"line\":1,\"column\":8}", "\xc3\xa9\xe6\xbc\xa2\tx$", 0,
	      "query:1:8: x\n  \xc3\xa9\xe6\xbc\xa2\\tx$\n       "
	      " ^\n");
	check("{\"detail\":\"\\u001b[2J\",\"line\":1,\"column\":1}", "\x1b", 0,
	      "query:1:1: \\x1b[2J\n  \\x1b\n  ^\n");
}

static void test_problem_given_long_query_when_shown_then_cut_around_the_caret(void **state)
{
	char query[301], body[128], *line;
	AUTO_BUF struct buf out = { 0 };
	struct problem p;

	(void)state;
	memset(query, 'a', sizeof(query) - 1);
	query[sizeof(query) - 1] = 0;
	query[200] = '$';
	snprintf(body, sizeof(body), "{\"detail\":\"x\",\"line\":1,\"column\":201}");
	problem_read(&p, 400, body, strlen(body));
	problem_format(&p, query, 60, &out);
	buf_byte(&out, 0);
	line = strchr((char *)out.data, '\n') + 1;
	assert_int_equal(strcspn(line, "\n"), 58);
	assert_int_equal(strcspn(line, "$"), strcspn(strchr(line, '\n') + 1, "^"));
}

static void test_problem_given_no_problem_document_when_read_then_status_is_told(void **state)
{
	(void)state;
	check("<html>", "q", 0, "the collector answered with HTTP status 400\n");
	check("", NULL, 0, "the collector answered with HTTP status 400\n");
	check("[]", NULL, 0, "the collector answered with HTTP status 400\n");
	check("{\"title\":\"Too much\",\"line\":-1,\"column\":1e9}", "q", 0, "Too much\n");
}

static void test_problem_given_status_when_asked_then_usage_or_server(void **state)
{
	static const struct {
		long status;
		bool usage;
	} table[] = { { 400, true },  { 413, true },  { 414, true },  { 422, true }, { 401, false },
		      { 403, false }, { 404, false }, { 429, false }, { 503, false } };
	struct problem p;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		problem_read(&p, table[i].status, "{}", 2);
		assert_int_equal(problem_is_usage(&p), table[i].usage);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_problem_given_position_when_shown_then_caret_under_the_place),
		cmocka_unit_test(test_problem_given_several_lines_when_shown_then_only_the_one),
		cmocka_unit_test(
			test_problem_given_odd_characters_when_shown_then_caret_still_fits),
		cmocka_unit_test(
			test_problem_given_long_query_when_shown_then_cut_around_the_caret),
		cmocka_unit_test(
			test_problem_given_no_problem_document_when_read_then_status_is_told),
		cmocka_unit_test(test_problem_given_status_when_asked_then_usage_or_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
