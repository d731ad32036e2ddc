/* SPDX-License-Identifier: Apache-2.0 */
/* Whole commands against a collector of canned answers: output, exit code, what was asked. */
#include "tests/ctl/fake.h"

#define HIT_A "{\"@timestamp\":\"2026-11-22T21:44:19.123456789Z\",\"n\":18446744073709551615}"
#define HIT_B "{\"@timestamp\":\"2026-11-22T21:44:18.123456789Z\",\"n\":2}"
#define PAGE(hits, cursor, more)                                                               \
	"{\"hits\":[" hits "],\"cursor\":" cursor ",\"took_ms\":2,\"scanned\":{\"blocks\":3}," \
	"\"truncated\":false" more "}"
#define GAP                                                                                      \
	"{\"node\":\"web-1\",\"from\":\"2026-11-22T21:00:00Z\",\"to\":\"2026-11-22T21:00:01Z\"," \
	"\"count\":12,\"class\":\"bulk\",\"cause\":\"ring_full\"}"

/* Runs @args against @answers; requests stay in @f until fake_stop(). */
static void test_query_given_hits_when_piped_then_ndjson_as_sent_and_0(void **state)
{
	static const struct fake_answer answers[] = { { 200, NULL,
							PAGE(HIT_A "," HIT_B, "null", ""), 0 } };
	struct fake f;
	struct run r = ask(&f, answers, 1,
			   ARGS("query", "a == \"b c\"", "--since", "-5m", "--node", "web-1",
				"--order", "asc", "--fields", "n,@timestamp"));

	(void)state;
	assert_int_equal(r.code, EXIT_HITS);
	assert_string_equal(r.out, HIT_A "\n" HIT_B "\n");
	assert_string_equal(r.err, "");
	assert_has(f.requests[0],
		   "GET /api/v1/search?q=a%20%3D%3D%20%22b%20c%22&since=-5m&node=web-1&"
		   "order=asc&fields=n%2C%40timestamp&limit=100 HTTP/1.1\r\n");
	assert_has(f.requests[0], "\r\nAuthorization: Bearer 0123456789abcdef\r\n");
	end(&f, &r);
}

static void test_query_given_no_hits_when_asked_then_1(void **state)
{
	static const struct fake_answer answers[] = {
		{ 200, NULL, PAGE("", "null", ""), 0 },
		{ 200, NULL, PAGE("", "null", ",\"gaps\":[" GAP "]"), 0 }
	};
	struct fake f;
	struct run r = ask(&f, answers, 2, ARGS("query", "a"));

	(void)state;
	assert_int_equal(r.code, EXIT_NONE);
	assert_string_equal(r.out, "");
	run_done(&r);
	r = run((struct run_setting){ .port = f.port }, ARGS("query", "a"));
	assert_int_equal(r.code, EXIT_NONE);
	assert_has(r.err, "12 events are known to be lost");
	end(&f, &r);
}

static void test_query_given_gap_of_unknown_count_when_told_then_it_says_so(void **state)
{
	static const char unknown[] =
		PAGE(HIT_A, "null", ",\"gaps\":[{\"node\":\"web-1\",\"count\":null}]");
	static const char both[] =
		PAGE(HIT_A, "null", ",\"gaps\":[{\"node\":\"web-1\",\"count\":null}," GAP "]");
	static const struct fake_answer answers[] = { { 200, NULL, unknown, 0 },
						      { 200, NULL, both, 0 } };
	struct fake f;
	struct run r = ask(&f, answers, 2, ARGS("query", "a"));

	(void)state;
	assert_int_equal(r.code, EXIT_PARTIAL);
	assert_has(r.err,
		   "events may be lost in this range, how many is unknown (1 gap, on web-1)");
	run_done(&r);
	r = run((struct run_setting){ .port = f.port }, ARGS("query", "a"));
	assert_has(r.err, "12 events are known to be lost in this range (2 gaps; of 1 the count is "
			  "unknown, on web-1)");
	end(&f, &r);
}

