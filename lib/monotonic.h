/* SPDX-License-Identifier: Apache-2.0 */
/* monotonic - lengths of time, by the clock that nobody sets.
 * Thread: any.  Memory: none. */
#pragma once
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
