/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/facts.h"

#include <stdatomic.h>

#include "collector/facts_internal.h"
#include "collector/facts_seen.h"
#include "collector/migrate.h"

static const char *const texts[FACTS_STMTS] = {
	[STMT_STATE] = "SELECT ingested_ns, evicted, (SELECT count(*) FROM fact) FROM state",
	[STMT_STATE_PUT] = "UPDATE state SET ingested_ns = ?1, evicted = ?2",
	[STMT_NODE] = "SELECT id FROM node WHERE node_id = ?1",
	[STMT_NODE_ADD] = "INSERT INTO node (node_id, name) VALUES (?1, ?2)",
	[STMT_FACT] = FACT_COLUMNS "WHERE kind = ?1 AND value = ?2",
	[STMT_FACT_ADD] =
		"INSERT INTO fact (kind, value, first_ns, last_ns, n, nodes) VALUES (?1, ?2, "
		"?3, ?4, ?5, 0)",
	[STMT_FACT_MORE] =
		"UPDATE fact SET first_ns = min(first_ns, ?2), last_ns = max(last_ns, ?3), "
		"n = n + ?4 WHERE id = ?1",
	[STMT_NODE_MORE] =
		"UPDATE fact_node SET first_ns = min(first_ns, ?3), last_ns = max(last_ns, "
		"?4), n = n + ?5 WHERE fact = ?1 AND node = ?2",
	[STMT_NODE_NEW] =
		"INSERT INTO fact_node SELECT id, ?2, ?3, ?4, ?5 FROM fact WHERE id = ?1 AND "
		"nodes < ?6",
	[STMT_NODE_COUNT] = "UPDATE fact SET nodes = nodes + 1 WHERE id = ?1",
	[STMT_KIND_COUNT] = "SELECT count(*) FROM fact WHERE kind = ?1",
	[STMT_EVICT_NODES] =
		"DELETE FROM fact_node WHERE fact IN (SELECT id FROM fact WHERE kind = ?1 "
		"ORDER BY last_ns LIMIT ?2)",
	[STMT_EVICT] = "DELETE FROM fact WHERE id IN (SELECT id FROM fact WHERE kind = ?1 ORDER BY "
		       "last_ns LIMIT ?2)",
};

struct facts {
	char *dir;
	uint32_t of_kind;
	sqlite3 *db;
	sqlite3_stmt *stmts[FACTS_STMTS];
	uint64_t position_ns, evicted;
	uint64_t counts[FACT_MAX]; /* facts of each kind */
	_Atomic uint64_t n_facts, n_evicted;
	/* the batch at hand */
	int64_t node;
	struct facts_seen seen;
};

/* ---- kinds ---- */

static const char *const names[FACT_MAX] = {
#define X(id, name, ...) [FACT_##id] = (name),
	FACT_KINDS(X)
#undef X
};

const char *fact_kind_name(enum fact_kind kind)
{
	return names[kind];
}

enum fact_kind fact_kind_find(const char *name)
{
	for (int i = FACT_NONE + 1; i < FACT_MAX; i++)
		if (strcmp(names[i], name) == 0)
			return (enum fact_kind)i;
	return FACT_NONE;
}

/* ---- what is known ---- */

static int begin(struct facts *f)
{
	return sqlite3_get_autocommit(f->db) ? sql_exec(f->db, "BEGIN IMMEDIATE") : 0;
}

static int find_node(struct facts *f, const struct block_info *i)
{
	sqlite3_stmt *s = f->stmts[STMT_NODE], *add = f->stmts[STMT_NODE_ADD];
	int r;

	sqlite3_bind_text(s, 1, i->node_id.s, (int)i->node_id.n, SQLITE_TRANSIENT);
	r = sql_step(s);
	f->node = r == SQL_E_ROW ? sqlite3_column_int64(s, 0) : 0;
	sqlite3_reset(s);
	if (r != 0)
		return MIN(r, 0);
	sqlite3_bind_text(add, 1, i->node_id.s, (int)i->node_id.n, SQLITE_TRANSIENT);
	sqlite3_bind_text(add, 2, i->node_name.s, (int)i->node_name.n, SQLITE_TRANSIENT);
	r = sql_run(add);
	f->node = sqlite3_last_insert_rowid(f->db);
	return r;
}

