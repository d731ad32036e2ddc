/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/alertbook.h"

#include <pthread.h>
#include <stdatomic.h>

#include "collector/sql.h"
#include "lib/timestamp.h"

enum ab_stmt {
	AB_CHANGE,
	AB_POSITION,
	AB_POSITION_PUT,
	AB_FIND,
	AB_ADD,
	AB_EVENT_ADD,
	AB_MARK,
	AB_COUNT,
	AB_LIST,
	AB_CHANGED,
	AB_GET,
	AB_EVENTS,
	AB_NOTES,
	AB_STATUS,
	AB_OWNER,
	AB_NOTE_ADD,
	AB_TOUCH,
	AB_MARKS,
	AB_OUTPUT,
	AB_OUTPUT_PUT,
	AB_DEAD_ADD,
	AB_DEAD_TRIM,
	AB_DEAD_COUNT,
	AB_DEAD_LIST,
	AB_DEAD_DROP,
	AB_MAX
};

#define COLUMNS                                                                                    \
	"id, change, rule_id, revision, title, level, techniques, node_id, node, entity, object, " \
	"dedup, first_ns, last_ns, n_events, status, owner, created_ns, updated_ns, body, "        \
	"coalesce(incident, 0)"
#define WANTED                                                                            \
	"(?1 IS NULL OR rule_id = ?1) AND (?2 IS NULL OR node = ?2 OR node_id = ?2) AND " \
	"(?3 IS NULL OR status = ?3) AND level >= ?4 AND last_ns >= ?5 AND last_ns < ?6 "

static const char *const texts[AB_MAX] = {
	[AB_CHANGE] = "SELECT coalesce(max(change), 0) FROM alert",
	[AB_POSITION] = "SELECT position_ns FROM detect_state",
	[AB_POSITION_PUT] = "INSERT OR REPLACE INTO detect_state VALUES (1, ?1)",
	[AB_FIND] = "SELECT id, n_events FROM alert WHERE dedup = ?1 AND last_ns >= ?2 AND "
		    "status <> 'closed' ORDER BY last_ns DESC LIMIT 1",
	[AB_ADD] = "INSERT INTO alert (change, rule_id, revision, title, level, techniques, "
		   "node_id, node, entity, object, dedup, first_ns, last_ns, n_events, status, "
		   "owner, created_ns, updated_ns, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, "
		   "?9, ?10, ?11, ?12, ?13, ?14, 'open', '', ?15, ?15, ?16)",
	[AB_EVENT_ADD] = "INSERT OR IGNORE INTO alert_event VALUES (?1, ?2, ?3, ?4)",
	[AB_MARK] = "INSERT OR IGNORE INTO alert_mark VALUES (?2, ?3, ?1, ?4)",
	[AB_COUNT] = "UPDATE alert SET n_events = n_events + ?2, last_ns = max(last_ns, ?3), "
		     "change = ?4, updated_ns = ?5 WHERE id = ?1",
	[AB_LIST] = "SELECT " COLUMNS " FROM alert WHERE " WANTED
		    "AND (?7 = 0 OR id < ?7) ORDER BY id DESC LIMIT ?8",
	[AB_CHANGED] = "SELECT " COLUMNS " FROM alert WHERE " WANTED
		       "AND change > ?7 ORDER BY change LIMIT ?8",
	[AB_GET] = "SELECT " COLUMNS " FROM alert WHERE id = ?1",
	[AB_EVENTS] = "SELECT document FROM alert_event WHERE alert_id = ?1 ORDER BY number",
	[AB_NOTES] = "SELECT created_ns, author, note FROM alert_note WHERE alert_id = ?1 "
		     "ORDER BY id",
	[AB_STATUS] = "UPDATE alert SET status = ?2 WHERE id = ?1",
	[AB_OWNER] = "UPDATE alert SET owner = ?2 WHERE id = ?1",
	[AB_NOTE_ADD] = "INSERT INTO alert_note (alert_id, created_ns, author, note) "
			"VALUES (?1, ?2, ?3, ?4)",
	[AB_MARKS] = "SELECT kind, value FROM alert_mark WHERE alert_id = ?1",
	[AB_OUTPUT] = "SELECT change FROM output_place WHERE name = ?1",
	[AB_OUTPUT_PUT] = "INSERT OR REPLACE INTO output_place VALUES (?1, ?2)",
	[AB_DEAD_ADD] = "INSERT INTO output_dead (output, alert_id, error, created_ns) "
			"VALUES (?1, ?2, ?3, ?4)",
	[AB_DEAD_TRIM] =
		"DELETE FROM output_dead WHERE id <= (SELECT max(id) FROM output_dead) - ?1",
	[AB_DEAD_COUNT] = "SELECT count(*) FROM output_dead WHERE output = ?1",
	[AB_DEAD_LIST] = "SELECT DISTINCT alert_id FROM output_dead WHERE output = ?1",
	[AB_DEAD_DROP] = "DELETE FROM output_dead WHERE output = ?1",
	[AB_TOUCH] = "UPDATE alert SET change = ?2, updated_ns = ?3 WHERE id = ?1",
};

