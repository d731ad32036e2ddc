/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log of main.db: rows wait in memory, so that a question does not wait for the disk. */
#include "collector/maindb_internal.h"

enum { DETAIL_BYTES = 4096 };

static void free_row(struct audit_row *w)
{
	free(w->texts);
	memset(w, 0, sizeof(*w));
}

void maindb_audit_drop(struct maindb *m)
{
	for (uint32_t i = 0; i < m->n_audit; i++)
		free_row(&m->audit[i]);
	m->n_audit = 0;
}

static int put_row(struct maindb *m, const struct audit *a)
{
	sqlite3_stmt *s = m->stmts[STMT_AUDIT_ADD];

	sql_bind_u64(s, 1, a->time_ns);
	maindb_bind_text(s, 2, a->actor);
	sqlite3_bind_int64(s, 3, a->token_id);
	maindb_bind_text(s, 4, a->address);
	maindb_bind_text(s, 5, a->action);
	maindb_bind_text(s, 6, a->detail);
	sqlite3_bind_int64(s, 7, a->status);
	sql_bind_u64(s, 8, a->took_us);
	sqlite3_bind_int64(s, 9, (int64_t)a->class);
	m->audit_added[a->class]++;
	return sql_run(s);
}

/* Looking for the oldest that stays walks an index over all that do: not for each row. */
static int trim(struct maindb *m, enum audit_class class)
{
	sqlite3_stmt *s = m->stmts[STMT_AUDIT_TRIM];

	if (m->audit_added[class] < MAINDB_AUDIT_SLACK)
		return 0;
	m->audit_added[class] = 0;
	sqlite3_bind_int64(s, 1, (int64_t) class);
	sqlite3_bind_int64(s, 2,
			   class == AUDIT_STRANGER ? MAINDB_AUDIT_STRANGERS : MAINDB_AUDIT_ROWS);
	return sql_run(s);
}

/* Rows that cannot be written stay; when there is no more room for them, the oldest half goes. */
int maindb_audit_flush(struct maindb *m)
{
	int r = m->n_audit ? sql_exec(m->db, "BEGIN IMMEDIATE") : 0;

	if (m->n_audit == 0 || r < 0)
		return r;
	for (uint32_t i = 0; i < m->n_audit && r == 0; i++)
		r = put_row(m, &m->audit[i].row);
	for (enum audit_class c = 0; c < AUDIT_CLASSES && r == 0; c++)
		r = trim(m, c);
	if (r == 0)
		r = sql_exec(m->db, "COMMIT");
	if (!sqlite3_get_autocommit(m->db))
		(void)sqlite3_exec(m->db, "ROLLBACK", NULL, NULL, NULL);
	if (r == 0)
		maindb_audit_drop(m);
	return r;
}

static void make_room(struct maindb *m)
{
	uint32_t half = m->n_audit / 2;

	if (m->n_audit < MAINDB_AUDIT_WAITING || maindb_audit_flush(m) == 0)
		return;
	for (uint32_t i = 0; i < half; i++)
		free_row(&m->audit[i]);
	memmove(m->audit, m->audit + half, (m->n_audit - half) * sizeof(*m->audit));
	m->n_audit -= half;
}

static bool has_slot(struct maindb *m)
{
	struct audit_row *more;

	make_room(m);
	if (m->n_audit < m->audit_room)
		return true;
	more = reallocarray(m->audit, m->audit_room + 64, sizeof(*more));
	if (!more)
		return false;
	m->audit = more;
	m->audit_room += 64;
	return true;
}

static int keep_row(struct maindb *m, const struct audit *a)
{
	struct audit_row *w;
	char *texts, cut[48] = "";
	int n;

	if (!has_slot(m))
		return err_origin(-ENOMEM);
	if (strlen(a->detail) > DETAIL_BYTES)
		snprintf(cut, sizeof(cut), " ... (of %zu bytes)", strlen(a->detail));
	n = asprintf(&texts, "%s%c%s%c%s%c%.*s%s", a->actor, 0, a->address, 0, a->action, 0,
		     DETAIL_BYTES, a->detail, cut);
	if (n < 0)
		return err_origin(-ENOMEM);
	w = &m->audit[m->n_audit++];
	*w = (struct audit_row){ .row = *a, .texts = texts };
	w->row.actor = texts;
	w->row.address = w->row.actor + strlen(w->row.actor) + 1;
	w->row.action = w->row.address + strlen(w->row.address) + 1;
	w->row.detail = w->row.action + strlen(w->row.action) + 1;
	return 0;
}

int maindb_audit_add(struct maindb *m, const struct audit *a)
{
	int r;

	pthread_mutex_lock(&m->mutex);
	r = keep_row(m, a);
	if (r == 0 && a->class == AUDIT_CHANGE)
		r = maindb_audit_flush(m);
	pthread_mutex_unlock(&m->mutex);
	return r;
}

static int tell(sqlite3_stmt *s, int (*each)(const struct audit *a, void *arg), void *arg)
{
	const struct audit a = {
		.id = sqlite3_column_int64(s, 0),
		.time_ns = sql_u64(s, 1),
		.actor = (const char *)sqlite3_column_text(s, 2),
		.token_id = sqlite3_column_int64(s, 3),
		.address = (const char *)sqlite3_column_text(s, 4),
		.action = (const char *)sqlite3_column_text(s, 5),
		.detail = (const char *)sqlite3_column_text(s, 6),
		.status = (uint32_t)sqlite3_column_int64(s, 7),
		.took_us = sql_u64(s, 8),
	};

	return each(&a, arg);
}

int maindb_audit_list(struct maindb *m, int64_t before, uint32_t limit,
		      int (*each)(const struct audit *a, void *arg), void *arg)
{
	sqlite3_stmt *s = m->stmts[STMT_AUDIT_LIST];
	int r;

	pthread_mutex_lock(&m->mutex);
	r = maindb_audit_flush(m);
	sqlite3_bind_int64(s, 1, before ? before : INT64_MAX);
	sqlite3_bind_int64(s, 2, limit);
	while (r == 0 && (r = sql_step(s)) == SQL_E_ROW)
		r = tell(s, each, arg);
	sqlite3_reset(s);
	pthread_mutex_unlock(&m->mutex);
	return r;
}
