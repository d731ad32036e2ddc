/* SPDX-License-Identifier: Apache-2.0 */
/* The page: a heap of the best hits, the worst on top.  Hits live in slots that stay put; the heap
 * orders slot numbers.  Documents are written when a block's hits are known, into one text; those
 * of hits pushed out later are garbage there until it is worth to move the others together. */
#include "collector/query_internal.h"

enum { MIN_GARBAGE_BYTES = 1 << 20 };

/* A node and boot. */
struct origin {
	struct origin *next;
	uint8_t boot_id[16];
	uint8_t n_node;
	char node[LIMIT_NODE_ID_BYTES];
};

struct slot {
	uint64_t time_ns, seq;
	const struct origin *origin;
	size_t at, n; /* its document; n is 0: not written yet */
	uint32_t table, row;
};

struct page {
	const struct query *q;
	const struct query_page_request *request;
	struct query_worker *worker;
	struct slot *slots;
	uint32_t *heap;	 /* slot numbers; heap[0] is the worst hit */
	uint32_t *fresh; /* slots filled from the block at hand; one may stand there twice */
	uint32_t n, cap, room, n_fresh;
	struct origin *origins, *origin; /* all; of the block at hand, NULL: not looked up */
	struct origin after;
	const uint64_t *times, *seqs; /* of the table at hand */
	uint32_t table;
	struct buf text;
	size_t garbage;
	bool cut;
};

/* ---- order ---- */

static int compare_origins(const struct origin *a, const struct origin *b)
{
	int r;

	if (a == b)
		return 0;
	r = memcmp(a->node, b->node, MIN(a->n_node, b->n_node));
	if (r == 0)
		r = a->n_node - b->n_node;
	return r ? r : memcmp(a->boot_id, b->boot_id, sizeof(a->boot_id));
}

/* Below 0 when @a stands before @b on the page. */
static int compare_hits(const struct page *p, const struct slot *a, const struct slot *b)
{
	int r = (a->time_ns > b->time_ns) - (a->time_ns < b->time_ns);

	if (r == 0)
		r = compare_origins(a->origin, b->origin);
	if (r == 0)
		r = (a->seq > b->seq) - (a->seq < b->seq);
	return p->request->ascending ? r : -r;
}

/* ---- heap ---- */

static bool heap_is_worse(const struct page *p, uint32_t i, uint32_t j)
{
	return compare_hits(p, &p->slots[p->heap[i]], &p->slots[p->heap[j]]) > 0;
}

static void heap_swap(struct page *p, uint32_t i, uint32_t j)
{
	uint32_t slot = p->heap[i];

	p->heap[i] = p->heap[j];
	p->heap[j] = slot;
}

static void heap_up(struct page *p, uint32_t i)
{
	for (; i && heap_is_worse(p, i, (i - 1) / 2); i = (i - 1) / 2)
		heap_swap(p, i, (i - 1) / 2);
}

static void heap_down(struct page *p, uint32_t i)
{
	for (uint32_t child; (child = 2 * i + 1) < p->n; i = child) {
		if (child + 1 < p->n && heap_is_worse(p, child + 1, child))
			child++;
		if (!heap_is_worse(p, child, i))
			return;
		heap_swap(p, i, child);
	}
}

/* Takes the worst hit out; its slot is at the place behind the heap's end. */
static uint32_t heap_pop(struct page *p)
{
	uint32_t slot = p->heap[0];

	p->garbage += p->slots[slot].n;
	p->n--;
	heap_swap(p, 0, p->n);
	heap_down(p, 0);
	return slot;
}

static bool make_room(struct page *p)
{
	uint32_t room = p->room ? MIN(p->room * 2, p->cap) : MIN(p->cap, 256U);
	struct slot *slots = realloc(p->slots, room * sizeof(*slots));
	uint32_t *heap, *fresh;

	if (slots)
		p->slots = slots;
	heap = realloc(p->heap, room * sizeof(*heap));
	if (heap)
		p->heap = heap;
	fresh = realloc(p->fresh, (size_t)LIMIT_BATCH_EVENTS * sizeof(*fresh));
	if (fresh)
		p->fresh = fresh;
	if (!slots || !heap || !fresh)
		return false;
	p->room = room;
	return true;
}

