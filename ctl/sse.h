/* SPDX-License-Identifier: Apache-2.0 */
/* sse - takes a text/event-stream apart (WHATWG HTML, "Server-sent events"), whatever pieces it
 * comes in: CR, LF and CRLF, comments, several data lines, a byte order mark.
 * Thread: one owner at a time.  Memory: bounded by SSE_EVENT_BYTES for line and data each. */
#pragma once
#include "lib/buf.h"

enum { SSE_EVENT_BYTES = 8 << 20 };

struct sse_event {
	const char *type; /* "message" when the stream names none; NUL-terminated */
	const char *id;	  /* last id seen, "" before any; NUL-terminated */
	const char *data; /* lines joined by \n; NUL-terminated, but may hold NUL too */
	size_t n;	  /* bytes of data */
};

/* Zero-initialise; end with sse_done(). */
struct sse {
	struct buf line, type, data;
	struct buf id, last; /* of the event that comes in; of the last one that was complete */
	uint64_t retry_ms;   /* what the stream asked for; 0: nothing */
	bool after_cr, begun;
};

/* Pieces of the stream in their order.  @each is called for every complete event, its strings lent
 * for the call; it returns 0 to go on.
 * Returns 0, what @each returned, -EMSGSIZE (a line or event over the bound) or -ENOMEM. */
typedef int (*sse_event_fn)(const struct sse_event *e, void *arg);
NODISCARD int sse_feed(struct sse *s, const void *data, size_t n, sse_event_fn each, void *arg);

/* Forgets a half-received event, keeps the last id: for the next connection. */
void sse_reset(struct sse *s);
void sse_done(struct sse *s);

/* Last id of an event that was complete; "" before any. */
const char *sse_last_id(const struct sse *s);
