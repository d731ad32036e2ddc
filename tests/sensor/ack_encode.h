/* SPDX-License-Identifier: Apache-2.0 */
/* ack_encode - what a test's collector answers.
 * Thread: any. */
#pragma once
#include "proto/rtsec.pb-c.h"
#include "sensor/ack.h"

/* Appends the frame of @ack to @out.  Returns 0 or -ENOMEM. */
static inline UNUSED int ack_encode(const struct ack *ack, struct frame_codec *codec,
				    struct buf *out)
{
	uint8_t packed[ACK_REASON_BYTES + 64];
	char reason[ACK_REASON_BYTES];
	Rtsec__V1__Ack m;

	rtsec__v1__ack__init(&m);
	snprintf(reason, sizeof(reason), "%s", ack->reason);
	m.code = (Rtsec__V1__Ack__Code)ack->code;
	m.reason = reason;
	m.first_seq = ack->first_seq;
	m.received_time_ns = ack->received_time_ns;
	m.linger_ms = ack->linger_ms;
	m.collector_pid = ack->pid;
	return frame_encode(codec, FRAME_ACK, packed, rtsec__v1__ack__pack(&m, packed), out);
}
