/* SPDX-License-Identifier: Apache-2.0 */
/* text - what events say, made fit for a terminal.
 *
 * Arguments, paths and names are whatever an attacker chose.  On a terminal an escape sequence
 * could rewrite earlier lines, and a bidirectional override could show a path backwards.  So every
 * character that is not plainly printable is written as an escape, as in C: \n \t \x1b \u202e;
 * bytes that are not UTF-8 as \xNN.
 *
 * Thread: one (the locale is the process's).  Memory: the caller's buf. */
#pragma once
#include "lib/buf.h"

/* Sets LC_CTYPE to UTF-8, whatever the environment says.  Without it all but ASCII is escaped. */
void text_init(void);

/* Appends @s to @out, escaped for a terminal. */
void text_escape(const char *s, size_t n, struct buf *out);

/* Appends JSON text to @out, its meaning unchanged: what text_escape() would escape becomes \uNNNN.
 * Valid JSON has no raw control character below U+0020 inside a string; blanks outside stay. */
void text_escape_json(const char *s, size_t n, struct buf *out);

/* Appends @bytes as people say it: 312 B, 1.7 MB (of 1,000,000). */
void text_bytes(uint64_t bytes, struct buf *out);

/* Writes @s, ended by NUL, wrapped at blanks into lines of at most @width columns (0: one line);
 * those after the first begin with @indent blanks.  Words that are longer stay whole. */
void text_wrap(FILE *out, const char *s, size_t indent, size_t width);

/* Columns that text takes on a terminal; @s is escaped already. */
size_t text_width(const char *s, size_t n);

/* Bytes of @s that fit into @columns; @s is escaped already. */
size_t text_fit(const char *s, size_t n, size_t columns);
