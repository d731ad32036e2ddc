/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of the store again, for rules over several events: their state as it was, after a
 * start or a failed commit; and what has come after its time.
 *
 * State is not written down.  It is a function of the events of the last window, and these are
 * stored: so it is made anew from them, without telling what was told before.  What was told is
 * known by two marks that are committed with the alerts: up to which batch all were taken in, and
 * up to which time sequences were told.
 *
 * An event that comes late, such as out of a spool, finds its time over: sequences have gone on
 * without it, windows have been dropped.  For these rules the time around it is gone through again,
 * and matches are told that have a late event in them, or windows that come to hold by one. */
#include "collector/detect_internal.h"

#include "lib/log.h"
#include "lib/timestamp.h"

/* A scan of stored batches, oldest first. */
struct again {
	struct detect *d;
	struct sequence *sequence; /* only that; NULL: all members that d->idle leaves */
	uint64_t until_ns;	   /* sequences are taken up to here */
	uint64_t arrived_ns;	   /* batches that came later are left out */
	/* only batches that came after this, or have events after that */
	uint64_t came_after_ns, ends_after_ns;
	uint64_t events, from_ns; /* still wanted, and from when on: for bound() */
};

static enum store_wish wanted(const struct store_block *meta, void *arg)
{
	const struct again *a = arg;

	return meta->ingested_ns <= a->arrived_ns && (meta->ingested_ns >= a->came_after_ns ||
						      meta->max_time_ns >= a->ends_after_ns)
		       ? STORE_READ
		       : STORE_SKIP;
}

static int on_block(const struct store_block *meta, struct block *b, void *arg)
{
	struct again *a = arg;
	struct detect *d = a->d;
	uint64_t before_ns = MIN(meta->min_time_ns, a->until_ns);
	int r;

	d->turn++;
	d->block_id = meta->id;
	if (a->sequence) {
		detect_find_exceptions(d->current, b);
		sequence_except(a->sequence, d->current->in_force, d->current->n_in_force);
		r = sequence_advance(a->sequence, before_ns);
		return r < 0 ? r : sequence_block(a->sequence, d->scratch, b, meta->id);
	}
	r = d->only ? 0 : detect_sequences_advance(d, before_ns);
	return r < 0 ? r : detect_ask(d, b, d->idle);
}

/* Members that state does not hang on are not asked. */
static void find_idle(struct detect *d)
{
	for (uint32_t i = 0; i < d->n_members; i++) {
		const struct detect_member *m = &d->members[i];
		uint64_t bit = UINT64_C(1) << (i % 64);

		d->idle[i / 64] &= ~bit;
		if (!m->sequence && !m->n_links)
			d->idle[i / 64] |= bit;
	}
}

static int prepare(struct detect *d)
{
	int r = d->reader ? 0 : store_reader_new(d->store, &d->reader);

	find_idle(d);
	if (r == 0)
		store_reader_set_beside(d->reader, d->beside);
	return r;
}

/* ---- how far back ---- */

static uint64_t span_of(const struct detect_member *m)
{
	uint64_t span_ns = 0;

	if (m->correlate)
		span_ns = m->rule->correlation->config.timespan_ns;
	else if (m->sequence)
		span_ns = m->rule->statement->maxspan_ns ? m->rule->statement->maxspan_ns
							 : DETECT_OPEN_NS;
	return MIN(span_ns, DETECT_AGAIN_NS);
}

/* Of all rules; of correlations of correlations one after the other. */
static uint64_t span_of_all(const struct detect *d)
{
	uint64_t sequences = 0, correlations = 0;

	for (uint32_t i = 0; i < d->n_members; i++) {
		const struct detect_member *m = &d->members[i];

		if (m->sequence)
			sequences = MAX(sequences, span_of(m));
		else if (m->correlate && m->n_links)
			correlations = MIN(correlations + span_of(m), DETECT_AGAIN_NS);
	}
	for (uint32_t i = 0; i < d->n_members; i++)
		if (d->members[i].correlate && !d->members[i].n_links)
			sequences = MAX(sequences, MIN(correlations + span_of(&d->members[i]),
						       DETECT_AGAIN_NS));
	return sequences;
}

static enum store_wish count_back(const struct store_block *meta, void *arg)
{
	struct again *a = arg;

	if (wanted(meta, arg) == STORE_SKIP)
		return STORE_SKIP;
	if (meta->n_events >= a->events)
		return STORE_STOP;
	a->events -= meta->n_events;
	a->from_ns = MIN(a->from_ns, meta->min_time_ns);
	return STORE_SKIP;
}

static int no_block(const struct store_block *meta, struct block *b, void *arg)
{
	(void)meta;
	(void)b;
	(void)arg;
	return 0;
}

