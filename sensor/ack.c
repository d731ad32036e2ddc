/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/ack.h"

#include "proto/rtsec.pb-c.h"

/* An Ack is small: one that claims more is refused before anything of that size is allocated. */
static int check_length(const uint8_t *frame, size_t n, struct diag *d)
{
	uint32_t raw;

	if (n < FRAME_HEADER_BYTES || n > ACK_BYTES_MAX)
		return diag_set(d, err_origin(-EBADMSG), 0, 0, "an Ack of %zu bytes", n);
	raw = (uint32_t)frame[8] | (uint32_t)frame[9] << 8 | (uint32_t)frame[10] << 16 |
	      (uint32_t)frame[11] << 24;
	if (raw > ACK_BYTES_MAX)
		return diag_set(d, err_origin(-EBADMSG), 0, 0, "an Ack that claims %u bytes", raw);
	return 0;
}

static int fill(struct ack *ret, const Rtsec__V1__Ack *m, struct diag *d)
{
	if ((unsigned)m->code > ACK_BUSY)
		return diag_set(d, err_origin(-EBADMSG), 0, 0, "an Ack of unknown code %u",
				(unsigned)m->code);
	ret->code = (enum ack_code)m->code;
	ret->first_seq = m->first_seq;
	ret->received_time_ns = m->received_time_ns;
	ret->linger_ms = m->linger_ms;
	ret->pid = m->collector_pid;
	snprintf(ret->reason, sizeof(ret->reason), "%s", m->reason ? m->reason : "");
	return 0;
}

int ack_parse(struct ack *ret, const void *frame, size_t n, struct frame_codec *codec,
	      struct buf *scratch, struct diag *d)
{
	Rtsec__V1__Ack *m;
	int r = check_length(frame, n, d);

	if (r < 0)
		return r;
	r = frame_decode(codec, FRAME_ACK, frame, n, scratch, d);
	if (r < 0)
		return r;
	m = rtsec__v1__ack__unpack(NULL, scratch->n, scratch->data);
	if (!m)
		return diag_set(d, err_origin(-EBADMSG), 0, 0, "not an Ack message");
	r = fill(ret, m, d);
	rtsec__v1__ack__free_unpacked(m, NULL);
	return r;
}
