/* SPDX-License-Identifier: Apache-2.0 */
/* Each hit becomes a record whose bytes are in its order by memcmp(): the values that it is sorted
 * by, then its place in time.  There are never many more records than are asked for: when they are
 * twice as many they are sorted and cut. */
#include "collector/query_ranked.h"

#include "collector/query_internal.h"
#include "collector/query_places.h"
#include "lib/expr_ip.h"
#include "lib/slots.h"

enum { KEPT_BYTES = 16 << 20, SLACK = 1024, NO_VALUE = 0xff, SOME_VALUE = 1 };

struct record {
	uint64_t block, time_ns, key_hash;
	uint32_t table, row;
	uint32_t n_by, n_rank, n_key; /* values; values and time; behind them what uniq asks */
	uint8_t bytes[];
};

struct ranking {
	const struct query *q;
	const struct pipe *pipe;
	const struct query_page_request *request;
	struct query_worker *worker;
	uint64_t block; /* at hand */
	struct record **list;
	uint32_t n, cap;
	struct slots keys; /* of uniq: numbers of the list */
	size_t bytes;
	struct record *worst; /* after a cut: no worse one is kept; a copy */
	struct buf scratch;
	bool more, cut;
};

/* ---- bytes in order ---- */

static void add_inverted(struct buf *out, const void *data, size_t n, bool descending)
{
	const uint8_t *from = data;

	for (size_t i = 0; i < n; i++)
		buf_byte(out, descending ? (uint8_t)~from[i] : from[i]);
}

static void add_number(struct buf *out, uint64_t v, bool descending)
{
	uint64_t big = __builtin_bswap64(v);

	add_inverted(out, &big, sizeof(big), descending);
}

/* A zero byte becomes two, and one with a 1 ends it: no text is the beginning of another. */
static void add_text(struct buf *out, const char *s, size_t n, bool descending)
{
	static const uint8_t zero[] = { 0, 2 }, end[] = { 0, 1 };

	for (size_t i = 0; i < n; i++)
		add_inverted(out, s[i] ? (const void *)(s + i) : zero, s[i] ? 1 : 2, descending);
	add_inverted(out, end, sizeof(end), descending);
}

static void add_value(struct buf *out, const struct block_value *v, const struct field_info *f,
		      bool descending)
{
	struct expr_net net;

	buf_byte(out, v->type == VALUE_NULL || v->type == VALUE_STRINGS ? NO_VALUE : SOME_VALUE);
	switch (v->type) {
	case VALUE_STRING:
		if (f->type == TYPE_IP && expr_net_parse(v->string.s, v->string.n, &net))
			add_inverted(out, net.address, sizeof(net.address), descending);
		else
			add_text(out, v->string.s, v->string.n, descending);
		break;
	case VALUE_STRINGS:
	case VALUE_NULL:
		break;
	default:
		add_number(out, v->number, descending);
	}
}

static uint64_t hash_of(const uint8_t *data, size_t n)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < n; i++)
		h = (h ^ data[i]) * UINT64_C(0x100000001b3);
	h ^= h >> 29;
	return h * UINT64_C(0xbf58476d1ce4e5b9);
}

static uint64_t raw_at(struct block *b, uint32_t table, uint32_t row, enum field f)
{
	const uint64_t *column = block_column(b, table, f);

	return column && column[row] ? column[row] - 1 : 0;
}

/* Its place in time, as a page has it. */
static void add_time(struct buf *out, struct block *b, uint64_t time_ns, uint64_t seq,
		     bool descending)
{
	const struct block_info *i = block_info(b);

	add_number(out, time_ns, descending);
	add_text(out, i->node_id.s, i->node_id.n, descending);
	add_inverted(out, i->boot_id, sizeof(i->boot_id), descending);
	add_number(out, seq, descending);
}

