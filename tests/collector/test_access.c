/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens that are bound to nodes, the audit log, and how often somebody may ask. */
#include "tests/collector/served.h"

#include "collector/api.h"
#include "collector/rate.h"

static int setup(void **state)
{
	int r = served_setup(state);
	struct served *s = *state;

	served_put(s, &(struct fixture_batch){
			      .node = "n1", .first_seq = 1, .n = 3, .time_ns = s->base_ns });
	served_put(s, &(struct fixture_batch){
			      .node = "n2", .first_seq = 1, .n = 5, .time_ns = s->base_ns });
	return r;
}

static json_int_t number(const struct served *s, const char *path, const char *where)
{
	json_t *doc = served_json(s, path, 200);
	json_int_t v = json_integer_value(json_at(doc, where));

	json_decref(doc);
	return v;
}

static size_t length(const struct served *s, const char *path, const char *list)
{
	json_t *doc = served_json(s, path, 200);
	size_t n = json_array_size(json_object_get(doc, list));

	json_decref(doc);
	return n;
}

static void test_access_given_bound_token_when_it_asks_then_only_its_nodes_are_seen(void **state)
{
	struct served *s = *state;

	assert_int_equal(number(s, "/api/v1/count", "count"), 8);
	served_use_token(s, ROLE_VIEWER, "node:n1");
	assert_int_equal(number(s, "/api/v1/count", "count"), 3);
	assert_int_equal(number(s, "/api/v1/count?node=n2", "count"), 0);
	assert_int_equal(number(s, "/api/v1/hits", "total"), 3);
	assert_int_equal(length(s, "/api/v1/search", "hits"), 3);
	assert_int_equal(number(s, "/api/v1/facets?field=host.id", "total"), 3);
	assert_int_equal(length(s, "/api/v1/nodes", "nodes"), 1);
	served_use_token(s, ROLE_VIEWER, "node:n1,node:n2");
	assert_int_equal(number(s, "/api/v1/count", "count"), 8);
	served_use_token(s, ROLE_VIEWER, "label:env=prod");
	assert_int_equal(number(s, "/api/v1/count", "count"), 0);
}

/* A route that somebody adds is shut to bound tokens until it is said to keep to their nodes. */
static void test_access_given_bound_token_when_route_is_about_all_then_refused(void **state)
{
	static const char *const about_all[] = { "/metrics",	  "/api/v1/status",
						 "/api/v1/sql",	  "/api/v1/edges",
						 "/api/v1/audit", "/api/v1/tokens",
						 "/api/v1/rules", "/api/v1/alerts" };
	struct served *s = *state;

	served_use_token(s, ROLE_ADMIN, "node:n1");
	for (size_t i = 0; i < ARRAY_SIZE(about_all); i++)
		json_decref(served_json(s, about_all[i], 403));
	json_decref(served_json(s, "/api/v1/processes/0000000000001001/tree?hosts=all", 403));
}

/* The row of the audit log that @detail stands in, as text; "" when there is none. */
static void audited(struct served *s, const char *detail, char *to, size_t room)
{
	json_t *doc = served_json(s, "/api/v1/audit", 200), *row;
	size_t i;

	to[0] = 0;
	json_array_foreach(json_object_get(doc, "rows"), i, row)
	{
		if (!strstr(text_at(row, "detail"), detail))
			continue;
		snprintf(to, room, "%s %s %lld %s", text_at(row, "actor"), text_at(row, "action"),
			 (long long)json_integer_value(json_object_get(row, "status")),
			 text_at(row, "address"));
		break;
	}
	json_decref(doc);
}

