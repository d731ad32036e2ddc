/* SPDX-License-Identifier: Apache-2.0 */
/* retention - removes whole days, oldest first, by age and by bytes: never the current one, never
 * one on hold (main.db).  What is removed is noted in main.db first, then logged.
 *
 * Batches of clocks that are far off lie in the day of 1970-01-01 (store.h); it is as old as its
 * last batch's arrival.
 * Thread: the store's writer. */
#pragma once
#include "collector/maindb.h"
#include "collector/store.h"

struct retention_limits {
	uint64_t keep_days;  /* whole days before today; 0: for ever */
	uint64_t keep_bytes; /* of all days, indexes included; 0: no limit */
};

/* What holds: @own, the options, but for what main.db says.  Any thread.  Returns 0 or a negative
 * errno. */
NODISCARD int retention_limits_now(struct maindb *m, const struct retention_limits *own,
				   struct retention_limits *ret);

/* Removes what is over the limits at @now_ns.  Returns 0, RETENTION_E_OVER (what is left is over
 * keep_bytes, and held or current), or a negative errno: the rest waits for the next run. */
enum { RETENTION_E_OVER = 1 };
NODISCARD int retention_run(struct store *s, struct maindb *m,
			    const struct retention_limits *limits, uint64_t now_ns);
