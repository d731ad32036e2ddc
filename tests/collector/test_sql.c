/* SPDX-License-Identifier: Apache-2.0 */
/* The table events: each condition answers as on a plain table of the same rows. */
#include "tests/collector/sql_fixture.h"

/* ---- a store, and the same rows in a plain table ---- */

static void declare_plain(sqlite3 *db)
{
	AUTO_BUF struct buf text = { 0 };
	const char *comma = "";

	buf_str(&text, "CREATE TABLE events (");
	for (int i = 0; !sql_column_is_query(sql_columns(), i); i++) {
		struct field_ref f = sql_column_field(sql_columns(), i);

		buf_printf(&text, "%s%s %s", comma, sql_column_name(sql_columns(), i),
			   sql_column_type(f.info->type));
		comma = ", ";
	}
	buf_str(&text, ")");
	buf_byte(&text, 0);
	assert_int_equal(sqlite3_exec(db, (const char *)text.data, NULL, NULL, NULL), SQLITE_OK);
}

static void bind_json(sqlite3_stmt *stmt, int at, const json_t *v)
{
	if (json_is_integer(v))
		sqlite3_bind_int64(stmt, at, json_integer_value(v));
	else if (json_is_real(v))
		sqlite3_bind_double(stmt, at, json_real_value(v));
	else if (json_is_string(v))
		sqlite3_bind_text(stmt, at, json_string_value(v), -1, SQLITE_TRANSIENT);
	else
		sqlite3_bind_null(stmt, at);
}

static sqlite3 *plain_table(struct served *s)
{
	AUTO_BUF struct buf insert = { 0 };
	sqlite3_stmt *stmt;
	struct sql_case all;
	sqlite3 *db;
	json_t *row;
	size_t i;

	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	declare_plain(db);
	run(s, "SELECT * FROM events", &all);
	assert_int_equal(json_array_size(all.rows), EVENTS);
	json_array_foreach(all.rows, i, row)
	{
		int n = (int)json_array_size(row);

		if (i == 0) {
			buf_str(&insert, "INSERT INTO events VALUES (?");
			for (int k = 1; k < n; k++)
				buf_str(&insert, ",?");
			buf_str(&insert, ")");
			buf_byte(&insert, 0);
			assert_int_equal(
				sqlite3_prepare_v2(db, (const char *)insert.data, -1, &stmt, NULL),
				SQLITE_OK);
		}
		for (int k = 0; k < n; k++)
			bind_json(stmt, k + 1, json_array_get(row, (size_t)k));
		assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
		sqlite3_reset(stmt);
	}
	sqlite3_finalize(stmt);
	done(&all);
	return db;
}