static int keep(struct page *p, const struct slot *hit)
{
	uint32_t slot = p->n;

	if (p->n == p->cap) {
		if (compare_hits(p, hit, &p->slots[p->heap[0]]) >= 0)
			return 0;
		slot = heap_pop(p);
	} else if (p->n == p->room && !make_room(p)) {
		return err_origin(-ENOMEM);
	}
	p->slots[slot] = *hit;
	p->heap[p->n] = slot;
	heap_up(p, p->n++);
	p->fresh[p->n_fresh++] = slot;
	return 0;
}

/* ---- one block ---- */

static bool is_origin(const struct origin *o, const struct block_info *i)
{
	return o->n_node == i->node_id.n && memcmp(o->node, i->node_id.s, o->n_node) == 0 &&
	       memcmp(o->boot_id, i->boot_id, sizeof(o->boot_id)) == 0;
}

static struct origin *origin_of(struct page *p, const struct block_info *i)
{
	struct origin *o = p->origins;

	while (o && !is_origin(o, i))
		o = o->next;
	if (o)
		return o;
	o = calloc(1, sizeof(*o));
	if (!o)
		return NULL;
	memcpy(o->boot_id, i->boot_id, sizeof(o->boot_id));
	o->n_node = (uint8_t)MIN(i->node_id.n, sizeof(o->node));
	memcpy(o->node, i->node_id.s, o->n_node);
	o->next = p->origins;
	p->origins = o;
	return o;
}

static bool is_after(const struct page *p, const struct slot *hit)
{
	struct slot after;

	if (!p->request->after)
		return true;
	after = (struct slot){ .time_ns = p->request->after->time_ns,
			       .seq = p->request->after->seq,
			       .origin = &p->after };
	return compare_hits(p, hit, &after) > 0;
}

static int page_row(struct block *b, uint32_t table, uint32_t row, void *arg)
{
	struct page *p = arg;
	struct slot hit = { .table = table, .row = row };

	if (p->table != table || !p->times) {
		p->times = block_column(b, table, FIELD_TIMESTAMP);
		p->seqs = block_column(b, table, FIELD_SEQ);
		p->table = table;
	}
	if (!p->origin)
		p->origin = origin_of(p, block_info(b));
	if (!p->origin || block_failed(b))
		return err_origin(-ENOMEM);
	hit.time_ns = p->times && p->times[row] ? p->times[row] - 1 : 0;
	hit.seq = p->seqs && p->seqs[row] ? p->seqs[row] - 1 : 0;
	hit.origin = p->origin;
	if (hit.time_ns < p->q->from_ns || hit.time_ns >= p->q->to_ns || !is_after(p, &hit))
		return 0;
	return keep(p, &hit);
}

/* Moves the documents that are still wanted together. */
static int compact(struct page *p)
{
	AUTO_BUF struct buf text = { 0 };

	if (!buf_reserve(&text, p->text.n - p->garbage))
		return err_origin(-ENOMEM);
	for (uint32_t i = 0; i < p->n; i++) {
		struct slot *s = &p->slots[p->heap[i]];
		size_t at = text.n;

		buf_add(&text, p->text.data + s->at, s->n);
		s->at = at;
	}
	buf_done(&p->text);
	p->text = text;
	text = (struct buf){ 0 };
	p->garbage = 0;
	return 0;
}

/* Writes the documents of the hits that this block brought and that are still in the heap. */
static int write_fresh(struct page *p, struct block *b)
{
	struct document *d = p->request->document;
	uint32_t table = UINT32_MAX;

	for (uint32_t i = 0; i < p->n_fresh; i++) {
		struct slot *s = &p->slots[p->fresh[i]];
		struct json j = json_to(&p->text);

		if (s->n)
			continue;
		if (s->table != table)
			document_begin(d, b, s->table);
		table = s->table;
		s->at = p->text.n;
		document_write(d, s->row, &j);
		s->n = p->text.n - s->at;
	}
	return buf_ok(&p->text) && !block_failed(b) ? 0 : err_origin(-ENOMEM);
}