static struct record *make_record(struct ranking *r, struct block *b, uint32_t table, uint32_t row,
				  uint64_t time_ns)
{
	const struct pipe *p = r->pipe;
	struct buf *out = &r->scratch;
	struct record head = { .block = r->block, .time_ns = time_ns, .table = table, .row = row };
	struct record *record;

	buf_clear(out);
	for (uint32_t i = 0; i < p->n_by; i++) {
		struct block_value v = block_value(b, table, row, p->by[i].field);

		add_value(out, &v, p->by[i].field.info, p->by[i].descending);
	}
	head.n_by = (uint32_t)out->n;
	add_time(out, b, time_ns, raw_at(b, table, row, FIELD_SEQ), !r->request->ascending);
	head.n_rank = (uint32_t)out->n;
	for (uint32_t i = 0; i < p->n_uniq; i++) {
		struct block_value v = block_value(b, table, row, p->uniq[i]);

		add_value(out, &v, p->uniq[i].info, false);
	}
	head.n_key = (uint32_t)out->n - head.n_rank;
	if (!buf_ok(out) || !(record = malloc(sizeof(head) + out->n)))
		return NULL;
	head.key_hash = hash_of(out->data + head.n_rank, head.n_key);
	*record = head;
	memcpy(record->bytes, out->data, out->n);
	return record;
}

static size_t bytes_of(const struct record *a)
{
	return sizeof(*a) + a->n_rank + a->n_key + sizeof(a);
}

/* ---- order ---- */

static int compare_bytes(const uint8_t *a, size_t n, const uint8_t *b, size_t m)
{
	int r = memcmp(a, b, MIN(n, m));

	return r ? r : (n > m) - (n < m);
}

static int compare_ranks(const struct record *a, const struct record *b)
{
	return compare_bytes(a->bytes, a->n_rank, b->bytes, b->n_rank);
}

/* The one of two with the same key that stays is the lesser. */
static int compare_firsts(const struct ranking *r, const struct record *a, const struct record *b)
{
	if (!r->pipe->uniq_first)
		return compare_ranks(a, b);
	return compare_bytes(a->bytes + a->n_by, a->n_rank - a->n_by, b->bytes + b->n_by,
			     b->n_rank - b->n_by);
}

static int by_rank(const void *x, const void *y)
{
	return compare_ranks(*(struct record *const *)x, *(struct record *const *)y);
}

static int by_rank_backwards(const void *x, const void *y)
{
	return by_rank(y, x);
}

/* ---- what is kept ---- */

/* Can what is behind the limit now never come before it?  Not where a key may yet get another
 * record, which moves it backwards. */
static bool may_cut(const struct ranking *r)
{
	return !r->pipe->n_uniq || (!r->pipe->uniq_first && !r->pipe->is_tail);
}

static int index_keys(struct ranking *r)
{
	if (!r->pipe->n_uniq)
		return 0;
	slots_clear(&r->keys);
	for (uint32_t i = 0; i < r->n; i++) {
		if (!slots_room(&r->keys))
			return err_origin(-ENOMEM);
		slots_put(&r->keys, r->list[i]->key_hash, i + 1);
	}
	return 0;
}

static int cut(struct ranking *r, uint32_t n)
{
	if (r->n)
		qsort(r->list, r->n, sizeof(struct record *),
		      r->pipe->is_tail ? by_rank_backwards : by_rank);
	while (r->n > n) {
		struct record *last = r->list[--r->n];

		r->bytes -= bytes_of(last);
		free(r->worst);
		r->worst = last;
		r->more = true;
	}
	return index_keys(r);
}

static int cut_when_full(struct ranking *r)
{
	if (r->bytes > KEPT_BYTES) {
		uint32_t n = may_cut(r) ? MIN(r->n / 2, r->request->limit) : r->n / 2;

		r->cut |= n < r->request->limit || !may_cut(r);
		return cut(r, n);
	}
	if (may_cut(r) && r->n >= 2 * r->request->limit + SLACK)
		return cut(r, r->request->limit);
	return 0;
}

static bool is_too_late(const struct ranking *r, const struct record *a)
{
	int v = r->worst ? compare_ranks(a, r->worst) : 0;

	return r->pipe->is_tail ? v < 0 : v > 0;
}

static bool same_key(const struct record *a, const struct record *b)
{
	return a->n_key == b->n_key &&
	       memcmp(a->bytes + a->n_rank, b->bytes + b->n_rank, a->n_key) == 0;
}

