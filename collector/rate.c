/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/rate.h"

#include <string.h>

void rate_init(struct rate *r, double per_s, double burst)
{
	memset(r, 0, sizeof(*r));
	r->per_s = per_s;
	r->burst = burst;
}

static struct rate_slot *slot_of(struct rate *r, uint64_t key, uint64_t now_ms)
{
	struct rate_slot *set = &r->slots[key % (RATE_SLOTS / RATE_WAYS) * RATE_WAYS],
			 *oldest = set;

	key = key ? key : 1;
	for (struct rate_slot *s = set; s < set + RATE_WAYS; s++) {
		if (s->key == key)
			return s;
		if (s->at_ms < oldest->at_ms)
			oldest = s;
	}
	*oldest = (struct rate_slot){ .key = key, .at_ms = now_ms, .tokens = r->burst };
	return oldest;
}

static struct rate_slot *filled(struct rate *r, uint64_t key, uint64_t now_ms)
{
	struct rate_slot *s = slot_of(r, key, now_ms);
	double more = (double)(now_ms - MIN(s->at_ms, now_ms)) * r->per_s / 1000;

	s->tokens = MIN(s->tokens + more, r->burst);
	s->at_ms = now_ms;
	return s;
}

bool rate_has(struct rate *r, uint64_t key, uint64_t now_ms)
{
	return filled(r, key, now_ms)->tokens >= 1;
}

bool rate_take(struct rate *r, uint64_t key, uint64_t now_ms)
{
	struct rate_slot *s = filled(r, key, now_ms);

	if (s->tokens < 1)
		return false;
	s->tokens -= 1;
	return true;
}
