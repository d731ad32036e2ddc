/* SPDX-License-Identifier: Apache-2.0 */
/* rtsecctl query, how it asks: page after page, of whom, with which token, and what it tells of
 * trouble. */
#include "tests/ctl/answers.h"

static void test_query_given_cut_page_when_paged_on_then_nothing_is_missing(void **state)
{
	static const struct fake_answer answers[] = {
		{ 200, NULL, "{\"hits\":[" HIT_A "],\"cursor\":\"c1\",\"truncated\":true}", 0 },
		{ 200, NULL, PAGE(HIT_B, "null", ""), 0 },
	};
	struct fake f;
	struct run r = ask(&f, answers, 2, ARGS("query", "a"));

	(void)state;
	assert_int_equal(r.code, EXIT_HITS);
	assert_string_equal(r.out, HIT_A "\n" HIT_B "\n");
	assert_string_equal(r.err, "");
	end(&f, &r);
}

static void test_query_given_all_when_asked_then_pages_become_one_document(void **state)
{
	static const struct fake_answer answers[] = {
		{ 200, NULL, PAGE(HIT_A, "\"c/1\"", ",\"gaps\":[" GAP "]"), 0 },
		{ 200, NULL, PAGE(HIT_B, "null", ",\"gaps\":[" GAP "]"), 0 },
	};
	struct fake f;
	struct run r = ask(&f, answers, 2, ARGS("query", "--all", "-o", "json"));

	(void)state;
	assert_int_equal(r.code, EXIT_PARTIAL);
	assert_string_equal(r.out,
			    "{\"hits\":[" HIT_A "," HIT_B "],\"cursor\":null,\"took_ms\":4.000,"
			    "\"scanned\":{\"blocks\":6},\"truncated\":false,\"gaps\":[" GAP "]}\n");
	assert_has(f.requests[0], "limit=5000 ");
	assert_has(f.requests[1], "limit=5000&cursor=c%2F1 ");
	end(&f, &r);
}

static void test_query_given_limit_when_pages_are_short_then_asks_for_the_rest(void **state)
{
	static const struct fake_answer answers[] = {
		{ 200, NULL, PAGE(HIT_A, "\"c1\"", ""), 0 },
		{ 200, NULL, PAGE(HIT_B, "\"c2\"", ""), 0 },
	};
	struct fake f;
	struct run r = ask(&f, answers, 2, ARGS("query", "--limit", "2"));

	(void)state;
	assert_int_equal(r.code, EXIT_HITS);
	assert_string_equal(r.out, HIT_A "\n" HIT_B "\n");
	assert_has(f.requests[0], "limit=2 ");
	assert_has(f.requests[1], "limit=1&cursor=c1 ");
	end(&f, &r);
}

static void test_query_given_cursor_that_stays_when_paged_then_3_not_for_ever(void **state)
{
	static const struct fake_answer answers[] = {
		{ 200, NULL, PAGE("", "\"c1\"", ""), 0 },
		{ 200, NULL, PAGE("", "\"c1\"", ""), 0 },
	};
	struct fake f;
	struct run r = ask(&f, answers, 2, ARGS("query", "--all"));

	(void)state;
	assert_int_equal(r.code, EXIT_SERVER);
	end(&f, &r);
}

static void test_query_given_syntax_error_when_refused_then_caret_and_2(void **state)
{
	static const struct fake_answer answers[] = {
		{ 400, "application/problem+json",
		  "{\"type\":\"urn:rtsec:problem:query\",\"title\":\"Bad Request\",\"status\":400,"
		  "\"detail\":\"expected a value, found the end\",\"line\":1,\"column\":6}",
		  0 },
		{ 400, "application/problem+json",
		  "{\"title\":\"Bad "
		  "Request\",\"status\":400,\"parameter\":\"node\",\"line\":1,\"column\":3,"
		  "\"detail\":\"expected a time\"}",
		  0 },
	};
	struct fake f;
	struct run r = ask(&f, answers, 2, ARGS("query", "a == "));

	(void)state;
	assert_int_equal(r.code, EXIT_USAGE);
	assert_string_equal(r.out, "");
	assert_string_equal(r.err, "rtsecctl: query:1:6: expected a value, found the end\n"
				   "  a == \n"
				   "       ^\n");
	run_done(&r);
	r = run((struct run_setting){ .port = f.port }, ARGS("query", "a", "--node", "-5q"));
	assert_int_equal(r.code, EXIT_USAGE);
	assert_string_equal(r.err, "rtsecctl: --node: expected a time\n  -5q\n    ^\n");
	run_done(&r);
	r = run((struct run_setting){ .port = f.port }, ARGS("query", "a", "--since", "-5q"));
	assert_int_equal(r.code, EXIT_USAGE);
	assert_has(r.err, "--since wants a time such as 15m, 14:30, today");
	end(&f, &r);
}

