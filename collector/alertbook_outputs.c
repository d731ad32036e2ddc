/* SPDX-License-Identifier: Apache-2.0 */
/* What outputs keep beside the alerts: their places, dead letters, silences. */
#include "collector/alertbook_internal.h"

#include "lib/timestamp.h"

int alertbook_output_put(struct alertbook *b, const char *name, uint64_t change)
{
	sqlite3_stmt *s = b->stmts[AB_OUTPUT_PUT];
	int r;

	pthread_mutex_lock(&b->mutex);
	alertbook_bind(s, 1, name);
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
	alertbook_bind(s, 1, name);
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
	alertbook_bind(s, 1, name);
	sql_bind_u64(s, 2, alert_id);
	alertbook_bind(s, 3, error);
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
	alertbook_bind(b->stmts[AB_DEAD_COUNT], 1, name);
	r = alertbook_number(b, AB_DEAD_COUNT, ret);
	pthread_mutex_unlock(&b->mutex);
	return r;
}

static int replay(struct alertbook *b, const char *name, uint64_t *ret_n)
{
	sqlite3_stmt *s = b->stmts[AB_DEAD_LIST];
	uint64_t now_ns = timestamp_now();
	int r, e = 0;

	alertbook_bind(s, 1, name);
	while ((r = sql_step(s)) == SQL_E_ROW) {
		e = alertbook_touch(b, sql_u64(s, 0), now_ns);
		if (e < 0)
			break;
		++*ret_n;
	}
	sqlite3_reset(s);
	if (r < 0 || e < 0)
		return MIN(r, e);
	alertbook_bind(b->stmts[AB_DEAD_DROP], 1, name);
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
	alertbook_end(b, r == 0);
	return r;
}

int alertbook_dead_each(struct alertbook *b, const char *name, uint32_t limit,
			int (*each)(const struct alert_dead *d, void *arg), void *arg)
{
	sqlite3_stmt *s = b->stmts[AB_DEAD_EACH];
	int r;

	pthread_mutex_lock(&b->mutex);
	alertbook_bind(s, 1, name);
	sqlite3_bind_int64(s, 2, limit);
	while ((r = sql_step(s)) == SQL_E_ROW) {
		const struct alert_dead d = { sql_u64(s, 0), sql_u64(s, 1), sql_u64(s, 3),
					      sql_text(s, 2) };

		r = each(&d, arg);
		if (r)
			break;
	}
	sqlite3_reset(s);
	pthread_mutex_unlock(&b->mutex);
	return r;
}

/* ---- silences ---- */

int alertbook_silence_add(struct alertbook *b, const char *output, struct alert_silence *x)
{
	sqlite3_stmt *s = b->stmts[AB_SILENCE_ADD], *trim = b->stmts[AB_SILENCE_TRIM];
	int r;

	x->created_ns = timestamp_now();
	pthread_mutex_lock(&b->mutex);
	sqlite3_bind_int64(trim, 1, sql_time(x->created_ns));
	r = sql_run(trim);
	alertbook_bind(s, 1, output);
	alertbook_bind(s, 2, x->rule);
	alertbook_bind(s, 3, x->node);
	sqlite3_bind_int64(s, 4, sql_time(x->until_ns));
	alertbook_bind(s, 5, x->author ? x->author : "");
	alertbook_bind(s, 6, x->note ? x->note : "");
	sqlite3_bind_int64(s, 7, sql_time(x->created_ns));
	if (r == 0)
		r = sql_run(s);
	if (r == 0)
		x->id = (uint64_t)sqlite3_last_insert_rowid(b->db);
	pthread_mutex_unlock(&b->mutex);
	return r;
}

int alertbook_silences(struct alertbook *b, const char *output,
		       int (*each)(const struct alert_silence *s, void *arg), void *arg)
{
	sqlite3_stmt *s = b->stmts[AB_SILENCES];
	int r;

	pthread_mutex_lock(&b->mutex);
	alertbook_bind(s, 1, output);
	while ((r = sql_step(s)) == SQL_E_ROW) {
		const struct alert_silence x = {
			.id = sql_u64(s, 0),
			.rule = (const char *)sqlite3_column_text(s, 1),
			.node = (const char *)sqlite3_column_text(s, 2),
			.until_ns = sql_u64(s, 3),
			.author = sql_text(s, 4),
			.note = sql_text(s, 5),
			.created_ns = sql_u64(s, 6),
		};

		r = each(&x, arg);
		if (r)
			break;
	}
	sqlite3_reset(s);
	pthread_mutex_unlock(&b->mutex);
	return r;
}

int alertbook_silence_drop(struct alertbook *b, const char *output, uint64_t id)
{
	sqlite3_stmt *s = b->stmts[AB_SILENCE_DROP];
	int r;

	pthread_mutex_lock(&b->mutex);
	alertbook_bind(s, 1, output);
	sql_bind_u64(s, 2, id);
	r = sql_run(s);
	if (r == 0 && sqlite3_changes(b->db) == 0)
		r = ALERTBOOK_E_UNKNOWN;
	pthread_mutex_unlock(&b->mutex);
	return r;
}
