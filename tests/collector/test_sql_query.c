/* SPDX-License-Identifier: Apache-2.0 */
/* Statements as they are asked: what is refused, what ends them, how the API answers. */
#include "tests/collector/sql_fixture.h"

/* ---- values and plans ---- */

static void test_sql_given_same_names_when_lines_then_members_differ(void **state)
{
	struct served *s = *state;
	static const char text[] = "SELECT 1 AS a, 2 AS a, x'00ff' AS b";
	struct sql_query q = { .text = text,
			       .n = sizeof(text) - 1,
			       .store = s->store,
			       .maindb = s->maindb,
			       .limit = 10,
			       .lines = true };
	struct sql_answer a = { 0 };
	struct diag d = { 0 };

	assert_int_equal(sql_query_run(&q, &a, &d), 0);
	buf_byte(&a.rows, 0);
	assert_string_equal((const char *)a.rows.data, "{\"a\":1,\"a_2\":2,\"b\":\"00ff\"}\n");
	sql_answer_done(&a);
}

/* ---- refused and bounded ---- */

static void test_sql_given_what_is_not_allowed_when_run_then_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"-- nothing",
		"SELECT",
		"SELECT 1; SELECT 2",
		"ATTACH 'x.db' AS x",
		"PRAGMA user_version",
		"SELECT * FROM pragma_table_info('events')",
		"SELECT * FROM pragma_database_list",
		"SELECT count(*) FROM pragma_database_list",
		"SELECT count(*) FROM sqlite_master",
		"CREATE TABLE t (a)",
		"CREATE TEMP TABLE t AS SELECT 1",
		"CREATE VIEW v AS SELECT 1",
		"INSERT INTO nodes (id) VALUES ('x')",
		"INSERT INTO events (process_name) VALUES ('x')",
		"UPDATE nodes SET id = 'x'",
		"DELETE FROM nodes",
		"DROP TABLE nodes",
		"VACUUM",
		"VACUUM INTO '/tmp/x'",
		"BEGIN",
		"REINDEX",
		"ANALYZE",
		"SELECT * FROM sqlite_master",
		"SELECT * FROM sqlite_schema",
		"SELECT name FROM sqlite_temp_master",
		"SELECT load_extension('x')",
		"SELECT writefile('x', 'y')",
		"SELECT readfile('/etc/passwd')",
		"SELECT * FROM events WHERE \"process.nam\" = 'x'",
		"SELECT * FROM events('process where')",
		"SELECT * FROM events, events a, events b, events c, events d, events e, events f, "
		"events g,"
		" events h WHERE a.query = 'nonsense where ('",
		"EXPLAIN DELETE FROM nodes",
		"SELECT 1 FROM nothing",
	};
	struct served *s = *state;

	put_words(s);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct sql_case c;
		int r = run_within(s, texts[i], 600000, &c);

		if (r != -EINVAL || !c.d.text[0])
			fail_msg("'%s': %d %s", texts[i], r, c.d.text);
		done(&c);
	}
	assert_int_equal(number(s, "SELECT count(*) FROM nodes"), 2);
}

static void test_sql_given_endless_statement_when_run_then_time_ends_it(void **state)
{
	static const char *const texts[] = {
		"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) "
		"FROM c",
		"SELECT count(*) FROM events a, events b, events c, events d WHERE a.process_pid + "
		"b.process_pid + c.process_pid + d.process_pid = 3",
	};
	struct served *s = *state;

	put_words(s);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct sql_case c;

		assert_int_equal(run_within(s, texts[i], 100, &c), -ETIME);
		assert_non_null(strstr(c.d.text, "longer"));
		done(&c);
	}
}

static void test_sql_given_greedy_statement_when_run_then_memory_ends_it(void **state)
{
	static const char *const texts[] = {
		"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
		"SELECT count(DISTINCT hex(randomblob(2000))) FROM c",
		"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
		"SELECT x FROM c ORDER BY hex(randomblob(2000))",
	};
	struct served *s = *state;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct sql_case c;
		int r = run_within(s, texts[i], 600000, &c);

		if (r != -E2BIG)
			fail_msg("%s: %d %s", texts[i], r, c.d.text);
		done(&c);
	}
	put_words(s); /* the writer's own memory is not bounded by it */
}

