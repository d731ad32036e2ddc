/* SPDX-License-Identifier: Apache-2.0 */
/* Join tokens and certificates of nodes. */
#include "collector/maindb_internal.h"

int maindb_join_add(struct maindb *m, const char *node_id, uint64_t expires_ns,
		    const char *created_by, char ret_secret[65])
{
	sqlite3_stmt *s = m->stmts[STMT_JOIN_ADD];
	uint8_t hash[MAINDB_HASH_BYTES];
	int r = maindb_secret(ret_secret);

	if (r == 0)
		r = maindb_hash(ret_secret, MAINDB_TOKEN_CHARS, hash);
	if (r < 0)
		return r;
	pthread_mutex_lock(&m->mutex);
	sqlite3_bind_blob(s, 1, hash, sizeof(hash), SQLITE_TRANSIENT);
	maindb_bind_text(s, 2, node_id);
	sql_bind_u64(s, 3, expires_ns);
	maindb_bind_text(s, 4, created_by);
	r = maindb_run_durably(m, s);
	pthread_mutex_unlock(&m->mutex);
	return r;
}

/* May the join token of the row @s be used for @node_id?  *ret_alone: it is for that node alone. */
static int judge(sqlite3_stmt *s, const uint8_t *hash, const char *node_id, uint64_t now_ns,
		 bool *ret_alone)
{
	char only[LIMIT_NODE_ID_BYTES + 1];

	if (sqlite3_column_bytes(s, 0) != MAINDB_HASH_BYTES ||
	    !maindb_same_hash(sqlite3_column_blob(s, 0), hash))
		return MAINDB_E_UNKNOWN;
	if (sql_u64(s, 3) != 0)
		return MAINDB_E_USED;
	if (now_ns >= sql_u64(s, 2))
		return MAINDB_E_EXPIRED;
	sql_copy_text(s, 1, only, sizeof(only));
	*ret_alone = only[0] != '\0';
	return *ret_alone && strcmp(only, node_id) != 0 ? MAINDB_E_OTHER_NODE : 0;
}

static int find_join(struct maindb *m, const uint8_t *hash, const char *node_id, uint64_t now_ns,
		     bool *ret_alone)
{
	sqlite3_stmt *s = m->stmts[STMT_JOIN_FIND];
	int r;

	sqlite3_bind_blob(s, 1, hash, MAINDB_HASH_BYTES, SQLITE_TRANSIENT);
	r = sql_step(s);
	if (r >= 0)
		r = r == SQL_E_ROW ? judge(s, hash, node_id, now_ns, ret_alone) : MAINDB_E_UNKNOWN;
	sqlite3_reset(s);
	return r;
}

/* Certificates of the node that are good. */
static int count_live(struct maindb *m, const char *node_id, uint64_t now_ns, int64_t *ret)
{
	sqlite3_stmt *s = m->stmts[STMT_CERT_LIVE];
	int r;

	maindb_bind_text(s, 1, node_id);
	sql_bind_u64(s, 2, now_ns);
	r = sql_step(s);
	*ret = r == SQL_E_ROW ? sqlite3_column_int64(s, 0) : 0;
	sqlite3_reset(s);
	return r < 0 ? r : 0;
}

/* A join token for anyone must not take over the name of a node that is there. */
static int is_free(struct maindb *m, const char *node_id, uint64_t now_ns)
{
	int64_t n;
	int r = count_live(m, node_id, now_ns, &n);

	return r == 0 && n ? MAINDB_E_ENROLLED : r;
}

static int put_certificate(struct maindb *m, const struct cert *c, uint64_t now_ns)
{
	sqlite3_stmt *s = m->stmts[STMT_CERT_ADD];

	maindb_bind_text(s, 1, c->serial);
	maindb_bind_text(s, 2, c->node_id);
	maindb_bind_text(s, 3, c->fingerprint);
	sql_bind_u64(s, 4, now_ns);
	sql_bind_u64(s, 5, c->until_ns);
	return sql_run(s);
}

