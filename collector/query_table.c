/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/query_table.h"

#include "collector/query_internal.h"

struct table_scan {
	const struct query *q;
	struct query_worker *worker;
	struct pipe_run *run;
};

static enum store_wish table_wanted(const struct store_block *meta, void *arg)
{
	const struct table_scan *t = arg;

	(void)meta;
	return query_cancelled(t->q) ? STORE_STOP : STORE_READ;
}

static int table_block(const struct store_block *meta, struct block *b, void *arg)
{
	struct table_scan *t = arg;

	(void)meta;
	return pipe_run_block(t->run, t->worker->scratch, b);
}

int query_table(struct query_worker *w, const struct query *q, struct pipe_run *run)
{
	struct table_scan t = { q, w, run };
	struct store_range range = query_range(q);
	int r = query_scan(w, q, &range, table_wanted, table_block, &t);

	return r < 0 ? r : pipe_run_finish(run);
}
