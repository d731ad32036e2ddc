/* SPDX-License-Identifier: Apache-2.0 */
/* problem - an error as the collector tells it (RFC 9457, application/problem+json), shown to a
 * person: for a query with the line it is in and a caret under the place.
 * Thread: any.  Memory: fixed, inside the struct. */
#pragma once
#include "lib/buf.h"

struct problem {
	long status;	       /* HTTP status of the answer */
	char title[128];       /* "" when it has none */
	char detail[512];      /* "" when it has none */
	char expected[512];    /* alternatives joined by ", "; "" when it has none */
	char parameter[32];    /* that is at fault; "q" when the answer names none */
	uint32_t line, column; /* in it: 1-based, in bytes; 0: no position */
};

/* Reads the body of an answer with HTTP status @status.  A body that is no problem document
 * leaves only the status and a title. */
void problem_read(struct problem *ret, long status, const char *body, size_t n);

/* True when the request was wrong, rather than the collector: the query, a time, a field name. */
bool problem_is_usage(const struct problem *p);

/* Appends what to tell, lines ended by newlines, the first without "rtsecctl: " in front:
 *   query:1:24: unknown field "proces.name", expected ...
 *     process where proces.name == "true"
 *                   ^
 * @value is what was sent as p->parameter, NULL when nothing was; @width is the terminal's (0: cut
 * nothing). */
void problem_format(const struct problem *p, const char *value, size_t width, struct buf *out);
