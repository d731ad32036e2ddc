/* SPDX-License-Identifier: Apache-2.0 */
/* A message as it comes in over the network, packed or not: it is refused with a fault that is
 * counted, or what it holds comes out, and is the same when it is sent on. */
#include <assert.h>

#include "lib/block.h"
#include "lib/limits.h"
#include "tests/fuzz/mutate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
MUTATE_WITH(mutate_frame_of_batch)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct frame_codec *codec;
	static struct block *b;
	static struct buf message, frame, again;
	struct diag d = { 0 };
	int r;

	if (!codec && (frame_codec_new(&codec) < 0 || block_new(&b) < 0))
		abort();
	r = frame_decode(codec, FRAME_BATCH, data, n, &message, &d);
	assert(r == 0 || (r == -EBADMSG && d.text[0] && d.code < FRAME_FAULTS));
	if (r == 0) {
		assert(message.n <= LIMIT_BATCH_BYTES);
		buf_clear(&frame);
		r = frame_encode(codec, FRAME_BATCH, message.data, message.n, &frame);
		assert(r == 0);
		r = frame_decode(codec, FRAME_BATCH, frame.data, frame.n, &again, &d);
		assert(r == 0 && again.n == message.n &&
		       (again.n == 0 || memcmp(again.data, message.data, again.n) == 0));
		assert(!block_load(b, data, n, NULL) == !block_load(b, frame.data, frame.n, NULL));
	} else {
		assert(block_load(b, data, n, &d) == -EBADMSG && d.text[0]);
	}
	return 0;
}
