/* SPDX-License-Identifier: Apache-2.0 */
/* facts_internal - what facts.c and facts_ask.c share.
 * Thread: the object's owner. */
#pragma once
#include "collector/facts.h"
#include "collector/sql.h"

#define FACT_COLUMNS "SELECT id, kind, value, first_ns, last_ns, n, nodes FROM fact "

enum {
	STMT_STATE,
	STMT_STATE_PUT,
	STMT_NODE,
	STMT_NODE_ADD,
	STMT_FACT,
	STMT_FACT_ADD,
	STMT_FACT_MORE,
	STMT_NODE_MORE,
	STMT_NODE_NEW,
	STMT_NODE_COUNT,
	STMT_KIND_COUNT,
	STMT_EVICT_NODES,
	STMT_EVICT,
	FACTS_STMTS
};

const char *facts_dir(const struct facts *f);
