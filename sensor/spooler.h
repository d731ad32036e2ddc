/* SPDX-License-Identifier: Apache-2.0 */
/* spooler - moves frames between outbox and spool, so that the two are one queue.
 *
 * It sleeps as long as the collector answers: no frame touches the disk then.  It writes frames
 * when the outbox is half full, or when one has waited for its Ack for AWAY_MS; reads them back,
 * oldest first, as the uplink sends them; and crosses out what the collector has.  When the disk
 * fails it says so once, tries again later, and meanwhile everything stays in memory.
 * Threads: one of its own, the only one that touches the spool; the calls: the owner's.
 * Memory: a frame at a time. */
#pragma once
#include "sensor/spool.h"

struct spooler;

struct spooler_config {
	struct outbox *outbox; /* both are borrowed and outlive the spooler */
	struct spool *spool;
	uint32_t away_ms;	 /* 0: 2 s */
	uint32_t retry_ms;	 /* after a failure of the disk; 0: 30 s */
	void (*kick)(void *arg); /* the outbox has frames to send, on the spooler's thread */
	void *arg;
};

/* Starts the thread.  Returns 0, -ENOMEM or a negative errno of pthread_create(3).  *ret is freed
 * with spooler_free(), which also stops it. */
NODISCARD int spooler_new(struct spooler **ret, const struct spooler_config *config);
struct spooler *spooler_free(struct spooler *s);
DEFINE_FREEP(spooler)

/* Ends the thread; config.kick is not called any more. */
void spooler_halt(struct spooler *s);

/* After spooler_halt(), when nobody else uses the outbox: writes all that is left in it and syncs.
 * Returns true when everything in it is on disk. */
bool spooler_rest(struct spooler *s);