/* Moves *from_ns to where DETECT_AGAIN_EVENTS of the wanted events are behind it. */
static int bound(struct detect *d, struct again *a, uint64_t *from_ns)
{
	const struct store_range range = { .from_ns = *from_ns, .to_ns = UINT64_MAX };
	struct store_scan_stats stats = { 0 };
	int r;

	a->events = DETECT_AGAIN_EVENTS;
	a->from_ns = UINT64_MAX;
	r = store_scan(d->reader, &range, count_back, no_block, a, &stats);
	*from_ns = MAX(*from_ns, a->from_ns == UINT64_MAX ? 0 : a->from_ns);
	return r;
}

/* ---- the state as it was ---- */

static int make_anew(struct detect *d)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < d->n_members; i++) {
		struct detect_member *m = &d->members[i];

		m->late_to_ns = 0;
		if (m->sequence) {
			m->sequence = sequence_free(m->sequence);
			r = detect_sequence_new(d, m, &m->sequence);
		} else if (m->correlate) {
			m->correlate = correlate_free(m->correlate);
			r = correlate_new(&m->correlate, &m->rule->correlation->config);
		}
	}
	return r;
}

static uint64_t before(uint64_t at_ns, uint64_t span_ns)
{
	return at_ns > span_ns ? at_ns - span_ns : 0;
}

/* What may still be in a window: what came, or happened, within its length. */
static int go_through(struct detect *d, uint64_t span_ns, uint64_t position_ns)
{
	uint64_t at_ns = d->settled_ns ? MIN(d->settled_ns, position_ns) : position_ns;
	struct again a = { .d = d,
			   .until_ns = d->settled_ns,
			   .arrived_ns = position_ns,
			   .came_after_ns = before(position_ns, span_ns),
			   .ends_after_ns = before(at_ns, span_ns) };
	struct store_range range = { .from_ns = before(a.ends_after_ns, DETECT_AGAIN_NS),
				     .to_ns = UINT64_MAX,
				     .ascending = true };
	struct store_scan_stats stats = { 0 };
	uint64_t began_ns = timestamp_now();
	int r = prepare(d);

	if (r == 0)
		r = bound(d, &a, &range.from_ns);
	d->muted = true;
	if (r == 0)
		r = store_scan(d->reader, &range, wanted, on_block, &a, &stats);
	if (r == 0)
		r = detect_sequences_advance(d, d->settled_ns);
	d->muted = false;
	if (r == 0 && stats.events)
		log_info("detect.state_made", "events=%llu took_ms=%llu",
			 (unsigned long long)stats.events,
			 (unsigned long long)((timestamp_now() - began_ns) / 1000000));
	return r;
}

int detect_warm(struct detect *d)
{
	uint64_t position_ns = 0, span_ns = span_of_all(d);
	int r = alertbook_position(d->alerts, &position_ns);

	if (r == 0)
		r = alertbook_settled(d->alerts, &d->settled_ns);
	if (r == 0)
		r = make_anew(d);
	if (r == 0 && span_ns && position_ns > 1)
		r = go_through(d, span_ns + CORRELATE_LATE_NS, position_ns);
	d->warm = r == 0;
	return r;
}

/* ---- sequences that came late ---- */

void detect_late_block(struct detect *d, struct detect_member *m, const struct block *b)
{
	const struct block_info *i = block_info(b);
	void *more;

	m->late_from_ns = m->late_to_ns ? MIN(m->late_from_ns, i->min_time_ns) : i->min_time_ns;
	m->late_to_ns = MAX(m->late_to_ns, MIN(i->max_time_ns, d->settled_ns) + 1);
	m->late++;
	if (d->n_late_blocks && d->late_blocks[d->n_late_blocks - 1].id == d->block_id)
		return;
	more = reallocarray(d->late_blocks, d->n_late_blocks + 1, sizeof(d->late_blocks[0]));
	if (!more)
		return; /* its matches are not told */
	d->late_blocks = more;
	d->late_blocks[d->n_late_blocks].id = d->block_id;
	d->late_blocks[d->n_late_blocks++].settled_ns = d->settled_ns;
}

bool detect_has_late(const struct detect *d, const struct sequence_match *m)
{
	for (uint32_t i = 0; i < m->n_events; i++) {
		const struct sequence_event *e = &m->events[i];

		for (size_t k = 0; !e->missing && k < d->n_late_blocks; k++)
			if (d->late_blocks[k].id == e->ref &&
			    e->time_ns < d->late_blocks[k].settled_ns)
				return true;
	}
	return false;
}

/* Goes through the time around.  Where what is to come may still go on from a late event, the state
 * that was made stays. */