static int page_block(const struct store_block *meta, struct block *b, void *arg)
{
	struct page *p = arg;
	int r;

	(void)meta;
	p->times = NULL;
	p->origin = NULL;
	p->n_fresh = 0;
	r = query_rows(p->worker->scratch, p->q->expr, b, page_row, p);
	if (r == 0)
		r = write_fresh(p, b);
	while (r == 0 && p->text.n - p->garbage > p->request->max_bytes && p->n > 1) {
		heap_pop(p);
		p->cap = p->n;
		p->cut = true;
	}
	if (r == 0 && p->garbage > MAX((size_t)MIN_GARBAGE_BYTES, p->text.n / 2))
		r = compact(p);
	return r;
}

static enum store_wish page_wanted(const struct store_block *meta, void *arg)
{
	const struct page *p = arg;
	uint64_t worst;

	if (query_cancelled(p->q))
		return STORE_STOP;
	if (p->n < p->cap)
		return STORE_READ;
	worst = p->slots[p->heap[0]].time_ns;
	if (p->request->ascending ? meta->min_time_ns > worst : meta->max_time_ns < worst)
		return STORE_STOP; /* blocks come in this order: so are all that follow */
	return STORE_READ;
}

/* ---- the answer ---- */

static void set_last(const struct slot *s, struct query_key *ret)
{
	ret->time_ns = s->time_ns;
	ret->seq = s->seq;
	memcpy(ret->boot_id, s->origin->boot_id, sizeof(ret->boot_id));
	ret->n_node = s->origin->n_node;
	memcpy(ret->node, s->origin->node, s->origin->n_node);
}

/* One hit more than asked for was looked for, to know whether there are more. */
static int finish(struct page *p, struct query_page *ret)
{
	ret->more = p->cut || p->n > p->request->limit;
	ret->cut = p->cut;
	if (p->n > p->request->limit)
		heap_pop(p);
	ret->hits = calloc(MAX(p->n, 1U), sizeof(*ret->hits));
	if (!ret->hits)
		return err_origin(-ENOMEM);
	ret->n_hits = p->n;
	if (p->n)
		set_last(&p->slots[p->heap[0]], &ret->last);
	while (p->n) {
		const struct slot *s = &p->slots[heap_pop(p)];

		ret->hits[p->n] = (struct query_hit){ s->at, s->n };
	}
	ret->text = p->text;
	p->text = (struct buf){ 0 };
	return 0;
}

static struct store_range page_range(const struct page *p)
{
	struct store_range range = query_range(p->q);
	const struct query_key *after = p->request->after;

	range.ascending = p->request->ascending;
	if (after && range.ascending)
		range.from_ns = MAX(range.from_ns, after->time_ns);
	else if (after && after->time_ns < UINT64_MAX)
		range.to_ns = MIN(range.to_ns, after->time_ns + 1);
	return range;
}

static void page_done(struct page *p)
{
	while (p->origins) {
		struct origin *next = p->origins->next;

		free(p->origins);
		p->origins = next;
	}
	free(p->slots);
	free(p->heap);
	free(p->fresh);
	buf_done(&p->text);
}

int query_page(struct query_worker *w, const struct query *q,
	       const struct query_page_request *request, struct query_page *ret)
{
	struct page p = { .q = q, .request = request, .worker = w, .cap = request->limit + 1 };
	struct store_range range = page_range(&p);
	int r;

	memset(ret, 0, sizeof(*ret));
	if (request->after) {
		p.after.n_node = request->after->n_node;
		memcpy(p.after.node, request->after->node, p.after.n_node);
		memcpy(p.after.boot_id, request->after->boot_id, sizeof(p.after.boot_id));
	}
	r = query_scan(w, q, &range, page_wanted, page_block, &p);
	if (r == 0)
		r = finish(&p, ret);
	page_done(&p);
	return r;
}

void query_page_done(struct query_page *p)
{
	buf_done(&p->text);
	free(p->hits);
	memset(p, 0, sizeof(*p));
}
