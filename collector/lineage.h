/* SPDX-License-Identifier: Apache-2.0 */
/* lineage - a process, its ancestors and its descendants, out of the process tables of blocks.
 *
 * A sensor writes a process's row with those of all its ancestors (64 of them), and a filter
 * holds the ids of all rows: so the blocks that mention a descendant are among those whose filter
 * has the root's id, and one scan of them finds everything.  What the sensor itself did not know,
 * as a parent that had died before the sensor was started again, is not found.
 * Thread: one owner at a time, the worker's.  Memory: bounded by LINEAGE_NODES and LINEAGE_BYTES.
 */
#pragma once
#include "collector/query.h"

struct lineage;

enum {
	LINEAGE_NODES = 20000,	  /* processes that are kept */
	LINEAGE_BYTES = 32 << 20, /* of what is told of them */
	LINEAGE_DEPTH = 64,	  /* generations, as sensors follow them */
	LINEAGE_EXECS = 100,	  /* programs of the root that are kept */
};

struct lineage_request {
	uint64_t entity;      /* the root */
	uint32_t depth;	      /* generations up and down, to LINEAGE_DEPTH */
	uint32_t limit;	      /* processes told; those nearest to the root first */
	uint64_t deadline_ns; /* of uv_hrtime(); 0: none */
};

struct lineage_text {
	size_t at, n; /* in the lineage's text */
};

/* A process. */
struct lineage_node {
	uint64_t entity, parent;	 /* parent 0: not known */
	int32_t depth;			 /* below 0: ancestors */
	uint32_t generation;		 /* of the row that text is of */
	uint64_t maker_thread;		 /* that made it, + 1; 0: not known */
	uint32_t children;		 /* known ones, told or not */
	struct lineage_text text;	 /* its newest row as a JSON object */
	uint64_t start_ns, end_ns;	 /* 0: not known */
	uint64_t first_ns, last_ns;	 /* its events in the range; 0: none */
	uint64_t exit_code;		 /* + 1; 0: none */
	struct lineage_text exit_signal; /* a JSON string; n 0: none */
	uint32_t counts[KIND_MAX];	 /* its events in the range, by kind; of an ancestor none */
};

/* A program that the root ran. */
struct lineage_exec {
	uint32_t generation;
	uint64_t time_ns; /* of the exec; 0: not in the range */
	struct lineage_text text;
};

/* Looks at the blocks of @q's range and node; q->expr has no say.  *ret is freed with
 * lineage_free().  Returns as query_page(). */
NODISCARD int lineage_find(struct lineage **ret, struct query_worker *w, const struct query *q,
			   const struct lineage_request *request);
struct lineage *lineage_free(struct lineage *l);
DEFINE_FREEP(lineage)

/* The processes: ancestors from the topmost, the root, then each with its descendants below it, in
 * the order of their starts.  Empty when nothing is known of the root. */
const struct lineage_node *const *lineage_nodes(const struct lineage *l, uint32_t *ret_n);
/* Programs of the root, oldest first. */
const struct lineage_exec *lineage_execs(const struct lineage *l, uint32_t *ret_n);
const char *lineage_text(const struct lineage *l, struct lineage_text t);
/* The root's host, as a JSON object. */
struct lineage_text lineage_host(const struct lineage *l);
/* Not everything is told: a limit or the deadline was reached. */
bool lineage_is_cut(const struct lineage *l);
