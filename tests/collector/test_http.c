/* SPDX-License-Identifier: Apache-2.0 */
/* The web server against clients of every kind, over real sockets. */
#include "tests/collector/served.h"

#include "collector/api.h"
#include "lib/limits.h"
#include "web/assets.h"

static void assert_problem(const struct answer *a, int status)
{
	json_t *doc;

	assert_int_equal(a->status, status);
	assert_non_null(strcasestr(a->headers, "\r\nContent-Type: application/problem+json"));
	doc = answer_json(a);
	assert_int_equal(json_integer_value(json_at(doc, "status")), status);
	assert_non_null(text_at(doc, "type"));
	assert_non_null(text_at(doc, "title"));
	assert_true(strlen(text_at(doc, "detail")) > 0);
	json_decref(doc);
}

static void ask_problem(const struct served *s, const char *line, const char *more, int status)
{
	struct answer a;

	served_ask(s, line, more, &a);
	assert_problem(&a, status);
	answer_done(&a);
}

static void test_http_given_token_when_missing_or_wrong_then_401(void **state)
{
	struct served *s = *state;
	static const char *const tries[] = {
		"GET /api/v1/count HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		"GET /api/v1/count HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
		"Authorization: Bearer 0000\r\n\r\n",
		"GET /api/v1/count HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
		"Authorization: Basic eDp4\r\n\r\n",
		"GET /api/v1/tail HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
		"Authorization:\r\n\r\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
		struct answer a;

		served_raw(s, tries[i], strlen(tries[i]), &a);
		assert_problem(&a, 401);
		assert_non_null(strcasestr(a.headers, "\r\nWWW-Authenticate: Bearer"));
		answer_done(&a);
	}
}

static void test_http_given_every_route_when_no_token_then_only_open_ones_answer(
	void **state)
{
	struct served *s = *state;
	size_t n;
	const struct route *routes = api_routes(&n);

	assert_true(n >= 10);
	for (size_t i = 0; i < n; i++) {
		struct answer a;
		char request[256];
		int len = snprintf(request, sizeof(request),
				   "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
				   routes[i].path);

		served_raw(s, request, (size_t)len, &a);
		if (routes[i].role == ROLE_NONE)
			assert_int_equal(a.status, routes[i].methods & METHOD_GET ? 200 : 405);
		else
			assert_int_equal(a.status, 401);
		assert_non_null(strcasestr(a.headers, "X-Content-Type-Options: nosniff"));
		assert_non_null(strcasestr(a.headers, "Referrer-Policy: no-referrer"));
		answer_done(&a);
	}
}

static void test_http_given_wrong_requests_when_sent_then_problem_tells(void **state)
{
	struct served *s = *state;

	ask_problem(s, "GET /nope", NULL, 404);
	ask_problem(s, "GET /api/v1/search/", NULL, 404);
	ask_problem(s, "GET /../etc/passwd", NULL, 404);
	ask_problem(s, "DELETE /api/v1/search", NULL, 405);
	ask_problem(s, "POST /api/v1/nodes", "Content-Length: 2\r\n\r\n{}", 405);
	ask_problem(s, "GET /api/v1/count?nope=1", NULL, 400);
	ask_problem(s, "GET /api/v1/count?limit=1", NULL, 400); /* another route's */
	ask_problem(s, "GET /api/v1/count?q=a&q=b", NULL, 400);
	ask_problem(s, "GET /api/v1/count?q=%zz", NULL, 400);
	ask_problem(s, "GET /api/v1/count?q=%4", NULL, 400);
	ask_problem(s, "GET /api/v1/count?q=a%00b", NULL, 400);
	ask_problem(s, "GET /api/v1/count?since=yesterday", NULL, 400);
	ask_problem(s, "GET /api/v1/count?since=now&until=-1h", NULL, 400);
	ask_problem(s, "GET /api/v1/search?limit=0", NULL, 400);
	ask_problem(s, "GET /api/v1/search?limit=10001", NULL, 400);
	ask_problem(s, "GET /api/v1/search?limit=99999999999999999999999", NULL, 400);
	ask_problem(s, "GET /api/v1/search?limit=-1", NULL, 400);
	ask_problem(s, "GET /api/v1/search?order=up", NULL, 400);
	ask_problem(s, "GET /api/v1/search?cursor=x", NULL, 400);
	ask_problem(s, "GET /api/v1/search?fields=nope", NULL, 400);
	ask_problem(s, "GET /api/v1/hits?buckets=2001", NULL, 400);
	ask_problem(s, "GET /api/v1/hits?interval=1ms", NULL, 400);
	ask_problem(s, "GET /api/v1/hits?interval=5", NULL, 400);
	ask_problem(s, "GET /api/v1/tail?since=-1h", NULL, 400);
	ask_problem(s, "GET /api/v1/tail", "Last-Event-ID: x\r\n\r\n", 400);
	ask_problem(s, "GET /api/v1/tail", "Last-Event-ID: 12.\r\n\r\n", 400);
	ask_problem(s, "GET /api/v1/tail", "Last-Event-ID: 99999999999999999999\r\n\r\n", 400);
}

