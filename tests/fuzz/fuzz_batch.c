/* SPDX-License-Identifier: Apache-2.0 */
/* A frame from a sensor nobody trusts: load it and, when it is accepted, read every field of every
 * event, as the collector would.  Both ways to load.  Frames here are not compressed, since a
 * fuzzer cannot make zstd checksums: the input is the message, the frame header is put before it.
 */
#include "lib/block.h"
#include "tests/fuzz/mutate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
MUTATE_WITH(mutate_batch)

static uint64_t sum;

static int read_field(struct field_ref ref, void *arg)
{
	struct block *b = arg;

	for (uint32_t t = 0; t < block_info(b)->n_tables; t++) {
		for (uint32_t row = 0; row < block_rows(b, t); row++) {
			struct block_value v = block_value(b, t, row, ref);

			sum += v.number;
			for (uint32_t i = 0; v.type == VALUE_STRING && i < v.string.n; i++)
				sum += (uint8_t)v.string.s[i];
			for (uint32_t i = 0; v.type == VALUE_STRINGS && i < v.n_strings; i++)
				sum += block_string(b, v.strings[i]).n;
		}
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct block *b;
	static struct buf frame;
	const uint8_t head[FRAME_HEADER_BYTES] = { 'R',
						   'T',
						   'S',
						   '1',
						   FRAME_BATCH,
						   0,
						   0,
						   0,
						   (uint8_t)n,
						   (uint8_t)(n >> 8),
						   (uint8_t)(n >> 16),
						   (uint8_t)(n >> 24) };

	if (!b && block_new(&b) < 0)
		abort();
	buf_clear(&frame);
	buf_add(&frame, head, sizeof(head));
	buf_add(&frame, data, n);
	if (block_load(b, frame.data, frame.n, NULL) == 0)
		field_each(read_field, b);
	if (block_load_stored(b, frame.data, frame.n, NULL) == 0 && block_info(b)->n_events < 1000)
		field_each(read_field, b);
	return 0;
}
