/* SPDX-License-Identifier: Apache-2.0 */
/* outbox - sealed frames between consumer and uplink, kept until the collector has them.
 *
 * Bounded in bytes.  When a push does not fit, the oldest frames that hold bulk events only go
 * first, then the oldest of all; frames under way stay.  What goes becomes a loss that the consumer
 * collects with outbox_losses(), together with the losses that the frame itself was to tell.
 * Threads: any; a mutex held for a few list operations.  Memory: owns its frames. */
#pragma once
#include "sensor/loss.h"

struct outbox;

struct outbox_frame {
	uint8_t *data; /* malloc; owned */
	size_t n;
	uint64_t first_seq, last_seq;	/* heartbeat: first_seq only */
	uint64_t from_ns, to_ns;	/* times of its events, since 1970 */
	uint64_t events[CLASS_MAX];	/* without gap events; none and no losses: a heartbeat */
	struct loss *losses;		/* what its gap events tell; malloc, owned; NULL: none */
	size_t n_losses;
	uint64_t number;		/* order of pushing; set by outbox_push() */
	struct outbox_frame *next, *prev;
};

struct outbox_frame *outbox_frame_free(struct outbox_frame *f);
DEFINE_FREEP(outbox_frame)

/* Returns 0, -EINVAL (@max_bytes is 0) or -ENOMEM.  *ret is freed with outbox_free(), frames too. */
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
	uint64_t frames, bytes;	  /* now inside */
	uint64_t lost_events;	  /* dropped or refused, ever */
	uint64_t lowest_seq;	  /* of the events inside; 0: none are */
	bool crowded;		  /* over half full: the consumer should part bulk from priority */
};
void outbox_totals(struct outbox *o, struct outbox_totals *ret);

/* Waits until the outbox is empty.  Returns true, or false after @timeout_ms. */
bool outbox_wait_empty(struct outbox *o, uint32_t timeout_ms);
