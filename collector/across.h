/* SPDX-License-Identifier: Apache-2.0 */
/* across - the family of a process over hosts: lineage.h on each node, joined by flows.
 *
 * A process that serves an accepted connection is a child of the process that connected; so is what
 * it starts, and where it connects to, while it serves it.  Between begin and end of several
 * connections at once nothing tells which one a child is for: it is given to the one that was
 * accepted last, of the same thread where that is known, and to no other; how sure that is, is
 * told. Times of one comparison are all of one node's clock.
 * Thread: the worker's owner.  Memory: bounded by the request's limit and hops. */
#pragma once
#include "collector/flowdb.h"
#include "collector/lineage.h"

struct across;

enum {
	ACROSS_HOPS = 16,	/* nodes in a row, at most */
	ACROSS_PROCESSES = 256, /* that connected or served and are looked up */
	ACROSS_BREAKS = 100,	/* told */
	ACROSS_VIA = 20,	/* edges told of one process */
};

struct across_request {
	uint64_t entity;
	uint32_t depth, limit; /* as lineage_request; over all hosts */
	uint32_t hops;	       /* at most, to ACROSS_HOPS */
	uint64_t deadline_ns;  /* of uv_hrtime(); 0: none */
};

/* A process in the tree. */
struct across_node {
	/* that node is of; NULL: nothing is stored of it but the edge */
	const struct lineage *lineage;
	const struct lineage_node *node;
	uint64_t entity,
		above; /* above: the process that it stands below in the tree; 0: the top */
	int32_t depth;
	uint32_t hop;  /* connections between it and the root */
	uint32_t host; /* number of its node in the flowdb; 0: see lineage_host() */
	uint32_t sure; /* percent: the least along the way from the root */
	uint32_t via,
		n_via; /* edges that lead to it from above: across_edge(); n 0: a child of above */
	bool again;    /* stands in the tree before: what is below it is told there */
};

/* Returns 0 or as lineage_find().  Nothing known of the root: no nodes. */
NODISCARD int across_find(struct across **ret, struct query_worker *w, const struct query *q,
			  struct flowdb *db, const struct across_request *request);
struct across *across_free(struct across *a);
DEFINE_FREEP(across)

/* Each before those below it: the topmost ancestor first. */
const struct across_node *across_nodes(const struct across *a, uint32_t *ret_n);
const struct flow *across_edge(const struct across *a, uint32_t i);
/* Connections of the tree whose other end is missing though its node is known: indices of edges. */
const uint32_t *across_breaks(const struct across *a, uint32_t *ret_n);
/* Connections to where no sensor is. */
uint32_t across_without_sensor(const struct across *a);
/* Not everything is told: a limit or the deadline was reached. */
bool across_is_cut(const struct across *a);

/* The one connection of @process (an entity id) that it served when it did something at @when_ns of
 * its node's clock in @thread (0: not known), and how sure that is.  *ret_sure 0: none. */
NODISCARD int across_served(struct flowdb *db, const struct query *q, uint64_t process,
			    uint64_t when_ns, uint64_t thread, struct flow *ret,
			    uint32_t *ret_sure);