struct alertbook {
	pthread_mutex_t mutex;
	sqlite3 *db;
	sqlite3_stmt *stmts[AB_MAX];
	uint64_t change;	 /* the last one given, committed or not */
	atomic_ullong committed; /* the last one that others see */
};

static const char *const status_names[ALERT_STATUSES] = { "open", "acknowledged", "closed" };

const char *alert_status_name(enum alert_status s)
{
	return status_names[s];
}

bool alert_status_parse(const char *s, enum alert_status *ret)
{
	for (size_t i = 0; i < ALERT_STATUSES; i++) {
		if (strcmp(status_names[i], s) != 0)
			continue;
		*ret = (enum alert_status)i;
		return true;
	}
	return false;
}

uint64_t alertbook_changes(const struct alertbook *b)
{
	return atomic_load(&b->committed);
}

/* ---- life ---- */

static int read_number(struct alertbook *b, enum ab_stmt which, uint64_t *ret)
{
	sqlite3_stmt *s = b->stmts[which];
	int r = sql_step(s);

	*ret = r == SQL_E_ROW ? sql_u64(s, 0) : 0;
	sqlite3_reset(s);
	return MIN(r, 0);
}

int alertbook_open(struct alertbook **ret, const char *dir, struct diag *d)
{
	AUTO(alertbook) *b = calloc(1, sizeof(*b));
	char path[512];
	int r;

	if (!b)
		return err_origin(-ENOMEM);
	pthread_mutex_init(&b->mutex, NULL);
	if ((size_t)snprintf(path, sizeof(path), "%s/main.db", dir) >= sizeof(path))
		return diag_set(d, err_origin(-ENAMETOOLONG), 0, 0,
				"the folder's path is too long");
	r = sql_open(&b->db, path, SQL_WRITE, d);
	if (r < 0)
		return r;
	r = sql_prepare(b->db, texts, AB_MAX, b->stmts);
	if (r == 0)
		r = read_number(b, AB_CHANGE, &b->change);
	if (r < 0)
		return diag_set(d, r, 0, 0, "cannot read the alerts of %s: %s", path,
				sqlite3_errmsg(b->db));
	atomic_store(&b->committed, b->change);
	*ret = TAKE(b);
	return 0;
}

struct alertbook *alertbook_free(struct alertbook *b)
{
	if (!b)
		return NULL;
	sql_finalize(b->stmts, AB_MAX);
	sql_close(b->db);
	pthread_mutex_destroy(&b->mutex);
	free(b);
	return NULL;
}

/* ---- detect ---- */

int alertbook_position(struct alertbook *b, uint64_t *ret_ns)
{
	int r;

	pthread_mutex_lock(&b->mutex);
	r = read_number(b, AB_POSITION, ret_ns);
	pthread_mutex_unlock(&b->mutex);
	return r;
}

static void end(struct alertbook *b, bool committed)
{
	if (!sqlite3_get_autocommit(b->db))
		(void)sqlite3_exec(b->db, "ROLLBACK", NULL, NULL, NULL);
	if (committed)
		atomic_store(&b->committed, b->change);
	pthread_mutex_unlock(&b->mutex);
}

int alertbook_begin(struct alertbook *b)
{
	int r;

	pthread_mutex_lock(&b->mutex);
	r = sql_exec(b->db, "BEGIN IMMEDIATE");
	if (r < 0)
		end(b, false);
	return r;
}

void alertbook_rollback(struct alertbook *b)
{
	end(b, false);
}

int alertbook_commit(struct alertbook *b, uint64_t position_ns)
{
	int r;

	sqlite3_bind_int64(b->stmts[AB_POSITION_PUT], 1, sql_time(position_ns));
	r = sql_run(b->stmts[AB_POSITION_PUT]);
	if (r == 0)
		r = sql_exec(b->db, "COMMIT");
	end(b, r == 0);
	return r;
}