static void test_query_given_long_text_when_asked_then_by_post(void **state)
{
	static const struct fake_answer answers[] = { { 200, NULL, PAGE(HIT_A, "null", ""), 0 },
						      { 200, NULL, "{\"count\":1}", 0 } };
	char query[5001];
	struct fake f;
	struct run r;

	(void)state;
	memset(query, 'a', sizeof(query) - 1);
	query[0] = '"';
	query[sizeof(query) - 1] = 0;
	r = ask(&f, answers, 2, ARGS("query", query));
	assert_int_equal(r.code, EXIT_HITS);
	assert_has(f.requests[0], "POST /api/v1/search HTTP/1.1\r\n");
	assert_has(f.requests[0], "\r\nContent-Type: application/json\r\n");
	assert_has(f.requests[0], "\r\n\r\n{\"q\":\"\\\"aaaa");
	assert_has(f.requests[0], "\"limit\":\"100\"}");
	run_done(&r);
	r = run((struct run_setting){ .port = f.port }, ARGS("query", "--count", query));
	assert_int_equal(r.code, EXIT_HITS);
	assert_has(f.requests[1], "POST /api/v1/count HTTP/1.1\r\n");
	run_done(&r);
	query[7] = '\xff';
	r = run((struct run_setting){ .port = f.port }, ARGS("query", query));
	assert_int_equal(r.code, EXIT_USAGE);
	assert_has(r.err, "not UTF-8");
	end(&f, &r);
}

static void test_query_given_server_trouble_when_asked_then_3_and_reason(void **state)
{
	static const struct fake_answer answers[] = {
		{ 401, NULL, "{}", 0 },
		{ 503, NULL, "{\"title\":\"Busy\",\"detail\":\"too many searches\"}", 0 },
		{ 500, "text/html", "<h1>\x1b[2J", 0 },
		{ 200, "text/html", "<html>", 0 },
		{ 200, NULL, "{\"hits\":3}", 0 },
		{ 200, NULL, "[]", 0 },
		{ 302, NULL, "", 0 },
		{ 0, NULL, NULL, FAKE_HANGS_UP },
	};
	static const char *const reasons[] = {
		"does not know this token",
		"too many searches",
		"HTTP status 500",
		"no JSON object",
		NULL,
		"no JSON object",
		"HTTP status 302",
		"cannot reach the collector at http://127.0.0.1:",
	};
	struct fake f;

	(void)state;
	fake_start(&f, answers, ARRAY_SIZE(answers));
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct run r = run((struct run_setting){ .port = f.port }, ARGS("query", "a"));

		if (reasons[i]) {
			assert_int_equal(r.code, EXIT_SERVER);
			assert_has(r.err, reasons[i]);
		} else {
			assert_int_equal(r.code, EXIT_NONE);
		}
		assert_has_not(r.err, "\x1b");
		assert_string_equal(r.out, "");
		run_done(&r);
	}
	fake_stop(&f);
}

static void test_query_given_trouble_on_second_page_when_paged_then_first_is_shown_and_3(
	void **state)
{
	static const struct fake_answer answers[] = {
		{ 200, NULL, PAGE(HIT_A, "\"c1\"", ""), 0 },
		{ 503, NULL, "{\"title\":\"Busy\"}", 0 },
	};
	struct fake f;
	struct run r = ask(&f, answers, 2, ARGS("query", "--all", "-o", "table", "--fields", "n"));

	(void)state;
	assert_int_equal(r.code, EXIT_SERVER);
	assert_string_equal(r.out, "n\n18446744073709551615\n");
	assert_string_equal(r.err, "rtsecctl: Busy\n");
	end(&f, &r);
}

static void test_query_given_nobody_there_when_asked_then_3(void **state)
{
	struct fake f;
	struct run r;

	(void)state;
	fake_start(&f, NULL, 0);
	fake_stop(&f);
	r = run((struct run_setting){ .port = f.port }, ARGS("query", "a"));
	assert_int_equal(r.code, EXIT_SERVER);
	assert_has(r.err, "cannot reach the collector");
	run_done(&r);
}

