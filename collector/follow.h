/* SPDX-License-Identifier: Apache-2.0 */
/* follow - hands every committed batch, in the order of arrival, to observers that keep state of
 * their own: flow edges, prevalence, rules.
 *
 * Each observer has a thread, a store_reader and a position: the ingested_ns up to which it has
 * seen everything.  Batches come from the store, so nothing is missed over restarts and a slow
 * observer holds up neither ingest nor another one.  They come in groups, each closed by commit(),
 * which writes position and state in one transaction: so every batch counts once, also after a
 * crash, even where that transaction needs no fsync (an older position goes with the older state).
 *
 * A batch() that fails is tried again, alone in its group, FOLLOW_TRIES times; then that batch is
 * skipped for this observer, counted and logged with its range.  A full or busy disk (-ENOSPC,
 * -EDQUOT, -EBUSY, -EROFS) and a commit() that fails are no fault of a batch: they are tried until
 * it is over.
 * Threads: each call says.  Memory: one loaded block an observer. */
#pragma once
#include "collector/store.h"

struct follow;

enum {
	FOLLOW_OBSERVERS = 8,
	FOLLOW_GROUP_BATCHES = 64,   /* a group ends at the latest after so many batches */
	FOLLOW_GROUP_EVENTS = 65536, /* or events */
	FOLLOW_TRIES = 3,
	FOLLOW_RETRY_MS = 250, /* between two tries */
	FOLLOW_IDLE_MS = 500,
};
enum { FOLLOW_E_MORE = 1 };

enum follow_begin { FOLLOW_HISTORY, FOLLOW_NOW };

/* What follows.  All but rollback must be there; they run on the observer's thread only. */
struct follow_observer {
	const char *name;	 /* a word, for logs and metrics; lives as long as the follow */
	enum follow_begin begin; /* where one that has no position yet begins */
	uint64_t kinds;		 /* mask: only batches that have one of them; 0: all */
	/* The position that commit() wrote last; *ret_ns 0: none yet.  Returns 0 or a negative
	 * errno: it is asked again a little later. */
	int (*position)(uint64_t *ret_ns, void *arg);
	/* Takes in a batch, lent for the call: @b as store_scan() gives it.  Returns 0 or a
	 * negative errno. */
	int (*batch)(const struct store_block *meta, struct block *b, void *arg);
	/* Ends a group: makes what came since the last commit() and the position @ingested_ns one
	 * transaction.  Comes without a batch before when the position only moves on.  Returns 0 or
	 * a negative errno, then rollback() and the same batches come. */
	int (*commit)(uint64_t ingested_ns, void *arg);
	/* NULL, or called when nothing has come for FOLLOW_IDLE_MS, again and again as long as it
	 * returns FOLLOW_E_MORE, for what only time brings: then commit() with the position as it
	 * is.  0: there is nothing to wait for, until the next batch.  Else a negative errno: as if
	 * a commit had failed. */
	int (*idle)(void *arg);
	/* Forgets what came since the last commit(); NULL: nothing to do. */
	void (*rollback)(void *arg);
	const struct block_beside *beside; /* of the blocks; NULL: none */
	void *arg;
};

/* Makes one without observers.  @s is borrowed and outlives it.  Returns 0 or -ENOMEM. */
NODISCARD int follow_new(struct follow **ret, struct store *s);
/* Stops and joins all threads (an observer is let finish its batch; the group is committed), frees.
 * NULL: no-op. */
struct follow *follow_free(struct follow *f);
DEFINE_FREEP(follow)

/* Starts a thread for a copy of @o; o->arg is borrowed until follow_free().  Not while other
 * threads use @f.  Returns 0, -ENOSPC (FOLLOW_OBSERVERS are there) or another negative errno. */
NODISCARD int follow_add(struct follow *f, const struct follow_observer *o);

/* Says that store_commit() was done: cheap, any thread.  NULL: no-op. */
void follow_wake(struct follow *f);

/* Waits until all observers are past @ingested_ns (store_arrived(): all there is), at most
 * @timeout_ms.  Any thread.  Returns 0 or -ETIMEDOUT. */
NODISCARD int follow_wait(struct follow *f, uint64_t ingested_ns, uint32_t timeout_ms);

/* The ingested_ns that every observer has committed: batches that came later may not be merged or
 * renumbered yet.  UINT64_MAX without observers.  Any thread.  NULL: no-op. */
uint64_t follow_low(struct follow *f);

/* What is told of an observer. */
struct follow_stats {
	const char *name;
	uint64_t position_ns;
	uint64_t lag_ns; /* age of the batch that it is at; 0: it has seen all */
	uint64_t batches, events, failures, skipped, damaged;
};
/* Of observer @at; false: there is none.  Any thread; NULL: none. */
NODISCARD bool follow_stats(struct follow *f, size_t at, struct follow_stats *ret);

/* Hands @o all that it has not seen and returns, on the caller's thread; no tries, no waits: for
 * tests and tools.  Returns 0 or what failed first, after rollback(). */
NODISCARD int follow_catch_up(struct store *s, const struct follow_observer *o);