static void test_access_given_questions_when_audit_is_read_then_each_is_told_without_secrets(
	void **state)
{
	struct served *s = *state;
	char row[512], token[65], secret[65];
	json_t *doc;

	json_decref(served_json(s, "/api/v1/search?q=process.name+%3A+%22needle%22", 200));
	json_decref(served_json(s, "/api/v1/search?q=%28", 400));
	memset(secret, 'c', 64);
	secret[64] = 0;
	served_use_token(s, ROLE_ADMIN, "");
	snprintf(token, sizeof(token), "%s", s->token);
	audited(s, "needle", row, sizeof(row));
	assert_string_equal(row, "test GET /api/v1/search 200 127.0.0.1");
	audited(s, "q=(", row, sizeof(row));
	assert_string_equal(row, "test GET /api/v1/search 400 127.0.0.1");
	doc = served_json(s, "/api/v1/audit", 200);
	{
		char *text = json_dumps(doc, 0);

		assert_null(strstr(text, token));
		free(text);
	}
	json_decref(doc);
}

/* Long enough spaces must not hide what was asked behind them: that there is more is told. */
static void test_access_given_long_question_when_audited_then_what_is_cut_off_is_told(void **state)
{
	enum { SPACES = 5000 };
	struct served *s = *state;
	AUTO_BUF struct buf line = { 0 };
	struct answer a;
	json_t *doc;
	const char *detail;

	buf_str(&line, "GET /api/v1/search?q=");
	for (int i = 0; i < SPACES; i++)
		buf_byte(&line, '+');
	buf_str(&line, "any+where+true");
	buf_byte(&line, 0);
	served_ask(s, (const char *)line.data, NULL, &a);
	assert_int_equal(a.status, 200);
	answer_done(&a);
	served_use_token(s, ROLE_ADMIN, "");
	doc = served_json(s, "/api/v1/audit?limit=1", 200);
	detail = text_at(json_array_get(json_object_get(doc, "rows"), 0), "detail");
	assert_memory_equal(detail, "q=", 2);
	assert_non_null(strstr(detail, " ... (of 5016 bytes)"));
	json_decref(doc);
}

static bool is_audited(struct served *s, const char *action)
{
	json_t *doc = served_json(s, "/api/v1/audit?limit=1000", 200), *row;
	bool found = false;
	size_t i;

	json_array_foreach(json_object_get(doc, "rows"), i, row)
	{
		found = found || strcmp(text_at(row, "action"), action) == 0;
	}
	json_decref(doc);
	return found;
}

/* Sends a whole request and is gone, before an answer can have come. */
static void ask_and_leave(struct served *s, const char *line, const char *body)
{
	AUTO_BUF struct buf request = { 0 };
	int fd = served_connect(s);

	buf_printf(&request,
		   "%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %zu\r\n"
		   "\r\n%s",
		   line, s->token, strlen(body), body);
	served_send(fd, request.data, request.n);
	close(fd);
}

/* Whoever leaves before the answer has changed something all the same.  Some requests are not taken
 * up any more once their client has gone: those have changed nothing. */
static void test_access_given_client_that_leaves_when_it_changed_something_then_audited(
	void **state)
{
	static const char body[] =
		"{\"@timestamp\":\"2026-11-22T21:44:19Z\",\"host\":{\"id\":\"n9\",\"boot\":{\"id\":"
		"\"00000000-0000-0000-0000-000000000001\"}},\"event\":{\"category\":\"process\","
		"\"action\":\"exec\",\"sequence\":1}}\n";
	struct served *s = *state;
	struct timespec pause = { .tv_nsec = 10000000 };
	int tries = 0;

	served_use_token(s, ROLE_ADMIN, "");
	while (number(s, "/api/v1/count?since=2026-01-01&node=n9", "count") == 0) {
		assert_true(tries < 3000);
		if (tries++ % 100 == 0)
			ask_and_leave(s, "POST /api/v1/import", body);
		nanosleep(&pause, NULL);
	}
	while (!is_audited(s, "POST /api/v1/import")) {
		assert_true(tries++ < 6000);
		nanosleep(&pause, NULL);
	}
}

