/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of a match are the places of its events; documents are written in a second scan,
 * which opens only the blocks that they lie in. */
#include "collector/query_sequence.h"

#include "collector/query_internal.h"

enum { KEPT_BYTES = 8 << 20, FULL = 1 };

struct kept {
	struct kept *next;
	size_t bytes;
	uint32_t n_events, n_keys;
	uint8_t *keys;
	struct sequence_event events[];
};

/* One document that is wanted, and where it was put. */
struct want {
	const struct sequence_event *event;
	size_t at, n;
};

struct scan {
	const struct query *q;
	const struct query_page_request *request; /* NULL: they are only counted */
	struct query_worker *worker;
	struct sequence *sequence;
	/* matches, oldest first */
	struct kept *first, **end;
	uint32_t n_kept;
	size_t kept_bytes;
	bool more, cut;
	/* documents */
	struct want *wants; /* by block, table, row */
	uint32_t n_wants, next_want;
	struct buf text;
};

/* ---- matches ---- */

static void drop_first(struct scan *s)
{
	struct kept *k = s->first;

	s->first = k->next;
	if (!s->first)
		s->end = &s->first;
	s->kept_bytes -= k->bytes;
	s->n_kept--;
	free(k);
}

static struct kept *copy_match(const struct sequence_match *m)
{
	size_t events = m->n_events * sizeof(m->events[0]);
	size_t bytes = sizeof(struct kept) + events + m->n_keys_bytes;
	struct kept *k = malloc(bytes);

	if (!k)
		return NULL;
	*k = (struct kept){ .bytes = bytes, .n_events = m->n_events, .n_keys = m->n_keys_bytes };
	memcpy(k->events, m->events, events);
	k->keys = (uint8_t *)k->events + events;
	if (m->n_keys_bytes)
		memcpy(k->keys, m->keys, m->n_keys_bytes);
	return k;
}

static int on_match(const struct sequence_match *m, void *arg)
{
	struct scan *s = arg;
	struct kept *k;

	if (!s->request)
		return 0;
	if (s->request->ascending && s->n_kept == s->request->limit) {
		s->more = true;
		return FULL;
	}
	k = copy_match(m);
	if (!k)
		return err_origin(-ENOMEM);
	*s->end = k;
	s->end = &k->next;
	s->n_kept++;
	s->kept_bytes += k->bytes;
	if (s->request->ascending && s->kept_bytes > KEPT_BYTES) {
		s->cut = true;
		return FULL;
	}
	while (s->n_kept > s->request->limit || (s->n_kept > 1 && s->kept_bytes > KEPT_BYTES)) {
		s->cut |= s->n_kept <= s->request->limit;
		s->more = true;
		drop_first(s);
	}
	return 0;
}

static enum store_wish match_wanted(const struct store_block *meta, void *arg)
{
	const struct scan *s = arg;

	(void)meta;
	return query_cancelled(s->q) ? STORE_STOP : STORE_READ;
}

/* Blocks come by the time of their first event: none has older ones any more. */
static int match_block(const struct store_block *meta, struct block *b, void *arg)
{
	struct scan *s = arg;
	int r = sequence_advance(s->sequence, meta->min_time_ns);

	return r ? r : sequence_block(s->sequence, s->worker->scratch, b, meta->id);
}

static int find(struct scan *s)
{
	struct store_range range = query_range(s->q);
	int r;

	range.ascending = true;
	r = query_scan(s->worker, s->q, &range, match_wanted, match_block, s);
	if (r == 0)
		r = sequence_finish(s->sequence);
	return r == FULL ? 0 : r;
}

/* ---- documents ---- */

static int compare_places(const struct sequence_event *a, const struct sequence_event *b)
{
	if (a->ref != b->ref)
		return a->ref > b->ref ? 1 : -1;
	if (a->table != b->table)
		return a->table > b->table ? 1 : -1;
	return (a->row > b->row) - (a->row < b->row);
}

static int by_place(const void *x, const void *y)
{
	return compare_places(((const struct want *)x)->event, ((const struct want *)y)->event);
}

static int list_wants(struct scan *s)
{
	uint32_t n = 0;

	for (const struct kept *k = s->first; k; k = k->next)
		n += k->n_events;
	s->wants = calloc(MAX(n, 1U), sizeof(*s->wants));
	if (!s->wants)
		return err_origin(-ENOMEM);
	for (const struct kept *k = s->first; k; k = k->next)
		for (uint32_t i = 0; i < k->n_events; i++)
			if (!k->events[i].missing)
				s->wants[s->n_wants++].event = &k->events[i];
	qsort(s->wants, s->n_wants, sizeof(*s->wants), by_place);
	return 0;
}

