/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of flows, and the translations between their tuples. */
#include <string.h>

#include "collector/flowdb_internal.h"

enum {
	FIRST_END = 10,
	END_NUMBERS = 15,
	END_COLUMNS = END_NUMBERS + 2,
	NAT_KEY = FIRST_END + FLOW_SIDES * END_COLUMNS,
};

static void end_numbers(struct flow_end *e, uint64_t *ret[END_NUMBERS])
{
	size_t i = 0;

#define X(name) ret[i++] = &e->name;
	FLOW_END_NUMBERS(X)
#undef X
	_Static_assert(0
#define X(name) +1
			       FLOW_END_NUMBERS(X)
#undef X
			       == END_NUMBERS,
		       "columns of flow in 0001_flows.sql");
}

static void read_end(struct flowdb *db, sqlite3_stmt *s, int at, struct flow_end *e,
		     enum flow_side side)
{
	uint64_t *numbers[END_NUMBERS];

	end_numbers(e, numbers);
	for (int i = 0; i < END_NUMBERS; i++)
		*numbers[i] = sql_u64(s, at + i);
	sql_copy_text(s, at + END_NUMBERS, e->process, sizeof(e->process));
	sql_copy_text(s, at + END_NUMBERS + 1, e->error, sizeof(e->error));
	e->side = side;
	e->node = e->source && e->source <= db->n_sources ? db->sources[e->source - 1].node : 0;
}

/* Addresses and community id, in five columns. */
static void read_tuple(sqlite3_stmt *s, int at, struct flow_tuple *t)
{
	sql_copy_text(s, at, t->source_ip, sizeof(t->source_ip));
	t->source_port = (uint16_t)sqlite3_column_int64(s, at + 1);
	sql_copy_text(s, at + 2, t->dest_ip, sizeof(t->dest_ip));
	t->dest_port = (uint16_t)sqlite3_column_int64(s, at + 3);
	sql_copy_text(s, at + 4, t->community_id, sizeof(t->community_id));
}

void flowdb_read(struct flowdb *db, sqlite3_stmt *s, struct flow *f)
{
	memset(f, 0, sizeof(*f));
	f->id = sql_u64(s, 0);
	f->tuple.key = sql_u64(s, 1);
	f->at_ns = sql_u64(s, 2);
	sql_copy_text(s, 3, f->transport, sizeof(f->transport));
	read_tuple(s, 4, &f->tuple);
	f->nat.key = sql_u64(s, NAT_KEY);
	if (f->nat.key)
		read_tuple(s, NAT_KEY + 1, &f->nat);
	f->ends.confidence = (uint32_t)sqlite3_column_int64(s, 9);
	for (int i = 0; i < FLOW_SIDES; i++)
		if (sqlite3_column_type(s, FIRST_END + i * END_COLUMNS) != SQLITE_NULL)
			read_end(db, s, FIRST_END + i * END_COLUMNS, &f->ends.end[i],
				 (enum flow_side)i);
	f->ends.end[FLOW_CONNECTED].key = f->tuple.key;
	f->ends.end[FLOW_ACCEPTED].key = f->nat.key ? f->nat.key : f->tuple.key;
}

/* A flow with two tuples is found by either, and kept once. */
static bool has_flow(const struct flow *list, size_t n, uint64_t id)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].id == id)
			return true;
	return false;
}

static int load_by(struct flowdb *db, int stmt, uint64_t key, uint64_t day, struct flow *ret,
		   size_t *n)
{
	sqlite3_stmt *s = db->stmts[stmt];
	int r;

	sql_bind_u64(s, 1, day);
	sql_bind_u64(s, 2, key);
	sqlite3_bind_int64(s, 3, FLOWDB_KEY_ROWS + 1);
	while ((r = sql_step(s)) == SQL_E_ROW) {
		if (has_flow(ret, *n, sql_u64(s, 0)))
			continue;
		if (*n == FLOWDB_KEY_ROWS) {
			sqlite3_reset(s);
			db->counters.crowded++;
			return -E2BIG;
		}
		flowdb_read(db, s, &ret[(*n)++]);
	}
	sqlite3_reset(s);
	return r;
}

static int load_day(struct flowdb *db, uint64_t key, uint64_t day, struct flow *ret, size_t *n)
{
	int r = load_by(db, STMT_NEAR, key, day, ret, n);

	if (r == 0 && db->counters.translations)
		r = load_by(db, STMT_NEAR_NAT, key, day, ret, n);
	return r;
}

