/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of facts.db. */
#include <string.h>

#include "collector/facts_internal.h"

enum { ASK_FACT, ASK_SINCE, ASK_RARE, ASK_NEW, ASK_NODES, ASK_STMTS };

static const char *const texts[ASK_STMTS] = {
	[ASK_FACT] = FACT_COLUMNS "WHERE kind = ?1 AND value = ?2",
	[ASK_SINCE] = "SELECT min(first_ns) FROM fact WHERE kind = ?1",
	[ASK_RARE] =
		FACT_COLUMNS "WHERE kind = ?1 AND last_ns >= ?2 AND nodes <= ?3 ORDER BY nodes, n, "
			     "last_ns DESC",
	[ASK_NEW] =
		FACT_COLUMNS "WHERE kind = ?1 AND first_ns >= ?2 AND nodes >= ?3 ORDER BY first_ns "
			     "DESC",
	[ASK_NODES] =
		"SELECT node.node_id, node.name, fact_node.first_ns, fact_node.last_ns, "
		"fact_node.n FROM fact_node JOIN node ON node.id = fact_node.node WHERE fact = ?1 "
		"ORDER BY fact_node.first_ns",
};

struct facts_reader {
	sqlite3 *db;
	sqlite3_stmt *stmts[ASK_STMTS];
	char value[FACTS_VALUE_BYTES + 1]; /* of facts_get() */
};

int facts_reader_new(struct facts_reader **ret, const struct facts *f)
{
	AUTO(facts_reader) *r = calloc(1, sizeof(*r));
	char path[512];
	int e;

	if (!r)
		return err_origin(-ENOMEM);
	snprintf(path, sizeof(path), "%s/facts.db", facts_dir(f)); /* it was opened: it fits */
	e = sql_open(&r->db, path, SQL_READ, NULL);
	if (e == 0)
		e = sql_prepare(r->db, texts, ASK_STMTS, r->stmts);
	if (e == 0)
		*ret = TAKE(r);
	return e;
}

struct facts_reader *facts_reader_free(struct facts_reader *r)
{
	if (!r)
		return NULL;
	sql_finalize(r->stmts, ASK_STMTS);
	sql_close(r->db);
	free(r);
	return NULL;
}

int facts_since(struct facts_reader *r, uint64_t *ret_ns)
{
	sqlite3_stmt *s = r->stmts[ASK_SINCE];
	int e = 0;

	*ret_ns = UINT64_MAX;
	for (int kind = FACT_NONE + 1; kind < FACT_MAX && e >= 0; kind++) {
		sqlite3_bind_int64(s, 1, kind);
		e = sql_step(s);
		if (e == SQL_E_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL)
			*ret_ns = MIN(*ret_ns, sql_u64(s, 0));
		sqlite3_reset(s);
	}
	return MIN(e, 0);
}

static struct fact read_fact(sqlite3_stmt *s)
{
	const char *value = (const char *)sqlite3_column_text(s, 2);

	return (struct fact){ .id = sql_u64(s, 0),
			      .kind = (enum fact_kind)sqlite3_column_int64(s, 1),
			      .value = value ? value : "",
			      .first_ns = sql_u64(s, 3),
			      .last_ns = sql_u64(s, 4),
			      .n = sql_u64(s, 5),
			      .nodes = sql_u64(s, 6) };
}

int facts_get(struct facts_reader *r, enum fact_kind kind, const char *value, size_t n,
	      struct fact *ret)
{
	sqlite3_stmt *s = r->stmts[ASK_FACT];
	int e;

	n = MIN(n, (size_t)FACTS_VALUE_BYTES);
	sqlite3_bind_int64(s, 1, kind);
	sqlite3_bind_text(s, 2, value, (int)n, SQLITE_TRANSIENT);
	e = sql_step(s);
	if (e == SQL_E_ROW) {
		*ret = read_fact(s);
		snprintf(r->value, sizeof(r->value), "%s", ret->value);
		ret->value = r->value;
	}
	sqlite3_reset(s);
	return e == 0 ? -ENOENT : MIN(e, 0);
}

int facts_rare(struct facts_reader *r, enum fact_kind kind, uint64_t since_ns, uint64_t max_nodes,
	       fact_each_fn each, void *arg)
{
	sqlite3_stmt *s = r->stmts[ASK_RARE];
	int e;

	sqlite3_bind_int64(s, 1, kind);
	sqlite3_bind_int64(s, 2, sql_time(since_ns));
	sqlite3_bind_int64(s, 3, sql_time(max_nodes));
	while ((e = sql_step(s)) == SQL_E_ROW) {
		struct fact f = read_fact(s);

		e = each(&f, arg);
		if (e != 0)
			break;
	}
	sqlite3_reset(s);
	return e;
}

int facts_nodes(struct facts_reader *r, uint64_t id, fact_node_fn each, void *arg)
{
	sqlite3_stmt *s = r->stmts[ASK_NODES];
	int e;

	sql_bind_u64(s, 1, id);
	while ((e = sql_step(s)) == SQL_E_ROW) {
		e = each((const char *)sqlite3_column_text(s, 0),
			 (const char *)sqlite3_column_text(s, 1), sql_u64(s, 2), sql_u64(s, 3),
			 sql_u64(s, 4), arg);
		if (e != 0)
			break;
	}
	sqlite3_reset(s);
	return e;
}

/* ---- spread ---- */

/* First times on nodes, rising. */
struct times {
	uint64_t at[FACTS_NODES];
	uint32_t n;
};

static int add_time(const char *id, const char *name, uint64_t first_ns, uint64_t last_ns,
		    uint64_t n, void *arg)
{
	struct times *t = arg;

	(void)id;
	(void)name;
	(void)last_ns;
	(void)n;
	if (t->n < ARRAY_SIZE(t->at))
		t->at[t->n++] = first_ns;
	return 0;
}

/* The shortest time in which it came to @k nodes; UINT64_MAX: to fewer. */
static uint64_t shortest(const struct times *t, uint32_t k)
{
	uint64_t best = UINT64_MAX;

	for (uint32_t i = 0; k && i + k <= t->n; i++)
		best = MIN(best, t->at[i + k - 1] - t->at[i]);
	return best;
}

int facts_spread(struct facts_reader *r, const struct facts_spread *q, fact_each_fn each, void *arg)
{
	AUTO_MEM struct times *times = malloc(sizeof(*times));
	sqlite3_stmt *s = r->stmts[ASK_NEW];
	int e;

	if (!times)
		return err_origin(-ENOMEM);
	sqlite3_bind_int64(s, 1, q->kind);
	sqlite3_bind_int64(s, 2, sql_time(q->since_ns));
	sqlite3_bind_int64(s, 3, q->nodes);
	while ((e = sql_step(s)) == SQL_E_ROW) {
		struct fact f = read_fact(s);

		times->n = 0;
		e = facts_nodes(r, f.id, add_time, times);
		f.window_ns = shortest(times, q->nodes);
		if (e == 0 && f.window_ns <= q->within_ns)
			e = each(&f, arg);
		if (e != 0)
			break;
	}
	sqlite3_reset(s);
	return e;
}