/* A body may be long on its way: who was let in with its head is asked for his token again. */
static void test_access_given_token_revoked_while_body_is_awaited_when_it_comes_then_refused(
	void **state)
{
	static const char body[] = "{\"name\":\"another\",\"role\":\"admin\"}";
	struct served *s = *state;
	AUTO_BUF struct buf head = { 0 }, got = { 0 };
	struct token token;
	json_t *doc;
	int fd;

	served_use_token(s, ROLE_ADMIN, "");
	fd = served_connect(s);
	buf_printf(
		&head,
		"POST /api/v1/tokens HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
		"Expect: 100-continue\r\nAuthorization: Bearer %s\r\nContent-Length: %zu\r\n\r\n",
		s->token, strlen(body));
	served_send(fd, head.data, head.n);
	while (!got_has(&got, "100 Continue"))
		assert_true(served_read(fd, &got, 30000));
	assert_true(
		maindb_token_find(s->maindb, s->token, strlen(s->token), timestamp_now(), &token));
	assert_int_equal(maindb_token_revoke(s->maindb, token.id, timestamp_now()), 0);
	served_send(fd, body, strlen(body));
	while (served_read(fd, &got, 30000))
		;
	close(fd);
	assert_true(got_has(&got, "HTTP/1.1 401 "));
	served_use_token(s, ROLE_ADMIN, "");
	doc = served_json(s, "/api/v1/tokens", 200);
	assert_int_equal(json_array_size(json_object_get(doc, "tokens")), 3);
	json_decref(doc);
}

static void test_rate_given_bucket_when_taken_then_it_empties_and_fills(void **state)
{
	static struct rate r;

	(void)state;
	rate_init(&r, 10, 5);
	for (int i = 0; i < 5; i++)
		assert_true(rate_take(&r, 7, 1000));
	assert_false(rate_take(&r, 7, 1000));
	assert_false(rate_has(&r, 7, 1050));
	assert_true(rate_take(&r, 8, 1050)); /* others are not touched */
	assert_true(rate_take(&r, 7, 1100));
	assert_false(rate_take(&r, 7, 1100));
	for (int i = 0; i < 5; i++)
		assert_true(rate_take(&r, 7, 100000));
	assert_false(rate_take(&r, 7, 100000));
}

static void test_rate_given_many_keys_when_taken_then_table_holds(void **state)
{
	static struct rate r;

	(void)state;
	rate_init(&r, 1, 1);
	for (uint64_t key = 0; key < 100000; key++)
		assert_true(rate_take(&r, key, key));
}

/* Wrong tokens by the hundred: then the address has to wait. */
static void test_access_given_wrong_tokens_when_too_many_then_429(void **state)
{
	static const char line[] = "GET /api/v1/nodes HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
				   "Authorization: Bearer 00\r\n\r\n";
	struct served *s = *state;
	bool limited = false;

	for (int i = 0; i < 2000 && !limited; i++) {
		struct answer a;

		served_raw(s, line, strlen(line), &a);
		limited = a.status == 429;
		if (!limited)
			assert_int_equal(a.status, 401);
		else
			assert_non_null(strcasestr(a.headers, "Retry-After: 1"));
		answer_done(&a);
	}
	assert_true(limited);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, served_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_access_given_bound_token_when_it_asks_then_only_its_nodes_are_seen),
		T(test_access_given_bound_token_when_route_is_about_all_then_refused),
		T(test_access_given_questions_when_audit_is_read_then_each_is_told_without_secrets),
		T(test_access_given_long_question_when_audited_then_what_is_cut_off_is_told),
		T(test_access_given_client_that_leaves_when_it_changed_something_then_audited),
		T(test_access_given_token_revoked_while_body_is_awaited_when_it_comes_then_refused),
		T(test_access_given_wrong_tokens_when_too_many_then_429),
		cmocka_unit_test(test_rate_given_bucket_when_taken_then_it_empties_and_fills),
		cmocka_unit_test(test_rate_given_many_keys_when_taken_then_table_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
