/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of a match are the places of its events; their documents are written afterwards. */
#include "collector/query_sequence.h"

#include "collector/query_internal.h"
#include "collector/query_places.h"

enum { KEPT_BYTES = 6 << 20, FULL = 1 };

struct kept {
	struct kept *next;
	size_t bytes;
	uint32_t n_events, n_keys;
	uint8_t *keys;
	struct sequence_event events[];
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
	struct query_places places;
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

/* ---- the answer ---- */

static const struct query_place *find_place(const struct scan *s, const struct sequence_event *e)
{
	return query_places_find(&s->places, e->ref, e->table, e->row);
}

static int list_places(struct scan *s)
{
	int r = 0;

	for (const struct kept *k = s->first; k; k = k->next)
		for (uint32_t i = 0; i < k->n_events && r == 0; i++)
			if (!k->events[i].missing)
				r = query_places_add(&s->places, k->events[i].ref,
						     k->events[i].table, k->events[i].row,
						     k->events[i].time_ns);
	return r;
}

static bool has_all(const struct scan *s, const struct kept *k)
{
	for (uint32_t i = 0; i < k->n_events; i++)
		if (!k->events[i].missing && !find_place(s, &k->events[i]))
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
		const struct query_place *w =
			k->events[i].missing ? NULL : find_place(s, &k->events[i]);

		if (w) {
			json_raw(j, s->places.text.data + w->at, w->n);
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
	query_places_done(&s->places);
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
		r = list_places(&s);
	if (r == 0)
		r = query_places_write(w, q, &s.places, request->document, request->max_bytes);
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
