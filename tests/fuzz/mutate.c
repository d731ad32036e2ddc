/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/mutate.h"

#include "lib/frame.h"

enum { MESSAGE_BYTES = 1 << 20 };

static uint64_t state;

void mutate_seed(unsigned seed)
{
	state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

/* xorshift64*, Vigna 2014 */
static uint32_t next(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)(state * UINT64_C(0x2545f4914f6cdd1d) >> 32);
}

uint32_t mutate_below(uint32_t n)
{
	return n ? next() % n : 0;
}

size_t mutate_or_any(mutate_fn with, uint8_t *data, size_t n, size_t max, unsigned seed)
{
	size_t changed;

	mutate_seed(seed);
	changed = mutate_below(8) ? with(data, n, max) : 0;
	return changed ? changed : LLVMFuzzerMutate(data, n, max);
}

/* A header that claims what is not so is told by the plain mutations. */
static size_t plain_frame(uint8_t *data, size_t n, size_t max)
{
	uint32_t size;

	if (n < FRAME_HEADER_BYTES)
		return 0;
	n = LLVMFuzzerMutate(data + FRAME_HEADER_BYTES, n - FRAME_HEADER_BYTES,
			     max - FRAME_HEADER_BYTES);
	size = (uint32_t)n;
	if (data[5] == 0)
		memcpy(data + 8, &size, sizeof(size));
	return n + FRAME_HEADER_BYTES;
}

size_t mutate_frame(uint8_t *data, size_t n, size_t max, mutate_fn message)
{
	static struct frame_codec *codec;
	static struct buf unpacked, packed;
	enum frame_type type;

	if (!codec && frame_codec_new(&codec) < 0)
		abort();
	if (n < FRAME_HEADER_BYTES || mutate_below(16) == 0)
		return plain_frame(data, n, max);
	type = (enum frame_type)data[4];
	if (frame_decode(codec, type, data, n, &unpacked, NULL) < 0 || unpacked.n > MESSAGE_BYTES ||
	    !buf_reserve(&unpacked, MESSAGE_BYTES))
		return plain_frame(data, n, max);
	n = message(unpacked.data, unpacked.n, MESSAGE_BYTES);
	buf_clear(&packed);
	if (n == 0 || frame_encode(codec, type, unpacked.data, n, &packed) < 0 || packed.n > max)
		return 0;
	memcpy(data, packed.data, packed.n);
	return packed.n;
}

size_t mutate_frame_of_batch(uint8_t *data, size_t n, size_t max)
{
	return mutate_frame(data, n, max, mutate_batch);
}

size_t mutate_frame_of_any(uint8_t *data, size_t n, size_t max)
{
	return mutate_frame(data, n, max, LLVMFuzzerMutate);
}
