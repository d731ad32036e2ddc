/* SPDX-License-Identifier: Apache-2.0 */
/* store_writer - the inside of a store, for its writer: store.c writes, store_gone.c lets days go.
 * Thread: the writer's, but for what the mutex guards. */
#pragma once
#include "collector/store_internal.h"
#include "collector/store_replay.h"

struct store {
	char dir[DAY_PATH_BYTES - 64];
	/* the writer's own */
	struct day **open; /* most recently used first */
	size_t n_open, open_room;
	struct replay replay;
	uint64_t last_ingested_ns, last_id;
	struct store_days gone; /* for store_take_gone() */
	/* shared with readers */
	pthread_mutex_t mutex;
	struct store_days days;
	struct store_reader *readers;
	struct store_damaged damaged; /* with a mutex of its own */
};

/* Opens a day and brings its index up to its frames file.  Returns 0 or a negative errno with @d.
 */
NODISCARD int store_open_day(struct store *s, uint32_t number, struct day **ret, struct diag *d);

/* Has what others removed of day @number, if anything is known of it, told, and what can be made
 * again be made by the next store_open_day().  Returns an enum day_files, as it was, or a negative
 * errno. */
NODISCARD int store_mend(struct store *s, uint32_t number);

/* What is written to a file that has no name any more would be lost with it.  Returns 0 or -ESTALE.
 */
NODISCARD int store_check_names(const struct store *s);
