/* SPDX-License-Identifier: Apache-2.0 */
/* query_table - the table that a query with pipes yields, over the blocks of the store.
 * Thread: as query.h. */
#pragma once
#include "collector/query.h"
#include "lib/pipe_run.h"

/* Runs @run over all blocks that @q wants, and finishes it; q->expr is the plan's.
 * Returns as query_page(). */
NODISCARD int query_table(struct query_worker *w, const struct query *q, struct pipe_run *run);
