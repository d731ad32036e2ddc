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
	STMT_NEAR_NAT,
	STMT_LINKS,
	STMT_LED_TO,
	STMT_CAME_FROM,
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
	STMT_TRANSLATION_PUT,
	STMT_TRANSLATIONS_CUT,
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

/* Begins a transaction unless one is under way. */
NODISCARD int flowdb_begin(struct flowdb *db);
/* Reads nodes and sources, which forgets those that are there. */
NODISCARD int flowdb_load_nodes(struct flowdb *db);
void flowdb_forget_nodes(struct flowdb *db);
NODISCARD int flowdb_put_node(struct flowdb *db, uint32_t number);
/* To at most @n bytes with the NUL; @from NULL: "". */
void flowdb_copy_text(char *to, size_t n, const char *from);

/* The flow of the row that @s stands on. */
void flowdb_read(struct flowdb *db, sqlite3_stmt *s, struct flow *ret);
