/* SPDX-License-Identifier: Apache-2.0 */
/* day_record - the records of which a day's frames file, its merged file and an export of batches
 * consist: a header of 24 bytes { "RSEG", u32 length of the frame, u64 ingested_ns, u64 XXH3 of the
 * frame seeded with ingested_ns }, little-endian, then the frame.
 * Thread: any.  Memory: none. */
#pragma once
#include "lib/util.h"

enum { DAY_RECORD_HEADER_BYTES = 24 };

struct day_record_header {
	char magic[4];
	uint32_t n; /* bytes of the frame */
	uint64_t ingested_ns, hash;
};

/* Writes the header of the @n bytes at @frame to @header (DAY_RECORD_HEADER_BYTES). */
void day_frame_header(void *header, const void *frame, size_t n, uint64_t ingested_ns);

/* True when @header is the header of the @n bytes at @frame. */
NODISCARD bool day_frame_check(const void *header, const void *frame, size_t n);

/* Is there a record at the begin of the @n bytes at @data? */
enum day_record {
	DAY_RECORD_WHOLE,
	DAY_RECORD_CUT,	 /* its header is, the frame ends behind them */
	DAY_RECORD_NONE, /* also one that is longer than a frame may be */
};
/* Unless there is none, *ret_frame_bytes is the length of its frame. */
NODISCARD enum day_record day_record_at(const void *data, size_t n, uint32_t *ret_frame_bytes);

/* Writes all @n bytes at offset @at.  Returns 0 or a negative errno. */
NODISCARD int day_write_all(int fd, const void *from, size_t n, uint64_t at);
/* Returns 1 when all @n bytes are there, 0 when the file ends before, or a negative errno. */
NODISCARD int day_read_whole(int fd, void *to, size_t n, uint64_t at);