int alertbook_find(struct alertbook *b, uint64_t dedup, uint64_t since_ns, uint64_t *ret_id,
		   uint64_t *ret_n_events)
{
	sqlite3_stmt *s = b->stmts[AB_FIND];
	int r;

	sql_bind_u64(s, 1, dedup);
	sqlite3_bind_int64(s, 2, sql_time(since_ns));
	r = sql_step(s);
	*ret_id = r == SQL_E_ROW ? sql_u64(s, 0) : 0;
	*ret_n_events = r == SQL_E_ROW ? sql_u64(s, 1) : 0;
	sqlite3_reset(s);
	return MIN(r, 0);
}

static void bind(sqlite3_stmt *s, int at, const char *text)
{
	if (text)
		sqlite3_bind_text(s, at, text, -1, SQLITE_TRANSIENT);
	else
		sqlite3_bind_null(s, at);
}

int alertbook_add(struct alertbook *b, struct alert *a)
{
	sqlite3_stmt *s = b->stmts[AB_ADD];
	int r;

	a->change = ++b->change;
	a->created_ns = a->updated_ns = timestamp_now();
	sql_bind_u64(s, 1, a->change);
	bind(s, 2, a->rule_id);
	sql_bind_u64(s, 3, a->revision);
	bind(s, 4, a->title);
	sqlite3_bind_int(s, 5, (int)a->level);
	bind(s, 6, a->techniques);
	bind(s, 7, a->node_id);
	bind(s, 8, a->node);
	sql_bind_u64(s, 9, a->entity);
	bind(s, 10, a->object);
	sql_bind_u64(s, 11, a->dedup);
	sqlite3_bind_int64(s, 12, sql_time(a->first_ns));
	sqlite3_bind_int64(s, 13, sql_time(a->last_ns));
	sql_bind_u64(s, 14, a->n_events);
	sqlite3_bind_int64(s, 15, sql_time(a->created_ns));
	bind(s, 16, a->body);
	r = sql_run(s);
	if (r == 0)
		a->id = (uint64_t)sqlite3_last_insert_rowid(b->db);
	return r;
}

int alertbook_add_event(struct alertbook *b, uint64_t id, uint64_t number, const char *event_id,
			const char *document)
{
	sqlite3_stmt *s = b->stmts[AB_EVENT_ADD];

	sql_bind_u64(s, 1, id);
	sql_bind_u64(s, 2, number);
	bind(s, 3, event_id);
	bind(s, 4, document);
	return sql_run(s);
}

int alertbook_mark(struct alertbook *b, uint64_t id, const char *kind, const char *value,
		   uint64_t time_ns)
{
	sqlite3_stmt *s = b->stmts[AB_MARK];

	sql_bind_u64(s, 1, id);
	bind(s, 2, kind);
	bind(s, 3, value);
	sqlite3_bind_int64(s, 4, sql_time(time_ns));
	return sql_run(s);
}

int alertbook_count(struct alertbook *b, uint64_t id, uint64_t n, uint64_t last_ns)
{
	sqlite3_stmt *s = b->stmts[AB_COUNT];

	sql_bind_u64(s, 1, id);
	sql_bind_u64(s, 2, n);
	sqlite3_bind_int64(s, 3, sql_time(last_ns));
	sql_bind_u64(s, 4, ++b->change);
	sqlite3_bind_int64(s, 5, sql_time(timestamp_now()));
	return sql_run(s);
}

/* ---- reading ---- */

static const char *text_at(sqlite3_stmt *s, int column)
{
	const char *text = (const char *)sqlite3_column_text(s, column);

	return text ? text : "";
}

static void read_alert(sqlite3_stmt *s, struct alert *a)
{
	*a = (struct alert){
		.id = sql_u64(s, 0),
		.change = sql_u64(s, 1),
		.rule_id = text_at(s, 2),
		.revision = sql_u64(s, 3),
		.title = text_at(s, 4),
		.level = (enum rule_level)MIN(sql_u64(s, 5), (uint64_t)RULE_CRITICAL),
		.techniques = text_at(s, 6),
		.node_id = text_at(s, 7),
		.node = text_at(s, 8),
		.entity = sql_u64(s, 9),
		.object = (const char *)sqlite3_column_text(s, 10),
		.dedup = sql_u64(s, 11),
		.first_ns = sql_u64(s, 12),
		.last_ns = sql_u64(s, 13),
		.n_events = sql_u64(s, 14),
		.owner = text_at(s, 16),
		.created_ns = sql_u64(s, 17),
		.updated_ns = sql_u64(s, 18),
		.body = text_at(s, 19),
		.incident = sql_u64(s, 20),
	};
	if (!alert_status_parse(text_at(s, 15), &a->status))
		a->status = ALERT_OPEN;
}

