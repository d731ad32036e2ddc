/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/sql_query.h"

#include <string.h>

#include "collector/sql_memory.h"
#include "lib/timestamp.h"

enum {
	OPS_A_LOOK = 1000, /* of SQLite's machine, between two looks at the clock */
	TEXT_BYTES = 64 << 10,
	VALUE_BYTES = 4 << 20,
	EXPRESSION_DEPTH = 200,
	COMPOUNDS = 50,
	NAME_BYTES = 128,
};

void sql_answer_done(struct sql_answer *a)
{
	buf_done(&a->columns);
	buf_done(&a->rows);
	sql_events_done(&a->events);
}

/* ---- what is allowed ---- */

static bool is_one_of(const char *s, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n && s; i++)
		if (strcasecmp(s, list[i]) == 0)
			return true;
	return false;
}

/* Of a table of which no column is read, as by count(*), SQLite asks with the name alone, of a
 * WITH's too: there is nothing by another name but its own tables. */
static bool may_count(const char *name, const char *column)
{
	return name && column && !*column && strncasecmp(name, "sqlite_", 7) != 0 &&
	       strncasecmp(name, "pragma_", 7) != 0;
}

/* SELECT, functions, and columns of what is listed. */
static int authorize(void *arg, int action, const char *first, const char *second,
		     const char *database, const char *trigger)
{
	static const char *const tables[] = { "events", "nodes", "json_each", "json_tree" };
	static const char *const not_functions[] = { "load_extension", "fts3_tokenizer", "edit",
						     "readfile", "writefile" };
	bool ok = false;

	(void)arg;
	(void)database;
	(void)trigger;
	if (action == SQLITE_SELECT || action == SQLITE_RECURSIVE)
		ok = true;
	else if (action == SQLITE_READ)
		ok = is_one_of(first, tables, ARRAY_SIZE(tables)) || may_count(first, second);
	else if (action == SQLITE_FUNCTION)
		ok = !is_one_of(second, not_functions, ARRAY_SIZE(not_functions));
	return ok ? SQLITE_OK : SQLITE_DENY;
}

