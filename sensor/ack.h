/* SPDX-License-Identifier: Apache-2.0 */
/* ack - the collector's answer to one batch, checked.
 * Thread: any, with a codec and scratch of its own.  Memory: the caller's. */
#pragma once
#include "lib/frame.h"

enum ack_code { ACK_STORED, ACK_DUPLICATE, ACK_REFUSED, ACK_BUSY };

enum { ACK_BYTES_MAX = 64 << 10, ACK_REASON_BYTES = 256 };

struct ack {
	enum ack_code code;
	uint64_t first_seq;	   /* of the batch it answers */
	uint64_t received_time_ns; /* collector's clock */
	uint32_t linger_ms;	   /* 0: the sensor decides */
	uint32_t pid;		   /* of the collector, as its own machine counts; 0: not known */
	char reason[ACK_REASON_BYTES]; /* for a person, cut to fit; "" without one */
};

/* Takes an Ack frame apart; @scratch is overwritten.  Returns 0, -EBADMSG (with the reason in
 * @d) or -ENOMEM. */
NODISCARD int ack_parse(struct ack *ret, const void *frame, size_t n, struct frame_codec *codec,
			struct buf *scratch, struct diag *d);
