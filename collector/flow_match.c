/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/flow_match.h"

#include <string.h>

#define FAR_NS UINT64_C(2000000000)

static const uint32_t CROWDED_COSTS = 30, FAR_COSTS = 20, CLOSE_ONLY_COSTS = 10, CLOCK_COSTS = 10;

/* Two of one set that may belong together. */
struct pair {
	uint64_t apart_ns;
	uint16_t a, b;
};

static uint64_t apart(const struct flow_end *a, const struct flow_end *b)
{
	uint64_t x = flow_end_at(a), y = flow_end_at(b);

	return x > y ? x - y : y - x;
}

/* ---- nearest pairs first ---- */

static int by_distance(const void *x, const void *y)
{
	const struct pair *a = x, *b = y;

	if (a->apart_ns != b->apart_ns)
		return a->apart_ns < b->apart_ns ? -1 : 1;
	if (a->a != b->a)
		return a->a < b->a ? -1 : 1;
	return (a->b > b->b) - (a->b < b->b);
}

typedef bool (*may_pair_fn)(const struct flow_end *a, const struct flow_end *b,
			    const struct flow_links *links);

/* Sets partner[] (index + 1) of those that are still without one.  Sightings are few but for
 * somebody who tries: what does not fit into the list of pairs is left alone. */
static void pair_nearest(const struct flow_end *e, size_t n, may_pair_fn may,
			 const struct flow_links *links, uint16_t *partner)
{
	enum { PAIRS = 4096 };
	struct pair pairs[PAIRS];
	size_t n_pairs = 0;

	for (size_t a = 0; a < n; a++)
		for (size_t b = 0; b < n && n_pairs < PAIRS; b++)
			if (!partner[a] && !partner[b] && may(&e[a], &e[b], links))
				pairs[n_pairs++] = (struct pair){ apart(&e[a], &e[b]), (uint16_t)a,
								  (uint16_t)b };
	qsort(pairs, n_pairs, sizeof(pairs[0]), by_distance);
	for (size_t i = 0; i < n_pairs; i++) {
		const struct pair *p = &pairs[i];

		if (partner[p->a] || partner[p->b])
			continue;
		partner[p->a] = (uint16_t)(p->b + 1);
		partner[p->b] = (uint16_t)(p->a + 1);
	}
}

/* ---- ends ---- */

static bool open_and_close(const struct flow_end *a, const struct flow_end *b,
			   const struct flow_links *links)
{
	(void)links;
	return a->key == b->key && a->open_ns && !a->error[0] && b->close_ns &&
	       a->source == b->source && a->side == b->side && apart(a, b) <= FLOW_CLOSE_WINDOW_NS;
}

/* An order that the set alone decides. */
static int by_time(const void *x, const void *y)
{
	const struct flow_end *a = x, *b = y;
	const uint64_t keys[][2] = {
		{ flow_end_at(a), flow_end_at(b) },
		{ a->source, b->source },
		{ a->side, b->side },
		{ a->open_seq, b->open_seq },
		{ a->close_seq, b->close_seq },
		{ a->key, b->key },
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i][0] != keys[i][1])
			return keys[i][0] < keys[i][1] ? -1 : 1;
	return 0;
}

static void add_close(struct flow_end *open, const struct flow_end *close)
{
	open->close_ns = close->close_ns;
	open->close_seq = close->close_seq;
	open->source_bytes = close->source_bytes;
	open->dest_bytes = close->dest_bytes;
	open->duration_ns = close->duration_ns;
	open->close_ahead_ns = close->close_ahead_ns;
}

size_t flow_sightings(const struct flow_end *e, struct flow_end ret[2])
{
	size_t n = 0;

	if (e->open_ns) {
		ret[n] = *e;
		ret[n].close_ns = ret[n].close_seq = 0;
		ret[n].source_bytes = ret[n].dest_bytes = ret[n].duration_ns = 0;
		ret[n].close_ahead_ns = 0;
		n++;
	}
	if (e->close_ns) {
		ret[n] = *e;
		ret[n].open_ns = ret[n].open_seq = 0;
		ret[n].established_ns = e->close_ns - e->duration_ns;
		ret[n].ahead_ns = e->close_ahead_ns;
		n++;
	}
	return n;
}

