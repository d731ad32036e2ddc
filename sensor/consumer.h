/* SPDX-License-Identifier: Apache-2.0 */
/* consumer - the sensor's one busy thread: takes records from the source, lets enrich make rows of
 * them, seals batches by count, bytes and age, and hands the frames to the outbox.
 *
 * Age: how long a batch is held back, and what wakes the thread, is pace.h's.
 * When the outbox is crowded, bulk events get batches of their own, so that they can be dropped
 * before anything that matters more.
 * Losses of every kind become gap events, told at most once a second each.
 * Thread: one of its own (consumer_start) or the caller's (consumer_turn: tests).
 * Memory: two batches at most, the process table. */
#pragma once
#include "sensor/enrich.h"
#include "sensor/outbox.h"
#include "sensor/seq.h"
#include "sensor/source.h"

struct consumer;

struct consumer_config {
	struct source source;
	struct enrich *enrich; /* these four are borrowed */
	struct outbox *outbox;
	struct seq *seq;
	const struct batch_origin *origin;
	const struct batch_stats *tiers;	/* only its tiers are read; NULL: none */
	uint32_t max_events;			/* of a batch; 0: 4096 */
	size_t max_bytes;			/* of a batch before compression; 0: 1 MiB */
	uint32_t linger_ms;			/* 0: as pace.h has it */
	void (*kick)(void *arg);		/* the outbox has a new frame; NULL: nobody asks */
	uint32_t (*asked_linger_ms)(void *arg); /* what the last Ack said; NULL or 0: nothing */
	/* How far our clock is ahead, and the error; false: not measured.  NULL: nobody knows. */
	bool (*clock)(int64_t *ret_offset_ns, uint64_t *ret_error_ns, void *arg);
	void (*failed)(int r,
		       void *arg); /* the thread gave up, on that thread; NULL: nobody asks */
	void *arg;
};

/* Returns 0 or -ENOMEM.  *ret is freed with consumer_free(). */
NODISCARD int consumer_new(struct consumer **ret, const struct consumer_config *config);
struct consumer *consumer_free(struct consumer *c);
DEFINE_FREEP(consumer)

/* Adds a sensor event, and what is lost of an earlier run.  Before consumer_start() only. */
void consumer_say(struct consumer *c, const char *message);
void consumer_lose(struct consumer *c, const struct loss *l);

/* Has @rules (taken over) judge from one of the next turns on, and an event tell so, or why not. Of
 * several that come before that turn the last counts.  Any thread. */
void consumer_filter(struct consumer *c, struct filter *rules);
/* The programs in the kernel are no longer what they were, as @message says (which lives as long as
 * @c): an alarm, with the next turn or the end.  Any thread. */
void consumer_detached(struct consumer *c, const char *message);

/* One turn: consume, seal what is due, sleep at most @max_wait_ms.  Returns 0 or a negative errno
 * of the source: the consumer is of no more use. */
NODISCARD int consumer_turn(struct consumer *c, int max_wait_ms);

/* Takes what is left in the source, says @message, seals everything. */
void consumer_finish(struct consumer *c, const char *message);

/* Runs turns on a thread of its own until consumer_stop(), which then finishes with @message and
 * joins.  consumer_start() returns 0 or a negative errno of pthread_create(3). */
NODISCARD int consumer_start(struct consumer *c);
void consumer_stop(struct consumer *c, const char *message);

/* Turns that its thread has made: while it lives it makes one a second or more.  Any thread. */
uint64_t consumer_turns(const struct consumer *c);

/* Counters; from any thread they are a moment old. */
void consumer_stats(const struct consumer *c, struct batch_stats *ret);
