/* SPDX-License-Identifier: Apache-2.0 */
/* mutate - what knows the form of its input and changes one thing in it, so that the fuzzer gets
 * behind checksums, packing and counts that must agree.  Part of the libFuzzer programs only.
 * Thread: one.  Memory: as told. */
#pragma once
#include "lib/buf.h"

/* Of libFuzzer: changes @n bytes at @data in any way to at most @max; returns how many there are.
 */
size_t LLVMFuzzerMutate(uint8_t *data, size_t n, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t max, unsigned seed);

/* Changes what is at @data to at most @max bytes.  Returns its size; 0: it is not of the form, or
 * there is no room. */
typedef size_t (*mutate_fn)(uint8_t *data, size_t n, size_t max);

/* In a target: inputs are changed by @with, and now and then as libFuzzer does. */
#ifdef FUZZ_MUTATES
#define MUTATE_WITH(with)                                                                  \
	size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t max, unsigned seed) \
	{                                                                                  \
		return mutate_or_any(with, data, n, max, seed);                            \
	}
#else
#define MUTATE_WITH(with)
#endif
size_t mutate_or_any(mutate_fn with, uint8_t *data, size_t n, size_t max, unsigned seed);

/* Random numbers, of the seed that a mutator was called with. */
void mutate_seed(unsigned seed);
uint32_t mutate_below(uint32_t n); /* 0 .. n - 1; 0 for 0 */

/* An EventBatch without a frame; most of what comes out keeps its own counts, numbers and orders.
 */
size_t mutate_batch(uint8_t *data, size_t n, size_t max);

/* A frame, packed or not; what it holds is changed by @message. */
size_t mutate_frame(uint8_t *data, size_t n, size_t max, mutate_fn message);
size_t mutate_frame_of_batch(uint8_t *data, size_t n, size_t max);
size_t mutate_frame_of_any(uint8_t *data, size_t n, size_t max);

/* A frames file of a day (collector/day.h): batches one after the other, with their checksums. */
size_t mutate_day(uint8_t *data, size_t n, size_t max);

/* A segment of the spool (sensor/spool_record.h), after one byte of the target's own. */
size_t mutate_spool(uint8_t *data, size_t n, size_t max);

/* Kernel records (bpf/abi.h), one after the other. */
size_t mutate_records(uint8_t *data, size_t n, size_t max);