/* Leaves one element for each end.  Returns how many. */
static size_t make_ends(struct flow_end *e, size_t n)
{
	uint16_t partner[FLOW_SIGHTINGS] = { 0 };
	size_t kept = 0;

	pair_nearest(e, n, open_and_close, NULL, partner);
	for (size_t i = 0; i < n; i++)
		if (partner[i] && e[i].open_ns)
			add_close(&e[i], &e[partner[i] - 1]);
	for (size_t i = 0; i < n; i++)
		if (!partner[i] || e[i].open_ns)
			e[kept++] = e[i];
	return kept;
}

/* ---- flows ---- */

static bool opposite(const struct flow_end *a, const struct flow_end *b)
{
	return a->side == FLOW_CONNECTED && b->side == FLOW_ACCEPTED && !a->error[0] &&
	       apart(a, b) <= FLOW_WINDOW_NS;
}

static bool connected_and_accepted(const struct flow_end *a, const struct flow_end *b,
				   const struct flow_links *links)
{
	(void)links;
	return a->key == b->key && opposite(a, b);
}

static bool on_one_node(const struct flow_end *a, const struct flow_end *b,
			const struct flow_links *links)
{
	return a->node == b->node && connected_and_accepted(a, b, links);
}

/* @from was led to @to then, over at most @deep translations. */
static bool leads(const struct flow_links *links, uint64_t from, uint64_t to, uint64_t at_ns,
		  uint32_t deep)
{
	for (size_t i = 0; i < links->n; i++) {
		const struct flow_link *l = &links->at[i];
		uint64_t away = l->at_ns > at_ns ? l->at_ns - at_ns : at_ns - l->at_ns;

		if (l->from == from && l->from != l->to && away <= FLOW_WINDOW_NS &&
		    (l->to == to || (deep > 1 && leads(links, l->to, to, at_ns, deep - 1))))
			return true;
	}
	return false;
}

static bool translated(const struct flow_end *a, const struct flow_end *b,
		       const struct flow_links *links)
{
	return links && a->key != b->key && opposite(a, b) &&
	       leads(links, a->key, b->key, flow_end_at(a), FLOW_LINKS_DEEP);
}

/* True when another one might have been meant. */
static bool crowded(const struct flow_end *e, size_t n, const struct flow_end *a,
		    const struct flow_end *b, const struct flow_links *links)
{
	uint32_t like_a = 0, like_b = 0;

	for (size_t i = 0; i < n; i++) {
		like_a += connected_and_accepted(&e[i], b, NULL) || translated(&e[i], b, links);
		like_b += connected_and_accepted(a, &e[i], NULL) || translated(a, &e[i], links);
	}
	return like_a > 1 || like_b > 1;
}

static uint32_t confidence(const struct flow_end *e, size_t n, const struct flow_end *a,
			   const struct flow_end *b, const struct flow_links *links)
{
	uint32_t costs = 0;

	if (crowded(e, n, a, b, links))
		costs += CROWDED_COSTS;
	if (apart(a, b) > FAR_NS)
		costs += FAR_COSTS;
	costs += (a->open_ns ? 0 : CLOSE_ONLY_COSTS) + (b->open_ns ? 0 : CLOSE_ONLY_COSTS);
	if (a->node != b->node && (!a->clock_error_ns || !b->clock_error_ns))
		costs += CLOCK_COSTS;
	return 100 - costs;
}

size_t flow_resolve(struct flow_end *e, size_t n, const struct flow_links *links,
		    struct flow_match *ret)
{
	uint16_t partner[FLOW_SIGHTINGS] = { 0 };
	size_t n_flows = 0;

	n = MIN(n, (size_t)FLOW_SIGHTINGS);
	qsort(e, n, sizeof(*e), by_time);
	n = make_ends(e, n);
	pair_nearest(e, n, on_one_node, NULL, partner);
	pair_nearest(e, n, connected_and_accepted, NULL, partner);
	if (links && links->n)
		pair_nearest(e, n, translated, links, partner);
	for (size_t i = 0; i < n; i++) {
		struct flow_match *f;

		if (partner[i] && e[i].side == FLOW_ACCEPTED)
			continue; /* told with the one that connected */
		f = &ret[n_flows++];
		memset(f, 0, sizeof(*f));
		f->end[e[i].side] = e[i];
		if (!partner[i])
			continue;
		f->end[FLOW_ACCEPTED] = e[partner[i] - 1];
		f->confidence = confidence(e, n, &e[i], &e[partner[i] - 1], links);
	}
	return n_flows;
}
