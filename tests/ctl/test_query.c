/* SPDX-License-Identifier: Apache-2.0 */
/* rtsecctl query, what it shows: hits, gaps, tables, sequences and plans in each form. */
#include "tests/ctl/answers.h"

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

static void test_query_given_more_columns_than_fit_when_on_a_terminal_then_a_line_each(void **state)
{
	static const struct fake_answer answers[] = { { 200, NULL, TABLE, 0 },
						      { 200, NULL, TABLE, 0 } };
	struct fake f;
	struct run r;

	(void)state;
	fake_start(&f, answers, 2);
	r = run((struct run_setting){ .port = f.port, .tty = true, .width = 18 },
		ARGS("query", "| top process.name"));
	assert_int_equal(r.code, EXIT_HITS);
	assert_string_equal(r.out, "process.name  ba,sh\n"
				   "count         18446744073709551615\n"
				   "\n"
				   "count         1\n"
				   "\n");
	run_done(&r);
	r = run((struct run_setting){ .port = f.port, .tty = true, .width = 18 },
		ARGS("query", "| top process.name", "-o", "table"));
	assert_has(r.out, "process");
	assert_has_not(r.out, "\n\n");
	end(&f, &r);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_query_given_hits_when_piped_then_ndjson_as_sent_and_0),
		cmocka_unit_test(test_query_given_no_hits_when_asked_then_1),
		cmocka_unit_test(test_query_given_gap_of_unknown_count_when_told_then_it_says_so),
		cmocka_unit_test(test_query_given_gaps_when_hits_then_4_and_one_line),
		cmocka_unit_test(test_query_given_table_when_asked_then_rows_in_each_form),
		cmocka_unit_test(
			test_query_given_more_columns_than_fit_when_on_a_terminal_then_a_line_each),
		cmocka_unit_test(test_query_given_table_without_rows_when_asked_then_1),
		cmocka_unit_test(test_query_given_explain_when_asked_then_plan_instead_of_events),
		cmocka_unit_test(test_query_given_sequences_when_asked_then_groups_in_each_form),
		cmocka_unit_test(test_query_given_broken_sequences_when_asked_then_server_error),
		cmocka_unit_test(test_query_given_keep_when_asked_then_its_fields_are_columns),
		cmocka_unit_test(test_query_given_truncated_when_hits_then_4),
		cmocka_unit_test(test_query_given_damaged_blocks_when_hits_then_4),
		cmocka_unit_test(test_query_given_count_when_asked_then_number_in_each_form),
		cmocka_unit_test(test_query_given_no_hits_when_on_a_terminal_then_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
