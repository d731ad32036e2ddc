/* SPDX-License-Identifier: Apache-2.0 */
/* joiner - keeps alert.incident: which incident (collector/incidents.h) each alert of the last day
 * belongs to, named by its first alert.
 *
 * Joins them anew JOINER_PAUSE_MS after alerts have changed, and, for edges between nodes may come
 * later than alerts, some more times in the JOINER_TAIL_MS after that.  However many alerts there
 * are, it rests ten times as long as it works.
 * Threads: one of its own.  Memory: that of incidents_find(), while it works. */
#pragma once
#include "collector/alertbook.h"
#include "collector/flows.h"

struct joiner;

enum { JOINER_PAUSE_MS = 2000, JOINER_TAIL_MS = 60000 };

/* All are borrowed; @flows may be NULL.  Returns 0 or a negative errno. */
NODISCARD int joiner_start(struct joiner **ret, struct alertbook *book, struct flows *flows,
			   struct store *store);
/* Stops, joins its thread, frees.  NULL: no-op.  Returns NULL. */
struct joiner *joiner_stop(struct joiner *j);