static void test_query_given_no_address_or_token_when_asked_then_2_and_what_to_do(void **state)
{
	struct run r = run((struct run_setting){ 0 }, ARGS("query", "a"));

	(void)state;
	assert_int_equal(r.code, EXIT_USAGE);
	assert_has(r.err, "RTSEC_URL");
	run_done(&r);
	r = run((struct run_setting){ 0 }, ARGS("query", "a", "--url", "ftp://x"));
	assert_int_equal(r.code, EXIT_USAGE);
	assert_has(r.err, "not an address");
	run_done(&r);
	run_no_token = true;
	r = run((struct run_setting){ .port = 1 }, ARGS("query", "a"));
	assert_int_equal(r.code, EXIT_USAGE);
	assert_has(r.err, "RTSEC_TOKEN");
	run_done(&r);
	r = run((struct run_setting){ .port = 1 }, ARGS("nodes", "--token-file", "/nonexistent"));
	assert_int_equal(r.code, EXIT_USAGE);
	assert_has(r.err, "cannot read the token file /nonexistent: No such file");
	run_done(&r);
	run_no_token = false;
}

static void test_query_given_token_file_when_asked_then_its_token_is_sent(void **state)
{
	static const struct fake_answer answers[] = { { 200, NULL, PAGE("", "null", ""), 0 } };
	char path[] = "/tmp/rtsec-token-XXXXXX";
	AUTO_FD int fd = mkstemp(path);
	struct fake f;
	struct run r;

	(void)state;
	assert_int_equal(write(fd, "from-a-file \n", 13), 13);
	r = ask(&f, answers, 1, ARGS("query", "--token-file", path));
	assert_int_equal(r.code, EXIT_NONE);
	assert_has(f.requests[0], "\r\nAuthorization: Bearer from-a-file\r\n");
	end(&f, &r);
	run_no_token = true;
	assert_int_equal(ftruncate(fd, 0), 0);
	r = run((struct run_setting){ .port = 1 }, ARGS("query", "--token-file", path));
	assert_int_equal(r.code, EXIT_USAGE);
	assert_has(r.err, "the token file is empty");
	run_done(&r);
	run_no_token = false;
	unlink(path);
}

static void test_query_given_terminal_when_no_limit_then_table_and_note_of_more(void **state)
{
	static const char hit[] =
		"{\"@timestamp\":\"2026-11-22T21:44:19.123456789Z\",\"host\":{\"name\":\"web-1\"},"
		"\"event\":{\"category\":\"process\",\"action\":\"exec\"},"
		"\"process\":{\"name\":\"sh\",\"pid\":7,\"user\":{\"name\":\"root\"},"
		"\"command_line\":\"sh -c \\u001b[2J\"}}";
	static const char table[] =
		"TIME                      NODE   ACTION  PROCESS  USER  SUMMARY\n"
		"2026-11-22T21:44:19.123Z  web-1  exec    sh[7]    root  sh -c \\x1b[2J\n";
	AUTO_BUF struct buf page = { 0 };
	struct fake_answer answer = { .status = 200 };
	struct fake f;
	struct run r;

	(void)state;
	buf_str(&page, "{\"hits\":[");
	for (int i = 0; i < 100; i++)
		buf_printf(&page, "%s%s", i ? "," : "", hit);
	buf_str(&page, "],\"cursor\":\"c1\",\"truncated\":false}");
	buf_byte(&page, 0);
	answer.body = (const char *)page.data;
	fake_start(&f, &answer, 1);
	r = run((struct run_setting){ .port = f.port, .tty = true, .width = 120 }, ARGS("query"));
	assert_int_equal(strncmp(r.out, table, strlen(table)), 0);
	assert_string_equal(r.err,
			    "rtsecctl: the newest 100 are shown, there are more: --limit N or "
			    "--all\n");
	assert_int_equal(r.code, EXIT_HITS);
	end(&f, &r);
}

