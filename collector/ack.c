/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ack.h"

int ack_writer_init(struct ack_writer *w)
{
	memset(w, 0, sizeof(*w));
	return frame_codec_new(&w->codec);
}

void ack_writer_done(struct ack_writer *w)
{
	w->codec = frame_codec_free(w->codec);
	buf_done(&w->packed);
	buf_done(&w->frame);
}

int ack_write(struct ack_writer *w, const struct ack_told *told)
{
	Rtsec__V1__Ack ack;
	union {
		const char *in;
		char *out;
	} reason = { .in = told->reason }; /* protobuf-c lacks const */
	size_t n;

	rtsec__v1__ack__init(&ack);
	ack.code = told->code;
	ack.reason = reason.out;
	ack.first_seq = told->first_seq;
	ack.received_time_ns = told->received_ns;
	ack.linger_ms = told->linger_ms;
	ack.collector_pid = told->pid;
	n = rtsec__v1__ack__get_packed_size(&ack);
	buf_clear(&w->packed);
	if (!buf_reserve(&w->packed, n))
		return err_origin(-ENOMEM);
	rtsec__v1__ack__pack(&ack, w->packed.data);
	buf_clear(&w->frame);
	return frame_encode(w->codec, FRAME_ACK, w->packed.data, n, &w->frame);
}