static void test_query_given_gaps_when_hits_then_4_and_one_line(void **state)
{
	static const struct fake_answer answers[] = {
		{ 200, NULL, PAGE(HIT_A, "null", ",\"gaps\":[" GAP "]"), 0 },
	};
	struct fake f;
	struct run r = ask(&f, answers, 1, ARGS("query", "a"));

	(void)state;
	assert_int_equal(r.code, EXIT_PARTIAL);
	assert_string_equal(r.out, HIT_A "\n");
	assert_string_equal(r.err,
			    "rtsecctl: 12 events are known to be lost in this range (1 gap, on "
			    "web-1): query 'event.action == \"gap\"' shows them\n");
	end(&f, &r);
}

#define TABLE                                                                                 \
	"{\"columns\":[{\"name\":\"process.name\",\"type\":\"keyword\"},"                     \
	"{\"name\":\"count\",\"type\":\"long\"}],\"rows\":[[\"ba,sh\",18446744073709551615]," \
	"[null,1]],\"truncated\":false,\"left_out\":0,\"gaps\":[],\"took_ms\":1.5,"           \
	"\"scanned\":{\"blocks\":3}}"

static void expect_table(const char *format, int code, const char *wanted)
{
	static const struct fake_answer answers[] = { { 200, NULL, TABLE, 0 } };
	struct fake f;
	struct run r = ask(&f, answers, 1, ARGS("query", "| top process.name", "-o", format));

	assert_int_equal(r.code, code);
	assert_string_equal(r.out, wanted);
	assert_string_equal(r.err, "");
	end(&f, &r);
}

static void test_query_given_table_when_asked_then_rows_in_each_form(void **state)
{
	(void)state;
	expect_table("json", EXIT_HITS, TABLE "\n");
	expect_table("ndjson", EXIT_HITS,
		     "{\"process.name\":\"ba,sh\",\"count\":18446744073709551615}\n"
		     "{\"process.name\":null,\"count\":1}\n");
	expect_table("csv", EXIT_HITS, "process.name,count\n\"ba,sh\",18446744073709551615\n,1\n");
	expect_table("table", EXIT_HITS,
		     "process.name                 count\n"
		     "ba,sh         18446744073709551615\n"
		     "                                 1\n");
}

static void test_query_given_table_without_rows_when_asked_then_1(void **state)
{
	static const struct fake_answer answers[] = {
		{ 200, NULL, "{\"columns\":[{\"name\":\"a\",\"type\":\"long\"}],\"rows\":[]}", 0 },
		{ 200, NULL, "{\"columns\":[{\"name\":\"a\",\"type\":\"long\"}],\"rows\":[[]]}",
		  0 },
	};
	struct fake f;
	struct run r = ask(&f, answers, 2, ARGS("query", "| top a"));

	(void)state;
	assert_int_equal(r.code, EXIT_NONE);
	assert_string_equal(r.out, "");
	run_done(&r);
	r = run((struct run_setting){ .port = f.port }, ARGS("query", "| top a"));
	assert_int_equal(r.code, EXIT_SERVER);
	end(&f, &r);
}

#define SEQUENCES                                                                                 \
	"{\"sequences\":[{\"join_keys\":[\"a\\u001bb\",7],\"events\":[{\"process\":{\"pid\":1}}," \
	"{\"missing\":true},{\"process\":{\"pid\":2}}]},{\"join_keys\":[],\"events\":["           \
	"{\"process\":{\"pid\":3}}]}],\"cursor\":null,\"evicted\":0,\"truncated\":false,"         \
	"\"gaps\":[],\"took_ms\":1.5,\"scanned\":{\"blocks\":3}}"

static void expect_sequences(const char *format, const char *wanted)
{
	static const struct fake_answer answers[] = { { 200, NULL, SEQUENCES, 0 } };
	struct fake f;
	struct run r = ask(&f, answers, 1,
			   ARGS("query", "sequence", "--fields", "process.pid", "-o", format));

	assert_int_equal(r.code, EXIT_HITS);
	assert_string_equal(r.out, wanted);
	assert_string_equal(r.err, "");
	end(&f, &r);
}