static void test_http_given_wrong_bodies_when_posted_then_problem_tells(void **state)
{
	struct served *s = *state;
	AUTO_BUF struct buf long_body = { 0 };

	ask_problem(s, "POST /api/v1/count", "Content-Length: 1\r\n\r\n{", 400);
	ask_problem(s, "POST /api/v1/count", "Content-Length: 2\r\n\r\n[]", 400);
	ask_problem(s, "POST /api/v1/count", "Content-Length: 9\r\n\r\n{\"x\":\"y\"}", 400);
	ask_problem(s, "POST /api/v1/count", "Content-Length: 10\r\n\r\n{\"q\":true}", 400);
	ask_problem(s, "POST /api/v1/count", "Content-Length: 9\r\n\r\n{\"q\":[1]}", 400);
	ask_problem(s, "POST /api/v1/count", "Content-Length: 14\r\n\r\n{\"q\":\"\\u0000\"}", 400);
	ask_problem(s, "POST /api/v1/count?q=a", "Content-Length: 9\r\n\r\n{\"q\":\"a\"}", 400);
	ask_problem(s, "POST /api/v1/count", "Content-Length: 1048577\r\n\r\n", 413);
	/* longer than it says nowhere */
	buf_str(&long_body, "Transfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 17; i++) {
		buf_str(&long_body, "10000\r\n");
		for (int k = 0; k < 0x10000; k++)
			buf_byte(&long_body, ' ');
		buf_str(&long_body, "\r\n");
	}
	buf_str(&long_body, "0\r\n\r\n");
	buf_byte(&long_body, 0);
	ask_problem(s, "POST /api/v1/count", (const char *)long_body.data, 413);
}

static void test_http_given_long_address_when_sent_then_414(void **state)
{
	struct served *s = *state;
	AUTO_BUF struct buf line = { 0 };
	struct answer a;

	buf_str(&line, "GET /api/v1/count?q=");
	while (line.n < LIMIT_HTTP_URL_BYTES + 100)
		buf_byte(&line, 'a');
	buf_byte(&line, 0);
	ask_problem(s, (const char *)line.data, NULL, 414);
	line.n--;
	while (line.n < 4 * LIMIT_HTTP_URL_BYTES)
		buf_byte(&line, 'a');
	buf_byte(&line, 0);
	served_ask(s, (const char *)line.data, NULL, &a);
	assert_true(a.status == 414 || a.status == 0); /* libmicrohttpd's own answer */
	answer_done(&a);
}

static void test_http_given_hostile_bytes_when_sent_then_refused_and_server_goes_on(void **state)
{
	struct served *s = *state;
	AUTO_BUF struct buf header = { 0 };
	struct answer a;
	static const struct {
		const char *s;
		size_t n;
	} tries[] = {
		{ TEXT("\r\n\r\n\r\n\r\n") },
		{ TEXT("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03") }, /* TLS */
		{ TEXT("GET /api/v1/count\0?q=a HTTP/1.1\r\nHost: x\r\n\r\n") },
		{ TEXT("GET /healthz HTTP/1.1\r\nHost: x\r\nA\0B: c\r\nConnection: "
		       "close\r\n\r\n") },
		{ TEXT("GET  HTTP/1.1\r\nHost: x\r\n\r\n") },
		{ TEXT("POST /api/v1/count HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n") },
		{ TEXT("POST /api/v1/count HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
		       "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n") },
		{ TEXT("GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n") },
		{ TEXT("GET /healthz HTTP/1.1\r\n\r\n") }, /* no Host */
		{ TEXT("\xff\xfe\xfd\xfc / HTTP/1.1\r\nHost: x\r\n\r\n") },
	};

	for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
		int fd = served_connect(s);

		served_send(fd, tries[i].s, tries[i].n);
		shutdown(fd, SHUT_WR);
		while (served_read(fd, &header, 2000))
			;
		close(fd);
	}
	buf_clear(&header);
	buf_str(&header, "X-Long: ");
	while (header.n < (1 << 20))
		buf_byte(&header, 'x');
	buf_str(&header, "\r\n\r\n");
	buf_byte(&header, 0);
	served_ask(s, "GET /api/v1/count", (const char *)header.data, &a);
	assert_true(a.status == 431 || a.status == 413 || a.status == 0);
	answer_done(&a);
	served_ask(s, "GET /healthz", NULL, &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(a.body, "ok\n");
	answer_done(&a);
}

static void test_http_given_slow_clients_when_others_ask_then_answered(void **state)
{
	struct served *s = *state;
	static const char half[] = "GET /api/v1/count HTTP/1.1\r\nHo";
	struct answer a;
	int fds[50];

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = served_connect(s);
		served_send(fds[i], half, sizeof(half) - 1);
	}
	served_ask(s, "GET /api/v1/count", NULL, &a);
	assert_int_equal(a.status, 200);
	answer_done(&a);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
}

