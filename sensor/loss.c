/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/loss.h"

_Static_assert(LOSSES_MAX <= 32, "losses.pending has a bit for each");

static uint32_t bit_of(enum kind_class class, enum loss_cause cause)
{
	return UINT32_C(1) << ((uint32_t) class * LOSS_CAUSES + (uint32_t)cause);
}

void losses_add(struct losses *all, const struct loss *l)
{
	struct loss *to = &all->at[l->class][l->cause];
	uint32_t bit = bit_of(l->class, l->cause);

	if (!(all->pending & bit)) {
		all->pending |= bit;
		*to = *l;
		return;
	}
	to->count += l->count;
	to->from_ns = MIN(to->from_ns, l->from_ns);
	to->to_ns = MAX(to->to_ns, l->to_ns);
	if (l->last_seq) {
		to->first_seq = to->last_seq ? MIN(to->first_seq, l->first_seq) : l->first_seq;
		to->last_seq = MAX(to->last_seq, l->last_seq);
	}
}

void losses_move(struct losses *all, struct losses *from)
{
	struct loss l;

	while (losses_take(from, &l))
		losses_add(all, &l);
}

bool losses_take(struct losses *all, struct loss *ret)
{
	uint32_t i;

	if (!all->pending)
		return false;
	i = (uint32_t)__builtin_ctz(all->pending);
	*ret = all->at[i / LOSS_CAUSES][i % LOSS_CAUSES];
	all->pending &= all->pending - 1;
	return true;
}

const char *loss_cause_name(enum loss_cause cause)
{
	static const char *const names[LOSS_CAUSES] = {
		[LOSS_RING_FULL] = "ring_full",
		[LOSS_MAP_FULL] = "map_full",
		[LOSS_QUEUE_FULL] = "queue_full",
		[LOSS_MALFORMED] = "malformed",
		[LOSS_REFUSED] = "refused",
		[LOSS_NO_MEMORY] = "no_memory",
		[LOSS_RESTART] = "restart",
		[LOSS_PROBE_BUSY] = "probe_busy",
		[LOSS_SPOOL_FULL] = "spool_full",
		[LOSS_SPOOL_EXPIRED] = "spool_expired",
		[LOSS_SPOOL_DAMAGED] = "spool_damaged",
		[LOSS_CONNTRACK_FULL] = "conntrack_full",
	};

	return names[cause];
}

const char *loss_class_name(enum kind_class class)
{
	return class == CLASS_PRIORITY ? "priority" : "bulk";
}
