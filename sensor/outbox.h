/* SPDX-License-Identifier: Apache-2.0 */
/* outbox - sealed frames between consumer and uplink, kept until the collector has them.
 *
 * Bounded in bytes.  When a push does not fit, the oldest frames that hold bulk events only go
 * first, then the oldest of all; frames under way stay.  What goes becomes a loss that the consumer
 * collects with outbox_losses(), together with the losses that the frame itself was to tell.
 *
 * With a spooler behind it (second half of this header) it is the near end of one queue whose far
 * end is on disk: when memory fills or the collector is away, waiting frames move to disk, and as
 * long as some are there, what is sent comes from there, so that the order stays.
 * Threads: any; a mutex held for a few list operations.  Memory: owns its frames. */
#pragma once
#include "sensor/outbox_frame.h"

struct outbox;

/* Returns 0, -EINVAL (@max_bytes is 0) or -ENOMEM.  *ret is freed with outbox_free(), frames too.
 */
NODISCARD int outbox_new(struct outbox **ret, size_t max_bytes);
struct outbox *outbox_free(struct outbox *o);
DEFINE_FREEP(outbox)

/* Takes @f over.  A heartbeat is dropped without a word while other frames wait to be sent. */
void outbox_push(struct outbox *o, struct outbox_frame *f);

/* The oldest frame not under way; it is then under way and stays the outbox's.  NULL: none. */
struct outbox_frame *outbox_take(struct outbox *o);

/* Ends a frame that outbox_take() gave: the collector has it, or has refused it for good. */
void outbox_stored(struct outbox *o, struct outbox_frame *f);
void outbox_refused(struct outbox *o, struct outbox_frame *f);

/* Moves what was lost since the last call to @into. */
void outbox_losses(struct outbox *o, struct losses *into);

struct outbox_totals {
	uint64_t frames, bytes; /* now inside */
	uint64_t spooled;	/* frames on disk, waiting */
	uint64_t lost_events;	/* dropped or refused, ever */
	uint64_t lowest_seq;	/* of the events inside that are not on disk; 0: none are */
	bool crowded;		/* the consumer should part bulk from priority */
};
void outbox_totals(struct outbox *o, struct outbox_totals *ret);

/* Waits until nothing is inside and nothing on disk.  Returns true, or false after @timeout_ms;
 * with a spooler, which has a place for the rest, already when half a second passes without an Ack.
 */
bool outbox_wait_empty(struct outbox *o, uint32_t timeout_ms);

/* ---- for the spooler, on its thread ---- */

struct outbox_spooling {
	uint32_t away_ms; /* a frame that waits so long for its Ack: the collector is away */
	uint64_t backlog; /* frames on disk now */
};

/* From now on there is a spooler.  NULL: no longer; what waits on disk stays there. */
void outbox_spooling(struct outbox *o, const struct outbox_spooling *s);

/* Waits until there is work for the spooler, outbox_wake(), or @timeout_ms (0: for ever). */
void outbox_wait_work(struct outbox *o, uint32_t timeout_ms);
void outbox_wake(struct outbox *o);

/* The next frame to be written to disk, NULL: none is due.  @all: also when none is due, for the
 * end.  It stays inside until outbox_spilled(), which must follow. */
struct outbox_frame *outbox_spill(struct outbox *o, bool all);

/* @r is what became of it: 0, it is on disk as @ref, @backlog frames now wait there;
 * OUTBOX_E_NO_ROOM, it is lost if it was waiting; negative: it goes back. */
enum { OUTBOX_E_NO_ROOM = 1 };
void outbox_spilled(struct outbox *o, struct outbox_frame *f, int r, const struct spool_ref *ref,
		    uint64_t backlog);

/* False: do not offer frames to write, the disk fails.  Reading goes on. */
void outbox_spool_usable(struct outbox *o, bool usable);

/* True when frames from disk are wanted.  Each comes by outbox_load(), which takes @f (NULL: there
 * is none, as it turned out) over and tells how many are still there. */
bool outbox_wants(struct outbox *o);
void outbox_load(struct outbox *o, struct outbox_frame *f, uint64_t backlog);

/* Something on disk was lost. */
void outbox_lose(struct outbox *o, struct losses *from, uint64_t n_events);

/* A frame on disk that the collector has; it is the caller's.  NULL: no more. */
struct outbox_frame *outbox_ended(struct outbox *o);
