/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/frame.h"

#include <endian.h>

#include <zstd.h>
#include <zstd_errors.h>

#include "lib/limits.h"

enum { PACK_NONE = 0, PACK_ZSTD = 1 };
enum { ZSTD_LEVEL = 1 }; /* 3 costs half as much again for 3 % fewer bytes: shared/LIMITS.md 2 */

struct header {
	uint8_t magic[4];
	uint8_t type;
	uint8_t packing;
	uint8_t zero[2];
	uint32_t raw_bytes; /* little-endian */
};
_Static_assert(sizeof(struct header) == FRAME_HEADER_BYTES, "the frame header has no padding");

static const uint8_t magic[4] = { 'R', 'T', 'S', '1' };

struct frame_codec {
	ZSTD_CCtx *compress;
	ZSTD_DCtx *decompress;
};

int frame_codec_new(struct frame_codec **ret)
{
	AUTO(frame_codec) *c = calloc(1, sizeof(*c));

	if (!c)
		return err_origin(-ENOMEM);
	*ret = TAKE(c);
	return 0;
}

struct frame_codec *frame_codec_free(struct frame_codec *c)
{
	if (!c)
		return NULL;
	ZSTD_freeCCtx(c->compress);
	ZSTD_freeDCtx(c->decompress);
	free(c);
	return NULL;
}

/* With a checksum, so that a reader finds damage on the way and on disk. */
static ZSTD_CCtx *compressor_new(void)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();

	if (!c)
		return NULL;
	ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, ZSTD_LEVEL);
	ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
	return c;
}

/* Compresses into @out after its header.  Returns the packed size, or 0: leave it as it is. */
static size_t compress(struct frame_codec *c, const void *message, size_t n, struct buf *out)
{
	size_t bound = ZSTD_compressBound(n), packed;

	if (!c->compress)
		c->compress = compressor_new();
	if (!c->compress || !buf_reserve(out, bound))
		return 0;
	packed = ZSTD_compress2(c->compress, out->data + out->n, bound, message, n);
	return ZSTD_isError(packed) || packed >= n ? 0 : packed;
}

int frame_encode(struct frame_codec *c, enum frame_type type, const void *message, size_t n,
		 struct buf *out)
{
	struct header h = { .type = (uint8_t)type, .raw_bytes = htole32((uint32_t)n) };
	size_t at = out->n, packed = 0;

	if (n > LIMIT_BATCH_BYTES)
		return err_origin(-EMSGSIZE);
	memcpy(h.magic, magic, sizeof(magic));
	buf_add(out, &h, sizeof(h));
	if (n > 128)
		packed = compress(c, message, n, out);
	if (packed == 0) {
		buf_add(out, message, n);
		return buf_ok(out) ? 0 : err_origin(-ENOMEM);
	}
	out->n += packed;
	out->data[at + offsetof(struct header, packing)] = PACK_ZSTD;
	return 0;
}

static enum frame_fault fault_of_zstd(size_t error)
{
	switch (ZSTD_getErrorCode(error)) {
	case ZSTD_error_dstSize_tooSmall: /* it holds more than its header says */
		return FRAME_OVERSIZED;
	case ZSTD_error_srcSize_wrong:
		return FRAME_TRUNCATED;
	default:
		return FRAME_PACKING;
	}
}

static int decompress(struct frame_codec *c, const uint8_t *data, size_t n, size_t raw,
		      struct buf *out, struct diag *d)
{
	size_t got;

	if (!c->decompress)
		c->decompress = ZSTD_createDCtx();
	if (!c->decompress || !buf_reserve(out, raw))
		return err_origin(-ENOMEM);
	got = ZSTD_decompressDCtx(c->decompress, out->data, raw, data, n);
	if (ZSTD_isError(got))
		return diag_code(d, fault_of_zstd(got),
				 diag_set(d, -EBADMSG, 0, 0, "zstd: %s", ZSTD_getErrorName(got)));
	if (got != raw)
		return diag_code(d, FRAME_PACKING,
				 diag_set(d, -EBADMSG, 0, 0,
					  "frame holds %zu bytes, its header says %zu", got, raw));
	out->n = got;
	return 0;
}

static int check_header(const struct header *h, enum frame_type type, struct diag *d)
{
	int r;

	if (memcmp(h->magic, magic, sizeof(magic)) != 0 || h->type != type || h->zero[0] ||
	    h->zero[1]) {
		r = diag_set(d, -EBADMSG, 0, 0, "not an rtsec frame of type %d", (int)type);
		return diag_code(d,
				 memcmp(h->magic, magic, sizeof(magic) - 1) == 0 &&
						 h->magic[3] != magic[3]
					 ? FRAME_VERSION
					 : FRAME_FOREIGN,
				 r);
	}
	if (le32toh(h->raw_bytes) > LIMIT_BATCH_BYTES)
		return diag_code(d, FRAME_OVERSIZED,
				 diag_set(d, -EBADMSG, 0, 0, "message of %u bytes, limit %d",
					  le32toh(h->raw_bytes), LIMIT_BATCH_BYTES));
	return 0;
}

int frame_decode(struct frame_codec *c, enum frame_type type, const void *frame, size_t n,
		 struct buf *out, struct diag *d)
{
	const uint8_t *body = (const uint8_t *)frame + FRAME_HEADER_BYTES;
	struct header h;
	size_t raw;
	int r;

	buf_clear(out);
	if (n < sizeof(h))
		return diag_code(d, FRAME_TRUNCATED,
				 diag_set(d, -EBADMSG, 0, 0,
					  "frame of %zu bytes, at least %zu expected", n,
					  sizeof(h)));
	if (n > LIMIT_FRAME_BYTES)
		return diag_code(d, FRAME_OVERSIZED,
				 diag_set(d, -EBADMSG, 0, 0, "frame of %zu bytes, limit %d", n,
					  LIMIT_FRAME_BYTES));
	memcpy(&h, frame, sizeof(h));
	r = check_header(&h, type, d);
	if (r < 0)
		return r;
	raw = le32toh(h.raw_bytes);
	if (h.packing == PACK_ZSTD)
		return decompress(c, body, n - sizeof(h), raw, out, d);
	if (h.packing != PACK_NONE || raw != n - sizeof(h))
		return diag_code(d,
				 h.packing == PACK_NONE && raw > n - sizeof(h) ? FRAME_TRUNCATED
									       : FRAME_PACKING,
				 diag_set(d, -EBADMSG, 0, 0, "frame packing %u or length is wrong",
					  h.packing));
	buf_add(out, body, raw);
	return buf_ok(out) ? 0 : err_origin(-ENOMEM);
}
