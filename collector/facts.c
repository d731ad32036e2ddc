/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/facts.h"

#include <stdatomic.h>
#include <string.h>

#include <xxhash.h>

#include "collector/facts_internal.h"
#include "collector/migrate.h"
#include "lib/slots.h"

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

/* What a batch says of one value. */
struct seen {
	uint64_t hash, first_ns, last_ns, n;
	enum fact_kind kind;
	size_t at, n_value; /* in the batch's text */
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
	struct block *block;
	int64_t ahead_ns;
	int64_t node;
	struct buf text;
	struct seen *seen;
	uint32_t n_seen, seen_room;
	struct slots slots;
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

/* ---- what a batch says ---- */

static struct seen *find_seen(struct facts *f, enum fact_kind kind, const struct block_string *s,
			      uint64_t hash)
{
	uint32_t at = slots_first(&f->slots, hash), number;

	while ((number = slots_next(&f->slots, hash, &at))) {
		struct seen *seen = &f->seen[number - 1];

		if (seen->kind == kind && seen->n_value == s->n &&
		    memcmp(f->text.data + seen->at, s->s, s->n) == 0)
			return seen;
	}
	return NULL;
}

static struct seen *add_seen(struct facts *f, enum fact_kind kind, const struct block_string *s,
			     uint64_t hash)
{
	struct seen *seen;

	if (f->n_seen == f->seen_room) {
		seen = reallocarray(f->seen, f->seen_room * 2 + 256, sizeof(*seen));
		if (!seen)
			return NULL;
		f->seen = seen;
		f->seen_room = f->seen_room * 2 + 256;
	}
	if (!slots_room(&f->slots))
		return NULL;
	seen = &f->seen[f->n_seen++];
	*seen = (struct seen){
		.hash = hash, .kind = kind, .at = f->text.n, .n_value = s->n, .first_ns = UINT64_MAX
	};
	buf_add(&f->text, s->s, s->n);
	slots_put(&f->slots, hash, f->n_seen);
	return buf_ok(&f->text) ? seen : NULL;
}

static int note(struct facts *f, enum fact_kind kind, struct block_string s, uint64_t time_ns)
{
	struct seen *seen;
	uint64_t hash;

	if (s.n == 0)
		return 0;
	s.n = MIN(s.n, (uint32_t)FACTS_VALUE_BYTES);
	hash = XXH3_64bits_withSeed(s.s, s.n, (uint64_t)kind);
	seen = find_seen(f, kind, &s, hash);
	if (!seen)
		seen = add_seen(f, kind, &s, hash);
	if (!seen)
		return err_origin(-ENOMEM);
	seen->first_ns = MIN(seen->first_ns, time_ns);
	seen->last_ns = MAX(seen->last_ns, time_ns);
	seen->n++;
	return 0;
}

static struct block_string string_at(struct facts *f, uint32_t table, uint32_t row,
				     enum field field)
{
	const uint64_t *column = block_column(f->block, table, field);

