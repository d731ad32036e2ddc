/* SPDX-License-Identifier: Apache-2.0 */
/* Days on hold, days that were removed, and how long they are kept. */
#include "collector/maindb_internal.h"

int maindb_hold(struct maindb *m, uint32_t day)
{
	sqlite3_stmt *s = m->stmts[STMT_HOLD_ADD];
	int r;

	pthread_mutex_lock(&m->mutex);
	sqlite3_bind_int64(s, 1, day);
	r = maindb_run_durably(m, s);
	pthread_mutex_unlock(&m->mutex);
	return r;
}

int maindb_release(struct maindb *m, uint32_t day)
{
	sqlite3_stmt *s = m->stmts[STMT_HOLD_DROP];
	int r;

	pthread_mutex_lock(&m->mutex);
	sqlite3_bind_int64(s, 1, day);
	r = maindb_run_durably(m, s);
	if (r == 0 && sqlite3_changes(m->db) == 0)
		r = MAINDB_E_NOT_HELD;
	pthread_mutex_unlock(&m->mutex);
	return r;
}

int maindb_is_held(struct maindb *m, uint32_t day)
{
	sqlite3_stmt *s = m->stmts[STMT_HOLD_FIND];
	int r;

	pthread_mutex_lock(&m->mutex);
	sqlite3_bind_int64(s, 1, day);
	r = sql_step(s);
	sqlite3_reset(s);
	pthread_mutex_unlock(&m->mutex);
	return r == 0 ? MAINDB_E_NOT_HELD : MIN(r, 0);
}

int maindb_holds(struct maindb *m, int (*each)(uint32_t day, void *arg), void *arg)
{
	sqlite3_stmt *s = m->stmts[STMT_HOLD_LIST];
	int r;

	pthread_mutex_lock(&m->mutex);
	while ((r = sql_step(s)) == SQL_E_ROW) {
		r = each((uint32_t)sqlite3_column_int64(s, 0), arg);
		if (r != 0)
			break;
	}
	sqlite3_reset(s);
	pthread_mutex_unlock(&m->mutex);
	return r;
}

int maindb_removed_add(struct maindb *m, const struct maindb_removed *day)
{
	sqlite3_stmt *s = m->stmts[STMT_REMOVED_ADD];
	int r;

	pthread_mutex_lock(&m->mutex);
	sqlite3_bind_int64(s, 1, day->day);
	sql_bind_u64(s, 2, day->ingested_ns);
	sql_bind_u64(s, 3, day->n_events);
	sql_bind_u64(s, 4, day->bytes);
	sql_bind_u64(s, 5, day->removed_ns);
	maindb_bind_text(s, 6, day->reason);
	r = maindb_run_durably(m, s);
	pthread_mutex_unlock(&m->mutex);
	return r;
}

int maindb_removed_sum(struct maindb *m, struct maindb_removed_sum *ret)
{
	sqlite3_stmt *s = m->stmts[STMT_REMOVED_SUM];
	int r;

	memset(ret, 0, sizeof(*ret));
	pthread_mutex_lock(&m->mutex);
	r = sql_step(s);
	if (r == SQL_E_ROW) {
		ret->days = sql_u64(s, 0);
		ret->events = sql_u64(s, 1);
		ret->bytes = sql_u64(s, 2);
	}
	sqlite3_reset(s);
	pthread_mutex_unlock(&m->mutex);
	return MIN(r, 0);
}

/* ---- how long ---- */

int maindb_keep_set(struct maindb *m, const struct maindb_keep *keep)
{
	sqlite3_stmt *s = m->stmts[STMT_KEEP_PUT];
	int r;

	pthread_mutex_lock(&m->mutex);
	sql_bind_u64(s, 1, keep->keep_days);
	sql_bind_u64(s, 2, keep->keep_bytes);
	sql_bind_u64(s, 3, keep->changed_ns);
	maindb_bind_text(s, 4, keep->author);
	r = maindb_run_durably(m, s);
	pthread_mutex_unlock(&m->mutex);
	return r;
}

int maindb_keep_drop(struct maindb *m)
{
	int r;

	pthread_mutex_lock(&m->mutex);
	r = maindb_run_durably(m, m->stmts[STMT_KEEP_DROP]);
	pthread_mutex_unlock(&m->mutex);
	return r;
}

int maindb_keep_get(struct maindb *m, struct maindb_keep *ret)
{
	sqlite3_stmt *s = m->stmts[STMT_KEEP_GET];
	int r;

	pthread_mutex_lock(&m->mutex);
	r = sql_step(s);
	if (r == SQL_E_ROW) {
		ret->keep_days = sql_u64(s, 0);
		ret->keep_bytes = sql_u64(s, 1);
		ret->changed_ns = sql_u64(s, 2);
		sql_copy_text(s, 3, ret->author, sizeof(ret->author));
	}
	sqlite3_reset(s);
	pthread_mutex_unlock(&m->mutex);
	return r == SQL_E_ROW ? 0 : r == 0 ? MAINDB_E_NOT_SET : r;
}
