/* SPDX-License-Identifier: Apache-2.0 */
/* monotonic - lengths of time, by the clock that nobody sets.
 * Thread: any.  Memory: none. */
#pragma once
#include <pthread.h>
#include <time.h>

#include "lib/util.h"

enum { NS_PER_MS = 1000000, NS_PER_S = 1000000000 };

static inline UNUSED uint64_t monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static inline UNUSED uint64_t monotonic_ms(void)
{
	return monotonic_ns() / NS_PER_MS;
}

/* The moment so long from now, for monotonic_wait(). */
static inline UNUSED struct timespec monotonic_after_ns(uint64_t ns)
{
	uint64_t at_ns = monotonic_ns() + ns;

	return (struct timespec){ .tv_sec = (time_t)(at_ns / NS_PER_S),
				  .tv_nsec = (long)(at_ns % NS_PER_S) };
}

static inline UNUSED struct timespec monotonic_after_ms(uint64_t ms)
{
	return monotonic_after_ns(ms * NS_PER_MS);
}

/* As pthread_cond_wait(), at the longest @until.  Returns 0 or ETIMEDOUT. */
static inline UNUSED int monotonic_wait(pthread_cond_t *c, pthread_mutex_t *m,
					const struct timespec *until)
{
	return pthread_cond_clockwait(c, m, CLOCK_MONOTONIC, until);
}
