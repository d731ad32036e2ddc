/* SPDX-License-Identifier: Apache-2.0 */
/* linkclock - how far the node's clock is ahead of the collector's, from the times of batches and
 * their Acks.
 *
 * A batch leaves at t1 and its Ack comes at t4 by the node's clock; in between, at t2 by the
 * collector's, the batch came in.  So the node is ahead by something in [t1 - t2, t4 - t2], however
 * long the way took.  The narrowest such range of the last minutes is kept, made wider by what
 * clocks drift in that time; one that contradicts it says that a clock was set, and begins anew.
 * Thread: the caller locks.  Memory: itself. */
#pragma once
#include "lib/util.h"

enum { LINKCLOCK_KEEP_S = 300 }; /* a range is used for once to twice this long */

struct linkclock_range {
	int64_t low_ns, high_ns;
	uint64_t at_ns; /* when, by the node's clock */
};

struct linkclock {
	struct linkclock_range best, before; /* of this period, and of the one before */
	bool has_best, has_before;
	uint64_t since_ns,
		now_ns; /* begin of this period, and the last note, by the node's clock */
};

/* Notes one batch: @sent_ns and @answered_ns by the node's clock, @received_ns by the collector's.
 */
void linkclock_note(struct linkclock *c, uint64_t sent_ns, uint64_t received_ns,
		    uint64_t answered_ns);

/* The node is ahead by *ret_offset_ns, within +-*ret_error_ns (at least 1).  False: not measured.
 */
bool linkclock_read(const struct linkclock *c, int64_t *ret_offset_ns, uint64_t *ret_error_ns);
