/* SPDX-License-Identifier: Apache-2.0 */
/* query_internal - what query.c and query_page.c share.
 * Thread: the worker's owner. */
#pragma once
#include "collector/kin_edges.h"

struct query_worker {
	struct store_reader *reader;
	struct expr_scratch *scratch;
	/* of the last time that child of and the like were learnt */
	struct store_scan_stats learning;
	struct kin_edges_info edges;
};

bool query_cancelled(const struct query *q);

/* The range of blocks that @q wants, newest first. */
struct store_range query_range(const struct query *q);

/* store_scan() that counts into q->stats and tells a cancelled query by -ECANCELED; @wanted stops
 * the scan of one. */
int query_scan_blocks(struct query_worker *w, const struct query *q,
		      const struct store_range *range, store_wanted_fn wanted, store_each_fn each,
		      void *arg);
/* The same, after child of and the like were learnt. */
int query_scan(struct query_worker *w, const struct query *q, const struct store_range *range,
	       store_wanted_fn wanted, store_each_fn each, void *arg);
