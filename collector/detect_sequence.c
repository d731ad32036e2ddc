/* SPDX-License-Identifier: Apache-2.0 */
/* Sequences and samples of EQL, live: fed with each batch, taken up to where all events are here.
 */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "collector/detect_internal.h"
#include "lib/timestamp.h"

#define SETTLE_NS UINT64_C(500000000) /* events of a node may be so much out of order */

static int on_match(const struct sequence_match *m, void *arg)
{
	struct detect *d = arg;
	AUTO_BUF struct buf keys = { 0 };
	struct json j = json_to(&keys);
	struct detect_hit h = { .member = d->current, .time_ns = m->time_ns, .match = m };

	if (d->late_only && !detect_has_late(d, m))
		return 0;
	sequence_write_keys(m, &j);
	buf_byte(&keys, 0);
	if (!buf_ok(&keys))
		return err_origin(-ENOMEM);
	h.group = XXH3_64bits(m->keys, m->n_keys_bytes) | 1;
	h.object = m->n_keys_bytes ? (const char *)keys.data : NULL;
	detect_count(d, h.member, 1);
	return detect_take_hit(d, &h);
}

int detect_sequence_new(struct detect *d, struct detect_member *m, struct sequence **ret)
{
	const struct sequence_config config = {
		.statement = m->rule->statement, .to_ns = UINT64_MAX, .match = on_match, .arg = d
	};

	return sequence_new(ret, &config);
}

/* Events whose time is over are left out here, and the time around them gone through again; but
 * samples have no order. */
int detect_sequence_feed(struct detect *d, struct detect_member *m, struct block *b)
{
	bool all = d->muted || m->rule->statement->type == EQL_SAMPLE;
	struct sequence_info before, after;
	int r;

	if (m->fed == d->turn)
		return 0;
	m->fed = d->turn;
	d->current = m;
	detect_find_exceptions(m, b);
	sequence_except(m->sequence, m->in_force, m->n_in_force);
	sequence_from(m->sequence, all ? 0 : d->settled_ns);
	sequence_info(m->sequence, &before);
	r = sequence_block(m->sequence, d->scratch, b, d->block_id);
	sequence_info(m->sequence, &after);
	if (r == 0 && after.n_before != before.n_before)
		detect_late_block(d, m, b);
	return r;
}

/* Notes how far the node of @b has come. */
static void note_node(struct detect *d, const struct block *b, uint64_t now_ns)
{
	const struct block_info *i = block_info(b);
	uint64_t hash = XXH3_64bits(i->node_id.s, i->node_id.n);
	uint32_t at = 0, oldest = 0;

	for (; at < d->n_nodes && d->nodes[at].hash != hash; at++)
		if (d->nodes[at].seen_ns < d->nodes[oldest].seen_ns)
			oldest = at;
	if (at == ARRAY_SIZE(d->nodes)) {
		at = oldest; /* more nodes than are watched: the one silent for longest goes */
		d->nodes[at] = (struct nodes){ .hash = hash };
	} else if (at == d->n_nodes) {
		d->nodes[d->n_nodes++] = (struct nodes){ .hash = hash };
	}
	d->nodes[at].max_ns = MAX(d->nodes[at].max_ns, i->max_time_ns);
	d->nodes[at].seen_ns = now_ns;
}

/* Time up to which all events of all nodes that speak are here. */
static uint64_t watermark(const struct detect *d, uint64_t now_ns)
{
	uint64_t least = UINT64_MAX;

	for (uint32_t k = 0; k < d->n_nodes; k++) {
		uint64_t until = d->nodes[k].max_ns + 1;

		if (now_ns < until + SETTLE_NS)
			until = until > SETTLE_NS ? until - SETTLE_NS : 0;
		if (now_ns - MIN(now_ns, d->nodes[k].seen_ns) > d->silent_ns)
			until = MAX(until, now_ns - d->silent_ns);
		least = MIN(least, until);
	}
	return d->n_nodes ? least : 0;
}

void detect_settle(struct detect *d, const struct block *b)
{
	uint64_t now_ns = timestamp_now();
	bool any = false;

	for (uint32_t i = 0; i < d->n_members && !any; i++)
		any = d->members[i].sequence != NULL;
	if (!any)
		return;
	if (b)
		note_node(d, b, now_ns);
	d->settled_ns = MAX(d->settled_ns, watermark(d, now_ns));
}

bool detect_waits(const struct detect *d)
{
	for (uint32_t i = 0; i < d->n_members; i++)
		if (d->members[i].sequence && sequence_waits(d->members[i].sequence))
			return true;
	return false;
}

int detect_sequences_advance(struct detect *d, uint64_t before_ns)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < d->n_members; i++) {
		if (!d->members[i].sequence)
			continue;
		d->current = &d->members[i];
		r = sequence_advance(d->members[i].sequence, before_ns);
	}
	return r;
}
