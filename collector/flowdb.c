/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/flowdb.h"

#include <string.h>

#include <xxhash.h>

#include "collector/flowdb_internal.h"
#include "collector/migrate.h"

#define END_COLUMNS(p)                                                                        \
	p "_source, " p "_entity, " p "_pid, " p "_thread, " p "_open_ns, " p "_open_seq, " p \
	  "_close_ns, " p "_close_seq, " p "_established_ns, " p "_ahead_ns, " p              \
	  "_clock_error_ns, " p "_source_bytes, " p "_dest_bytes, " p "_duration_ns, " p      \
	  "_close_ahead_ns, " p "_process, " p "_error"
#define COLUMNS                                                                   \
	"id, key, at_ns, transport, source_ip, source_port, dest_ip, dest_port, " \
	"community_id, confidence, " END_COLUMNS("a") ", " END_COLUMNS("b")
#define FLOWS "SELECT " COLUMNS " FROM flow "
/* ?1 from, ?2 to, ?3 day (of the first two), ?4 entity (or node), ?5 joined, ?6 halves, ?7 resume
 * id */
#define STATES                                                           \
	"AND (?5 = 0 OR confidence > 0) AND (?6 = 0 OR confidence = 0) " \
	"AND at_ns >= ?1 AND at_ns < ?2 "
#define OLDER "AND (at_ns > ?1 OR id > ?7) ORDER BY at_ns, id"
#define NEWER "AND (at_ns < ?2 - 1 OR ?7 = 0 OR id < ?7) ORDER BY at_ns DESC, id DESC"

static const char *const texts[FLOWDB_STMTS] = {
	[STMT_STATE] = "SELECT ingested_ns, flows, evicted, crowded FROM state",
	[STMT_NODES] = "SELECT id, node_id, name, last_ns, ahead_ns FROM node ORDER BY id",
	[STMT_SOURCES] = "SELECT id, node, boot_id FROM source ORDER BY id",
	[STMT_NEAR] = FLOWS "WHERE day = ?1 AND key = ?2 LIMIT ?3",
	[STMT_BY_A] = FLOWS "WHERE day = ?3 AND a_entity = ?4 " STATES OLDER,
	[STMT_BY_B] = FLOWS "WHERE day = ?3 AND b_entity = ?4 " STATES OLDER,
	[STMT_BY_TIME] = FLOWS "WHERE +day >= ?3 AND (?4 = 0 OR a_source IN (SELECT id FROM source "
			       "WHERE node = ?4) OR b_source IN (SELECT id FROM source WHERE node "
			       "= ?4)) " STATES OLDER,
	[STMT_BY_TIME_DOWN] = FLOWS "WHERE +day >= ?3 AND (?4 = 0 OR a_source IN (SELECT id FROM "
				    "source WHERE node = ?4) OR b_source IN (SELECT id FROM "
				    "source WHERE node = ?4)) " STATES NEWER,
	[STMT_DAYS] = "SELECT (SELECT min(at_ns) FROM flow), (SELECT max(at_ns) FROM flow)",
	[STMT_OLDEST] = "SELECT min(at_ns) FROM flow",
	[STMT_ADDRESS] = "SELECT node FROM address WHERE ip = ?1",
	[STMT_COVERED] =
		"SELECT from_ns, to_ns, cause FROM outage WHERE node = ?1 AND from_ns <= ?2 "
		"AND to_ns >= ?2 ORDER BY to_ns - from_ns LIMIT 1",
	[STMT_PUT] = "REPLACE INTO flow (day, " COLUMNS ") VALUES ("
		     "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, "
		     "?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, "
		     "?31, ?32, ?33, ?34, ?35, ?36, ?37, ?38, ?39, ?40, ?41, ?42, ?43, ?44, "
		     "?45)",
	[STMT_DROP] = "DELETE FROM flow WHERE id = ?1",
	[STMT_EXPIRE] =
		"DELETE FROM flow WHERE id IN (SELECT id FROM flow WHERE at_ns < ?1 ORDER BY "
		"at_ns LIMIT ?2)",
	[STMT_NODE_PUT] = "REPLACE INTO node VALUES (?1, ?2, ?3, ?4, ?5)",
	[STMT_SOURCE_PUT] = "INSERT INTO source VALUES (?1, ?2, ?3)",
	[STMT_ADDRESS_PUT] = "REPLACE INTO address VALUES (?1, ?2, ?3)",
	[STMT_OUTAGE_PUT] = "REPLACE INTO outage VALUES (?1, ?2, ?3, ?4)",
	[STMT_OUTAGES_CUT] = "DELETE FROM outage WHERE to_ns < ?1 OR to_ns < (SELECT to_ns FROM "
			     "outage ORDER BY to_ns DESC LIMIT 1 OFFSET ?2)",
	[STMT_STATE_PUT] = "UPDATE state SET ingested_ns = ?1, flows = ?2, evicted = ?3, "
			   "crowded = ?4",
};

