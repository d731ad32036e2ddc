/* SPDX-License-Identifier: Apache-2.0 */
/* spool_record - the bytes of one record of the disk spool: a sealed frame with what must be known
 * of it when it cannot be read any more.
 *
 *   head   128 bytes, little-endian:
 *            0 "RTSPREC1"   8 u32 bytes of the frame   12 u32 losses
 *           16 boot id     32 u64 order, first_seq, last_seq, from_ns, to_ns, spooled_ns,
 *                             priority events, bulk events
 *           96 u64 XXH3 of the body                   104 u64 zero
 *          112 u64 XXH3 of bytes 0 to 111, seeded with segment and offset
 *          120 u64 SPOOL_DONE once the collector has it, else 0; not part of a checksum
 *   body   losses of 48 bytes (count, from_ns, to_ns, first_seq, last_seq: u64; class, cause: u32),
 *          then the frame, then zeros up to a multiple of 8
 *
 * The head has a checksum of its own, so that damage to the body is told with exact numbers.  Its
 * seed is the place, so that after damage the next head is found by looking at every eighth byte,
 * and bytes that look like a head inside a frame, or left over from elsewhere, are none.
 * Thread: any.  Memory: the caller's. */
#pragma once
#include "lib/buf.h"
#include "sensor/outbox.h"

enum { SPOOL_HEAD_BYTES = 128, SPOOL_DONE_AT = 120, SPOOL_ALIGN = 8 };

struct spool_head {
	uint64_t order; /* of spooling, over all segments and restarts */
	uint64_t first_seq, last_seq, from_ns, to_ns;
	uint64_t spooled_ns; /* since 1970 */
	uint64_t events[CLASS_MAX];
	uint8_t boot_id[16];
	uint64_t body_hash;
	uint32_t frame_bytes, n_losses;
	bool done;
};

/* Appends the record of @f to @out.  Of @head only order, spooled_ns and boot_id are read.
 * Returns 0, -EMSGSIZE (over LIMIT_FRAME_BYTES or LOSSES_MAX) or -ENOMEM. */
NODISCARD int spool_record_encode(struct buf *out, const struct outbox_frame *f,
				  const struct spool_head *head, uint64_t segment, uint64_t offset);

/* Reads the SPOOL_HEAD_BYTES at @bytes.  Returns false when they are no head of that place. */
NODISCARD bool spool_head_decode(struct spool_head *ret, const uint8_t *bytes, uint64_t segment,
				 uint64_t offset);

/* Bytes after the head, padding included. */
size_t spool_body_bytes(const struct spool_head *head);

/* Makes a frame of the body.  Returns 0, -EBADMSG (damaged) or -ENOMEM. */
NODISCARD int spool_body_decode(const struct spool_head *head, const uint8_t *body, size_t n,
				struct outbox_frame **ret);

/* What stands at SPOOL_DONE_AT of a record that is done; any other bytes: it is not.  A flipped bit
 * so makes a frame come twice, which the collector notices, and never go missing. */
extern const uint64_t spool_done_mark;