static void test_http_given_head_when_asked_then_headers_alone(void **state)
{
	struct served *s = *state;
	static const char *const lines[] = { "HEAD /api/v1/count", "HEAD /api/v1/search",
					     "HEAD /api/v1/tail", "HEAD /healthz" };

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct answer a;

		served_ask(s, lines[i], NULL, &a);
		assert_int_equal(a.status, 200);
		assert_int_equal(a.n_body, 0);
		answer_done(&a);
	}
}

static void test_http_given_one_connection_when_asked_often_then_kept(void **state)
{
	struct served *s = *state;
	AUTO_BUF struct buf got = { 0 };
	char request[300];
	int fd = served_connect(s), n;

	n = snprintf(request, sizeof(request),
		     "GET /api/v1/count HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n",
		     s->token);
	for (int i = 0; i < 20; i++) {
		buf_clear(&got);
		served_send(fd, request, (size_t)n);
		while (!got_has(&got, "}\n"))
			assert_true(served_read(fd, &got, 5000));
		assert_memory_equal(got.data, "HTTP/1.1 200", 12);
	}
	n = snprintf(request, sizeof(request),
		     "GET /nope HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", s->token);
	for (int i = 0; i < 3; i++) { /* neither does an error cost the connection */
		buf_clear(&got);
		served_send(fd, request, (size_t)n);
		while (!got_has(&got, "}\n"))
			assert_true(served_read(fd, &got, 5000));
		assert_memory_equal(got.data, "HTTP/1.1 404", 12);
	}
	close(fd);
}

static uint64_t metric(const struct served *s, const char *name)
{
	struct answer a;
	char needle[80];
	uint64_t v;

	served_ask(s, "GET /metrics", NULL, &a);
	assert_int_equal(a.status, 200);
	snprintf(needle, sizeof(needle), "\n%s ", name);
	assert_non_null(strstr(a.body, needle));
	v = strtoull(strstr(a.body, needle) + strlen(needle), NULL, 10);
	answer_done(&a);
	return v;
}

static void test_http_given_clients_that_leave_when_asked_then_nothing_stays_open(void **state)
{
	struct served *s = *state;

	for (uint32_t i = 0; i < 50; i++)
		served_put(s, &(struct fixture_batch){ .first_seq = 1 + i * 1000,
						       .time_ns = s->base_ns,
						       .n = 1000 });
	for (int i = 0; i < 40; i++) {
		AUTO_BUF struct buf line = { 0 };
		int fd = served_connect(s);

		buf_printf(&line,
			   "GET /api/v1/%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n",
			   i % 2 ? "tail" : "search?q=nothing_like_it&limit=10000", s->token);
		served_send(fd, line.data, line.n);
		if (i % 4 >= 2)
			poll(NULL, 0, 5);
		close(fd);
	}
	for (int i = 0; i < 100; i++) {
		if (metric(s, "rtsec_tail_open") == 0 && metric(s, "rtsec_http_jobs") == 0 &&
		    metric(s, "rtsec_http_connections") == 1)
			return;
		poll(NULL, 0, 100);
	}
	fail_msg("tails or connections of clients that left stay open");
}

static void test_http_given_assets_when_asked_then_cached_by_tag_and_locked_down(void **state)
{
	struct served *s = *state;
	size_t n;
	const struct web_asset *assets = web_assets(&n);
	struct answer a;
	char text[300];

	if (n == 0) { /* built without the page: its paths are nothing */
		ask_problem(s, "GET /", NULL, 404);
		return;
	}
	snprintf(text, sizeof(text), "GET %s", assets[0].path);
	served_ask(s, text, NULL, &a);
	assert_int_equal(a.status, 200);
	assert_int_equal(a.n_body, assets[0].n_gzip);
	assert_memory_equal(a.body, assets[0].gzip, a.n_body);
	assert_non_null(strcasestr(a.headers, "Content-Encoding: gzip"));
	assert_non_null(strcasestr(a.headers, "Content-Security-Policy: default-src 'none'"));
	assert_non_null(strcasestr(a.headers, "X-Frame-Options: DENY"));
	assert_null(strcasestr(a.headers, "unsafe-inline"));
	answer_done(&a);
	snprintf(text, sizeof(text), "If-None-Match: W/\"x\", %s\r\n\r\n", assets[0].etag);
	served_ask(s, "GET /", text, &a);
	assert_int_equal(a.status, 304);
	assert_int_equal(a.n_body, 0);
	answer_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(test_http_given_token_when_missing_or_wrong_then_401),
		SERVED(test_http_given_every_route_when_no_token_then_only_open_ones_answer),
		SERVED(test_http_given_wrong_requests_when_sent_then_problem_tells),
		SERVED(test_http_given_wrong_bodies_when_posted_then_problem_tells),
		SERVED(test_http_given_long_address_when_sent_then_414),
		SERVED(test_http_given_hostile_bytes_when_sent_then_refused_and_server_goes_on),
		SERVED(test_http_given_slow_clients_when_others_ask_then_answered),
		SERVED(test_http_given_head_when_asked_then_headers_alone),
		SERVED(test_http_given_one_connection_when_asked_often_then_kept),
		SERVED(test_http_given_clients_that_leave_when_asked_then_nothing_stays_open),
		SERVED(test_http_given_assets_when_asked_then_cached_by_tag_and_locked_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