/* From an end to the other end, and from there to a translation. */
#define REACH_NS (2 * FLOW_WINDOW_NS)

/* Days, and those before and after them as long as what is there reaches over midnight. */
int flowdb_near(struct flowdb *db, uint64_t key, uint64_t at_ns, struct flow *ret, size_t *n,
		struct flowdb_days *days)
{
	uint64_t first = (at_ns - MIN(at_ns, REACH_NS)) / FLOWDB_DAY_NS;
	uint64_t last = (at_ns + REACH_NS) / FLOWDB_DAY_NS;
	uint64_t next = first;
	size_t begin = *n;
	int r = 0;

	for (; r == 0 && next <= last; next++)
		r = load_day(db, key, next, ret, n);
	for (size_t i = begin; i < *n && r == 0; i++) {
		if (first && ret[i].at_ns < first * FLOWDB_DAY_NS + REACH_NS)
			r = load_day(db, key, --first, ret, n);
		else if (ret[i].at_ns + REACH_NS >= (last + 1) * FLOWDB_DAY_NS)
			r = load_day(db, key, ++last, ret, n);
	}
	days->first = MIN(days->first, first);
	days->last = MAX(days->last, last);
	return r;
}

/* ---- translations ---- */

static bool has_link(const struct flow_links *links, const struct flow_link *l)
{
	for (size_t i = 0; i < links->n; i++)
		if (memcmp(&links->at[i], l, sizeof(*l)) == 0)
			return true;
	return false;
}

int flowdb_links(struct flowdb *db, uint64_t key, struct flowdb_days days, struct flow_links *links)
{
	sqlite3_stmt *s = db->stmts[STMT_LINKS];
	int r = 0;

	for (uint64_t day = days.first; db->counters.translations && day <= days.last; day++) {
		sql_bind_u64(s, 1, day);
		sql_bind_u64(s, 2, key);
		sqlite3_bind_int64(s, 3, FLOW_LINKS + 1);
		while ((r = sql_step(s)) == SQL_E_ROW) {
			struct flow_link l = { sql_u64(s, 0), sql_u64(s, 1), sql_u64(s, 2) };

			if (has_link(links, &l))
				continue;
			if (links->n == FLOW_LINKS) {
				db->counters.crowded++;
				sqlite3_reset(s);
				return -E2BIG;
			}
			links->at[links->n++] = l;
		}
		sqlite3_reset(s);
		if (r < 0)
			return r;
	}
	return 0;
}