static void test_sql_given_limit_when_more_rows_then_truncated(void **state)
{
	struct served *s = *state;
	static const char text[] = "SELECT event_sequence FROM events";
	struct sql_query q = { .text = text,
			       .n = sizeof(text) - 1,
			       .store = s->store,
			       .maindb = s->maindb,
			       .limit = 7 };
	struct sql_answer a = { 0 };
	struct diag d = { 0 };

	put_words(s);
	assert_int_equal(sql_query_run(&q, &a, &d), 0);
	assert_int_equal(a.n_rows, 7);
	assert_true(a.truncated);
	sql_answer_done(&a);
	a = (struct sql_answer){ 0 };
	q.limit = EVENTS;
	assert_int_equal(sql_query_run(&q, &a, &d), 0);
	assert_int_equal(a.n_rows, EVENTS);
	assert_false(a.truncated);
	sql_answer_done(&a);
}

static void test_sql_given_cancel_when_set_then_cancelled(void **state)
{
	struct served *s = *state;
	static const char text[] = "SELECT count(*) FROM events";
	atomic_bool cancel = true;
	struct sql_query q = { .text = text,
			       .n = sizeof(text) - 1,
			       .store = s->store,
			       .maindb = s->maindb,
			       .cancel = &cancel,
			       .limit = 7 };
	struct sql_answer a = { 0 };
	struct diag d = { 0 };

	put_words(s);
	assert_int_equal(sql_query_run(&q, &a, &d), -ECANCELED);
	sql_answer_done(&a);
}

/* ---- over HTTP ---- */

static void ask_sql(struct served *s, const char *statement, struct answer *a)
{
	AUTO_BUF struct buf more = { 0 }, body = { 0 };
	struct json j = json_to(&body);

	json_begin_object(&j);
	json_key_text(&j, "sql", statement);
	json_end_object(&j);
	buf_printf(&more, "Content-Length: %zu\r\n\r\n", body.n);
	buf_add(&more, body.data, body.n);
	buf_byte(&more, 0);
	served_ask(s, "POST /api/v1/sql", (const char *)more.data, a);
}

static void test_sql_given_statement_when_posted_then_rows_or_problem_with_place(void **state)
{
	struct served *s = *state;
	struct answer a;
	json_t *doc;

	put_words(s);
	ask_sql(s, "SELECT host_name, count(*) AS n FROM events GROUP BY 1 ORDER BY 1", &a);
	assert_int_equal(a.status, 200);
	doc = answer_json(&a);
	assert_int_equal(json_array_size(json_at(doc, "rows")), 2);
	assert_int_equal(json_integer_value(json_at(doc, "scanned.events")), EVENTS);
	json_decref(doc);
	answer_done(&a);
	ask_sql(s, "SELECT\n  nothing FROM events", &a);
	assert_int_equal(a.status, 400);
	doc = answer_json(&a);
	assert_string_equal(text_at(doc, "type"), "urn:rtsec:problem:sql");
	assert_int_equal(json_integer_value(json_at(doc, "line")), 2);
	assert_int_equal(json_integer_value(json_at(doc, "column")), 3);
	json_decref(doc);
	answer_done(&a);
}

static void test_sql_given_get_when_asked_then_only_post_is_allowed(void **state)
{
	struct answer a;

	served_ask(*state, "GET /api/v1/sql", NULL, &a);
	assert_int_equal(a.status, 405);
	assert_non_null(strstr(a.headers, "Allow: POST"));
	answer_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(test_sql_given_same_names_when_lines_then_members_differ),
		SERVED(test_sql_given_what_is_not_allowed_when_run_then_refused),
		SERVED(test_sql_given_endless_statement_when_run_then_time_ends_it),
		SERVED(test_sql_given_greedy_statement_when_run_then_memory_ends_it),
		SERVED(test_sql_given_limit_when_more_rows_then_truncated),
		SERVED(test_sql_given_cancel_when_set_then_cancelled),
		SERVED(test_sql_given_statement_when_posted_then_rows_or_problem_with_place),
		SERVED(test_sql_given_get_when_asked_then_only_post_is_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
