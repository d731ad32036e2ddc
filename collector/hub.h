/* SPDX-License-Identifier: Apache-2.0 */
/* hub - hands every committed batch from the ingest thread to the loop thread, for the live
 * tail.  Bounded: when the loop is behind, the oldest frames are dropped and counted; nothing
 * blocks ingest.
 * Threads: hub_publish() ingest; all others the loop. */
#pragma once
#include <uv.h>

#include "lib/block.h"

struct hub;

/* @deliver is called on the loop for each batch, in commit order; @b is lent for the call.
 * @dropped is how many events were dropped since the call before. */
typedef void (*hub_deliver_fn)(struct block *b, uint64_t block_id, uint64_t dropped, void *arg);
NODISCARD int hub_new(struct hub **ret, uv_loop_t *loop, hub_deliver_fn deliver, void *arg);
struct hub *hub_free(struct hub *h); /* the loop must run once more to close its handle */

enum { HUB_BATCHES = 256, HUB_BYTES = 32 << 20 }; /* that wait for the loop at most */

/* While nobody listens hub_publish() costs one atomic read.  Count of tails is told by the loop. */
void hub_set_listeners(struct hub *h, uint32_t n);
uint32_t hub_listeners(const struct hub *h); /* any thread */
/* A batch for the tails; @frame (@n bytes) is copied. */
struct hub_batch {
	const void *frame;
	size_t n;
	uint64_t block_id, ingested_ns;
	uint32_t n_events; /* counted as dropped when it does not reach the loop */
};
void hub_publish(struct hub *h, const struct hub_batch *batch);