int flowdb_translation(struct flowdb *db, const struct flow_link *l, const char *source_ip,
		       const char *nat_dest_ip)
{
	sqlite3_stmt *s = db->stmts[STMT_TRANSLATION_PUT];
	int r = flowdb_begin(db);

	if (r < 0)
		return r;
	sql_bind_u64(s, 1, l->at_ns / FLOWDB_DAY_NS);
	sql_bind_u64(s, 2, l->from);
	sql_bind_u64(s, 3, l->to);
	sqlite3_bind_int64(s, 4, sql_time(l->at_ns));
	sqlite3_bind_text(s, 5, source_ip, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(s, 6, nat_dest_ip, -1, SQLITE_TRANSIENT);
	r = sql_run(s);
	if (r == 0)
		db->counters.translations += (uint64_t)sqlite3_changes(db->db);
	return r;
}

/* ---- writing ---- */

static void bind_end(sqlite3_stmt *s, int at, struct flow_end *e)
{
	uint64_t *numbers[END_NUMBERS];

	if (!e->source) {
		for (int i = 0; i < END_COLUMNS; i++)
			sqlite3_bind_null(s, at + i);
		return;
	}
	end_numbers(e, numbers);
	for (int i = 0; i < END_NUMBERS; i++)
		sql_bind_u64(s, at + i, *numbers[i]);
	sqlite3_bind_text(s, at + END_NUMBERS, e->process, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(s, at + END_NUMBERS + 1, e->error, -1, SQLITE_TRANSIENT);
}

static void bind_tuple(sqlite3_stmt *s, int at, const struct flow_tuple *t)
{
	sqlite3_bind_text(s, at, t->source_ip, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(s, at + 1, t->source_port);
	sqlite3_bind_text(s, at + 2, t->dest_ip, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(s, at + 3, t->dest_port);
	sqlite3_bind_text(s, at + 4, t->community_id, -1, SQLITE_TRANSIENT);
}

static void bind_nat(sqlite3_stmt *s, int at, const struct flow_tuple *t)
{
	if (t->key) {
		sql_bind_u64(s, at, t->key);
		bind_tuple(s, at + 1, t);
		return;
	}
	for (int i = 0; i < 6; i++)
		sqlite3_bind_null(s, at + i);
}

int flowdb_put(struct flowdb *db, struct flow *f)
{
	sqlite3_stmt *s = db->stmts[STMT_PUT];
	int r = flowdb_begin(db);

	if (r < 0)
		return r;
	sql_bind_u64(s, 1, f->at_ns / FLOWDB_DAY_NS);
	if (f->id)
		sql_bind_u64(s, 2, f->id);
	else
		sqlite3_bind_null(s, 2);
	sql_bind_u64(s, 3, f->tuple.key);
	sqlite3_bind_int64(s, 4, sql_time(f->at_ns));
	sqlite3_bind_text(s, 5, f->transport, -1, SQLITE_TRANSIENT);
	bind_tuple(s, 6, &f->tuple);
	sqlite3_bind_int64(s, 11, f->ends.confidence);
	for (int i = 0; i < FLOW_SIDES; i++)
		bind_end(s, 12 + i * END_COLUMNS, &f->ends.end[i]);
	bind_nat(s, 12 + FLOW_SIDES * END_COLUMNS, &f->nat);
	r = sql_run(s);
	if (r == 0 && !f->id) {
		f->id = (uint64_t)sqlite3_last_insert_rowid(db->db);
		db->counters.flows++;
	}
	return r;
}

int flowdb_drop(struct flowdb *db, uint64_t id)
{
	sqlite3_stmt *s = db->stmts[STMT_DROP];
	int r = flowdb_begin(db);

	if (r < 0)
		return r;
	sql_bind_u64(s, 1, id);
	r = sql_run(s);
	if (r == 0)
		db->counters.flows -= MIN(db->counters.flows, (uint64_t)sqlite3_changes(db->db));
	return r;
}

/* Translations go with their flows: those before the oldest that is there have none. */
static int cut_translations(struct flowdb *db, uint64_t before_ns)
{
	sqlite3_stmt *s = db->stmts[STMT_TRANSLATIONS_CUT];
	int r;

	sqlite3_bind_int64(s, 1, sql_time(before_ns - MIN(before_ns, FLOW_WINDOW_NS)));
	sqlite3_bind_int64(s, 2, FLOWDB_TRANSLATIONS);
	r = sql_run(s);
	if (r == 0)
		db->counters.translations -=
			MIN(db->counters.translations, (uint64_t)sqlite3_changes(db->db));
	return r;
}

int flowdb_expire(struct flowdb *db, uint64_t before_ns, uint32_t most, bool evict, uint32_t *ret_n)
{
	sqlite3_stmt *s = db->stmts[STMT_EXPIRE], *cut = db->stmts[STMT_OUTAGES_CUT];
	uint64_t oldest_ns = 0;
	int r = flowdb_begin(db);

	*ret_n = 0;
	if (r < 0)
		return r;
	sqlite3_bind_int64(s, 1, sql_time(before_ns));
	sqlite3_bind_int64(s, 2, most);
	r = sql_run(s);
	if (r < 0)
		return r;
	*ret_n = (uint32_t)sqlite3_changes(db->db);
	db->counters.flows -= MIN(db->counters.flows, (uint64_t)*ret_n);
	if (evict)
		db->counters.evicted += *ret_n;
	sqlite3_bind_int64(cut, 1, evict ? 0 : sql_time(before_ns));
	sqlite3_bind_int64(cut, 2, FLOWDB_OUTAGES);
	r = sql_run(cut);
	if (r == 0)
		r = flowdb_oldest(db, &oldest_ns);
	return r == 0 ? cut_translations(db, oldest_ns) : r;
}

int flowdb_oldest(struct flowdb *db, uint64_t *ret_ns)
{
	sqlite3_stmt *s = db->stmts[STMT_OLDEST];
	int r = sql_step(s);

	*ret_ns = r == SQL_E_ROW ? sql_u64(s, 0) : 0;
	sqlite3_reset(s);
	return MIN(r, 0);
}