static void test_query_given_sequences_when_asked_then_groups_in_each_form(void **state)
{
	(void)state;
	expect_sequences("json", SEQUENCES "\n");
	expect_sequences("ndjson",
			 "{\"join_keys\":[\"a\\u001bb\",7],\"events\":[{\"process\":{\"pid\":1}},"
			 "{\"missing\":true},{\"process\":{\"pid\":2}}]}\n"
			 "{\"join_keys\":[],\"events\":[{\"process\":{\"pid\":3}}]}\n");
	expect_sequences("csv", "sequence,process.pid\n1,1\n1,2\n2,3\n");
	expect_sequences("table", "sequence 1: a\x1b"
				  "b, 7\nprocess.pid\n1\n2\n\nsequence 2\nprocess.pid\n3\n");
}

static void test_query_given_broken_sequences_when_asked_then_server_error(void **state)
{
	static const char *const pages[] = {
		"{\"sequences\":[{\"join_keys\":[]}]}",
		"{\"sequences\":[{\"events\":[]}]}",
		"{\"sequences\":[{\"join_keys\":[],\"events\":[7]}]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		const struct fake_answer answers[] = { { 200, NULL, pages[i], 0 } };
		struct fake f;
		struct run r = ask(&f, answers, 1, ARGS("query", "sequence", "-o", "table"));

		assert_int_equal(r.code, EXIT_SERVER);
		end(&f, &r);
	}
}

#define PLAN                                                                                      \
	"{\"query\":\"true\",\"kinds\":[\"exec\",\"fork\"],\"fields\":[],\"blocks\":{\"stored\":" \
	"9,"                                                                                      \
	"\"read\":2},\"events_read\":5}"

static void test_query_given_explain_when_asked_then_plan_instead_of_events(void **state)
{
	static const struct fake_answer answers[] = {
		{ 200, NULL, PAGE(HIT_A, "\"next\"", ",\"plan\":" PLAN), 0 },
		{ 200, NULL, PAGE(HIT_A, "\"next\"", ",\"plan\":" PLAN), 0 },
	};
	struct fake f;
	struct run r = ask(&f, answers, 2, ARGS("query", "a", "--explain", "-o", "table"));

	(void)state;
	assert_int_equal(r.code, EXIT_HITS);
	assert_has(r.out, "query                 true\nkinds                 exec, fork\n");
	assert_has(r.out, "blocks stored         9\n  read                2\n");
	assert_null(strstr(r.out, "bash"));
	run_done(&r);
	r = run((struct run_setting){ .port = f.port },
		ARGS("query", "a", "--explain", "-o", "json"));
	assert_string_equal(r.out, PLAN "\n");
	end(&f, &r);
}

static void test_query_given_keep_when_asked_then_its_fields_are_columns(void **state)
{
	static const struct fake_answer answers[] = {
		{ 200, NULL, PAGE("{\"process\":{\"name\":\"x\",\"pid\":7}}", "null", ""), 0 }
	};
	struct fake f;
	struct run r = ask(&f, answers, 1,
			   ARGS("query", "a | keep process.pid, process.name", "-o", "csv"));

	(void)state;
	assert_int_equal(r.code, EXIT_HITS);
	assert_string_equal(r.out, "process.pid,process.name\n7,x\n");
	end(&f, &r);
}

static void test_query_given_truncated_when_hits_then_4(void **state)
{
	static const struct fake_answer answers[] = {
		{ 200, NULL, "{\"hits\":[" HIT_A "],\"cursor\":null,\"truncated\":true}", 0 },
	};
	struct fake f;
	struct run r = ask(&f, answers, 1, ARGS("query", "a"));

	(void)state;
	assert_int_equal(r.code, EXIT_PARTIAL);
	assert_has(r.err, "stopped before it had looked at everything");
	end(&f, &r);
}

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