/* A tenth more than must, so that it is seldom. */
static int make_room(struct facts *f, enum fact_kind kind)
{
	static const int stmts[] = { STMT_EVICT_NODES, STMT_EVICT };
	uint32_t n = f->of_kind / 10 + 1;
	int r = 0;

	if (f->counts[kind] < f->of_kind)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(stmts) && r == 0; i++) {
		sqlite3_stmt *s = f->stmts[stmts[i]];

		sqlite3_bind_int64(s, 1, kind);
		sqlite3_bind_int64(s, 2, n);
		r = sql_run(s);
	}
	if (r < 0)
		return r;
	n = (uint32_t)sqlite3_changes(f->db);
	f->counts[kind] -= MIN(f->counts[kind], (uint64_t)n);
	f->evicted += n;
	return 0;
}

/* Row of the fact, made when it is new; *ret_new tells. */
static int find_fact(struct facts *f, const struct fact_seen *seen, int64_t *ret, bool *ret_new)
{
	sqlite3_stmt *s = f->stmts[STMT_FACT], *add = f->stmts[STMT_FACT_ADD];
	const char *value = facts_seen_text(&f->seen, seen);
	int r;

	sqlite3_bind_int64(s, 1, seen->kind);
	sqlite3_bind_text(s, 2, value, (int)seen->n_value, SQLITE_TRANSIENT);
	r = sql_step(s);
	*ret = r == SQL_E_ROW ? sqlite3_column_int64(s, 0) : 0;
	sqlite3_reset(s);
	*ret_new = r == 0;
	if (r != 0)
		return MIN(r, 0);
	r = make_room(f, seen->kind);
	if (r < 0)
		return r;
	sqlite3_bind_int64(add, 1, seen->kind);
	sqlite3_bind_text(add, 2, value, (int)seen->n_value, SQLITE_TRANSIENT);
	sqlite3_bind_int64(add, 3, sql_time(seen->first_ns));
	sqlite3_bind_int64(add, 4, sql_time(seen->last_ns));
	sql_bind_u64(add, 5, seen->n);
	r = sql_run(add);
	*ret = sqlite3_last_insert_rowid(f->db);
	f->counts[seen->kind] += r == 0;
	return r;
}

static int run_times(sqlite3_stmt *s, int64_t fact, int at, const struct fact_seen *seen)
{
	sqlite3_bind_int64(s, 1, fact);
	sqlite3_bind_int64(s, at, sql_time(seen->first_ns));
	sqlite3_bind_int64(s, at + 1, sql_time(seen->last_ns));
	sql_bind_u64(s, at + 2, seen->n);
	return sql_run(s);
}

static int put_node(struct facts *f, int64_t fact, const struct fact_seen *seen)
{
	sqlite3_stmt *more = f->stmts[STMT_NODE_MORE], *add = f->stmts[STMT_NODE_NEW];
	sqlite3_stmt *count = f->stmts[STMT_NODE_COUNT];
	int r;

	sqlite3_bind_int64(more, 2, f->node);
	r = run_times(more, fact, 3, seen);
	if (r < 0 || sqlite3_changes(f->db))
		return r;
	sqlite3_bind_int64(add, 2, f->node);
	sqlite3_bind_int64(add, 6, FACTS_NODES);
	r = run_times(add, fact, 3, seen);
	if (r < 0 || !sqlite3_changes(f->db))
		return r;
	sqlite3_bind_int64(count, 1, fact);
	return sql_run(count);
}

static int put(struct facts *f, const struct fact_seen *seen)
{
	int64_t fact;
	bool is_new;
	int r = find_fact(f, seen, &fact, &is_new);

	if (r == 0 && !is_new)
		r = run_times(f->stmts[STMT_FACT_MORE], fact, 2, seen);
	return r == 0 ? put_node(f, fact, seen) : r;
}

/* ---- the observer ---- */

static int on_batch(const struct store_block *meta, struct block *b, void *arg)
{
	struct facts *f = arg;
	int r = facts_seen_in(&f->seen, b);

	(void)meta;
	if (r < 0 || f->seen.n == 0)
		return r;
	r = begin(f);
	if (r == 0)
		r = find_node(f, block_info(b));
	for (uint32_t i = 0; i < f->seen.n && r == 0; i++)
		r = put(f, &f->seen.list[i]);
	return r;
}

