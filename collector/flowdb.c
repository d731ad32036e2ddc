/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/flowdb.h"

#include "collector/flowdb_internal.h"
#include "collector/migrate.h"

#define END_COLUMNS(p)                                                                        \
	p "_source, " p "_entity, " p "_pid, " p "_thread, " p "_open_ns, " p "_open_seq, " p \
	  "_close_ns, " p "_close_seq, " p "_established_ns, " p "_ahead_ns, " p              \
	  "_clock_error_ns, " p "_source_bytes, " p "_dest_bytes, " p "_duration_ns, " p      \
	  "_close_ahead_ns, " p "_process, " p "_error"
#define COLUMNS                                                                              \
	"id, key, at_ns, transport, source_ip, source_port, dest_ip, dest_port, "            \
	"community_id, confidence, " END_COLUMNS("a") ", " END_COLUMNS(                      \
		"b") ", "                                                                    \
		     "nat_key, nat_source_ip, nat_source_port, nat_dest_ip, nat_dest_port, " \
		     "nat_community_id"
#define FLOWS "SELECT " COLUMNS " FROM flow "
/* ?1 from, ?2 to, ?3 day (of the first two), ?4 entity (or node), ?5 joined, ?6 halves, ?7 resume
 * id */
#define STATES                                                           \
	"AND (?5 = 0 OR confidence > 0) AND (?6 = 0 OR confidence = 0) " \
	"AND at_ns >= ?1 AND at_ns < ?2 "
#define OLDER "AND (at_ns > ?1 OR id > ?7) ORDER BY at_ns, id"
#define NEWER "AND (at_ns < ?2 - 1 OR ?7 = 0 OR id < ?7) ORDER BY at_ns DESC, id DESC"

static const char *const texts[FLOWDB_STMTS] = {
	[STMT_STATE] = "SELECT ingested_ns, flows, evicted, crowded, translations FROM state",
	[STMT_NODES] = "SELECT id, node_id, name, last_ns, ahead_ns FROM node ORDER BY id",
	[STMT_SOURCES] = "SELECT id, node, boot_id FROM source ORDER BY id",
	[STMT_NEAR] = FLOWS "WHERE day = ?1 AND key = ?2 LIMIT ?3",
	[STMT_NEAR_NAT] = FLOWS "WHERE day = ?1 AND nat_key = ?2 LIMIT ?3",
	[STMT_LINKS] = "SELECT key, nat_key, at_ns FROM translation WHERE day = ?1 AND key = ?2 "
		       "UNION SELECT key, nat_key, at_ns FROM translation WHERE day = ?1 AND "
		       "nat_key = ?2 ORDER BY at_ns LIMIT ?3",
	[STMT_LED_TO] = "SELECT nat_key, nat_dest_ip FROM translation WHERE day BETWEEN ?1 AND ?2 "
			"AND key = ?3 AND at_ns BETWEEN ?4 AND ?5 LIMIT 1",
	[STMT_CAME_FROM] = "SELECT key, source_ip FROM translation WHERE day BETWEEN ?1 AND ?2 "
			   "AND nat_key = ?3 AND at_ns BETWEEN ?4 AND ?5 LIMIT 1",
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
		     "?45, ?46, ?47, ?48, ?49, ?50, ?51)",
	[STMT_DROP] = "DELETE FROM flow WHERE id = ?1",
	[STMT_EXPIRE] =
		"DELETE FROM flow WHERE id IN (SELECT id FROM flow WHERE at_ns < ?1 ORDER BY "
		"at_ns LIMIT ?2)",
	[STMT_TRANSLATION_PUT] =
		"INSERT OR IGNORE INTO translation VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	[STMT_TRANSLATIONS_CUT] =
		"DELETE FROM translation WHERE at_ns < ?1 OR at_ns < (SELECT at_ns FROM "
		"translation ORDER BY at_ns DESC LIMIT 1 OFFSET ?2)",
	[STMT_NODE_PUT] = "REPLACE INTO node VALUES (?1, ?2, ?3, ?4, ?5)",
	[STMT_SOURCE_PUT] = "INSERT INTO source VALUES (?1, ?2, ?3)",
	[STMT_ADDRESS_PUT] = "REPLACE INTO address VALUES (?1, ?2, ?3)",
	[STMT_OUTAGE_PUT] = "REPLACE INTO outage VALUES (?1, ?2, ?3, ?4)",
	[STMT_OUTAGES_CUT] = "DELETE FROM outage WHERE to_ns < ?1 OR to_ns < (SELECT to_ns FROM "
			     "outage ORDER BY to_ns DESC LIMIT 1 OFFSET ?2)",
	[STMT_STATE_PUT] = "UPDATE state SET ingested_ns = ?1, flows = ?2, evicted = ?3, "
			   "crowded = ?4, translations = ?5",
};

/* ---- opening ---- */

static int read_state(struct flowdb *db)
{
	sqlite3_stmt *s = db->stmts[STMT_STATE];
	int r = sql_step(s);

	if (r == SQL_E_ROW) {
		db->position_ns = sql_u64(s, 0);
		db->counters = (struct flowdb_counters){ sql_u64(s, 1), sql_u64(s, 2),
							 sql_u64(s, 3), sql_u64(s, 4) };
	}
	sqlite3_reset(s);
	return r == 0 ? err_origin(-EBADMSG) : MIN(r, 0);
}

static int reload(struct flowdb *db)
{
	int r = flowdb_load_nodes(db);

	return r == 0 ? read_state(db) : r;
}

static int open_file(struct flowdb *db, const char *dir, enum sql_mode mode, struct diag *d)
{
	char path[SQL_PATH_BYTES];
	int r;

	r = sql_path(path, dir, "flows.db", d);
	if (r < 0)
		return r;
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
	flowdb_forget_nodes(db);
	free(db->nodes);
	free(db->sources);
	slots_done(&db->by_node);
	slots_done(&db->by_source);
	slots_done(&db->addresses);
	free(db);
	return NULL;
}

/* ---- transactions ---- */

int flowdb_begin(struct flowdb *db)
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
	int r = flowdb_begin(db);

	for (uint32_t i = 0; i < db->n_nodes && r == 0; i++)
		if (db->nodes[i]->dirty)
			r = flowdb_put_node(db, i + 1);
	if (r < 0)
		return r;
	sqlite3_bind_int64(s, 1, sql_time(ingested_ns));
	sql_bind_u64(s, 2, db->counters.flows);
	sql_bind_u64(s, 3, db->counters.evicted);
	sql_bind_u64(s, 4, db->counters.crowded);
	sql_bind_u64(s, 5, db->counters.translations);
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

void flowdb_counters(const struct flowdb *db, struct flowdb_counters *ret)
{
	*ret = db->counters;
}
