/* SPDX-License-Identifier: Apache-2.0 */
/* quarantine - keeps the last frames that were refused, for a look: refused-NN.frame, at most one a
 * second.
 * Thread: ingest.  Memory: none. */
#pragma once
#include "lib/diag.h"

enum { QUARANTINE_FRAMES = 16 };

struct quarantine {
	char dir[512]; /* "": frames are only logged */
	uint64_t last_ns, n;
};

/* Makes the folder @dir (NULL: nowhere).  Returns 0, -ENAMETOOLONG or another negative errno with
 * @d. */
NODISCARD int quarantine_init(struct quarantine *q, const char *dir, struct diag *d);

/* Keeps and logs the frame when a second has passed since the last one.  @now_ns: CLOCK_MONOTONIC.
 */
void quarantine_keep(struct quarantine *q, const void *frame, size_t n, const char *reason,
		     uint64_t now_ns);
