/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/query_facet.h"

#include <uv.h>

#include "collector/query_internal.h"

struct counting {
	const struct query *q;
	struct query_worker *worker;
	struct facets *facets;
	const struct query_budget *budget;
	uint32_t n_blocks;
	bool cut;
	const uint64_t *times; /* of the table at hand */
	uint32_t table;
};

static bool is_spent(const struct counting *c)
{
	const struct query_budget *b = c->budget;

	return (b->values && facets_least(c->facets) >= b->values) ||
	       (b->blocks && c->n_blocks >= b->blocks) ||
	       (b->deadline_ns && uv_hrtime() > b->deadline_ns);
}

static enum store_wish wanted(const struct store_block *meta, void *arg)
{
	struct counting *c = arg;

	(void)meta;
	if (query_cancelled(c->q))
		return STORE_STOP;
	c->cut = is_spent(c);
	return c->cut ? STORE_STOP : STORE_READ;
}

static int each_row(struct block *b, uint32_t table, uint32_t row, void *arg)
{
	struct counting *c = arg;
	uint64_t time_ns;

	if (c->table != table || !c->times)
		c->times = block_column(b, table, FIELD_TIMESTAMP);
	c->table = table;
	if (!c->times)
		return block_failed(b) ? err_origin(-ENOMEM) : 0;
	time_ns = c->times[row] ? c->times[row] - 1 : 0;
	if (time_ns < c->q->from_ns || time_ns >= c->q->to_ns)
		return 0;
	return facets_row(c->facets, table, row);
}

static int each_block(const struct store_block *meta, struct block *b, void *arg)
{
	struct counting *c = arg;
	int r = facets_begin(c->facets, b);

	(void)meta;
	c->times = NULL;
	c->n_blocks++;
	if (r == 0)
		r = query_rows(c->worker->scratch, c->q->expr, b, each_row, c);
	return r == 0 ? facets_end(c->facets) : r;
}

int query_facets(struct query_worker *w, const struct query *q, struct facets *f,
		 const struct query_budget *budget, bool *ret_cut)
{
	struct counting c = { .q = q, .worker = w, .facets = f, .budget = budget };
	struct store_range range = query_range(q);
	int r = query_scan(w, q, &range, wanted, each_block, &c);

	*ret_cut = c.cut;
	return r;
}
