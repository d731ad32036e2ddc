/* SPDX-License-Identifier: Apache-2.0 */
/* across_internal - what across.c, across_down.c and across_up.c share.
 * Thread: the worker's owner. */
#pragma once
#include "collector/across.h"
#include "collector/flow_list.h"

/* A process that was looked up. */
struct known {
	uint64_t entity;
	struct lineage *lineage; /* may be empty */
	struct flow_list served; /* that it accepted */
};

/* Edges that a process is looked at by: it is below them only while it serves one of them. */
struct scope {
	uint32_t via, n; /* n 0: for ever */
};

struct across {
	struct query_worker *worker;
	const struct query *q;
	struct flowdb *db;
	const struct across_request *request;
	struct known *known[ACROSS_PROCESSES];
	uint32_t n_known;
	struct across_node *nodes;
	uint32_t n, room;
	struct flow *edges;
	uint32_t n_edges, edges_room;
	uint32_t breaks[ACROSS_BREAKS];
	uint32_t n_breaks, n_without_sensor;
	bool cut;
};

/* ---- across.c ---- */

/* Looks a process up, once.  *ret NULL: a bound was reached. */
NODISCARD int across_know(struct across *a, uint64_t entity, struct known **ret);
/* Appends @n; *ret_index of it.  False: no room, which is told, or no memory (*ret_r). */
NODISCARD bool across_add_node(struct across *a, const struct across_node *n, uint32_t *ret_index,
			       int *ret_r);
NODISCARD int across_add_edge(struct across *a, const struct flow *f, uint32_t *ret_index);
/* A connection whose other end is missing. */
NODISCARD int across_add_half(struct across *a, const struct flow *f);
/* The thread that made it; 0: not known. */
uint64_t across_maker_thread(const struct lineage_node *n);

/* ---- across_down.c ---- */

/* Where something stands: below @above, at @depth, after @hop connections, by so much @sure. */
struct place {
	uint64_t above;
	int32_t depth;
	uint32_t hop, sure;
};

/* A process of a lineage and all below it.  *i: its place there, then of the next one beside or
 * above. */
NODISCARD int across_add_family(struct across *a, const struct known *k, uint32_t *i,
				const struct place *at);

/* ---- across_up.c ---- */

/* The ancestors of the root, the topmost first. */
NODISCARD int across_add_ancestors(struct across *a);
