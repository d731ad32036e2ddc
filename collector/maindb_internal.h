/* SPDX-License-Identifier: Apache-2.0 */
/* maindb_internal - what the maindb*.c files share.
 * Thread: any; the object's mutex is held. */
#pragma once
#include <pthread.h>

#include "collector/maindb.h"
#include "collector/sql.h"
#include "lib/slots.h"

enum { MAINDB_TIERS_BYTES = 2048 };

enum stmt {
	STMT_NODES,
	STMT_NODE_PUT,
	STMT_BOOT_PUT,
	STMT_TOKEN_ADD,
	STMT_TOKEN_FIND,
	STMT_HOLD_ADD,
	STMT_HOLD_DROP,
	STMT_HOLD_LIST,
	STMT_HOLD_FIND,
	STMT_REMOVED_ADD,
	STMT_REMOVED_SUM,
	STMT_MAX
};

/* A node as kept in memory. */
struct known {
	struct node node; /* its tiers[] point into @tiers */
	char tiers[MAINDB_TIERS_BYTES];
	bool dirty;
};

struct maindb {
	pthread_mutex_t mutex;
	sqlite3 *db;
	sqlite3_stmt *stmts[STMT_MAX];
	struct known **nodes;
	uint32_t n_nodes, nodes_room;
	struct slots by_id;
};

void maindb_bind_text(sqlite3_stmt *s, int at, const char *text);
/* sql_run(), on the disk when it returns. */
NODISCARD int maindb_run_durably(struct maindb *m, sqlite3_stmt *s);
