/* SPDX-License-Identifier: Apache-2.0 */
/* rate - how often somebody may ask: a bucket for each key that fills at a steady pace.
 * Thread: one owner at a time.  Memory: a fixed table; the key that was seen longest ago makes
 * room. */
#pragma once
#include "lib/util.h"

enum { RATE_SLOTS = 4096, RATE_WAYS = 4 };

struct rate {
	struct rate_slot {
		uint64_t key, at_ms; /* 0: free; when tokens was right */
		double tokens;
	} slots[RATE_SLOTS];
	double per_s, burst;
};

void rate_init(struct rate *r, double per_s, double burst);

/* Takes one of @key's; false when it has none left.  @now_ms never goes back. */
bool rate_take(struct rate *r, uint64_t key, uint64_t now_ms);

/* The same without taking. */
bool rate_has(struct rate *r, uint64_t key, uint64_t now_ms);
