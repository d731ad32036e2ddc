/* SPDX-License-Identifier: Apache-2.0 */
/* outbox_frame - a sealed frame with what has to be known of it when it is lost, and lists of them.
 * Thread: one owner at a time.  Memory: malloc. */
#pragma once
#include "sensor/loss.h"

struct outbox_frame {
	uint8_t *data; /* malloc; owned */
	size_t n;
	uint64_t first_seq, last_seq; /* heartbeat: first_seq only */
	uint64_t from_ns, to_ns;      /* times of its events, since 1970 */
	uint64_t events[CLASS_MAX];   /* without gap events; none and no losses: a heartbeat */
	struct loss *losses;	      /* what its gap events tell; malloc, owned; NULL: none */
	size_t n_losses;
	struct spool_ref {
		uint64_t segment; /* 0: not on disk */
		uint32_t record;
	} spooled;
	bool foreign; /* of another boot: its numbers mean nothing in this one */

	/* The outbox's own. */
	uint64_t number;		 /* order of pushing */
	uint64_t since_ms;		 /* pushed at, CLOCK_MONOTONIC */
	bool pinned, ended, unspoolable; /* being copied to disk; acked meanwhile; no room there */
	struct outbox_frame *next, *prev;
};

struct outbox_frame *outbox_frame_free(struct outbox_frame *f);
DEFINE_FREEP(outbox_frame)

/* Nothing but bulk events: goes first when something has to. */
enum kind_class outbox_frame_class(const struct outbox_frame *f);

/* Neither events nor losses: it tells that the sensor lives. */
bool outbox_frame_is_heartbeat(const struct outbox_frame *f);

/* Adds what is lost when @f is lost for @cause to @into: its events, and the losses that it was to
 * tell.  Its gap events themselves are no loss: they come again.  Returns the number of its events.
 */
uint64_t outbox_frame_lost(const struct outbox_frame *f, enum loss_cause cause,
			   struct losses *into);

/* A list does not own what is in it, but for frame_list_free(). */
struct frame_list {
	struct outbox_frame *first, *last;
};
void frame_list_append(struct frame_list *l, struct outbox_frame *f);
void frame_list_prepend(struct frame_list *l, struct outbox_frame *f);
void frame_list_remove(struct frame_list *l, struct outbox_frame *f);
void frame_list_free(struct frame_list *l);
