/* SPDX-License-Identifier: Apache-2.0 */
/* when - points in time as people type and read them.  They are UTC, shown with a Z, unless local
 * is asked for: then those of this machine's zone, without it.
 * Thread: any (the zone is the process's).  Memory: none. */
#pragma once
#include "lib/buf.h"
#include "lib/diag.h"

enum { WHEN_BYTES = 128 };

/* Which way a bare length of time points, such as 15m. */
enum when_side { WHEN_PAST, WHEN_AHEAD };

/* Reads what was typed at @now_ns and writes what the collector takes:
 *   RFC 3339, such as 2026-11-22T21:44:19Z; without a zone, without seconds, or only the date;
 *   today, yesterday, tomorrow, each also with a clock behind it; 14:30, 14:30:05: the nearest such
 *   time on @side;  15m, 2h30m, 2 hours, 2 hours ago;  -15m, now, now-15m, seconds since 1970.
 * What is relative to now stays so (the collector's clock counts) but for WHEN_AHEAD.
 * Returns 0, or -EINVAL: @d names what is taken. */
NODISCARD int when_read(const char *typed, enum when_side side, bool local, uint64_t now_ns,
			char ret[WHEN_BYTES], struct diag *d);

/* How a point in time is shown. */
struct when_style {
	bool millis, local;
	bool brief;	 /* without the date when it is today's, without the year when it is near */
	uint64_t now_ns; /* of brief */
};

/* Appends @rfc3339 in @style; what is no RFC 3339 time stays as it is. */
void when_show(const char *rfc3339, const struct when_style *style, struct buf *out);

/* Appends how long @ns are, in one unit, such as 3m or 2d. */
void when_span(uint64_t ns, struct buf *out);
