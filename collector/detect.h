/* SPDX-License-Identifier: Apache-2.0 */
/* detect - asks the rules in force of every committed batch and makes alerts of what they find: an
 * observer of collector/follow.h.
 *
 * Hits are put together by (rule, process, object) before anything is formatted: the first makes an
 * alert with copies of its first events, the others are only counted, exactly.  A rule that makes
 * DETECT_ALERTS_HOUR alerts within an hour gets one more, for all the rest of that hour.  Alerts
 * and position are one transaction, so each hit is counted once, over crashes too.
 *
 * State over several events is not written down: it is made anew from the store after a start, and
 * for what comes late (detect_again.c).
 *
 * Rules are read again when the rule book has changed; groups, sequences and counters go on.  A
 * rule that takes long is told as dear and, while it is so, asked of one batch in
 * DETECT_DEAR_EVERY; ingest never waits for any of it.
 * Threads: the observer's, but for detect_rule_stats().  Memory: DETECT_GROUPS groups; over that
 * the oldest are forgotten, and found again in main.db. */
#pragma once
#include <stdatomic.h>

#include "collector/alertbook.h"
#include "collector/follow.h"
#include "collector/rulebook.h"

struct detect;

enum {
	DETECT_GROUPS = 65536,
	DETECT_ALERTS_HOUR = 200,
	DETECT_DEAR_MS = 50, /* a batch, on average of the last ones */
	DETECT_DEAR_EVERY = 16,
	DETECT_AGAIN_EVENTS = 4000000, /* that state is made anew from, at most */
	DETECT_LATE_HITS =
		1024, /* too late for a window, of a group of batches; more are counted */
};
#define DETECT_AGAIN_NS UINT64_C(86400000000000) /* and of so long a time, at most */
#define DETECT_OPEN_NS	UINT64_C(600000000000)	 /* the same of sequences without maxspan */

/* All are borrowed.  Returns 0 or -ENOMEM. */
NODISCARD int detect_new(struct detect **ret, struct rulebook *rules, struct alertbook *alerts,
			 struct store *store);
struct detect *detect_free(struct detect *d); /* after its observer has ended */
DEFINE_FREEP(detect)

/* Batches that are asked again have these columns, as those of the observer; borrowed. */
void detect_set_beside(struct detect *d, const struct block_beside *beside);

/* Asks the rules of what is stored, oldest first, instead of following: all alerts that they would
 * have made are in the book when it returns.  On the caller's thread.  Returns 0, -ECANCELED
 * (*@cancel) or another negative errno. */
struct detect_history {
	struct store_reader *reader; /* borrowed */
	struct store_range range;    /* ascending, not by arrival */
	const atomic_bool *cancel;
	struct store_scan_stats *stats;
};
NODISCARD int detect_history(struct detect *d, const struct detect_history *h);

/* What a rule may take of a batch on average before it is dear, else DETECT_DEAR_MS; for tests. */
void detect_set_dear(struct detect *d, uint64_t ns);
/* How long a node that says nothing holds up sequences, else five seconds; for tests. */
void detect_set_patience(struct detect *d, uint64_t ns);

/* What follow needs; arg is @d. */
struct follow_observer detect_observer(struct detect *d);

/* What a rule has done since the collector started.  Any thread. */
struct detect_rule_stats {
	uint64_t hits, alerts, asked, ns;
	uint64_t skipped;     /* batches that it was not asked of, being dear */
	uint64_t evicted;     /* partial matches and counted hits that there was no room for */
	uint64_t state_bytes; /* kept of partial matches and counted hits now */
	uint64_t late;	      /* events that came after their time was over */
	bool dear;
};
/* False: it does not run. */
NODISCARD bool detect_rule_stats(struct detect *d, const char *rule_id,
				 struct detect_rule_stats *ret);

/* Calls @each for the @most rules that took most time since start, dearest first; it must not call
 * back.  Any thread. */
void detect_dearest(struct detect *d, size_t most,
		    void (*each)(const char *id, const struct detect_rule_stats *s, void *arg),
		    void *arg);

struct detect_stats {
	uint64_t rules, hits, alerts, suppressed, forgotten, reloads, failed_loads;
	uint64_t dear, skipped, evicted, late, state_bytes; /* over all rules in force */
};
void detect_stats(struct detect *d, struct detect_stats *ret);
