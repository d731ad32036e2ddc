/* SPDX-License-Identifier: Apache-2.0 */
/* ack - writes the Ack frames that answer batches.
 * Thread: one owner at a time.  Memory: buffers kept from Ack to Ack. */
#pragma once
#include "lib/frame.h"
#include "proto/rtsec.pb-c.h"

struct ack_writer {
	struct frame_codec *codec;
	struct buf packed, frame;
};

/* Returns 0 or -ENOMEM; ack_writer_done() is fine in either case, and of a zeroed one. */
NODISCARD int ack_writer_init(struct ack_writer *w);
void ack_writer_done(struct ack_writer *w);

struct ack_told {
	Rtsec__V1__Ack__Code code;
	const char *reason;
	uint64_t first_seq, received_ns;
	uint32_t linger_ms;
	uint32_t pid; /* of the collector; 0: not to be told */
};

/* Writes the frame to @w->frame, where it stays until the next one.  Returns 0 or -ENOMEM. */
NODISCARD int ack_write(struct ack_writer *w, const struct ack_told *told);