/* Where a record of the same key is; UINT32_MAX: nowhere. */
static uint32_t find_key(const struct ranking *r, const struct record *a)
{
	uint32_t number, at;

	if (!r->pipe->n_uniq || !r->keys.cap)
		return UINT32_MAX;
	at = slots_first(&r->keys, a->key_hash);
	while ((number = slots_next(&r->keys, a->key_hash, &at)))
		if (same_key(r->list[number - 1], a))
			return number - 1;
	return UINT32_MAX;
}

static int append(struct ranking *r, struct record *a)
{
	uint32_t cap = r->cap ? r->cap * 2 : 256;

	if (r->n == r->cap) {
		struct record **list = reallocarray(r->list, cap, sizeof(struct record *));

		if (!list) {
			free(a);
			return err_origin(-ENOMEM);
		}
		r->list = list;
		r->cap = cap;
	}
	r->list[r->n++] = a;
	r->bytes += bytes_of(a);
	if (r->pipe->n_uniq) {
		if (!slots_room(&r->keys))
			return err_origin(-ENOMEM);
		slots_put(&r->keys, a->key_hash, r->n);
	}
	return cut_when_full(r);
}

static int rank_row(struct block *b, uint32_t table, uint32_t row, void *arg)
{
	struct ranking *r = arg;
	uint64_t time_ns = raw_at(b, table, row, FIELD_TIMESTAMP);
	struct record *a;
	uint32_t other;

	if (time_ns < r->q->from_ns || time_ns >= r->q->to_ns)
		return 0;
	a = make_record(r, b, table, row, time_ns);
	if (!a || block_failed(b)) {
		free(a);
		return err_origin(-ENOMEM);
	}
	if (may_cut(r) && is_too_late(r, a)) {
		free(a);
		return 0;
	}
	other = find_key(r, a);
	if (other == UINT32_MAX)
		return append(r, a);
	if (compare_firsts(r, a, r->list[other]) < 0) {
		struct record *old = r->list[other];

		r->bytes += bytes_of(a) - bytes_of(old);
		r->list[other] = a;
		a = old;
	}
	free(a);
	return 0;
}

/* ---- the scan ---- */

static enum store_wish rank_wanted(const struct store_block *meta, void *arg)
{
	const struct ranking *r = arg;

	(void)meta;
	return query_cancelled(r->q) ? STORE_STOP : STORE_READ;
}

static int rank_block(const struct store_block *meta, struct block *b, void *arg)
{
	struct ranking *r = arg;

	r->block = meta->id;
	return query_rows(r->worker->scratch, r->q->expr, b, rank_row, r);
}

static int write_answer(struct ranking *r, struct query_page *ret)
{
	struct query_places places = { 0 };
	int e = 0;

	ret->hits = calloc(MAX(r->n, 1U), sizeof(*ret->hits));
	if (!ret->hits)
		return err_origin(-ENOMEM);
	for (uint32_t i = 0; i < r->n && e == 0; i++)
		e = query_places_add(&places, r->list[i]->block, r->list[i]->table, r->list[i]->row,
				     r->list[i]->time_ns);
	if (e == 0)
		e = query_places_write(r->worker, r->q, &places, r->request->document,
				       r->request->max_bytes);
	for (uint32_t i = 0; i < r->n && e == 0; i++) {
		const struct record *a = r->list[i];
		const struct query_place *at =
			query_places_find(&places, a->block, a->table, a->row);

		if (at)
			ret->hits[ret->n_hits++] = (struct query_hit){ at->at, at->n };
		r->cut |= !at;
	}
	ret->text = places.text;
	places.text = (struct buf){ 0 };
	query_places_done(&places);
	ret->more = r->more;
	ret->cut = r->cut;
	return e;
}

int query_ranked(struct query_worker *w, const struct query *q, const struct pipe *p,
		 const struct query_page_request *request, struct query_page *ret)
{
	struct ranking r = { .q = q, .pipe = p, .request = request, .worker = w };
	struct store_range range = query_range(q);
	int e;

	memset(ret, 0, sizeof(*ret));
	e = query_scan(w, q, &range, rank_wanted, rank_block, &r);
	if (e == 0)
		e = cut(&r, MIN(r.n, request->limit));
	if (e == 0)
		e = write_answer(&r, ret);
	for (uint32_t i = 0; i < r.n; i++)
		free(r.list[i]);
	free(r.list);
	free(r.worst);
	slots_done(&r.keys);
	buf_done(&r.scratch);
	return e;
}
