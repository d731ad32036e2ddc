/* SPDX-License-Identifier: Apache-2.0 */
/* flowdb_internal - what flowdb.c and flowdb_ask.c share.
 * Thread: the object's owner. */
#pragma once
#include "collector/flowdb.h"
#include "collector/sql.h"
#include "lib/slots.h"

#define FLOWDB_DAY_NS UINT64_C(86400000000000)

enum {
	STMT_STATE,
	STMT_NODES,
	STMT_SOURCES,
	STMT_NEAR,
	STMT_BY_A,
	STMT_BY_B,
	STMT_BY_TIME,
	STMT_BY_TIME_DOWN,
	STMT_DAYS,
	STMT_OLDEST,
	STMT_ADDRESS,
	STMT_COVERED,
	FLOWDB_READS, /* what a reader needs is before */
	STMT_PUT = FLOWDB_READS,
	STMT_DROP,
	STMT_EXPIRE,
	STMT_NODE_PUT,
	STMT_SOURCE_PUT,
	STMT_ADDRESS_PUT,
	STMT_OUTAGE_PUT,
	STMT_OUTAGES_CUT,
	STMT_STATE_PUT,
	FLOWDB_STMTS
};

struct node {
	char id[129], name[129];
	uint64_t last_ns;
	int64_t ahead_ns; /* as it was measured last */
	bool dirty;	  /* its row lacks something */
};

struct source {
	uint32_t node;
	char boot_id[37];
};

struct flowdb {
	sqlite3 *db;
	sqlite3_stmt *stmts[FLOWDB_STMTS];
	uint64_t position_ns;
	struct flowdb_counters counters;
	struct node **nodes; /* by number - 1 */
	uint32_t n_nodes, n_sources;
	size_t nodes_room, sources_room;
	struct source *sources; /* the same */
	struct slots by_node, by_source;
	struct slots addresses; /* that were written in this run */
	uint32_t n_addresses;
};

/* The flow of the row that @s stands on. */
void flowdb_read(struct flowdb *db, sqlite3_stmt *s, struct flow *ret);