	if (!column || !column[row])
		return (struct block_string){ "", 0 };
	return block_string(f->block, (uint32_t)column[row]);
}

static struct block_string of_process(struct facts *f, uint32_t process, enum field field)
{
	return process ? string_at(f, BLOCK_PROCESSES, process - 1, field)
		       : (struct block_string){ "", 0 };
}

static int note_pair(struct facts *f, struct block_string parent, struct block_string child,
		     uint64_t time_ns)
{
	char text[FACTS_VALUE_BYTES];
	int n = snprintf(text, sizeof(text), "%.*s > %.*s", (int)MIN(parent.n, 500u), parent.s,
			 (int)MIN(child.n, 500u), child.s);

	if (parent.n == 0 || child.n == 0)
		return 0;
	return note(f, FACT_PAIR, (struct block_string){ text, (uint32_t)n }, time_ns);
}

static int note_user(struct facts *f, uint32_t process, uint64_t time_ns)
{
	struct block_string name = of_process(f, process, FIELD_USER_NAME);
	const uint64_t *id = block_column(f->block, BLOCK_PROCESSES, FIELD_USER_ID);
	char text[24];
	int n;

	if (name.n || !process || !id || !id[process - 1])
		return note(f, FACT_USER, name, time_ns);
	n = snprintf(text, sizeof(text), "%llu", (unsigned long long)(id[process - 1] - 1));
	return note(f, FACT_USER, (struct block_string){ text, (uint32_t)n }, time_ns);
}

static int take_exec(struct facts *f, uint32_t table, uint32_t row, uint64_t time_ns)
{
	uint32_t actor = block_process(f->block, table, row, VIA_ACTOR);
	uint32_t parent = block_process(f->block, table, row, VIA_PARENT);
	struct block_string executable = of_process(f, actor, FIELD_EXECUTABLE);
	int r = note(f, FACT_EXECUTABLE, executable, time_ns);

	if (r == 0)
		r = note(f, FACT_HASH, of_process(f, actor, FIELD_SHA256), time_ns);
	if (r == 0)
		r = note_pair(f, of_process(f, parent, FIELD_EXECUTABLE), executable, time_ns);
	return r == 0 ? note_user(f, actor, time_ns) : r;
}

static int take_hash(struct facts *f, uint32_t table, uint32_t row, uint64_t time_ns)
{
	uint32_t actor = block_process(f->block, table, row, VIA_ACTOR);

	return note(f, FACT_HASH, of_process(f, actor, FIELD_SHA256), time_ns);
}

static bool is_loopback(struct block_string ip)
{
	return (ip.n > 4 && memcmp(ip.s, "127.", 4) == 0) ||
	       (ip.n == 3 && memcmp(ip.s, "::1", 3) == 0);
}

static int take_connect(struct facts *f, uint32_t table, uint32_t row, uint64_t time_ns)
{
	struct block_string direction = string_at(f, table, row, FIELD_DIRECTION);
	struct block_string ip = string_at(f, table, row, FIELD_DEST_IP);
	int r;

	if (direction.n && direction.s[0] == 'i')
		return 0;
	r = is_loopback(ip) ? 0 : note(f, FACT_DESTINATION, ip, time_ns);
	return r == 0 ? note(f, FACT_DOMAIN, string_at(f, table, row, FIELD_DEST_DOMAIN), time_ns)
		      : r;
}

static int take_dns(struct facts *f, uint32_t table, uint32_t row, uint64_t time_ns)
{
	return note(f, FACT_DOMAIN, string_at(f, table, row, FIELD_DNS_NAME), time_ns);
}

static const struct {
	enum kind kind;
	int (*take)(struct facts *f, uint32_t table, uint32_t row, uint64_t time_ns);
} takers[] = {
	{ KIND_EXEC, take_exec },	 { KIND_HASHED, take_hash }, { KIND_CONNECT, take_connect },
	{ KIND_DATAGRAM, take_connect }, { KIND_DNS, take_dns },
};

static int take_table(struct facts *f, uint32_t table)
{
	const uint64_t *times = block_column(f->block, table, FIELD_TIMESTAMP);
	size_t t = 0;
	int r = 0;

	while (t < ARRAY_SIZE(takers) && takers[t].kind != block_kind(f->block, table))
		t++;
	if (t == ARRAY_SIZE(takers) || !times)
		return 0;
	for (uint32_t row = 0; row < block_rows(f->block, table) && r == 0; row++)
		if (times[row])
			r = takers[t].take(f, table, row, times[row] - 1 - (uint64_t)f->ahead_ns);
	return r;
}

/* ---- what is known ---- */

static int begin(struct facts *f)
{
	return sqlite3_get_autocommit(f->db) ? sql_exec(f->db, "BEGIN IMMEDIATE") : 0;
}

static int find_node(struct facts *f)
{
	const struct block_info *i = block_info(f->block);
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
static int find_fact(struct facts *f, const struct seen *seen, int64_t *ret, bool *ret_new)
{
	sqlite3_stmt *s = f->stmts[STMT_FACT], *add = f->stmts[STMT_FACT_ADD];
	const char *value = (const char *)f->text.data + seen->at;
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

static int run_times(sqlite3_stmt *s, int64_t fact, int at, const struct seen *seen)
{
	sqlite3_bind_int64(s, 1, fact);
	sqlite3_bind_int64(s, at, sql_time(seen->first_ns));
	sqlite3_bind_int64(s, at + 1, sql_time(seen->last_ns));
	sql_bind_u64(s, at + 2, seen->n);
	return sql_run(s);
}

static int put_node(struct facts *f, int64_t fact, const struct seen *seen)
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

static int put(struct facts *f, const struct seen *seen)
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
	struct block_stats stats;
	int r = 0;

	(void)meta;
	f->block = b;
	block_stats(b, &stats);
	f->ahead_ns = stats.clock_error_ns ? stats.clock_offset_ns : 0;
	f->n_seen = 0;
	slots_clear(&f->slots);
	buf_clear(&f->text);
	for (uint32_t t = 0; t < block_info(b)->n_tables && r == 0; t++)
		r = take_table(f, t);
	if (r == 0 && block_failed(b))
		r = err_origin(-ENOMEM);
	if (r < 0 || f->n_seen == 0)
		return r;
	r = begin(f);
	if (r == 0)
		r = find_node(f);
	for (uint32_t i = 0; i < f->n_seen && r == 0; i++)
		r = put(f, &f->seen[i]);
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
	uint64_t kinds = 0;

	for (size_t i = 0; i < ARRAY_SIZE(takers); i++)
		kinds |= UINT64_C(1) << takers[i].kind;
	return (struct follow_observer){ .name = "facts",
					 .begin = FOLLOW_HISTORY,
					 .kinds = kinds,
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
	slots_done(&f->slots);
	buf_done(&f->text);
	free(f->seen);
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
