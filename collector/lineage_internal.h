/* SPDX-License-Identifier: Apache-2.0 */
/* lineage_internal - what lineage.c, lineage_row.c and lineage_order.c share.
 * Thread: the worker's owner. */
#pragma once
#include "collector/lineage.h"
#include "lib/slots.h"

struct node {
	struct lineage_node told;
	uint32_t first_child, next; /* 1-based, while the order is made */
	bool chosen;
	bool has_row; /* text is of a row; else of a fork */
};

/* Columns of the block's process table, and what its rows are to the root. */
struct rows {
	uint32_t n;
	const uint64_t *entity, *parent, *generation, *start;
	int32_t *depth; /* UNRELATED, or as lineage_node.depth */
	uint32_t *node; /* 1-based; 0: none */
	uint32_t room;
};
enum { UNRELATED = INT32_MAX };

struct lineage {
	const struct lineage_request *request;
	const struct query *q;
	struct block *block;
	struct rows rows;
	struct node **nodes; /* each stays where it is */
	uint32_t n, room;
	struct slots slots; /* entity to node, 1-based */
	struct lineage_exec execs[LINEAGE_EXECS];
	uint32_t n_execs;
	struct buf text;
	struct lineage_text host;
	const struct lineage_node **order;
	uint32_t n_order;
	bool cut;
};

/* Number of the node of @entity, 1-based; 0: none. */
uint32_t lineage_find_node(const struct lineage *l, uint64_t entity);
static inline UNUSED struct node *lineage_node_at(const struct lineage *l, uint32_t number)
{
	return number ? l->nodes[number - 1] : NULL;
}

/* Makes the order of what was found.  Node numbers change.  Returns 0 or -ENOMEM. */
NODISCARD int lineage_order(struct lineage *l);

/* Writes the process that @row of the block at hand tells of; nothing when there is no more room.
 */
struct lineage_text lineage_write_row(struct lineage *l, uint32_t row);
static inline UNUSED void lineage_write_string(struct json *j, struct block_string s)
{
	json_text_n(j, s.s, s.n);
}