/* ---- nodes and sources ---- */

static uint64_t hash_text(const char *s, uint64_t seed)
{
	return XXH3_64bits_withSeed(s, strlen(s), seed);
}

/* The list with room for one more; NULL: no memory. */
static void *grow(void *list, size_t n, size_t *cap, size_t size)
{
	void *more;

	if (n < *cap)
		return list;
	more = reallocarray(list, *cap * 2 + 16, size);
	if (more)
		*cap = *cap * 2 + 16;
	return more;
}

static void copy_text(char *to, size_t n, const char *from)
{
	snprintf(to, n, "%.*s", (int)n - 1, from ? from : "");
}

static int add_node(struct flowdb *db, const char *id, const char *name, uint64_t last_ns)
{
	struct node **list = grow(db->nodes, db->n_nodes, &db->nodes_room, sizeof(struct node *));
	struct node *node;

	if (!list)
		return err_origin(-ENOMEM);
	db->nodes = list;
	node = calloc(1, sizeof(*node));
	if (!node || !slots_room(&db->by_node)) {
		free(node);
		return err_origin(-ENOMEM);
	}
	copy_text(node->id, sizeof(node->id), id);
	copy_text(node->name, sizeof(node->name), name);
	node->last_ns = last_ns;
	db->nodes[db->n_nodes++] = node;
	slots_put(&db->by_node, hash_text(node->id, 0), db->n_nodes);
	return 0;
}

static int add_source(struct flowdb *db, uint32_t node, const char *boot_id)
{
	struct source *s = grow(db->sources, db->n_sources, &db->sources_room, sizeof(*s));

	if (!s)
		return err_origin(-ENOMEM);
	db->sources = s;
	if (!slots_room(&db->by_source))
		return err_origin(-ENOMEM);
	s += db->n_sources++;
	s->node = node;
	copy_text(s->boot_id, sizeof(s->boot_id), boot_id);
	slots_put(&db->by_source, hash_text(s->boot_id, node), db->n_sources);
	return 0;
}

static const char *column_text(sqlite3_stmt *s, int column)
{
	const char *text = (const char *)sqlite3_column_text(s, column);

	return text ? text : "";
}

/* Numbers are row ids, without a hole from 1 on. */
static int load_nodes(struct flowdb *db)
{
	sqlite3_stmt *s = db->stmts[STMT_NODES];
	int r;

	while ((r = sql_step(s)) == SQL_E_ROW) {
		r = sql_u64(s, 0) == db->n_nodes + 1
			    ? add_node(db, column_text(s, 1), column_text(s, 2), sql_u64(s, 3))
			    : err_origin(-EBADMSG);
		if (r < 0)
			break;
		db->nodes[db->n_nodes - 1]->ahead_ns = sqlite3_column_int64(s, 4);
	}
	sqlite3_reset(s);
	if (r < 0)
		return r;
	s = db->stmts[STMT_SOURCES];
	while ((r = sql_step(s)) == SQL_E_ROW) {
		uint64_t node = sql_u64(s, 1);

		r = sql_u64(s, 0) == db->n_sources + 1 && node && node <= db->n_nodes
			    ? add_source(db, (uint32_t)node, column_text(s, 2))
			    : err_origin(-EBADMSG);
		if (r < 0)
			break;
	}
	sqlite3_reset(s);
	return r;
}

