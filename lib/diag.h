/* SPDX-License-Identifier: Apache-2.0 */
/* diag - a reason that a person reads: where in which text, and what was expected there.
 * Thread: any, one owner at a time.  Memory: fixed, inside the struct. */
#pragma once
#include "lib/util.h"

struct diag {
	char file[256];	 /* a path or a name such as "query"; "" when there is none */
	uint32_t line;	 /* 1-based; 0: no position */
	uint32_t column; /* 1-based, in bytes */
	char text[512];	 /* one sentence, no final newline: what is wrong and what was expected */
	unsigned code; /* the same for a program, of the setter's own enum; 0: not said */
};

/* Fills @d (NULL: nothing is kept) with a position and a printf-formatted sentence; text too long
 * is cut.  Returns @r, so that a parser can say: return diag_set(d, -EINVAL, ...). */
int diag_set(struct diag *d, int r, uint32_t line, uint32_t column, const char *fmt, ...)
	PRINTF_LIKE(5, 6);

/* Adds its @code to the reason that was just set.  Returns @r, as diag_set() does:
 * return diag_code(d, FRAME_VERSION, diag_set(d, ...)).  NULL in @d: nothing is kept. */
int diag_code(struct diag *d, unsigned code, int r);

/* Names the text that @d speaks of.  NULL in @d or @file: no-op. */
void diag_file(struct diag *d, const char *file);

/* Writes "file:line:column: text" (parts that are known) to @buf, NUL-terminated.  Returns @buf. */
const char *diag_format(const struct diag *d, char *buf, size_t n);

/* Position of byte @offset in @text as 1-based line and column. */
void diag_position(const char *text, size_t offset, uint32_t *ret_line, uint32_t *ret_column);
