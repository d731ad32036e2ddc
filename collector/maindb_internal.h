/* SPDX-License-Identifier: Apache-2.0 */
/* maindb_internal - what the maindb*.c files share.
 * Thread: any; the object's mutex is held. */
#pragma once
#include <pthread.h>

#include "collector/maindb.h"
#include "collector/sql.h"
#include "lib/slots.h"

enum { MAINDB_TIERS_BYTES = 2048, MAINDB_COUNTERS_BYTES = 4096 };

enum stmt {
	STMT_NODES,
	STMT_NODE_PUT,
	STMT_BOOT_PUT,
	STMT_TOKEN_ADD,
	STMT_TOKEN_FIND,
	STMT_TOKEN_STANDS,
	STMT_TOKEN_LIST,
	STMT_TOKEN_REVOKE,
	STMT_JOIN_ADD,
	STMT_JOIN_FIND,
	STMT_JOIN_USE,
	STMT_CERT_ADD,
	STMT_CERT_FIND,
	STMT_CERT_LIVE,
	STMT_CERT_REVOKE,
	STMT_AUDIT_ADD,
	STMT_AUDIT_TRIM,
	STMT_AUDIT_LIST,
	STMT_HOLD_ADD,
	STMT_HOLD_DROP,
	STMT_HOLD_LIST,
	STMT_HOLD_FIND,
	STMT_REMOVED_ADD,
	STMT_REMOVED_SUM,
	STMT_KEEP_PUT,
	STMT_KEEP_GET,
	STMT_KEEP_DROP,
	STMT_MAX
};

/* A node as kept in memory. */
struct known {
	struct node node; /* its tiers[] point into @tiers, its counters[] likewise */
	char tiers[MAINDB_TIERS_BYTES];
	char counters[MAINDB_COUNTERS_BYTES]; /* not on disk: of the last heartbeat */
	bool dirty;
};

/* An audit row that waits; its texts are its own. */
struct audit_row {
	struct audit row;
	char *texts; /* actor, address, action, detail, a NUL after each */
};

struct maindb {
	pthread_mutex_t mutex;
	sqlite3 *db;
	sqlite3_stmt *stmts[STMT_MAX];
	struct known **nodes;
	uint32_t n_nodes, nodes_room;
	struct slots by_id;
	struct audit_row *audit; /* that wait for maindb_flush() */
	uint32_t n_audit, audit_room;
	uint32_t audit_added[AUDIT_CLASSES]; /* since the class was trimmed */
};

void maindb_bind_text(sqlite3_stmt *s, int at, const char *text);
/* sql_run(), on the disk when it returns. */
NODISCARD int maindb_run_durably(struct maindb *m, sqlite3_stmt *s);

/* Writes the audit rows that wait. */
NODISCARD int maindb_audit_flush(struct maindb *m);
void maindb_audit_drop(struct maindb *m);

/* 256 random bits as hex digits, and the SHA-256 of such a secret. */
enum { MAINDB_HASH_BYTES = 32 };
NODISCARD int maindb_secret(char ret[MAINDB_TOKEN_CHARS + 1]);
NODISCARD int maindb_hash(const char *s, size_t n, uint8_t ret[MAINDB_HASH_BYTES]);
bool maindb_same_hash(const void *a, const void *b);
