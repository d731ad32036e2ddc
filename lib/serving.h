/* SPDX-License-Identifier: Apache-2.0 */
/* serving - which of the connections that a process holds it serves at a time.
 *
 * Nothing tells that for sure while several are open: it is taken to be the one that was accepted
 * last, of the same thread where that is known, and no other; how sure that is, is told.  All times
 * are of one node's clock.
 * Thread: any.  Memory: none. */
#pragma once
#include "lib/util.h"

/* A connection while it was open. */
struct serving {
	uint64_t from_ns, to_ns; /* to 0: it is open still, or its end was not seen */
	uint64_t thread;	 /* that accepted it; 0: not known */
};

enum {
	SERVING_ONE_OF_SOME = 80, /* percent: the same thread's last one of several */
	SERVING_ONE_OF_MANY = 50, /* the last one of several */
};

/* Index of the one of @n that is served at @when_ns by @thread (0: not known), the last of equals;
 * @n: none.  *ret_sure: percent; 0: none. */
size_t serving_at(const struct serving *list, size_t n, uint64_t when_ns, uint64_t thread,
		  uint32_t *ret_sure);
