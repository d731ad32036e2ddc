/* SPDX-License-Identifier: Apache-2.0 */
/* copy - recorded blocks written again as another node's, at another time.
 * Thread: one.  Memory: that of the largest block. */
#pragma once
#include "lib/batch.h"
#include "lib/block.h"

struct copy;

/* How a copy differs from what was recorded. */
struct copy_change {
	uint32_t node;	  /* node-0001 .. */
	int64_t shift_ns; /* of times */
	uint64_t salt;	  /* of ids: other processes */
	uint64_t seq;	  /* of the first event */
};

NODISCARD int copy_new(struct copy **ret);
struct copy *copy_free(struct copy *c);
DEFINE_FREEP(copy)

/* Appends @b as a frame to @out; *ret_n: its events.  Returns 0 or -ENOMEM. */
NODISCARD int copy_block(struct copy *c, struct block *b, const struct copy_change *change,
			 struct buf *out, uint32_t *ret_n);