static int use_join(struct maindb *m, const uint8_t *hash, const struct cert *c, uint64_t now_ns)
{
	sqlite3_stmt *s = m->stmts[STMT_JOIN_USE];
	bool alone = false;
	int r = find_join(m, hash, c->node_id, now_ns, &alone);

	if (r == 0 && !alone)
		r = is_free(m, c->node_id, now_ns);
	if (r != 0)
		return r;
	sqlite3_bind_blob(s, 1, hash, MAINDB_HASH_BYTES, SQLITE_TRANSIENT);
	sql_bind_u64(s, 2, now_ns);
	r = sql_run(s);
	return r < 0 ? r : put_certificate(m, c, now_ns);
}

/* Runs use_join() as one transaction that is on disk when it returns. */
static int use_join_durably(struct maindb *m, const uint8_t *hash, const struct cert *c,
			    uint64_t now_ns)
{
	int r = sql_exec(m->db, "PRAGMA synchronous = FULL; BEGIN IMMEDIATE"), back;

	if (r < 0)
		return r;
	r = use_join(m, hash, c, now_ns);
	if (r == 0)
		r = sql_exec(m->db, "COMMIT");
	if (!sqlite3_get_autocommit(m->db))
		(void)sqlite3_exec(m->db, "ROLLBACK", NULL, NULL, NULL);
	back = sql_exec(m->db, "PRAGMA synchronous = NORMAL");
	return r != 0 ? r : back;
}

static int hash_join(const char *secret, uint8_t ret[MAINDB_HASH_BYTES])
{
	if (strlen(secret) != MAINDB_TOKEN_CHARS)
		return MAINDB_E_UNKNOWN;
	return maindb_hash(secret, MAINDB_TOKEN_CHARS, ret);
}

int maindb_join_check(struct maindb *m, const char *secret, uint64_t now_ns)
{
	uint8_t hash[MAINDB_HASH_BYTES];
	bool alone;
	int r = hash_join(secret, hash);

	if (r != 0)
		return r;
	pthread_mutex_lock(&m->mutex);
	r = find_join(m, hash, "", now_ns, &alone);
	pthread_mutex_unlock(&m->mutex);
	return r == MAINDB_E_OTHER_NODE ? 0 : r;
}

int maindb_join_use(struct maindb *m, const char *secret, const struct cert *c, uint64_t now_ns)
{
	uint8_t hash[MAINDB_HASH_BYTES];
	int r = hash_join(secret, hash);

	if (r != 0)
		return r;
	pthread_mutex_lock(&m->mutex);
	r = use_join_durably(m, hash, c, now_ns);
	pthread_mutex_unlock(&m->mutex);
	return r;
}

int maindb_certificate_add(struct maindb *m, const struct cert *c, uint64_t now_ns)
{
	int64_t n;
	int r;

	pthread_mutex_lock(&m->mutex);
	r = count_live(m, c->node_id, now_ns, &n);
	if (r == 0)
		r = n < MAINDB_CERTIFICATES ? put_certificate(m, c, now_ns) : MAINDB_E_MANY;
	pthread_mutex_unlock(&m->mutex);
	return r;
}

int maindb_certificate_standing(struct maindb *m, const char *serial)
{
	sqlite3_stmt *s = m->stmts[STMT_CERT_FIND];
	int r;

	pthread_mutex_lock(&m->mutex);
	maindb_bind_text(s, 1, serial);
	r = sql_step(s);
	if (r >= 0)
		r = r != SQL_E_ROW  ? STANDING_UNKNOWN
		    : sql_u64(s, 0) ? STANDING_REVOKED
				    : STANDING_GOOD;
	sqlite3_reset(s);
	pthread_mutex_unlock(&m->mutex);
	return r;
}

int maindb_node_revoke(struct maindb *m, const char *node_id, uint64_t now_ns, uint32_t *ret_n)
{
	sqlite3_stmt *s = m->stmts[STMT_CERT_REVOKE];
	int r;

	pthread_mutex_lock(&m->mutex);
	maindb_bind_text(s, 1, node_id);
	sql_bind_u64(s, 2, now_ns);
	r = maindb_run_durably(m, s);
	*ret_n = r == 0 ? (uint32_t)sqlite3_changes(m->db) : 0;
	pthread_mutex_unlock(&m->mutex);
	return r;
}
