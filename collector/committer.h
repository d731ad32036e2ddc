/* SPDX-License-Identifier: Apache-2.0 */
/* committer - makes what was appended to the store durable, then tells those who wait for it:
 * observers, and live tails.  Batches of sensors and alarms end with it; an import commits by
 * itself (import_append()), and is published here.
 * Thread: ingest's; counters and committer_failing() any.  Memory: the owner's. */
#pragma once
#include <stdatomic.h>

#include "collector/follow.h"
#include "collector/hub.h"
#include "collector/store.h"

struct committer {
	struct store *store;
	struct hub *hub;       /* NULL: no live tail */
	struct follow *follow; /* NULL: no observers */
	_Atomic uint64_t commits, commit_ns;
	_Atomic bool failing;
};

/* Commits, and wakes the observers.  Returns 0 or a negative errno of store_commit(). */
NODISCARD int committer_commit(struct committer *c);

/* For the live tail; of a batch that is committed. */
void committer_publish(struct committer *c, const struct hub_batch *batch);

/* Notes how the last attempt to store went (@r: 0 or a negative errno) and logs each change;
 * @n_busy: batches that were not taken so far. */
void committer_note(struct committer *c, int r, uint64_t n_busy);

/* True from a failure until the next success. */
bool committer_failing(const struct committer *c);
