/* SPDX-License-Identifier: Apache-2.0 */
/* timestamp - points in time as people write them.  Unit everywhere: ns since 1970-01-01 UTC.
 * Thread: any.  Memory: none. */
#pragma once
#include "lib/diag.h"

enum { TIMESTAMP_TEXT_BYTES = 31 };

/* Now, by the wall clock. */
uint64_t timestamp_now(void);

/* Writes RFC 3339 in UTC with nanoseconds, such as 2026-11-22T21:44:19.123456789Z (30 bytes and
 * NUL).  Returns @buf. */
const char *timestamp_format(uint64_t ns, char buf[TIMESTAMP_TEXT_BYTES]);

/* Reads one of
 *   2026-11-22T21:44:19.5Z, with +01:00, a blank for T, without zone (UTC), or only the date;
 *   now; -15m (before @now_ns; units ns us ms s m h d w; sums such as -1h30m; also now-15m);
 *   1795383859 (since 1970: seconds below 10^11, ms below 10^14, us below 10^17, else ns).
 * Returns 0, or -EINVAL with the column and what was expected in @d. */
NODISCARD int timestamp_parse(const char *s, size_t n, uint64_t now_ns, uint64_t *ret,
			      struct diag *d);

/* Reads a length of time, such as 30s or 1h30m (a unit is needed), as ns.  Returns as above. */
NODISCARD int duration_parse(const char *s, size_t n, uint64_t *ret, struct diag *d);
