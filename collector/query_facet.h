/* SPDX-License-Identifier: Apache-2.0 */
/* query_facet - counts the values of fields over a query's hits.
 * Thread: the worker's owner. */
#pragma once
#include "collector/facet.h"
#include "collector/query.h"

/* When to stop before the end of the range. */
struct query_budget {
	uint64_t deadline_ns; /* of uv_hrtime(); 0: none */
	uint32_t blocks;      /* to read; 0: any number */
	uint32_t values;      /* that each field has; 0: any number */
};

/* Counts, newest blocks first.  *ret_cut: the budget ended it early.  Returns as query_page(). */
NODISCARD int query_facets(struct query_worker *w, const struct query *q, struct facets *f,
			   const struct query_budget *budget, bool *ret_cut);
