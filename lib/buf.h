/* SPDX-License-Identifier: Apache-2.0 */
/* buf - bytes that grow.  A failed growth is remembered: later appends do nothing, and buf_ok()
 * tells, so that a writer checks once at its end.
 * Thread: one owner at a time.  Memory: malloc, doubled; kept over buf_clear(). */
#pragma once
#include <stdarg.h>

#include "lib/util.h"

struct buf {
	uint8_t *data; /* NULL while cap is 0 */
	size_t n;      /* bytes in use */
	size_t cap;
	bool failed; /* an allocation failed since the last buf_clear() */
};

/* Frees the memory and makes @b empty; for zero-initialised ones too. */
void buf_done(struct buf *b);
static inline UNUSED void buf_clear(struct buf *b)
{
	b->n = 0;
	b->failed = false;
}
static inline UNUSED bool buf_ok(const struct buf *b)
{
	return !b->failed;
}

/* Makes room for @n more bytes.  Returns false (and b->failed) when there is no memory. */
bool buf_reserve(struct buf *b, size_t n);

/* Appends; the argument is copied. */
void buf_add(struct buf *b, const void *data, size_t n);
void buf_str(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
static inline UNUSED void buf_byte(struct buf *b, uint8_t c)
{
	if (b->n < b->cap || buf_reserve(b, 1))
		b->data[b->n++] = c;
}

/* Appends @v as a base-128 varint (protobuf's), 1 to 10 bytes. */
static inline UNUSED void buf_varint(struct buf *b, uint64_t v)
{
	if (b->cap - b->n < 10 && !buf_reserve(b, 10))
		return;
	while (v >= 0x80) {
		b->data[b->n++] = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	b->data[b->n++] = (uint8_t)v;
}

/* AUTO_BUF struct buf b = { 0 }; frees its memory when b leaves scope. */
#define AUTO_BUF __attribute__((cleanup(buf_done)))