static uint32_t find_node(const struct flowdb *db, const char *id)
{
	uint64_t key = hash_text(id, 0);
	uint32_t at = slots_first(&db->by_node, key), number;

	while ((number = slots_next(&db->by_node, key, &at)))
		if (strcmp(db->nodes[number - 1]->id, id) == 0)
			return number;
	return 0;
}

static uint32_t find_source(const struct flowdb *db, uint32_t node, const char *boot_id)
{
	uint64_t key = hash_text(boot_id, node);
	uint32_t at = slots_first(&db->by_source, key), number;

	while ((number = slots_next(&db->by_source, key, &at)))
		if (db->sources[number - 1].node == node &&
		    strcmp(db->sources[number - 1].boot_id, boot_id) == 0)
			return number;
	return 0;
}

static int put_node(struct flowdb *db, uint32_t number)
{
	sqlite3_stmt *s = db->stmts[STMT_NODE_PUT];
	struct node *node = db->nodes[number - 1];

	sqlite3_bind_int64(s, 1, number);
	sqlite3_bind_text(s, 2, node->id, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(s, 3, node->name, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(s, 4, sql_time(node->last_ns));
	sqlite3_bind_int64(s, 5, node->ahead_ns);
	node->dirty = false;
	return sql_run(s);
}

static int put_source(struct flowdb *db, uint32_t number)
{
	sqlite3_stmt *s = db->stmts[STMT_SOURCE_PUT];

	sqlite3_bind_int64(s, 1, number);
	sqlite3_bind_int64(s, 2, db->sources[number - 1].node);
	sqlite3_bind_text(s, 3, db->sources[number - 1].boot_id, -1, SQLITE_TRANSIENT);
	return sql_run(s);
}

/* ---- opening ---- */

static int read_state(struct flowdb *db)
{
	sqlite3_stmt *s = db->stmts[STMT_STATE];
	int r = sql_step(s);

	if (r == SQL_E_ROW) {
		db->position_ns = sql_u64(s, 0);
		db->counters =
			(struct flowdb_counters){ sql_u64(s, 1), sql_u64(s, 2), sql_u64(s, 3) };
	}
	sqlite3_reset(s);
	return r == 0 ? err_origin(-EBADMSG) : MIN(r, 0);
}

static void forget_nodes(struct flowdb *db)
{
	for (size_t i = 0; i < db->n_nodes; i++)
		free(db->nodes[i]);
	db->n_nodes = 0;
	db->n_sources = 0;
	slots_clear(&db->by_node);
	slots_clear(&db->by_source);
	slots_clear(&db->addresses);
	db->n_addresses = 0;
}

static int reload(struct flowdb *db)
{
	int r;

	forget_nodes(db);
	r = load_nodes(db);
	return r == 0 ? read_state(db) : r;
}

static int open_file(struct flowdb *db, const char *dir, enum sql_mode mode, struct diag *d)
{
	char path[512];
	int r;

	if ((size_t)snprintf(path, sizeof(path), "%s/flows.db", dir) >= sizeof(path))
		return diag_set(d, err_origin(-ENAMETOOLONG), 0, 0,
				"the folder's path is too long");
	if (mode == SQL_READ && access(path, F_OK) != 0)
		return err_origin(-ENOENT);
	r = sql_open(&db->db, path, mode, d);
	if (r == 0 && mode == SQL_WRITE)
		r = migrate_apply(db->db, &migrations_flows, path, d);
	if (r < 0)
		return r;
	if (mode == SQL_WRITE)
		r = sql_exec(db->db, "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -65536;");
	if (r == 0)
		r = sql_prepare(db->db, texts, mode == SQL_WRITE ? FLOWDB_STMTS : FLOWDB_READS,
				db->stmts);
	if (r == 0)
		r = reload(db);
	if (r < 0)
		diag_set(d, r, 0, 0, "cannot read %s: %s", path, sqlite3_errmsg(db->db));
	return r;
}

static int open_mode(struct flowdb **ret, const char *dir, enum sql_mode mode, struct diag *d)
{
	AUTO(flowdb) *db = calloc(1, sizeof(*db));
	int r;

	if (!db)
		return err_origin(-ENOMEM);
	r = open_file(db, dir, mode, d);
	if (r == 0)
		*ret = TAKE(db);
	return r;
}

int flowdb_open(struct flowdb **ret, const char *dir, struct diag *d)
{
	return open_mode(ret, dir, SQL_WRITE, d);
}

int flowdb_open_reader(struct flowdb **ret, const char *dir, struct diag *d)
{
	return open_mode(ret, dir, SQL_READ, d);
}

struct flowdb *flowdb_free(struct flowdb *db)
{
	if (!db)
		return NULL;
	sql_finalize(db->stmts, FLOWDB_STMTS);
	sql_close(db->db);
	forget_nodes(db);
	free(db->nodes);
	free(db->sources);
	slots_done(&db->by_node);
	slots_done(&db->by_source);
	slots_done(&db->addresses);
	free(db);
	return NULL;
}

/* ---- transactions ---- */

static int begin(struct flowdb *db)
{
	return sqlite3_get_autocommit(db->db) ? sql_exec(db->db, "BEGIN IMMEDIATE") : 0;
}

int flowdb_position(struct flowdb *db, uint64_t *ret_ns)
{
	*ret_ns = db->position_ns;
	return 0;
}

int flowdb_commit(struct flowdb *db, uint64_t ingested_ns)
{
	sqlite3_stmt *s = db->stmts[STMT_STATE_PUT];
	int r = begin(db);

	for (uint32_t i = 0; i < db->n_nodes && r == 0; i++)
		if (db->nodes[i]->dirty)
			r = put_node(db, i + 1);
	if (r < 0)
		return r;
	sqlite3_bind_int64(s, 1, sql_time(ingested_ns));
	sql_bind_u64(s, 2, db->counters.flows);
	sql_bind_u64(s, 3, db->counters.evicted);
	sql_bind_u64(s, 4, db->counters.crowded);
	r = sql_run(s);
	if (r == 0)
		r = sql_exec(db->db, "COMMIT");
	if (r == 0)
		db->position_ns = ingested_ns;
	return r;
}

/* What is in memory is read again: it may tell of what was not written. */
void flowdb_rollback(struct flowdb *db)
{
	if (!sqlite3_get_autocommit(db->db))
		(void)sqlite3_exec(db->db, "ROLLBACK", NULL, NULL, NULL);
	(void)!reload(db); /* fails again where it matters: at the next write */
}

/* ---- what a batch tells of its node ---- */

int flowdb_source(struct flowdb *db, const char *node_id, const char *name, const char *boot_id,
		  uint32_t *ret_source, uint32_t *ret_node)
{
	uint32_t node = find_node(db, node_id), source;
	int r = begin(db);

	if (r == 0 && !node) {
		r = db->n_nodes < FLOWDB_NODES ? add_node(db, node_id, name, 0) : -ENOSPC;
		node = (uint32_t)db->n_nodes;
		if (r == 0)
			r = put_node(db, node);
	}
	if (r < 0)
		return err_origin(r);
	if (strcmp(db->nodes[node - 1]->name, name) != 0) {
		copy_text(db->nodes[node - 1]->name, sizeof(db->nodes[0]->name), name);
		db->nodes[node - 1]->dirty = true;
	}
	source = find_source(db, node, boot_id);
	if (!source) {
		r = db->n_sources < FLOWDB_NODES ? add_source(db, node, boot_id) : -ENOSPC;
		source = (uint32_t)db->n_sources;
		if (r == 0)
			r = put_source(db, source);
	}
	*ret_source = source;
	*ret_node = node;
	return r;
}

void flowdb_seen(struct flowdb *db, uint32_t node, uint64_t last_ns, uint64_t *ret_before_ns)
{
	struct node *n = db->nodes[node - 1];

	*ret_before_ns = n->last_ns;
	if (last_ns <= n->last_ns)
		return;
	n->last_ns = last_ns;
	n->dirty = true;
}

void flowdb_clock(struct flowdb *db, uint32_t node, bool measured, int64_t *ahead_ns)
{
	struct node *n = db->nodes[node - 1];

	if (!measured) {
		*ahead_ns = n->ahead_ns;
		return;
	}
	n->dirty = n->dirty || n->ahead_ns != *ahead_ns;
	n->ahead_ns = *ahead_ns;
}

/* Each is written once a run. */
int flowdb_address(struct flowdb *db, const char *ip, uint32_t node, uint64_t now_ns)
{
	sqlite3_stmt *s = db->stmts[STMT_ADDRESS_PUT];
	uint64_t key = hash_text(ip, node);
	uint32_t at = slots_first(&db->addresses, key);
	int r;

	if (slots_next(&db->addresses, key, &at) || db->n_addresses == FLOWDB_ADDRESSES)
		return 0;
	if (!slots_room(&db->addresses))
		return err_origin(-ENOMEM);
	r = begin(db);
	if (r < 0)
		return r;
	sqlite3_bind_text(s, 1, ip, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(s, 2, node);
	sqlite3_bind_int64(s, 3, sql_time(now_ns));
	r = sql_run(s);
	if (r == 0)
		slots_put(&db->addresses, key, ++db->n_addresses);
	return r;
}

int flowdb_outage(struct flowdb *db, uint32_t node, uint64_t from_ns, uint64_t to_ns,
		  const char *cause)
{
	sqlite3_stmt *s = db->stmts[STMT_OUTAGE_PUT];
	int r = begin(db);

	if (r < 0)
		return r;
	sqlite3_bind_int64(s, 1, node);
	sqlite3_bind_int64(s, 2, sql_time(from_ns));
	sqlite3_bind_int64(s, 3, sql_time(to_ns));
	sqlite3_bind_text(s, 4, cause, -1, SQLITE_TRANSIENT);
	return sql_run(s);
}

/* ---- flows ---- */

enum { FIRST_END = 10, END_NUMBERS = 15, END_COLUMNS = END_NUMBERS + 2 };

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
	copy_text(e->process, sizeof(e->process), column_text(s, at + END_NUMBERS));
	copy_text(e->error, sizeof(e->error), column_text(s, at + END_NUMBERS + 1));
	e->side = side;
	e->node = e->source && e->source <= db->n_sources ? db->sources[e->source - 1].node : 0;
}

void flowdb_read(struct flowdb *db, sqlite3_stmt *s, struct flow *f)
{
	memset(f, 0, sizeof(*f));
	f->id = sql_u64(s, 0);
	f->key = sql_u64(s, 1);
	f->at_ns = sql_u64(s, 2);
	copy_text(f->transport, sizeof(f->transport), column_text(s, 3));
	copy_text(f->source_ip, sizeof(f->source_ip), column_text(s, 4));
	f->source_port = (uint16_t)sqlite3_column_int64(s, 5);
	copy_text(f->dest_ip, sizeof(f->dest_ip), column_text(s, 6));
	f->dest_port = (uint16_t)sqlite3_column_int64(s, 7);
	copy_text(f->community_id, sizeof(f->community_id), column_text(s, 8));
	f->ends.confidence = (uint32_t)sqlite3_column_int64(s, 9);
	for (int i = 0; i < FLOW_SIDES; i++)
		if (sqlite3_column_type(s, FIRST_END + i * END_COLUMNS) != SQLITE_NULL)
			read_end(db, s, FIRST_END + i * END_COLUMNS, &f->ends.end[i],
				 (enum flow_side)i);
}

static int load_day(struct flowdb *db, uint64_t key, uint64_t day, struct flow *ret, size_t *n)
{
	sqlite3_stmt *s = db->stmts[STMT_NEAR];
	int r;

	sql_bind_u64(s, 1, day);
	sql_bind_u64(s, 2, key);
	sqlite3_bind_int64(s, 3, (int64_t)(FLOWDB_KEY_ROWS - *n) + 1);
	while ((r = sql_step(s)) == SQL_E_ROW) {
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

/* Days, and those before and after them as long as what is there reaches over midnight. */
int flowdb_near(struct flowdb *db, uint64_t key, uint64_t at_ns, struct flow *ret, size_t *ret_n)
{
	uint64_t first = (at_ns - MIN(at_ns, FLOW_WINDOW_NS)) / FLOWDB_DAY_NS;
	uint64_t last = (at_ns + FLOW_WINDOW_NS) / FLOWDB_DAY_NS;
	uint64_t next = first;
	size_t n = 0;
	int r = 0;

	for (; r == 0 && next <= last; next++)
		r = load_day(db, key, next, ret, &n);
	for (size_t i = 0; i < n && r == 0; i++) {
		if (first && ret[i].at_ns < first * FLOWDB_DAY_NS + FLOW_WINDOW_NS)
			r = load_day(db, key, --first, ret, &n);
		else if (ret[i].at_ns + FLOW_WINDOW_NS >= (last + 1) * FLOWDB_DAY_NS)
			r = load_day(db, key, ++last, ret, &n);
	}
	*ret_n = n;
	return r;
}

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

int flowdb_put(struct flowdb *db, struct flow *f)
{
	sqlite3_stmt *s = db->stmts[STMT_PUT];
	int r = begin(db);

	if (r < 0)
		return r;
	sql_bind_u64(s, 1, f->at_ns / FLOWDB_DAY_NS);
	if (f->id)
		sql_bind_u64(s, 2, f->id);
	else
		sqlite3_bind_null(s, 2);
	sql_bind_u64(s, 3, f->key);
	sqlite3_bind_int64(s, 4, sql_time(f->at_ns));
	sqlite3_bind_text(s, 5, f->transport, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(s, 6, f->source_ip, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(s, 7, f->source_port);
	sqlite3_bind_text(s, 8, f->dest_ip, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(s, 9, f->dest_port);
	sqlite3_bind_text(s, 10, f->community_id, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(s, 11, f->ends.confidence);
	for (int i = 0; i < FLOW_SIDES; i++)
		bind_end(s, 12 + i * END_COLUMNS, &f->ends.end[i]);
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
	int r = begin(db);

	if (r < 0)
		return r;
	sql_bind_u64(s, 1, id);
	r = sql_run(s);
	if (r == 0)
		db->counters.flows -= MIN(db->counters.flows, (uint64_t)sqlite3_changes(db->db));
	return r;
}

int flowdb_expire(struct flowdb *db, uint64_t before_ns, uint32_t most, bool evict, uint32_t *ret_n)
{
	sqlite3_stmt *s = db->stmts[STMT_EXPIRE], *cut = db->stmts[STMT_OUTAGES_CUT];
	int r = begin(db);

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
	return sql_run(cut);
}

int flowdb_oldest(struct flowdb *db, uint64_t *ret_ns)
{
	sqlite3_stmt *s = db->stmts[STMT_OLDEST];
	int r = sql_step(s);

	*ret_ns = r == SQL_E_ROW ? sql_u64(s, 0) : 0;
	sqlite3_reset(s);
	return MIN(r, 0);
}

void flowdb_counters(const struct flowdb *db, struct flowdb_counters *ret)
{
	*ret = db->counters;
}