static int read_state(struct facts *f)
{
	sqlite3_stmt *s = f->stmts[STMT_STATE], *count = f->stmts[STMT_KIND_COUNT];
	int r = sql_step(s);

	if (r == SQL_E_ROW) {
		f->position_ns = sql_u64(s, 0);
		f->n_evicted = f->evicted = sql_u64(s, 1);
		f->n_facts = sql_u64(s, 2);
	}
	sqlite3_reset(s);
	for (int k = FACT_NONE + 1; k < FACT_MAX && r == SQL_E_ROW; k++) {
		sqlite3_bind_int64(count, 1, k);
		r = sql_step(count);
		f->counts[k] = r == SQL_E_ROW ? sql_u64(count, 0) : 0;
		sqlite3_reset(count);
	}
	return r == 0 ? err_origin(-EBADMSG) : MIN(r, 0);
}

static int on_commit(uint64_t ingested_ns, void *arg)
{
	struct facts *f = arg;
	sqlite3_stmt *s = f->stmts[STMT_STATE_PUT];
	uint64_t sum = 0;
	int r = begin(f);

	if (r < 0)
		return r;
	sqlite3_bind_int64(s, 1, sql_time(ingested_ns));
	sql_bind_u64(s, 2, f->evicted);
	r = sql_run(s);
	if (r == 0)
		r = sql_exec(f->db, "COMMIT");
	if (r < 0)
		return r;
	f->position_ns = ingested_ns;
	for (int k = 0; k < FACT_MAX; k++)
		sum += f->counts[k];
	f->n_facts = sum;
	f->n_evicted = f->evicted;
	return 0;
}

static void on_rollback(void *arg)
{
	struct facts *f = arg;

	if (!sqlite3_get_autocommit(f->db))
		(void)sqlite3_exec(f->db, "ROLLBACK", NULL, NULL, NULL);
	(void)!read_state(f); /* fails again where it matters: at the next write */
}

static int on_position(uint64_t *ret_ns, void *arg)
{
	const struct facts *f = arg;

	*ret_ns = f->position_ns;
	return 0;
}

struct follow_observer facts_observer(struct facts *f)
{
	return (struct follow_observer){ .name = "facts",
					 .begin = FOLLOW_HISTORY,
					 .kinds = facts_seen_kinds(),
					 .position = on_position,
					 .batch = on_batch,
					 .commit = on_commit,
					 .rollback = on_rollback,
					 .arg = f };
}

/* ---- opening ---- */

static int open_file(struct facts *f, struct diag *d)
{
	char path[SQL_PATH_BYTES];
	int r;

	r = sql_path(path, f->dir, "facts.db", d);
	if (r == 0)
		r = sql_open(&f->db, path, SQL_WRITE, d);
	if (r == 0)
		r = migrate_apply(f->db, &migrations_facts, path, d);
	if (r < 0)
		return r;
	/* an older position goes with older facts: no fsync for each */
	r = sql_exec(f->db, "PRAGMA synchronous = NORMAL");
	if (r == 0)
		r = sql_prepare(f->db, texts, FACTS_STMTS, f->stmts);
	if (r == 0)
		r = read_state(f);
	if (r < 0)
		diag_set(d, r, 0, 0, "cannot read %s: %s", path, sqlite3_errmsg(f->db));
	return r;
}

int facts_new(struct facts **ret, const char *dir, uint32_t of_kind, struct diag *d)
{
	AUTO(facts) *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return err_origin(-ENOMEM);
	f->of_kind = of_kind ? of_kind : FACTS_OF_KIND;
	f->dir = strdup(dir);
	r = f->dir ? open_file(f, d) : err_origin(-ENOMEM);
	if (r == 0)
		*ret = TAKE(f);
	return r;
}

struct facts *facts_free(struct facts *f)
{
	if (!f)
		return NULL;
	sql_finalize(f->stmts, FACTS_STMTS);
	sql_close(f->db);
	facts_seen_done(&f->seen);
	free(f->dir);
	free(f);
	return NULL;
}

const char *facts_dir(const struct facts *f)
{
	return f->dir;
}

void facts_counters(const struct facts *f, struct facts_counters *ret)
{
	*ret = (struct facts_counters){ 0 };
	if (f)
		*ret = (struct facts_counters){ f->n_facts, f->n_evicted };
}
