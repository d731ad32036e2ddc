/* SPDX-License-Identifier: Apache-2.0 */
/* rtsecctl tail against a collector of canned answers. */
#include "tests/ctl/answers.h"

#define STREAM "text/event-stream"

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
		{ 0, NULL, NULL, FAKE_HANGS_UP },
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
	static const struct fake_answer answers[] = { { 0, NULL, NULL, FAKE_HANGS_UP },
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

/* When it is asked again, what it sent before has been read. */
static struct run run_interrupted(const char *body, struct fake *f)
{
	const struct fake_answer answers[] = {
		{ 200, STREAM, body, FAKE_ANSWERS_SO },
		{ 0, NULL, NULL, FAKE_INTERRUPTS },
	};

	return ask(f, answers, 2, ARGS("tail", "-o", "json"));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tail_given_events_when_limit_then_stops_there_with_0),
		cmocka_unit_test(test_tail_given_long_query_when_followed_then_by_post),
		cmocka_unit_test(
			test_tail_given_restart_when_followed_then_resumes_after_the_last_id),
		cmocka_unit_test(test_tail_given_dropped_when_followed_then_4),
		cmocka_unit_test(test_tail_given_wrong_query_when_followed_then_caret_and_2),
		cmocka_unit_test(test_tail_given_never_open_when_followed_then_3_at_once),
		cmocka_unit_test(
			test_tail_given_ctrl_c_when_followed_then_output_is_whole_and_0_or_1),
	};

	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	pthread_sigmask(SIG_BLOCK, &mask, NULL); /* of all threads that follow */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
