/* SPDX-License-Identifier: Apache-2.0 */
/* uplink_internal - what uplink.c (the socket and its addresses), uplink_slot.c (frames and their
 * Acks) and uplink_dial.c (which collector) share.
 * Threads: what is atomic any, what the lock guards says so, the rest who made the uplink. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>

#include <nng/nng.h>

#include "lib/buf.h"
#include "sensor/linkclock.h"
#include "sensor/uplink.h"

enum { UPLINK_REASONS = 16 };

enum uplink_slot_state { SLOT_IDLE, SLOT_SENDING, SLOT_RECEIVING, SLOT_PAUSING };

/* One context of the window.  Idle ones belong to whoever holds the uplink's lock, busy ones to the
 * callback of their aio. */
struct uplink_slot {
	struct uplink *u;
	_Atomic(enum uplink_slot_state) state; /* others look for idle ones */
	nng_ctx ctx;
	nng_aio *aio;
	struct outbox_frame *frame;
	uint64_t sent_ns; /* when it was, by the wall clock */
};

struct uplink {
	nng_socket socket;
	nng_dialer dialer, trial; /* the latter to the first collector, from another */
	char *urls[UPLINK_URLS];  /* the first is the one to be with */
	size_t n_urls;
	atomic_size_t at; /* which of them is dialled */
	bool is_trying;
	const char *away;	    /* why it is; NULL: it answers, or did a moment ago */
	uint32_t n_away;	    /* how often that was found since */
	uint64_t seen_ms, since_ms; /* when a connection stood last; when @at was chosen */
	uint32_t silent_ms, away_ms, return_ms, trial_ms;
	struct uplink_tls tls;
	uint32_t reconnect_min_ms, reconnect_max_ms;
	struct outbox *outbox;
	uint32_t busy_ms, window;
	struct uplink_slot *slots;
	bool opened;
	pthread_mutex_t lock; /* idle slots, codec, scratch, reasons, clock */
	struct linkclock clock;
	struct frame_codec *codec;
	struct buf scratch;
	char reasons[UPLINK_REASONS][64]; /* of refusals that were logged */
	size_t n_reasons;
	atomic_bool closing;
	atomic_uint linger_ms, local_pid;
	atomic_int pipes, trial_id;
	atomic_bool trial_stands, trial_answers;
	atomic_int under_way;	/* frames that were sent and wait for their Acks */
	atomic_ullong heard_ms; /* when an Ack came last */
	atomic_ullong sent, stored, duplicates, refused, busy, errors, bad_acks, connections;
};

/* ---- uplink.c ---- */

/* Translates an error of NNG into ours, as a sentence in @d: @what, then @url. */
int uplink_error(int error, const char *what, const char *url, struct diag *d);

/* ---- uplink_slot.c ---- */

/* Opens the window's contexts.  Returns 0 or an error of NNG; uplink_slots_free() in either case.
 */
int uplink_slots_open(struct uplink *u);
void uplink_slots_free(struct uplink *u);

/* ---- uplink_dial.c ---- */

/* Begins to dial the collector at @at.  Returns 0 or an error of NNG. */
int uplink_dial(struct uplink *u, size_t at, nng_dialer *ret);

/* The connection is one to the first collector, which is tried.  Any thread. */
bool uplink_is_trial(const struct uplink *u, nng_pipe pipe);
