/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of a collector, any bytes. */
#include "sensor/ack.h"
#include "tests/fuzz/mutate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
MUTATE_WITH(mutate_frame_of_any)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct frame_codec *codec;
	static struct buf scratch;
	struct diag d = { 0 };
	struct ack ack;

	if (!codec && frame_codec_new(&codec) < 0)
		abort();
	if (ack_parse(&ack, data, n, codec, &scratch, &d) == 0) {
		if (ack.code > ACK_BUSY ||
		    strnlen(ack.reason, sizeof(ack.reason)) == sizeof(ack.reason))
			abort();
	} else if (!d.text[0]) {
		abort(); /* a refusal without a reason */
	}
	return 0;
}
