/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts and what belongs to them, read. */
#include "collector/alertbook_internal.h"

static void read_alert(sqlite3_stmt *s, struct alert *a)
{
	*a = (struct alert){
		.id = sql_u64(s, 0),
		.change = sql_u64(s, 1),
		.rule_id = sql_text(s, 2),
		.revision = sql_u64(s, 3),
		.title = sql_text(s, 4),
		.level = (enum rule_level)MIN(sql_u64(s, 5), (uint64_t)RULE_CRITICAL),
		.techniques = sql_text(s, 6),
		.node_id = sql_text(s, 7),
		.node = sql_text(s, 8),
		.entity = sql_u64(s, 9),
		.object = (const char *)sqlite3_column_text(s, 10),
		.dedup = sql_u64(s, 11),
		.first_ns = sql_u64(s, 12),
		.last_ns = sql_u64(s, 13),
		.n_events = sql_u64(s, 14),
		.owner = sql_text(s, 16),
		.created_ns = sql_u64(s, 17),
		.updated_ns = sql_u64(s, 18),
		.body = sql_text(s, 19),
		.incident = sql_u64(s, 20),
	};
	if (!alert_status_parse(sql_text(s, 15), &a->status))
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
	alertbook_bind(s, 1, f->rule_id);
	alertbook_bind(s, 2, f->node);
	alertbook_bind(s, 3,
		       f->status < 0 ? NULL : alert_status_name((enum alert_status)f->status));
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
		r = each(sql_text(s, 0), arg);
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
		const struct alert_note n = { sql_u64(s, 0), sql_text(s, 1), sql_text(s, 2) };

		r = each(&n, arg);
		if (r)
			break;
	}
	sqlite3_reset(s);
	pthread_mutex_unlock(&b->mutex);
	return r;
}

int alertbook_marks(struct alertbook *b, uint64_t id,
		    int (*each)(const char *kind, const char *value, void *arg), void *arg)
{
	sqlite3_stmt *s = b->stmts[AB_MARKS];
	int r;

	pthread_mutex_lock(&b->mutex);
	sql_bind_u64(s, 1, id);
	while ((r = sql_step(s)) == SQL_E_ROW) {
		r = each(sql_text(s, 0), sql_text(s, 1), arg);
		if (r)
			break;
	}
	sqlite3_reset(s);
	pthread_mutex_unlock(&b->mutex);
	return r;
}