static int look_at_sequence(struct detect *d, struct detect_member *m)
{
	uint64_t span_ns = span_of(m);
	bool open = m->late_to_ns + span_ns >= d->settled_ns;
	const struct store_range range = {
		.from_ns = before(m->late_from_ns, span_ns),
		.to_ns = open ? UINT64_MAX : m->late_to_ns + span_ns + 1,
		.expr = m->rule->expr,
		.ascending = true,
	};
	struct again a = { .d = d, .until_ns = d->settled_ns, .arrived_ns = d->arrived_ns };
	struct store_scan_stats stats = { 0 };
	AUTO(sequence) *s = NULL;
	int r = detect_sequence_new(d, m, &s);

	d->current = m;
	d->late_only = true;
	a.sequence = s;
	if (r == 0)
		r = store_scan(d->reader, &range, wanted, on_block, &a, &stats);
	if (r == 0)
		r = open ? sequence_advance(s, d->settled_ns) : sequence_finish(s);
	d->late_only = false;
	if (r == 0 && open) {
		detect_state_left(m);
		sequence_free(m->sequence);
		m->sequence = TAKE(s);
	}
	return r;
}

/* ---- windows that a hit was too late for ---- */

int detect_late_hit(struct detect *d, const struct detect_late *late)
{
	struct detect_late *more;

	if (d->n_late_hits == DETECT_LATE_HITS)
		return 0; /* counted by the correlation */
	more = reallocarray(d->late_hits, d->n_late_hits + 1, sizeof(*more));
	if (!more)
		return err_origin(-ENOMEM);
	d->late_hits = more;
	more[d->n_late_hits++] = *late;
	return 0;
}

bool detect_is_late_hit(const struct detect *d, uint32_t to, uint64_t id)
{
	for (size_t i = 0; i < d->n_late_hits; i++)
		if (d->late_hits[i].to == to && d->late_hits[i].hit.id == id)
			return true;
	return false;
}

/* The windows of that time with all that was there, nothing told; then the late hits, as if they
 * came now. */
static int look_at_windows(struct detect *d, uint32_t to)
{
	struct detect_member *m = &d->members[to];
	uint64_t span_ns = span_of_all(d), from_ns = UINT64_MAX, to_ns = 0;
	struct again a = { .d = d, .until_ns = 0, .arrived_ns = d->arrived_ns };
	struct store_range range = { .ascending = true };
	struct store_scan_stats stats = { 0 };
	struct correlate *live = TAKE(m->correlate);
	int r = correlate_new(&m->correlate, &m->rule->correlation->config);

	for (size_t i = 0; i < d->n_late_hits; i++) {
		if (d->late_hits[i].to != to)
			continue;
		from_ns = MIN(from_ns, d->late_hits[i].hit.time_ns);
		to_ns = MAX(to_ns, d->late_hits[i].hit.time_ns);
	}
	range.from_ns = before(from_ns, span_ns);
	range.to_ns = to_ns + span_ns + 1;
	d->only = m;
	d->muted = true;
	if (r == 0)
		r = store_scan(d->reader, &range, wanted, on_block, &a, &stats);
	d->muted = false;
	for (size_t i = 0; r == 0 && i < d->n_late_hits; i++)
		if (d->late_hits[i].to == to)
			r = detect_correlate_late(d, &d->late_hits[i]);
	d->only = NULL;
	correlate_free(m->correlate);
	m->correlate = live;
	return r;
}

static bool has_late_hits(const struct detect *d, uint32_t to)
{
	for (size_t i = 0; i < d->n_late_hits; i++)
		if (d->late_hits[i].to == to)
			return true;
	return false;
}

/* What it takes is the rule's: one that takes too much is left out as long as it is dear. */
static int look_at(struct detect *d, struct detect_member *m)
{
	uint64_t began_ns = timestamp_now(), ns;
	int r = 0;

	if (m->stats.dear)
		return 0;
	if (m->late_to_ns)
		r = look_at_sequence(d, m);
	if (r == 0 && m->correlate && has_late_hits(d, (uint32_t)(m - d->members)))
		r = look_at_windows(d, (uint32_t)(m - d->members));
	ns = timestamp_now() - began_ns;
	m->recent_ns += ns / 8;
	pthread_mutex_lock(&d->mutex);
	m->stats.ns += ns;
	pthread_mutex_unlock(&d->mutex);
	return r;
}

int detect_relook(struct detect *d)
{
	int r = d->n_late_blocks || d->n_late_hits ? prepare(d) : 0;

	for (uint32_t i = 0; r == 0 && i < d->n_members; i++)
		if (d->members[i].late_to_ns || (d->members[i].correlate && d->n_late_hits))
			r = look_at(d, &d->members[i]);
	if (r == 0)
		detect_forget_late(d);
	return r;
}

void detect_forget_late(struct detect *d)
{
	for (uint32_t i = 0; i < d->n_members; i++)
		d->members[i].late_to_ns = 0;
	d->n_late_blocks = d->n_late_hits = 0;
}
