/* SPDX-License-Identifier: Apache-2.0 */
/* frame - the 12 bytes around every message: what it is, how it is packed, how long it will be.
 * The layout is told in proto/rtsec.proto.
 * Thread: any; a frame_codec has one owner at a time.  Memory: the codec keeps its zstd contexts.
 */
#pragma once
#include "lib/buf.h"
#include "lib/diag.h"

enum frame_type { FRAME_BATCH = 1, FRAME_ACK = 2 };
enum { FRAME_HEADER_BYTES = 12 };

/* What is wrong with a frame or its batch, as diag.code. */
enum frame_fault {
	FRAME_BROKEN,	 /* its contents */
	FRAME_FOREIGN,	 /* not a frame of the type */
	FRAME_VERSION,	 /* of another version */
	FRAME_TRUNCATED, /* ends too early */
	FRAME_OVERSIZED, /* over a limit of lib/limits.h, packed or unpacked */
	FRAME_PACKING,	 /* cannot be unpacked */
	FRAME_FAULTS
};

struct frame_codec;

/* Makes a codec; *ret is the caller's, freed with frame_codec_free().  Returns 0 or -ENOMEM. */
NODISCARD int frame_codec_new(struct frame_codec **ret);
struct frame_codec *frame_codec_free(struct frame_codec *c);
DEFINE_FREEP(frame_codec)

/* Appends one frame around @message to @out; compressed by zstd where that makes it smaller.
 * Returns 0 or -ENOMEM. */
NODISCARD int frame_encode(struct frame_codec *c, enum frame_type type, const void *message,
			   size_t n, struct buf *out);

/* Takes a frame apart.  @out (cleared first) holds the message.  Every length is checked against
 * lib/limits.h before memory is asked for.  Returns 0; -EBADMSG: not a frame of type @type,
 * broken, or over a limit (the reason is in @d, with an enum frame_fault); -ENOMEM. */
NODISCARD int frame_decode(struct frame_codec *c, enum frame_type type, const void *frame, size_t n,
			   struct buf *out, struct diag *d);