static void test_query_given_narrowing_options_when_asked_then_in_the_query(void **state)
{
	static const struct fake_answer answers[] = { { 200, NULL, "{\"count\":1}", 0 } };
	struct fake f;
	struct run r = ask(&f, answers, 1,
			   ARGS("query", "-p", "sh", "--count", "file where true | head 3"));

	(void)state;
	assert_int_equal(r.code, EXIT_HITS);
	assert_has(f.requests[0],
		   "q=file%20where%20%28process.name%20%3A%20%22sh%22%29%20and%20%28");
	end(&f, &r);
	r = run((struct run_setting){ .port = 1 },
		ARGS("query", "-p", "sh", "sequence [process where true] [file where true]"));
	assert_int_equal(r.code, EXIT_USAGE);
	assert_has(r.err, "put the condition into its terms");
	run_done(&r);
}

static void test_query_given_terminal_when_it_takes_long_then_progress_and_the_answer(void **state)
{
	static const char lines[] = "{\"progress\":{\"blocks\":5,\"of\":20}}\n"
				    "{\"progress\":{\"blocks\":15,\"of\":20}}\n"
				    "{\"answer\":{\"count\":7,\"gaps\":[],\"took_ms\":1}}\n";
	static const char problem[] = "{\"progress\":{\"blocks\":0,\"of\":0}}\n"
				      "{\"problem\":{\"title\":\"Bad "
				      "Request\",\"status\":400,\"detail\":\"too much\"}}\n";
	static const struct fake_answer answers[] = {
		{ 200, "application/x-ndjson", lines, 0 },
		{ 200, "application/x-ndjson", problem, 0 },
		{ 200, "application/x-ndjson", "{\"progress\":{\"blocks\":1,\"of\":2}}\n", 0 },
		{ 200, NULL, "{\"count\":9,\"gaps\":[],\"took_ms\":1}", 0 }, /* of before */
		{ 403, "application/problem+json", "{\"title\":\"Forbidden\",\"detail\":\"no\"}",
		  0 },
	};
	const struct run_setting tty = { .tty = true, .width = 80 };
	struct run_setting s = tty;
	struct fake f;
	struct run r;

	(void)state;
	fake_start(&f, answers, ARRAY_SIZE(answers));
	s.port = f.port;
	r = run(s, ARGS("query", "--count", "-o", "json"));
	assert_int_equal(r.code, EXIT_HITS);
	assert_has(f.requests[0], "progress=true");
	assert_has(r.err, "15 of 20 blocks, 75 %");
	assert_has(r.out, "7");
	run_done(&r);
	r = run(s, ARGS("query", "--count", "-o", "json"));
	assert_true(r.code == EXIT_SERVER || r.code == EXIT_USAGE);
	assert_has(r.err, "too much");
	run_done(&r);
	r = run(s, ARGS("query", "--count", "-o", "json"));
	assert_int_equal(r.code, EXIT_SERVER);
	assert_has(r.err, "stopped answering");
	run_done(&r);
	r = run(s, ARGS("query", "--count", "-o", "json"));
	assert_int_equal(r.code, EXIT_HITS);
	assert_has(r.out, "9");
	run_done(&r);
	r = run(s, ARGS("query", "--count", "-o", "json"));
	assert_int_equal(r.code, EXIT_SERVER);
	assert_has(r.err, "no");
	end(&f, &r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_query_given_cut_page_when_paged_on_then_nothing_is_missing),
		cmocka_unit_test(test_query_given_all_when_asked_then_pages_become_one_document),
		cmocka_unit_test(
			test_query_given_limit_when_pages_are_short_then_asks_for_the_rest),
		cmocka_unit_test(test_query_given_cursor_that_stays_when_paged_then_3_not_for_ever),
		cmocka_unit_test(test_query_given_syntax_error_when_refused_then_caret_and_2),
		cmocka_unit_test(test_query_given_long_text_when_asked_then_by_post),
		cmocka_unit_test(test_query_given_server_trouble_when_asked_then_3_and_reason),
		cmocka_unit_test(
			test_query_given_trouble_on_second_page_when_paged_then_first_is_shown_and_3),
		cmocka_unit_test(test_query_given_nobody_there_when_asked_then_3),
		cmocka_unit_test(
			test_query_given_no_address_or_token_when_asked_then_2_and_what_to_do),
		cmocka_unit_test(test_query_given_token_file_when_asked_then_its_token_is_sent),
		cmocka_unit_test(
			test_query_given_terminal_when_no_limit_then_table_and_note_of_more),
		cmocka_unit_test(test_query_given_narrowing_options_when_asked_then_in_the_query),
		cmocka_unit_test(
			test_query_given_terminal_when_it_takes_long_then_progress_and_the_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
