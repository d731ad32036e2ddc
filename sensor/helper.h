/* SPDX-License-Identifier: Apache-2.0 */
/* helper - a thread that does slow work for the consumer, one job after another, from a bounded
 * queue; what is done is fetched by the consumer when it likes.
 * Thread: sensor consumer, but for what says otherwise.  Memory: a fixed queue of pointers. */
#pragma once
#include "lib/util.h"

enum { HELPER_JOBS = 64 };

struct helper;

struct helper_config {
	const char *name; /* of the thread, at most 15 bytes; lives as long as the helper */
	void (*run)(void *job, void *arg, struct helper *h); /* on the helper's thread */
	void (*drop)(void *job); /* frees a job that nobody takes any more */
	void *arg;
};

/* Returns 0, -ENOMEM or a negative errno of pthread_create(3).  *ret is freed with
 * helper_free(). */
NODISCARD int helper_new(struct helper **ret, const struct helper_config *config);

/* Ends the thread and drops all jobs.  Waits at most 2 s for the job under way: a filesystem may
 * hang.  Returns false when it hangs: the helper, what @arg points at and the job must stay. */
bool helper_free(struct helper *h);

/* Hands over a job.  Returns false when HELPER_JOBS are under way or not taken: it stays the
 * caller's. */
NODISCARD bool helper_push(struct helper *h, void *job);

/* The oldest job that is done, now the caller's; NULL: none. */
void *helper_take(struct helper *h);

/* True while a job is under way, or done and not taken. */
bool helper_busy(const struct helper *h);

/* From within run(): sleeps.  Returns false when the helper is to end. */
bool helper_nap(struct helper *h, uint64_t ns);
