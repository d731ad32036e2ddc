/* SPDX-License-Identifier: Apache-2.0 */
/* slots - a hash table from 64-bit keys, already hashed, to 1-based numbers.  Several entries may
 * have one key: the caller compares what the numbers stand for.
 * Thread: one owner at a time.  Memory: doubles at half load, kept over slots_clear(). */
#pragma once
#include "lib/util.h"

struct slots {
	struct slot {
		uint64_t key;
		uint32_t number; /* 0: free */
	} * at;
	uint32_t cap, used; /* cap: a power of two, or 0 before the first slots_room() */
};

/* Makes room for one more entry.  Returns false when there is no memory. */
NODISCARD bool slots_room(struct slots *s);

/* Enters (@key, @number > 0); slots_room() must have returned true since the last one. */
void slots_put(struct slots *s, uint64_t key, uint32_t number);

/* Goes through the entries of @key: begin with *at = the key's low bits, that is slots_first().
 * Returns the next number, or 0 at the end. */
static inline UNUSED uint32_t slots_first(const struct slots *s, uint64_t key)
{
	return (uint32_t)key & (s->cap - 1);
}
static inline UNUSED uint32_t slots_next(const struct slots *s, uint64_t key, uint32_t *at)
{
	while (s->cap && s->at[*at].number) {
		const struct slot *slot = &s->at[*at];

		*at = (*at + 1) & (s->cap - 1);
		if (slot->key == key)
			return slot->number;
	}
	return 0;
}

void slots_clear(struct slots *s);
void slots_done(struct slots *s);