/* The first one of block @ref, or past the end. */
static uint32_t first_want(const struct scan *s, uint64_t ref)
{
	uint32_t low = 0, high = s->n_wants;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (s->wants[middle].event->ref < ref)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static enum store_wish text_wanted(const struct store_block *meta, void *arg)
{
	const struct scan *s = arg;
	uint32_t i = first_want(s, meta->id);

	if (query_cancelled(s->q) || s->text.n > s->request->max_bytes)
		return STORE_STOP;
	return i < s->n_wants && s->wants[i].event->ref == meta->id ? STORE_READ : STORE_SKIP;
}

static int text_block(const struct store_block *meta, struct block *b, void *arg)
{
	struct scan *s = arg;
	struct document *d = s->request->document;
	uint32_t table = UINT32_MAX;

	for (uint32_t i = first_want(s, meta->id);
	     i < s->n_wants && s->wants[i].event->ref == meta->id; i++) {
		struct want *w = &s->wants[i];
		struct json j = json_to(&s->text);

		if (i && compare_places(w->event, w[-1].event) == 0) {
			w->at = w[-1].at;
			w->n = w[-1].n;
			continue;
		}
		if (w->event->table != table)
			document_begin(d, b, w->event->table);
		table = w->event->table;
		w->at = s->text.n;
		document_write(d, w->event->row, &j);
		w->n = s->text.n - w->at;
	}
	return buf_ok(&s->text) && !block_failed(b) ? 0 : err_origin(-ENOMEM);
}

static int write_texts(struct scan *s)
{
	struct store_range range = { .from_ns = UINT64_MAX, .node = s->q->node, .ascending = true };
	struct query alone = *s->q;

	alone.stats = NULL;
	for (uint32_t i = 0; i < s->n_wants; i++) {
		range.from_ns = MIN(range.from_ns, s->wants[i].event->time_ns);
		range.to_ns = MAX(range.to_ns, s->wants[i].event->time_ns + 1);
	}
	if (s->n_wants == 0)
		return 0;
	return query_scan(s->worker, &alone, &range, text_wanted, text_block, s);
}

/* ---- the answer ---- */

/* NULL: its block has gone, or there was no room for it. */
static const struct want *find_want(const struct scan *s, const struct sequence_event *event)
{
	struct want key = { .event = event };
	const struct want *w = bsearch(&key, s->wants, s->n_wants, sizeof(*w), by_place);

	return w && w->n ? w : NULL;
}

static bool has_all(const struct scan *s, const struct kept *k)
{
	for (uint32_t i = 0; i < k->n_events; i++)
		if (!k->events[i].missing && !find_want(s, &k->events[i]))
			return false;
	return true;
}

static void write_one(const struct scan *s, const struct kept *k, struct json *j)
{
	const struct sequence_match m = { .keys = k->keys, .n_keys_bytes = k->n_keys };

	json_begin_object(j);
	json_key(j, "join_keys");
	sequence_write_keys(&m, j);
	json_key(j, "events");
	json_begin_array(j);
	for (uint32_t i = 0; i < k->n_events; i++) {
		const struct want *w = k->events[i].missing ? NULL : find_want(s, &k->events[i]);

		if (w) {
			json_raw(j, s->text.data + w->at, w->n);
			continue;
		}
		json_begin_object(j);
		json_key_bool(j, "missing", true);
		json_end_object(j);
	}
	json_end_array(j);
	json_end_object(j);
}

/* Newest first, unless ascending. */
static int write_answer(struct scan *s, struct query_page *ret)
{
	ret->hits = calloc(MAX(s->n_kept, 1U), sizeof(*ret->hits));
	if (!ret->hits)
		return err_origin(-ENOMEM);
	for (const struct kept *k = s->first; k; k = k->next) {
		struct json j = json_to(&ret->text);
		size_t at = ret->text.n;

		if (!has_all(s, k) || ret->text.n > s->request->max_bytes) {
			s->cut = true;
			continue;
		}
		write_one(s, k, &j);
		ret->hits[ret->n_hits++] = (struct query_hit){ at, ret->text.n - at };
	}
	for (uint32_t i = 0; !s->request->ascending && i < ret->n_hits / 2; i++) {
		struct query_hit hit = ret->hits[i];

		ret->hits[i] = ret->hits[ret->n_hits - 1 - i];
		ret->hits[ret->n_hits - 1 - i] = hit;
	}
	ret->more = s->more;
	ret->cut = s->cut;
	return buf_ok(&ret->text) ? 0 : err_origin(-ENOMEM);
}

static int begin(struct scan *s, const struct eql_statement *st)
{
	const struct sequence_config config = { .statement = st,
						.from_ns = s->q->from_ns,
						.to_ns = s->q->to_ns,
						.match = on_match,
						.arg = s };

	s->end = &s->first;
	return sequence_new(&s->sequence, &config);
}

static void done(struct scan *s, struct sequence_info *ret_info)
{
	if (s->sequence)
		sequence_info(s->sequence, ret_info);
	sequence_free(s->sequence);
	while (s->first)
		drop_first(s);
	free(s->wants);
	buf_done(&s->text);
}

int query_sequences(struct query_worker *w, const struct query *q, const struct eql_statement *st,
		    const struct query_page_request *request, struct query_page *ret,
		    struct sequence_info *ret_info)
{
	struct scan s = { .q = q, .request = request, .worker = w };
	int r = begin(&s, st);

	memset(ret, 0, sizeof(*ret));
	if (r == 0)
		r = find(&s);
	if (r == 0)
		r = list_wants(&s);
	if (r == 0)
		r = write_texts(&s);
	if (r == 0)
		r = write_answer(&s, ret);
	done(&s, ret_info);
	return r;
}

int query_count_sequences(struct query_worker *w, const struct query *q,
			  const struct eql_statement *st, struct sequence_info *ret_info)
{
	struct scan s = { .q = q, .worker = w };
	int r = begin(&s, st);

	if (r == 0)
		r = find(&s);
	done(&s, ret_info);
	return r;
}
