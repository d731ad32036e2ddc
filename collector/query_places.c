/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/query_places.h"

#include "collector/query_internal.h"

void query_places_done(struct query_places *p)
{
	free(p->list);
	buf_done(&p->text);
	memset(p, 0, sizeof(*p));
}

int query_places_add(struct query_places *p, uint64_t block, uint32_t table, uint32_t row,
		     uint64_t time_ns)
{
	uint32_t cap = p->cap ? p->cap * 2 : 64;

	if (p->n == p->cap) {
		struct query_place *list = reallocarray(p->list, cap, sizeof(*list));

		if (!list)
			return err_origin(-ENOMEM);
		p->list = list;
		p->cap = cap;
	}
	p->from_ns = p->n ? MIN(p->from_ns, time_ns) : time_ns;
	p->to_ns = MAX(p->to_ns, time_ns + 1);
	p->list[p->n++] = (struct query_place){ .block = block, .table = table, .row = row };
	return 0;
}

static int by_place(const void *x, const void *y)
{
	const struct query_place *a = x, *b = y;

	if (a->block != b->block)
		return a->block > b->block ? 1 : -1;
	if (a->table != b->table)
		return a->table > b->table ? 1 : -1;
	return (a->row > b->row) - (a->row < b->row);
}

/* ---- the scan ---- */

struct writing {
	const struct query *q;
	struct query_places *places;
	struct document *document;
	size_t max_bytes;
	uint32_t left; /* blocks that are still wanted */
};

/* The first one of @block, or past the end. */
static uint32_t first_of(const struct query_places *p, uint64_t block)
{
	uint32_t low = 0, high = p->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (p->list[middle].block < block)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static enum store_wish is_wanted(const struct store_block *meta, void *arg)
{
	const struct writing *w = arg;
	uint32_t i = first_of(w->places, meta->id);

	if (query_cancelled(w->q) || w->places->text.n > w->max_bytes || w->left == 0)
		return STORE_STOP;
	return i < w->places->n && w->places->list[i].block == meta->id ? STORE_READ : STORE_SKIP;
}

static int write_block(const struct store_block *meta, struct block *b, void *arg)
{
	struct writing *w = arg;
	struct query_places *p = w->places;
	uint32_t table = UINT32_MAX;

	w->left--;
	for (uint32_t i = first_of(p, meta->id); i < p->n && p->list[i].block == meta->id; i++) {
		struct query_place *at = &p->list[i];
		struct json j = json_to(&p->text);

		if (i && by_place(at, at - 1) == 0) {
			at->at = at[-1].at;
			at->n = at[-1].n;
			continue;
		}
		if (at->table != table)
			document_begin(w->document, b, at->table);
		table = at->table;
		at->at = p->text.n;
		document_write(w->document, at->row, &j);
		at->n = p->text.n - at->at;
	}
	return buf_ok(&p->text) && !block_failed(b) ? 0 : err_origin(-ENOMEM);
}

int query_places_write(struct query_worker *w, const struct query *q, struct query_places *p,
		       struct document *document, size_t max_bytes)
{
	struct writing writing = { q, p, document, max_bytes, 0 };
	struct store_range range = {
		.from_ns = p->from_ns, .to_ns = p->to_ns, .node = q->node, .ascending = true
	};
	struct query alone = *q;

	if (p->n == 0)
		return 0;
	qsort(p->list, p->n, sizeof(*p->list), by_place);
	for (uint32_t i = 0; i < p->n; i++)
		writing.left += i == 0 || p->list[i].block != p->list[i - 1].block;
	alone.stats = NULL;
	return query_scan(w, &alone, &range, is_wanted, write_block, &writing);
}

const struct query_place *query_places_find(const struct query_places *p, uint64_t block,
					    uint32_t table, uint32_t row)
{
	const struct query_place key = { .block = block, .table = table, .row = row };
	const struct query_place *at =
		p->n ? bsearch(&key, p->list, p->n, sizeof(*at), by_place) : NULL;

	return at && at->n ? at : NULL;
}