static char *plain_answer(sqlite3 *db, const char *text)
{
	sqlite3_stmt *stmt;
	char *answer;

	if (sqlite3_prepare_v2(db, text, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", text, sqlite3_errmsg(db));
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	answer = strdup((const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	return answer;
}

/* ---- random conditions ---- */

static uint64_t state_of_dice = 88172645463325252u;

static unsigned dice(unsigned n)
{
	state_of_dice ^= state_of_dice << 13;
	state_of_dice ^= state_of_dice >> 7;
	state_of_dice ^= state_of_dice << 17;
	return (unsigned)(state_of_dice % n);
}

static void text_value(struct buf *out)
{
	static const char *const values[] = { "alpha",	      "Alpha",	  "beta",	 "be_ta",
					      "ray",	      "n1",	  "web-1",	 "db-1",
					      "open",	      "deletion", "/srv/beta/3", "file",
					      "/srv/Alpha/0", "",	  "\xc3\xa4gypt" };

	buf_printf(out, "'%s'", values[dice(ARRAY_SIZE(values))]);
}

static void number_value(struct served *s, struct buf *out)
{
	static const char *const odd[] = {
		"NULL", "'7'", "7.0", "-1", "2.5", "9223372036854775807"
	};

	switch (dice(4)) {
	case 0:
		buf_str(out, odd[dice(ARRAY_SIZE(odd))]);
		break;
	case 1:
		buf_printf(out, "%llu",
			   (unsigned long long)(s->base_ns + dice(EVENTS / 10) * 1000000u +
						dice(10) * 1000));
		break;
	default:
		buf_printf(out, "%u", dice(EVENTS + 5));
	}
}

static void text_condition(struct buf *out, const char *column)
{
	static const char *const patterns[] = { "al%", "AL%",	   "b_ta",	   "b%",
						"%ta", "/srv/be%", "/srv/b\\_ta%", "" };
	static const char *const globs[] = { "al*", "/srv/[a-b]*", "*", "be?ta" };

	switch (dice(8)) {
	case 0:
		buf_printf(out, "%s IN (", column);
		for (unsigned i = dice(4); i > 0; i--) {
			text_value(out);
			buf_str(out, ", ");
		}
		text_value(out);
		buf_str(out, ")");
		break;
	case 1:
		buf_printf(out, "%s LIKE '%s'", column, patterns[dice(ARRAY_SIZE(patterns))]);
		break;
	case 2:
		buf_printf(out, "%s GLOB '%s'", column, globs[dice(ARRAY_SIZE(globs))]);
		break;
	case 3:
		buf_printf(out, "%s = ", column);
		text_value(out);
		buf_str(out, " COLLATE NOCASE");
		break;
	case 4:
		buf_printf(out, "%s > ", column);
		text_value(out);
		break;
	default:
		buf_printf(out, "%s %s ", column, dice(4) ? "=" : "<>");
		text_value(out);
	}
}

static void condition(struct served *s, struct buf *out, int depth)
{
	static const char *const texts[] = { "process_name",	  "file_path",
					     "host_name",	  "host_id",
					     "event_action",	  "event_category",
					     "file_name",	  "process_entity_id",
					     "process_executable" };
	static const char *const numbers[] = { "timestamp", "event_sequence", "process_pid",
					       "process_exit_code", "host_cpu_id" };
	static const char *const signs[] = { "=", "<", "<=", ">", ">=", "<>", "IS" };
	const char *column = texts[dice(ARRAY_SIZE(texts))];

	switch (depth > 0 ? dice(9) : 3 + dice(6)) {
	case 0:
	case 1:
		buf_str(out, "(");
		condition(s, out, depth - 1);
		buf_str(out, dice(3) ? " AND " : " OR ");
		condition(s, out, depth - 1);
		buf_str(out, ")");
		break;
	case 2:
		buf_str(out, "NOT (");
		condition(s, out, depth - 1);
		buf_str(out, ")");
		break;
	case 3:
		buf_printf(out, "%s IS %sNULL",
			   dice(2) ? column : numbers[dice(ARRAY_SIZE(numbers))],
			   dice(2) ? "" : "NOT ");
		break;
	case 4:
	case 5:
		buf_printf(out, "%s %s ", numbers[dice(ARRAY_SIZE(numbers))],
			   signs[dice(ARRAY_SIZE(signs))]);
		number_value(s, out);
		break;
	default:
		text_condition(out, column);
	}
}

static void test_sql_given_random_conditions_when_asked_then_as_of_a_plain_table(void **state)
{
	struct served *s = *state;
	sqlite3 *plain;

	put_words(s);
	plain = plain_table(s);
	for (int i = 0; i < STATEMENTS; i++) {
		AUTO_BUF struct buf text = { 0 };
		struct sql_case c;
		char *expected;

		buf_str(&text,
			"SELECT coalesce(group_concat(x, ' '), '-') FROM (SELECT event_sequence || "
			"process_name AS x FROM events WHERE ");
		condition(s, &text, 3);
		buf_str(&text, " ORDER BY event_sequence)");
		buf_byte(&text, 0);
		run(s, (const char *)text.data, &c);
		expected = plain_answer(plain, (const char *)text.data);
		if (strcmp(json_string_value(cell(&c, 0, 0)), expected) != 0)
			fail_msg("%s\n got %s\nnot %s", (const char *)text.data,
				 json_string_value(cell(&c, 0, 0)), expected);
		free(expected);
		done(&c);
	}
	sqlite3_close(plain);
}

/* ---- values and plans ---- */

static void test_sql_given_fields_when_asked_by_either_name_then_values(void **state)
{
	struct served *s = *state;
	struct sql_case c;

	put_words(s);
	run(s,
	    "SELECT process_name, \"process.name\", process_pid, timestamp, \"@timestamp\", "
	    "host_name,"
	    " process_entity_id, event_action, process_args, time_text(timestamp), query"
	    " FROM events WHERE event_sequence = 12",
	    &c);
	assert_int_equal(json_array_size(c.rows), 1);
	assert_string_equal(json_string_value(cell(&c, 0, 0)), "Alpha");
	assert_string_equal(json_string_value(cell(&c, 0, 1)), "Alpha");
	assert_int_equal(json_integer_value(cell(&c, 0, 2)), 4001);
	assert_int_equal(json_integer_value(cell(&c, 0, 3)), s->base_ns + 1000000 + 1000);
	assert_int_equal(json_integer_value(cell(&c, 0, 4)), s->base_ns + 1000000 + 1000);
	assert_string_equal(json_string_value(cell(&c, 0, 5)), "web-1");
	assert_string_equal(json_string_value(cell(&c, 0, 6)), "000000000000100b");
	assert_string_equal(json_string_value(cell(&c, 0, 7)), "open");
	assert_true(json_is_null(cell(&c, 0, 8)));
	assert_int_equal(strlen(json_string_value(cell(&c, 0, 9))), 30);
	assert_true(json_is_null(cell(&c, 0, 10)));
	done(&c);
}

static void test_sql_given_columns_when_named_then_each_name_is_once(void **state)
{
	const struct sql_columns *columns = sql_columns();
	int n = 0;

	(void)state;
	assert_non_null(columns);
	while (sql_column_name(columns, n)[0])
		n++;
	assert_true(n > 100);
	for (int i = 0; i < n; i++)
		for (int k = i + 1; k < n; k++)
			if (strcasecmp(sql_column_name(columns, i), sql_column_name(columns, k)) ==
			    0)
				fail_msg("two columns are called %s", sql_column_name(columns, i));
}

static void test_sql_given_list_field_when_asked_then_json(void **state)
{
	struct served *s = *state;
	struct batch_origin origin = { .node_id = "n1",
				       .node_name = "n1",
				       .boot_id = { 9 },
				       .architecture = "x86_64",
				       .os_kernel = "6",
				       .agent_version = "0" };
	AUTO(frame_codec) *codec = NULL;
	AUTO_BUF struct buf frame = { 0 };
	AUTO(batch) *b = NULL;
	struct diag d;
	uint32_t args[2], process;

	assert_int_equal(frame_codec_new(&codec), 0);
	assert_int_equal(batch_new(&b, &origin), 0);
	process = batch_process_add(b, 77, 0);
	args[0] = batch_string(b, TEXT("ls"));
	args[1] = batch_string(b, TEXT("a \"b\""));
	batch_set_list(b, KIND_NONE, FIELD_ARGS, args, 2);
	batch_event(b, KIND_EXEC, 1, s->base_ns);
	batch_set_row(b, KIND_EXEC, FIELD_PROCESS, process);
	assert_int_equal(batch_seal(b, codec, NULL, 1, s->base_ns, &frame), 0);
	assert_int_equal(block_load(s->block, frame.data, frame.n, &d), 0);
	assert_int_equal(store_append(s->store, s->block, frame.data, frame.n,
				      store_arrival(s->store, timestamp_now())),
			 0);
	assert_int_equal(store_commit(s->store), 0);
	assert_int_equal(number(s, "SELECT count(*) FROM events, json_each(events.process_args) j "
				   "WHERE j.value = 'a \"b\"'"),
			 1);
	assert_int_equal(
		number(s, "SELECT count(*) FROM events('process where process.args : \"LS\"')"), 1);
}

static void test_sql_given_conditions_when_pushed_then_blocks_are_skipped_and_told(void **state)
{
	static const struct {
		const char *where, *pushed;
		unsigned least_skipped; /* of 40 blocks, or of those that the index named */
		bool ranged;
	} cases[] = {
		{ "process_name = 'gamma ray'", "process.name == \"gamma ray\"", 30, false },
		{ "\"process.name\" IN ('beta', 'nothing')",
		  "process.name in (\"beta\", \"nothing\")", 30, false },
		{ "file_path LIKE '/srv/gamma ray/%'",
		  "startsWith~(file.path, \"/srv/gamma ray/\")", 30, false },
		{ "process_exit_code IS NULL", "process.exit_code == null", 0, false },
		{ "process_pid > 3", "process.pid > 3", 0, false },
		{ "process_pid + 0 > 3", "", 0, false },
		{ "timestamp >= time_ns('-1h') AND timestamp < time_ns('now')", "", 0, true },
		{ "query = 'file where process.name == \"beta\"'",
		  "event.category == \"file\" and process.name == \"beta\"", 30, false },
		{ "event_action = 'deletion'", "event.action == \"deletion\"", 0, false },
	};
	struct served *s = *state;

	put_words(s);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_BUF struct buf text = { 0 };
		const struct sql_scan *scan;
		struct sql_case c;

		buf_printf(&text, "SELECT count(*) FROM events WHERE %s", cases[i].where);
		buf_byte(&text, 0);
		run(s, (const char *)text.data, &c);
		assert_int_equal(c.answer.events.n_scans, 1);
		scan = &c.answer.events.scans[0];
		buf_byte(&c.answer.events.scans[0].pushed, 0);
		if (!strstr((const char *)scan->pushed.data, cases[i].pushed))
			fail_msg("%s: pushed %s", cases[i].where, (const char *)scan->pushed.data);
		if (scan->blocks_skipped < cases[i].least_skipped)
			fail_msg("%s: only %llu skipped", cases[i].where,
				 (unsigned long long)scan->blocks_skipped);
		assert_int_equal(scan->blocks, scan->blocks_skipped + scan->blocks_read);
		assert_int_equal(scan->from_ns != 0 && scan->to_ns != UINT64_MAX, cases[i].ranged);
		done(&c);
	}
}

static void test_sql_given_join_when_run_then_inner_scan_is_pushed(void **state)
{
	struct served *s = *state;
	struct sql_case c;

	put_words(s);
	run(s,
	    "SELECT count(*) FROM (SELECT process_entity_id AS id FROM events WHERE event_sequence "
	    "= 12)"
	    " a JOIN events b ON b.process_entity_id = a.id",
	    &c);
	assert_int_equal(json_integer_value(cell(&c, 0, 0)), 10);
	assert_int_equal(c.answer.events.n_scans, 2);
	done(&c);
	assert_int_equal(number(s, "SELECT count(*) FROM nodes JOIN events ON host_id = id"),
			 EVENTS);
	assert_int_equal(number(s, "SELECT count(*) FROM nodes WHERE name = 'db-1'"), 1);
}

/* SQLite looks for each side by itself, and must know a row that it has had. */
static void test_sql_given_or_of_what_is_pushed_when_run_then_each_row_once(void **state)
{
	struct served *s = *state;

	put_words(s);
	assert_int_equal(number(s, "SELECT count(*) FROM events WHERE process_name LIKE 'a%' OR "
				   "timestamp >= 2.5 OR process_name IN ('beta')"),
			 EVENTS);
	assert_int_equal(number(s, "SELECT count(*) FROM events WHERE process_name = 'alpha' OR "
				   "event_action = 'open' OR event_action = 'deletion'"),
			 EVENTS);
	assert_int_equal(number(s, "SELECT count(*) FROM events WHERE event_sequence = 1 OR "
				   "event_sequence = 12 OR process_name = 'Alpha'"),
			 number(s, "SELECT count(*) + 1 FROM events WHERE process_name = 'Alpha'"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(test_sql_given_random_conditions_when_asked_then_as_of_a_plain_table),
		SERVED(test_sql_given_fields_when_asked_by_either_name_then_values),
		cmocka_unit_test(test_sql_given_columns_when_named_then_each_name_is_once),
		SERVED(test_sql_given_list_field_when_asked_then_json),
		SERVED(test_sql_given_conditions_when_pushed_then_blocks_are_skipped_and_told),
		SERVED(test_sql_given_join_when_run_then_inner_scan_is_pushed),
		SERVED(test_sql_given_or_of_what_is_pushed_when_run_then_each_row_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