static int each_alert(sqlite3_stmt *s, alert_fn each, void *arg, uint64_t *ret_n)
{
	struct alert a;
	int r;

	*ret_n = 0;
	while ((r = sql_step(s)) == SQL_E_ROW) {
		read_alert(s, &a);
		++*ret_n;
		r = each(&a, arg);
		if (r)
			break;
	}
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return r;
}

int alertbook_list(struct alertbook *b, const struct alert_filter *f, alert_fn each, void *arg)
{
	sqlite3_stmt *s = b->stmts[f->by_change ? AB_CHANGED : AB_LIST];
	uint64_t n;
	int r;

	pthread_mutex_lock(&b->mutex);
	bind(s, 1, f->rule_id);
	bind(s, 2, f->node);
	bind(s, 3, f->status < 0 ? NULL : status_names[f->status]);
	sqlite3_bind_int(s, 4, (int)f->least);
	sqlite3_bind_int64(s, 5, sql_time(f->since_ns));
	sqlite3_bind_int64(s, 6, sql_time(f->until_ns));
	sql_bind_u64(s, 7, f->by_change ? f->after_change : f->before_id);
	sqlite3_bind_int64(s, 8, f->limit);
	r = each_alert(s, each, arg, &n);
	pthread_mutex_unlock(&b->mutex);
	return r;
}

int alertbook_get(struct alertbook *b, uint64_t id, alert_fn each, void *arg)
{
	uint64_t n;
	int r;

	pthread_mutex_lock(&b->mutex);
	sql_bind_u64(b->stmts[AB_GET], 1, id);
	r = each_alert(b->stmts[AB_GET], each, arg, &n);
	pthread_mutex_unlock(&b->mutex);
	return r == 0 && n == 0 ? ALERTBOOK_E_UNKNOWN : r;
}

int alertbook_events(struct alertbook *b, uint64_t id, int (*each)(const char *document, void *arg),
		     void *arg)
{
	sqlite3_stmt *s = b->stmts[AB_EVENTS];
	int r;

	pthread_mutex_lock(&b->mutex);
	sql_bind_u64(s, 1, id);
	while ((r = sql_step(s)) == SQL_E_ROW) {
		r = each(text_at(s, 0), arg);
		if (r)
			break;
	}
	sqlite3_reset(s);
	pthread_mutex_unlock(&b->mutex);
	return r;
}

int alertbook_notes(struct alertbook *b, uint64_t id,
		    int (*each)(const struct alert_note *n, void *arg), void *arg)
{
	sqlite3_stmt *s = b->stmts[AB_NOTES];
	int r;

	pthread_mutex_lock(&b->mutex);
	sql_bind_u64(s, 1, id);
	while ((r = sql_step(s)) == SQL_E_ROW) {
		const struct alert_note n = { sql_u64(s, 0), text_at(s, 1), text_at(s, 2) };

		r = each(&n, arg);
		if (r)
			break;
	}
	sqlite3_reset(s);
	pthread_mutex_unlock(&b->mutex);
	return r;
}

/* ---- people ---- */

static int set(struct alertbook *b, enum ab_stmt which, uint64_t id, const char *value)
{
	sqlite3_stmt *s = b->stmts[which];

	sql_bind_u64(s, 1, id);
	bind(s, 2, value);
	return sql_run(s);
}

static int add_note(struct alertbook *b, uint64_t id, const struct alert_edit *e, uint64_t now_ns)
{
	sqlite3_stmt *s = b->stmts[AB_NOTE_ADD];

	sql_bind_u64(s, 1, id);
	sqlite3_bind_int64(s, 2, sql_time(now_ns));
	bind(s, 3, e->author ? e->author : "");
	bind(s, 4, e->note);
	return sql_run(s);
}

static int touch(struct alertbook *b, uint64_t id, uint64_t now_ns)
{
	sqlite3_stmt *s = b->stmts[AB_TOUCH];
	int r;

	sql_bind_u64(s, 1, id);
	sql_bind_u64(s, 2, ++b->change);
	sqlite3_bind_int64(s, 3, sql_time(now_ns));
	r = sql_run(s);
	return r == 0 && sqlite3_changes(b->db) == 0 ? ALERTBOOK_E_UNKNOWN : r;
}