static void set_limits(sqlite3 *db)
{
	static const struct {
		int id, most;
	} limits[] = {
		{ SQLITE_LIMIT_LENGTH, VALUE_BYTES },
		{ SQLITE_LIMIT_SQL_LENGTH, TEXT_BYTES },
		{ SQLITE_LIMIT_EXPR_DEPTH, EXPRESSION_DEPTH },
		{ SQLITE_LIMIT_COMPOUND_SELECT, COMPOUNDS },
		{ SQLITE_LIMIT_ATTACHED, 0 },
		{ SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000 },
		{ SQLITE_LIMIT_VDBE_OP, 250000 },
		{ SQLITE_LIMIT_TRIGGER_DEPTH, 0 },
		{ SQLITE_LIMIT_WORKER_THREADS, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		sqlite3_limit(db, limits[i].id, limits[i].most);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
	/* "process.nam" is then a column that there is not, and no text */
	sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
}

static int on_progress(void *arg)
{
	return sql_events_is_over(arg);
}

/* ---- functions ---- */

/* time_ns('-15m'): ns since 1970 of a time as the API takes it. */
static void on_time_ns(sqlite3_context *to, int argc, sqlite3_value **argv)
{
	const char *s = (const char *)sqlite3_value_text(argv[0]);
	const uint64_t *now_ns = sqlite3_user_data(to);
	struct diag d = { 0 };
	uint64_t ns;

	(void)argc;
	if (!s)
		return;
	if (timestamp_parse(s, (size_t)sqlite3_value_bytes(argv[0]), *now_ns, &ns, &d) < 0)
		sqlite3_result_error(to, d.text, -1);
	else
		sqlite3_result_int64(to, sql_time(ns));
}

/* time_text(ns): RFC 3339. */
static void on_time_text(sqlite3_context *to, int argc, sqlite3_value **argv)
{
	char text[TIMESTAMP_TEXT_BYTES];
	int64_t ns = sqlite3_value_int64(argv[0]);

	(void)argc;
	if (sqlite3_value_type(argv[0]) == SQLITE_NULL || ns < 0)
		return;
	sqlite3_result_text(to, timestamp_format((uint64_t)ns, text), -1, SQLITE_TRANSIENT);
}

static int add_functions(sqlite3 *db, uint64_t *now_ns)
{
	int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;

	if (sqlite3_create_function_v2(db, "time_ns", 1, flags, now_ns, on_time_ns, NULL, NULL,
				       NULL) != SQLITE_OK ||
	    sqlite3_create_function_v2(db, "time_text", 1, flags, NULL, on_time_text, NULL, NULL,
				       NULL) != SQLITE_OK)
		return sql_error(db);
	return 0;
}

/* ---- nodes ---- */

static const char nodes_schema[] =
	"CREATE TABLE nodes (id TEXT, name TEXT, boot_id TEXT, architecture TEXT, os_kernel TEXT,"
	" agent_version TEXT, first_seen INTEGER, last_seen INTEGER, clock_offset_ns INTEGER,"
	" last_sequence INTEGER, events INTEGER, batches INTEGER)";
static const char *const nodes_insert =
	"INSERT INTO nodes VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)";

static int each_node(const struct node *n, void *arg)
{
	const char *texts[] = { n->id,		 n->name,      n->boot_id,
				n->architecture, n->os_kernel, n->agent_version };
	uint64_t numbers[] = { n->first_seen_ns, n->last_seen_ns, (uint64_t)n->clock_offset_ns,
			       n->last_seq,	 n->events,	  n->batches };
	sqlite3_stmt *s = arg;

	for (int i = 0; i < (int)ARRAY_SIZE(texts); i++)
		sqlite3_bind_text(s, i + 1, texts[i], -1, SQLITE_STATIC);
	for (int i = 0; i < (int)ARRAY_SIZE(numbers); i++)
		sql_bind_u64(s, (int)ARRAY_SIZE(texts) + i + 1, numbers[i]);
	return sql_run(s);
}

static int fill_nodes(sqlite3 *db, struct maindb *maindb)
{
	sqlite3_stmt *insert = NULL;
	int r = sql_exec(db, nodes_schema);

	if (r == 0)
		r = sql_prepare(db, &nodes_insert, 1, &insert);
	if (r == 0)
		r = maindb_nodes(maindb, each_node, insert);
	sql_finalize(&insert, 1);
	return r;
}

/* ---- the database ---- */

struct running {
	const struct sql_query *q;
	struct sql_answer *answer;
	sqlite3 *db;
	sqlite3_stmt *stmt;
	uint64_t now_ns;
	char (*names)[NAME_BYTES]; /* of columns, each once */
	int n_columns;
};

/* Also has SQLite read the virtual table's declaration, before the authorizer would be asked about
 * it. */
static int open_tables(struct running *run)
{
	static const char *const touch = "SELECT 1 FROM events, json_each('[]'), json_tree('[]')";
	sqlite3_stmt *touched = NULL;
	int r;

	if (sqlite3_open_v2(":memory:", &run->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK)
		return run->db ? sql_error(run->db) : err_origin(-ENOMEM);
	r = sql_exec(run->db, "PRAGMA temp_store = MEMORY");
	if (r == 0)
		r = sql_events_register(run->db, &run->answer->events);
	if (r == 0)
		r = fill_nodes(run->db, run->q->maindb);
	if (r == 0)
		r = add_functions(run->db, &run->now_ns);
	if (r == 0)
		r = sql_prepare(run->db, &touch, 1, &touched);
	sql_finalize(&touched, 1);
	if (r == 0)
		r = sql_exec(run->db, "PRAGMA query_only = ON");
	set_limits(run->db);
	sqlite3_set_authorizer(run->db, authorize, NULL);
	sqlite3_progress_handler(run->db, OPS_A_LOOK, on_progress, &run->answer->events);
	return r;
}

/* What a failure of SQLite is to the user. */
static int tell(struct running *run, struct diag *d)
{
	const struct sql_events *e = &run->answer->events;
	uint32_t line = 0, column = 0;
	int at = sqlite3_error_offset(run->db), rc = sqlite3_errcode(run->db);

	if (rc == SQLITE_INTERRUPT && e->cancel && atomic_load(e->cancel))
		return -ECANCELED;
	if (rc == SQLITE_INTERRUPT)
		return diag_set(d, -ETIME, 0, 0,
				"the statement took longer than it may: ask for less time, by "
				"timestamp >= time_ns('-1h') for instance");
	if (rc == SQLITE_NOMEM)
		return diag_set(
			d, -E2BIG, 0, 0,
			"the statement needs more than %d MiB of memory: group or sort less",
			SQL_QUERY_BYTES >> 20);
	if (rc == SQLITE_AUTH)
		return diag_set(d, -EINVAL, 0, 0,
				"only SELECT from events and nodes is allowed: %s",
				sqlite3_errmsg(run->db));
	if (rc == SQLITE_IOERR && e->reason[0])
		return diag_set(d, -EIO, 0, 0, "%s", e->reason);
	if (at >= 0)
		diag_position(run->q->text, (size_t)at, &line, &column);
	return diag_set(d, -EINVAL, line, column, "%s",
			e->reason[0] ? e->reason : sqlite3_errmsg(run->db));
}

static int compile(struct running *run, struct diag *d)
{
	const char *rest = "";

	if (run->q->n > TEXT_BYTES)
		return diag_set(d, -EINVAL, 0, 0, "the statement is longer than %d KiB",
				TEXT_BYTES >> 10);
	if (sqlite3_prepare_v2(run->db, run->q->text, (int)run->q->n, &run->stmt, &rest) !=
	    SQLITE_OK)
		return tell(run, d);
	rest += strspn(rest, " \t\r\n;");
	if (*rest)
		return diag_set(d, -EINVAL, 0, 0, "one statement is expected, there are more");
	if (!run->stmt)
		return diag_set(d, -EINVAL, 0, 0, "a SELECT statement is expected");
	if (!sqlite3_stmt_readonly(run->stmt) || sqlite3_column_count(run->stmt) == 0)
		return diag_set(d, -EINVAL, 0, 0, "only SELECT is allowed");
	return 0;
}

/* ---- rows ---- */

static bool name_is_taken(const struct running *run, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(run->names[i], run->names[n]) == 0)
			return true;
	return false;
}

/* Names of two columns that are the same would be one member of an object. */
static void name_column(struct running *run, int i)
{
	const char *name = sqlite3_column_name(run->stmt, i);

	snprintf(run->names[i], NAME_BYTES, "%s", name ? name : "");
	for (int k = 2; name_is_taken(run, i); k++)
		snprintf(run->names[i], NAME_BYTES, "%.100s_%d", name ? name : "", k);
}

static int name_columns(struct running *run)
{
	struct json j = json_to(&run->answer->columns);

	run->n_columns = sqlite3_column_count(run->stmt);
	run->names = calloc((size_t)run->n_columns, NAME_BYTES);
	if (!run->names)
		return err_origin(-ENOMEM);
	json_begin_array(&j);
	for (int i = 0; i < run->n_columns; i++) {
		const char *type = sqlite3_column_decltype(run->stmt, i);

		name_column(run, i);
		json_begin_object(&j);
		json_key_text(&j, "name", run->names[i]);
		json_key_text(&j, "type", type);
		json_end_object(&j);
	}
	json_end_array(&j);
	return 0;
}

static void write_blob(struct json *j, const uint8_t *bytes, size_t n)
{
	AUTO_BUF struct buf text = { 0 };

	for (size_t i = 0; i < n; i++)
		buf_printf(&text, "%02x", bytes[i]);
	json_text_n(j, (const char *)text.data, text.n);
}

static void write_value(struct json *j, sqlite3_stmt *s, int i)
{
	const char *text;

	switch (sqlite3_column_type(s, i)) {
	case SQLITE_INTEGER:
		json_int(j, sqlite3_column_int64(s, i));
		break;
	case SQLITE_FLOAT:
		json_double(j, sqlite3_column_double(s, i));
		break;
	case SQLITE_TEXT:
		text = (const char *)sqlite3_column_text(s, i);
		json_text_n(j, text ? text : "", (size_t)sqlite3_column_bytes(s, i));
		break;
	case SQLITE_BLOB:
		write_blob(j, sqlite3_column_blob(s, i), (size_t)sqlite3_column_bytes(s, i));
		break;
	default:
		json_nil(j);
	}
}

static void write_row(const struct running *run, struct json *j)
{
	if (run->q->lines) {
		j->comma = false;
		json_begin_object(j);
	} else {
		json_begin_array(j);
	}
	for (int i = 0; i < run->n_columns; i++) {
		if (run->q->lines)
			json_key(j, run->names[i]);
		write_value(j, run->stmt, i);
	}
	if (run->q->lines) {
		json_end_object(j);
		buf_byte(j->out, '\n');
	} else {
		json_end_array(j);
	}
}

static int write_rows(struct running *run, struct diag *d)
{
	struct sql_answer *a = run->answer;
	struct json j = json_to(&a->rows);
	int rc = SQLITE_ROW;

	if (!run->q->lines)
		json_begin_array(&j);
	while ((rc = sqlite3_step(run->stmt)) == SQLITE_ROW) {
		if (a->n_rows == run->q->limit || a->rows.n > SQL_QUERY_ANSWER_BYTES) {
			a->truncated = true;
			break;
		}
		write_row(run, &j);
		a->n_rows++;
	}
	if (!run->q->lines)
		json_end_array(&j);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return tell(run, d);
	return buf_ok(&a->rows) && buf_ok(&a->columns) ? 0 : err_origin(-ENOMEM);
}

int sql_query_run(const struct sql_query *q, struct sql_answer *ret, struct diag *d)
{
	uint64_t within_ms = q->within_ms ? q->within_ms : SQL_QUERY_SECONDS * UINT64_C(1000);
	struct running run = { .q = q, .answer = ret, .now_ns = timestamp_now() };
	int r;

	ret->events.store = q->store;
	ret->events.cancel = q->cancel;
	ret->events.deadline_ns = run.now_ns + within_ms * 1000000;
	r = sql_memory_begin(SQL_QUERY_BYTES);
	if (r < 0)
		return r;
	r = open_tables(&run);
	if (r == 0)
		r = compile(&run, d);
	if (r == 0)
		r = name_columns(&run);
	if (r == 0)
		r = write_rows(&run, d);
	free(run.names);
	sqlite3_finalize(run.stmt);
	sql_close(run.db); /* its scans end here */
	sql_memory_end();
	return r;
}
