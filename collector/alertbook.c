/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/alertbook_internal.h"

#include "collector/mainfile.h"
#include "lib/timestamp.h"

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
	[AB_POSITION_PUT] = "INSERT INTO detect_state (id, position_ns) VALUES (1, ?1) "
			    "ON CONFLICT (id) DO UPDATE SET position_ns = ?1",
	[AB_SETTLED] = "SELECT settled_ns FROM detect_state",
	[AB_SETTLED_PUT] = "UPDATE detect_state SET settled_ns = ?1",
	[AB_INCIDENT] = "UPDATE alert SET incident = ?2 WHERE id = ?1 AND incident IS NOT ?2",
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
	[AB_DEAD_EACH] = "SELECT id, alert_id, error, created_ns FROM output_dead "
			 "WHERE output = ?1 ORDER BY id DESC LIMIT ?2",
	[AB_SILENCE_ADD] = "INSERT INTO output_silence (output, rule, node, until_ns, author, "
			   "note, created_ns) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[AB_SILENCE_TRIM] = "DELETE FROM output_silence WHERE until_ns <= ?1",
	[AB_SILENCES] = "SELECT id, rule, node, until_ns, author, note, created_ns "
			"FROM output_silence WHERE output = ?1 ORDER BY id",
	[AB_SILENCE_DROP] = "DELETE FROM output_silence WHERE output = ?1 AND id = ?2",
	[AB_DEAD_DROP] = "DELETE FROM output_dead WHERE output = ?1",
	[AB_TOUCH] = "UPDATE alert SET change = ?2, updated_ns = ?3 WHERE id = ?1",
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

void alertbook_bind(sqlite3_stmt *s, int at, const char *text)
{
	if (text)
		sqlite3_bind_text(s, at, text, -1, SQLITE_TRANSIENT);
	else
		sqlite3_bind_null(s, at);
}

int alertbook_number(struct alertbook *b, enum ab_stmt which, uint64_t *ret)
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
	int r;

	if (!b)
		return err_origin(-ENOMEM);
	pthread_mutex_init(&b->mutex, NULL);
	r = mainfile_open(&b->db, dir, texts, AB_MAX, b->stmts, d);
	if (r < 0)
		return r;
	r = alertbook_number(b, AB_CHANGE, &b->change);
	if (r < 0)
		return diag_set(d, r, 0, 0, "cannot read the alerts: %s", sqlite3_errmsg(b->db));
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
	r = alertbook_number(b, AB_POSITION, ret_ns);
	pthread_mutex_unlock(&b->mutex);
	return r;
}

void alertbook_end(struct alertbook *b, bool committed)
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
		alertbook_end(b, false);
	return r;
}

void alertbook_rollback(struct alertbook *b)
{
	alertbook_end(b, false);
}

int alertbook_commit(struct alertbook *b, uint64_t position_ns)
{
	int r;

	sqlite3_bind_int64(b->stmts[AB_POSITION_PUT], 1, sql_time(position_ns));
	r = sql_run(b->stmts[AB_POSITION_PUT]);
	if (r == 0)
		r = sql_exec(b->db, "COMMIT");
	alertbook_end(b, r == 0);
	return r;
}

int alertbook_settled(struct alertbook *b, uint64_t *ret_ns)
{
	int r;

	pthread_mutex_lock(&b->mutex);
	r = alertbook_number(b, AB_SETTLED, ret_ns);
	pthread_mutex_unlock(&b->mutex);
	return r;
}

int alertbook_settle(struct alertbook *b, uint64_t settled_ns)
{
	sqlite3_bind_int64(b->stmts[AB_SETTLED_PUT], 1, sql_time(settled_ns));
	return sql_run(b->stmts[AB_SETTLED_PUT]);
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

int alertbook_add(struct alertbook *b, struct alert *a)
{
	sqlite3_stmt *s = b->stmts[AB_ADD];
	int r;

	a->change = ++b->change;
	a->created_ns = a->updated_ns = timestamp_now();
	sql_bind_u64(s, 1, a->change);
	alertbook_bind(s, 2, a->rule_id);
	sql_bind_u64(s, 3, a->revision);
	alertbook_bind(s, 4, a->title);
	sqlite3_bind_int(s, 5, (int)a->level);
	alertbook_bind(s, 6, a->techniques);
	alertbook_bind(s, 7, a->node_id);
	alertbook_bind(s, 8, a->node);
	sql_bind_u64(s, 9, a->entity);
	alertbook_bind(s, 10, a->object);
	sql_bind_u64(s, 11, a->dedup);
	sqlite3_bind_int64(s, 12, sql_time(a->first_ns));
	sqlite3_bind_int64(s, 13, sql_time(a->last_ns));
	sql_bind_u64(s, 14, a->n_events);
	sqlite3_bind_int64(s, 15, sql_time(a->created_ns));
	alertbook_bind(s, 16, a->body);
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
	alertbook_bind(s, 3, event_id);
	alertbook_bind(s, 4, document);
	return sql_run(s);
}

int alertbook_mark(struct alertbook *b, uint64_t id, const char *kind, const char *value,
		   uint64_t time_ns)
{
	sqlite3_stmt *s = b->stmts[AB_MARK];

	sql_bind_u64(s, 1, id);
	alertbook_bind(s, 2, kind);
	alertbook_bind(s, 3, value);
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

/* ---- people ---- */

static int set(struct alertbook *b, enum ab_stmt which, uint64_t id, const char *value)
{
	sqlite3_stmt *s = b->stmts[which];

	sql_bind_u64(s, 1, id);
	alertbook_bind(s, 2, value);
	return sql_run(s);
}

static int add_note(struct alertbook *b, uint64_t id, const struct alert_edit *e, uint64_t now_ns)
{
	sqlite3_stmt *s = b->stmts[AB_NOTE_ADD];

	sql_bind_u64(s, 1, id);
	sqlite3_bind_int64(s, 2, sql_time(now_ns));
	alertbook_bind(s, 3, e->author ? e->author : "");
	alertbook_bind(s, 4, e->note);
	return sql_run(s);
}

int alertbook_touch(struct alertbook *b, uint64_t id, uint64_t now_ns)
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
	r = alertbook_touch(b, id, now_ns);
	if (r == 0 && e->status >= 0)
		r = set(b, AB_STATUS, id, status_names[e->status]);
	if (r == 0 && e->owner)
		r = set(b, AB_OWNER, id, e->owner);
	if (r == 0 && e->note)
		r = add_note(b, id, e, now_ns);
	if (r == 0)
		r = sql_exec(b->db, "COMMIT");
	alertbook_end(b, r == 0);
	return r;
}

/* ---- incidents ---- */

static int place(struct alertbook *b, const struct alert_place *p, uint64_t now_ns, uint64_t *ret_n)
{
	sqlite3_stmt *s = b->stmts[AB_INCIDENT];
	int r;

	sql_bind_u64(s, 1, p->id);
	if (p->incident)
		sql_bind_u64(s, 2, p->incident);
	else
		sqlite3_bind_null(s, 2);
	r = sql_run(s);
	if (r < 0 || sqlite3_changes(b->db) == 0)
		return r;
	++*ret_n;
	return alertbook_touch(b, p->id, now_ns);
}

int alertbook_place(struct alertbook *b, const struct alert_place *places, size_t n,
		    uint64_t *ret_n)
{
	uint64_t now_ns = timestamp_now();
	int r = alertbook_begin(b);

	*ret_n = 0;
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = place(b, &places[i], now_ns, ret_n);
	if (r == 0)
		r = sql_exec(b->db, "COMMIT");
	alertbook_end(b, r == 0);
	return r;
}
