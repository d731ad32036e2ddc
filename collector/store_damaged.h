/* SPDX-License-Identifier: Apache-2.0 */
/* store_damaged - which blocks, and rests of days, are known to be damaged, so that each is logged
 * once, told by every scan and not read again (docs/decisions/0015-quarantine.md).
 * Thread: any.  Memory: at most STORE_QUARANTINE entries. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>

#include "collector/store.h"

/* A block by its id, the rest of a day by its number << 32. */
struct store_quarantined {
	uint64_t id;
	struct store_damage damage;
	bool holds; /* it is not read again; else it is only known that it was logged */
	bool kept;  /* the day's index has it */
};

struct store_damaged {
	pthread_mutex_t mutex;
	struct store_quarantined *list; /* in no order */
	size_t n, room;
	atomic_size_t n_held; /* of them that hold: none is asked for while there is none */
};

void store_damaged_init(struct store_damaged *d);
void store_damaged_done(struct store_damaged *d);

/* Notes @q.  True the first time; false for all when no more can be known. */
bool store_damaged_note(struct store_damaged *d, const struct store_quarantined *q);

/* True when the block is not to be read: what is known of its damage is in *ret. */
bool store_damaged_holds(struct store_damaged *d, uint64_t block_id, struct store_damage *ret);

/* Blocks in quarantine, and their events. */
void store_damaged_count(struct store_damaged *d, uint64_t *ret_blocks, uint64_t *ret_events);

/* A copy of one that its day's index lacks, from now on said to be kept; false: none is left. */
bool store_damaged_next(struct store_damaged *d, struct store_quarantined *ret);

/* Forgets those of a day that is gone. */
void store_damaged_forget(struct store_damaged *d, uint32_t day);
