/* SPDX-License-Identifier: Apache-2.0 */
/* store_replay - brings the index of a day up to its frames file, which is ahead of it when the
 * collector was killed between the two.
 * Thread: the writer's.  Memory: one block, one record. */
#pragma once
#include "collector/day.h"
#include "collector/filter.h"
#include "collector/store.h"

struct replay {
	struct filter_builder *filter; /* also of who appends, between two replays */
	struct block *block;
	struct buf record;
};

/* Returns 0 or -ENOMEM; replay_done() is fine in either case, and of a zeroed one. */
NODISCARD int replay_init(struct replay *s);
void replay_done(struct replay *s);

/* Enters what the index of @day lacks and commits, in transactions of a bounded size: it may be a
 * whole day.  Records that are damaged or in conflict are passed over.  Returns 0 or a negative
 * errno. */
NODISCARD int replay_day(struct replay *s, struct day *day);