int alertbook_edit(struct alertbook *b, uint64_t id, const struct alert_edit *e)
{
	uint64_t now_ns = timestamp_now();
	int r = alertbook_begin(b);

	if (r < 0)
		return r;
	r = touch(b, id, now_ns);
	if (r == 0 && e->status >= 0)
		r = set(b, AB_STATUS, id, status_names[e->status]);
	if (r == 0 && e->owner)
		r = set(b, AB_OWNER, id, e->owner);
	if (r == 0 && e->note)
		r = add_note(b, id, e, now_ns);
	if (r == 0)
		r = sql_exec(b->db, "COMMIT");
	end(b, r == 0);
	return r;
}

/* ---- marks ---- */

int alertbook_marks(struct alertbook *b, uint64_t id,
		    int (*each)(const char *kind, const char *value, void *arg), void *arg)
{
	sqlite3_stmt *s = b->stmts[AB_MARKS];
	int r;

	pthread_mutex_lock(&b->mutex);
	sql_bind_u64(s, 1, id);
	while ((r = sql_step(s)) == SQL_E_ROW) {
		r = each(text_at(s, 0), text_at(s, 1), arg);
		if (r)
			break;
	}
	sqlite3_reset(s);
	pthread_mutex_unlock(&b->mutex);
	return r;
}

/* ---- outputs ---- */

int alertbook_output_put(struct alertbook *b, const char *name, uint64_t change)
{
	sqlite3_stmt *s = b->stmts[AB_OUTPUT_PUT];
	int r;

	pthread_mutex_lock(&b->mutex);
	bind(s, 1, name);
	sql_bind_u64(s, 2, change);
	r = sql_run(s);
	pthread_mutex_unlock(&b->mutex);
	return r;
}

int alertbook_output_get(struct alertbook *b, const char *name, uint64_t *ret_change)
{
	sqlite3_stmt *s = b->stmts[AB_OUTPUT];
	int r;

	pthread_mutex_lock(&b->mutex);
	bind(s, 1, name);
	r = sql_step(s);
	*ret_change = r == SQL_E_ROW ? sql_u64(s, 0) : atomic_load(&b->committed);
	sqlite3_reset(s);
	pthread_mutex_unlock(&b->mutex);
	return r == 0 ? alertbook_output_put(b, name, *ret_change) : MIN(r, 0);
}

int alertbook_dead_add(struct alertbook *b, const char *name, uint64_t alert_id, const char *error)
{
	sqlite3_stmt *s = b->stmts[AB_DEAD_ADD], *trim = b->stmts[AB_DEAD_TRIM];
	int r;

	pthread_mutex_lock(&b->mutex);
	bind(s, 1, name);
	sql_bind_u64(s, 2, alert_id);
	bind(s, 3, error);
	sqlite3_bind_int64(s, 4, sql_time(timestamp_now()));
	r = sql_run(s);
	sqlite3_bind_int64(trim, 1, ALERT_DEAD_LETTERS);
	if (r == 0)
		r = sql_run(trim);
	pthread_mutex_unlock(&b->mutex);
	return r;
}

int alertbook_dead_count(struct alertbook *b, const char *name, uint64_t *ret)
{
	int r;

	pthread_mutex_lock(&b->mutex);
	bind(b->stmts[AB_DEAD_COUNT], 1, name);
	r = read_number(b, AB_DEAD_COUNT, ret);
	pthread_mutex_unlock(&b->mutex);
	return r;
}

static int replay(struct alertbook *b, const char *name, uint64_t *ret_n)
{
	sqlite3_stmt *s = b->stmts[AB_DEAD_LIST];
	uint64_t now_ns = timestamp_now();
	int r, e = 0;

	bind(s, 1, name);
	while ((r = sql_step(s)) == SQL_E_ROW) {
		e = touch(b, sql_u64(s, 0), now_ns);
		if (e < 0)
			break;
		++*ret_n;
	}
	sqlite3_reset(s);
	if (r < 0 || e < 0)
		return MIN(r, e);
	bind(b->stmts[AB_DEAD_DROP], 1, name);
	return sql_run(b->stmts[AB_DEAD_DROP]);
}

int alertbook_dead_replay(struct alertbook *b, const char *name, uint64_t *ret_n)
{
	int r = alertbook_begin(b);

	*ret_n = 0;
	if (r < 0)
		return r;
	r = replay(b, name, ret_n);
	if (r == 0)
		r = sql_exec(b->db, "COMMIT");
	end(b, r == 0);
	return r;
}