static void test_query_given_damaged_blocks_when_hits_then_4(void **state)
{
	static const struct fake_answer answers[] = {
		{ 200, NULL, "{\"hits\":[" HIT_A "],\"scanned\":{\"blocks_damaged\":2}}", 0 },
	};
	struct fake f;
	struct run r = ask(&f, answers, 1, ARGS("query", "a"));

	(void)state;
	assert_int_equal(r.code, EXIT_PARTIAL);
	assert_has(r.err, "2 stored blocks are damaged");
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

static void test_query_given_count_when_asked_then_number_in_each_form(void **state)
{
	static const struct fake_answer answers[] = {
		{ 200, NULL, "{\"count\":7,\"gaps\":[]}", 0 },
		{ 200, NULL, "{\"count\":7}", 0 },
		{ 200, NULL, "{\"count\":7}", 0 },
		{ 200, NULL, "{\"count\":0}", 0 },
		{ 200, NULL, "{\"count\":7,\"gaps\":[" GAP "]}", 0 },
		{ 200, NULL, "{}", 0 },
	};
	static const struct {
		const char *form, *out;
		int code;
	} table[] = {
		{ "table", "7\n", EXIT_HITS },
		{ "json", "{\"count\": 7}\n", EXIT_HITS },
		{ "csv", "count\n7\n", EXIT_HITS },
		{ "ndjson", "{\"count\": 0}\n", EXIT_NONE },
		{ "ndjson", "{\"count\": 7}\n", EXIT_PARTIAL },
		{ "table", "", EXIT_SERVER },
	};
	struct fake f;

	(void)state;
	fake_start(&f, answers, ARRAY_SIZE(answers));
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct run r = run((struct run_setting){ .port = f.port },
				   ARGS("query", "a", "--count", "-o", table[i].form));

		assert_string_equal(r.out, table[i].out);
		assert_int_equal(r.code, table[i].code);
		run_done(&r);
	}
	assert_has(f.requests[0], "GET /api/v1/count?q=a HTTP");
	fake_stop(&f);
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
		{ 0, NULL, NULL, true },
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

#define STREAM "text/event-stream"

static void test_query_given_no_hits_when_on_a_terminal_then_told(void **state)
{
	static const char none[] = "{\"hits\":[],\"cursor\":null,\"truncated\":false}";
	static const struct fake_answer answers[] = { { 200, NULL, none, 0 },
						      { 200, NULL, none, 0 },
						      { 200, NULL, "{\"outputs\":[]}", 0 } };
	struct run_setting tty = { .tty = true, .width = 80 };
	struct fake f;
	struct run r;

	(void)state;
	fake_start(&f, answers, ARRAY_SIZE(answers));
	tty.port = f.port;
	r = run(tty, ARGS("query"));
	assert_int_equal(r.code, EXIT_NONE);
	assert_string_equal(r.out, "");
	assert_string_equal(r.err, "rtsecctl: no events of the last 24 hours match: --since 7d "
				   "looks further back\n");
	run_done(&r);
	r = run(tty, ARGS("query", "--since", "1h"));
	assert_string_equal(r.err, "rtsecctl: no events match\n");
	run_done(&r);
	r = run(tty, ARGS("outputs"));
	assert_int_equal(r.code, EXIT_NONE);
	assert_has(r.err, "no outputs: they stand in the collector's outputs.yaml");
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

static void test_tail_given_events_when_limit_then_stops_there_with_0(void **state)
{
	static const struct fake_answer answers[] = {
		{ 200, STREAM,
		  ": hello\n\nid: 1\nevent: hit\ndata: " HIT_A "\n\nid: 2\ndata: " HIT_B
		  "\n\nid: 3\ndata: {}\n\n",
		  0 },
	};
	struct fake f;
	struct run r = ask(&f, answers, 1, ARGS("tail", "a", "--limit", "2", "--node", "web-1"));

	(void)state;
	assert_int_equal(r.code, EXIT_HITS);
	assert_string_equal(r.out, HIT_A "\n" HIT_B "\n");
	assert_string_equal(r.err, "");
	assert_has(f.requests[0], "GET /api/v1/tail?q=a&node=web-1 HTTP/1.1\r\n");
	assert_has(f.requests[0], "\r\nAccept: text/event-stream\r\n");
	assert_has_not(f.requests[0], "Last-Event-ID");
	end(&f, &r);
}

static void test_tail_given_long_query_when_followed_then_by_post(void **state)
{
	static const struct fake_answer answers[] = { { 200, STREAM, "data: " HIT_A "\n\n", 0 } };
	char query[5001];
	struct fake f;
	struct run r;

	(void)state;
	memset(query, 'a', sizeof(query) - 1);
	query[sizeof(query) - 1] = 0;
	r = ask(&f, answers, 1, ARGS("tail", "--limit", "1", query));
	assert_int_equal(r.code, EXIT_HITS);
	assert_has(f.requests[0], "POST /api/v1/tail HTTP/1.1\r\n");
	assert_has(f.requests[0], "\r\n\r\n{\"q\":\"aaaa");
	run_done(&r);
	query[7] = '\xff';
	r = run((struct run_setting){ .port = f.port }, ARGS("tail", query));
	assert_int_equal(r.code, EXIT_USAGE);
	assert_has(r.err, "not UTF-8");
	end(&f, &r);
}

static void test_tail_given_restart_when_followed_then_resumes_after_the_last_id(void **state)
{
	static const struct fake_answer answers[] = {
		{ 200, STREAM,
		  "id: 1-6\ndata: " HIT_A "\n\nid: 1-7\n: keep-alive\n\nid: 1-8\ndata: half", 0 },
		{ 0, NULL, NULL, true },
		{ 503, NULL, "{}", 0 },
		{ 200, STREAM, "id: 1-8\ndata: " HIT_B "\n\n", 0 },
	};
	struct fake f;
	struct run r = ask(&f, answers, 4, ARGS("tail", "--limit", "2"));

	(void)state;
	assert_int_equal(r.code, EXIT_HITS);
	assert_string_equal(r.out, HIT_A "\n" HIT_B "\n");
	assert_has(f.requests[1], "\r\nLast-Event-ID: 1-7\r\n");
	assert_has(f.requests[3], "\r\nLast-Event-ID: 1-7\r\n");
	assert_string_equal(r.err, "rtsecctl: the stream broke (the collector closed the stream): "
				   "connecting again\nrtsecctl: connected again\n");
	end(&f, &r);
}

static void test_tail_given_dropped_when_followed_then_4(void **state)
{
	static const struct fake_answer answers[] = {
		{ 200, STREAM,
		  "event: dropped\ndata: {\"count\":41}\n\nevent: novel\ndata: x\n\n"
		  "data: " HIT_A "\n\n",
		  0 },
	};
	struct fake f;
	struct run r = ask(&f, answers, 1, ARGS("tail", "--limit", "1"));

	(void)state;
	assert_int_equal(r.code, EXIT_PARTIAL);
	assert_string_equal(r.out, HIT_A "\n");
	assert_has(r.err, "41 events were dropped");
	end(&f, &r);
}

static void test_tail_given_wrong_query_when_followed_then_caret_and_2(void **state)
{
	static const struct fake_answer answers[] = {
		{ 400, NULL, "{\"detail\":\"expected a field\",\"line\":1,\"column\":1}", 0 },
	};
	struct fake f;
	struct run r = ask(&f, answers, 1, ARGS("tail", "== 3"));

	(void)state;
	assert_int_equal(r.code, EXIT_USAGE);
	assert_string_equal(r.err, "rtsecctl: query:1:1: expected a field\n  == 3\n  ^\n");
	end(&f, &r);
}

static void test_tail_given_never_open_when_followed_then_3_at_once(void **state)
{
	static const struct fake_answer answers[] = { { 0, NULL, NULL, true },
						      { 503, NULL, "{}", 0 } };
	struct fake f;
	struct run r = ask(&f, answers, 2, ARGS("tail"));

	(void)state;
	assert_int_equal(r.code, EXIT_SERVER);
	assert_has(r.err, "cannot reach the collector");
	run_done(&r);
	r = run((struct run_setting){ .port = f.port }, ARGS("tail"));
	assert_int_equal(r.code, EXIT_SERVER);
	assert_has(r.err, "HTTP status 503");
	end(&f, &r);
}

/* Sends SIGINT to the thread group once the stream is gone; both signals are blocked by then. */
static void *interrupt(void *arg)
{
	(void)arg;
	usleep(400 * 1000);
	kill(getpid(), SIGINT);
	return NULL;
}

static struct run run_interrupted(const char *body, struct fake *f)
{
	const struct fake_answer answers[] = { { 200, STREAM, body, 0 } };
	sigset_t mask, old;
	pthread_t thread;
	struct run r;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	pthread_sigmask(SIG_BLOCK, &mask, &old); /* of all threads that follow */
	pthread_create(&thread, NULL, interrupt, NULL);
	r = ask(f, answers, 1, ARGS("tail", "-o", "json"));
	pthread_join(thread, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return r;
}

static void test_tail_given_ctrl_c_when_followed_then_output_is_whole_and_0_or_1(void **state)
{
	struct fake f;
	struct run r = run_interrupted("data: " HIT_A "\n\n", &f);

	(void)state;
	assert_int_equal(r.code, EXIT_HITS);
	assert_string_equal(r.out, "{\"hits\":[" HIT_A "]}\n");
	end(&f, &r);
	r = run_interrupted(": nothing\n\n", &f);
	assert_int_equal(r.code, EXIT_NONE);
	assert_string_equal(r.out, "{\"hits\":[]}\n");
	end(&f, &r);
}

static void test_nodes_given_list_when_asked_then_rows(void **state)
{
	static const char table[] =
		"NODE   STATE   SEEN    EVENTS  LOST  KERNEL  ARCH     SENSOR  ID\n"
		"web-1  up      9s ago       5     6  6.1     aarch64  0.1.0   i1\n"
		"web-2  silent  3d ago                                         i2\n";
	static const struct fake_answer answers[] = {
		{ 200, NULL, "{\"nodes\":[{\"id\":\"i1\",\"name\":\"web-1\",\"events\":5}]}", 0 },
		{ 200, NULL, "{\"nodes\":[]}", 0 },
		{ 200, NULL, "{\"other\":[]}", 0 },
		{ 200, NULL,
		  "{\"nodes\":[{\"id\":\"i1\",\"name\":\"web-1\",\"state\":\"up\",\"lag_ms\":9999,"
		  "\"events\":5,"
		  "\"os_kernel\":\"6.1\",\"architecture\":\"aarch64\",\"agent_version\":\"0.1.0\","
		  "\"sensor\":{\"lost_priority\":1,\"lost_bulk\":2,\"lost_queue\":3}},"
		  "{\"id\":\"i2\",\"name\":\"web-2\",\"state\":\"silent\",\"lag_ms\":300000000}]}",
		  0 },
	};
	struct fake f;
	struct run r = ask(&f, answers, 4, ARGS("nodes"));

	(void)state;
	assert_int_equal(r.code, EXIT_HITS);
	assert_string_equal(r.out, "{\"id\":\"i1\",\"name\":\"web-1\",\"events\":5}\n");
	assert_has(f.requests[0], "GET /api/v1/nodes HTTP/1.1\r\n");
	run_done(&r);
	r = run((struct run_setting){ .port = f.port }, ARGS("nodes", "-o", "json"));
	assert_int_equal(r.code, EXIT_NONE);
	assert_string_equal(r.out, "{\"nodes\":[]}\n");
	run_done(&r);
	r = run((struct run_setting){ .port = f.port }, ARGS("nodes"));
	assert_int_equal(r.code, EXIT_SERVER);
	assert_has(r.err, "has no \"nodes\"");
	run_done(&r);
	r = run((struct run_setting){ .port = f.port }, ARGS("nodes", "-o", "table"));
	assert_string_equal(r.out, table);
	end(&f, &r);
}

static void test_status_given_counters_when_asked_then_a_row_each(void **state)
{
	static const struct fake_answer answers[] = {
		{ 200, NULL,
		  "{\"version\":\"0.1.0\",\"store\":{\"events\":12,\"days\":[\"a\",\"b\"]}}", 0 },
	};
	struct fake f;
	struct run r = ask(&f, answers, 1, ARGS("status", "--counters", "-o", "table"));

	(void)state;
	assert_int_equal(r.code, EXIT_HITS);
	assert_string_equal(r.out, "NAME          VALUE\n"
				   "version       0.1.0\n"
				   "store.events  12\n"
				   "store.days    a, b\n");
	end(&f, &r);
}

#define STATUS_OF(more) "{\"version\":\"0.1.0\",\"big\":18446744073709551615" more "}"
#define REFUSED                                                                                \
	{                                                                                      \
		403, "application/problem+json", "{\"title\":\"Forbidden\",\"status\":403}", 0 \
	}

static void test_status_given_a_well_fleet_when_asked_then_ok_and_0(void **state)
{
	static const struct fake_answer answers[] = {
		{ 200, NULL, STATUS_OF(""), 0 },
		{ 200, NULL, "{\"nodes\":[{\"name\":\"a\",\"state\":\"up\"}]}", 0 },
		{ 200, NULL, "{\"rules\":[{\"id\":\"r\",\"enabled\":true,\"status\":\"ok\"}]}", 0 },
		REFUSED,
		{ 200, NULL, "{\"alerts\":[]}", 0 },
		REFUSED,
		{ 200, NULL, "{\"columns\":[],\"rows\":[]}", 0 },
		{ 200, NULL, "{\"hits\":[]}", 0 },
	};
	struct fake f;
	struct run r = ask(&f, answers, ARRAY_SIZE(answers), ARGS("status", "-o", "table"));

	(void)state;
	assert_int_equal(r.code, EXIT_HITS);
	assert_string_equal(r.err, "");
	assert_has(r.out, "ok    nodes     1 of 1 up\n");
	assert_has(r.out, "ok    rules     1 of 1 on\n");
	assert_has(r.out, "?     outputs   not told to this token\n");
	assert_has_not(r.out, "next:");
	end(&f, &r);
}

static void test_status_given_trouble_when_asked_then_told_and_1(void **state)
{
	static const struct fake_answer answers[] = {
		{ 200, NULL, STATUS_OF(",\"nodes\":{\"known\":1}"), 0 },
		{ 200, NULL,
		  "{\"nodes\":[{\"name\":\"a\\u001b[2J\",\"state\":\"silent\",\"lag_ms\":61000}]}",
		  0 },
		REFUSED,
		REFUSED,
		REFUSED,
		REFUSED,
		REFUSED,
		REFUSED,
	};
	struct fake f;
	struct run r;

	(void)state;
	r = ask(&f, answers, ARRAY_SIZE(answers), ARGS("status", "-o", "table"));
	assert_int_equal(r.code, EXIT_NONE);
	assert_has(r.out, "fail  nodes     0 of 1 up; 1 silent (a\\x1b[2J for 1m)\n"
			  "                next: on the node: systemctl status rtsec-sensor");
	end(&f, &r);
	r = ask(&f, answers, ARRAY_SIZE(answers), ARGS("status", "-o", "json"));
	assert_int_equal(r.code, EXIT_NONE);
	assert_has(r.out, "{\"check\":\"nodes\",\"state\":\"fail\",");
	assert_has(r.out, "],\"version\":\"0.1.0\",\"big\":18446744073709551615,\"nodes\":{");
	end(&f, &r);
}

/* A file of @n bytes at @data; unlinked by the caller. */
static void make_file(char path[64], const void *data, size_t n)
{
	AUTO_FD int fd = -1;

	snprintf(path, 64, "/tmp/rtsec-import-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, n), (ssize_t)n);
}

static void test_import_given_lines_when_sent_then_sums_and_the_right_media_type(void **state)
{
	static const struct fake_answer answers[] = {
		{ 200, NULL,
		  "{\"batches\":1,\"events\":2,\"duplicates\":3,\"refused\":0,\"lines\":5}", 0 },
		{ 200, NULL,
		  "{\"batches\":0,\"events\":0,\"duplicates\":0,\"refused\":1,\"lines\":0}", 0 },
	};
	char path[64];
	struct fake f;
	struct run r;

	(void)state;
	make_file(path, "{\"a\":1}\n{\"b\":2}", 15);
	r = ask(&f, answers, 2, ARGS("import", path));
	assert_int_equal(r.code, EXIT_HITS);
	assert_string_equal(
		r.out, "1 batches with 2 events stored, 3 events were there, 0 batches refused\n");
	assert_has(f.requests[0], "POST /api/v1/import HTTP/1.1\r\n");
	assert_has(f.requests[0], "\r\nContent-Type: application/x-ndjson\r\n");
	assert_has(f.requests[0], "\r\n\r\n{\"a\":1}\n{\"b\":2}");
	unlink(path);
	run_done(&r);
	make_file(path, "RSEG", 4);
	r = run((struct run_setting){ .port = f.port }, ARGS("import", path, "-o", "json"));
	assert_int_equal(r.code, EXIT_PARTIAL);
	assert_string_equal(r.out, "{\"batches\":0,\"events\":0,\"duplicates\":0,\"refused\":1}\n");
	assert_has(f.requests[1], "\r\nContent-Type: application/octet-stream\r\n");
	unlink(path);
	end(&f, &r);
}

static void test_import_given_mistakes_when_told_then_line_of_the_file_and_2(void **state)
{
	static const struct fake_answer answers[] = {
		{ 400, "application/problem+json",
		  "{\"title\":\"Bad\",\"detail\":\"no field is called "
		  "'x'\",\"line\":7,\"column\":9}",
		  0 },
	};
	char path[64];
	struct fake f;
	struct run r;

	(void)state;
	make_file(path, "{}\n", 3);
	r = ask(&f, answers, 1, ARGS("import", path));
	assert_int_equal(r.code, EXIT_USAGE);
	assert_has(r.err, "line 7, column 9: no field is called 'x'");
	assert_string_equal(r.out, "");
	unlink(path);
	run_done(&r);
	r = run((struct run_setting){ .port = f.port }, ARGS("import", path));
	assert_int_equal(r.code, EXIT_USAGE);
	assert_has(r.err, "cannot read");
	run_done(&r);
	r = run((struct run_setting){ .port = f.port }, ARGS("import"));
	assert_int_equal(r.code, EXIT_USAGE);
	end(&f, &r);
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
		cmocka_unit_test(test_query_given_hits_when_piped_then_ndjson_as_sent_and_0),
		cmocka_unit_test(test_query_given_no_hits_when_asked_then_1),
		cmocka_unit_test(test_query_given_gap_of_unknown_count_when_told_then_it_says_so),
		cmocka_unit_test(test_query_given_gaps_when_hits_then_4_and_one_line),
		cmocka_unit_test(test_query_given_table_when_asked_then_rows_in_each_form),
		cmocka_unit_test(test_query_given_table_without_rows_when_asked_then_1),
		cmocka_unit_test(test_query_given_explain_when_asked_then_plan_instead_of_events),
		cmocka_unit_test(test_query_given_sequences_when_asked_then_groups_in_each_form),
		cmocka_unit_test(test_query_given_broken_sequences_when_asked_then_server_error),
		cmocka_unit_test(test_query_given_keep_when_asked_then_its_fields_are_columns),
		cmocka_unit_test(test_query_given_truncated_when_hits_then_4),
		cmocka_unit_test(test_query_given_cut_page_when_paged_on_then_nothing_is_missing),
		cmocka_unit_test(test_query_given_damaged_blocks_when_hits_then_4),
		cmocka_unit_test(test_query_given_all_when_asked_then_pages_become_one_document),
		cmocka_unit_test(
			test_query_given_limit_when_pages_are_short_then_asks_for_the_rest),
		cmocka_unit_test(test_query_given_cursor_that_stays_when_paged_then_3_not_for_ever),
		cmocka_unit_test(test_query_given_count_when_asked_then_number_in_each_form),
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
		cmocka_unit_test(test_query_given_no_hits_when_on_a_terminal_then_told),
		cmocka_unit_test(test_query_given_narrowing_options_when_asked_then_in_the_query),
		cmocka_unit_test(test_tail_given_events_when_limit_then_stops_there_with_0),
		cmocka_unit_test(test_tail_given_long_query_when_followed_then_by_post),
		cmocka_unit_test(
			test_tail_given_restart_when_followed_then_resumes_after_the_last_id),
		cmocka_unit_test(test_tail_given_dropped_when_followed_then_4),
		cmocka_unit_test(test_tail_given_wrong_query_when_followed_then_caret_and_2),
		cmocka_unit_test(test_tail_given_never_open_when_followed_then_3_at_once),
		cmocka_unit_test(
			test_tail_given_ctrl_c_when_followed_then_output_is_whole_and_0_or_1),
		cmocka_unit_test(test_nodes_given_list_when_asked_then_rows),
		cmocka_unit_test(test_status_given_counters_when_asked_then_a_row_each),
		cmocka_unit_test(test_status_given_a_well_fleet_when_asked_then_ok_and_0),
		cmocka_unit_test(test_status_given_trouble_when_asked_then_told_and_1),
		cmocka_unit_test(
			test_import_given_lines_when_sent_then_sums_and_the_right_media_type),
		cmocka_unit_test(test_import_given_mistakes_when_told_then_line_of_the_file_and_2),
		cmocka_unit_test(
			test_query_given_terminal_when_it_takes_long_then_progress_and_the_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
