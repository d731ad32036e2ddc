/* SPDX-License-Identifier: Apache-2.0 */
/* flows - joins what both sides' sensors saw of connections to edges from process to process, as
 * batches arrive, in any order and however late.
 *
 * An observer of follow.h.  Each connection event of a batch is looked up by its key in flows.db
 * (flowdb.h), put together with what is there (flow_match.h), and what changed is written: history
 * is never scanned.  Times are corrected by the clock offset that the sensor measured when it
 * sealed the batch, so a batch out of a spool has that of its time.  Loopback connections join on
 * one node only. Flows go with the day of their events (retention), and the oldest go when there
 * are too many: counted.
 * Thread: as follow.h says for an observer; counters from any.  Memory: bounded, see flowdb.h. */
#pragma once
#include "collector/flowdb.h"
#include "collector/follow.h"

struct flows;

enum { FLOWS_MOST = 20000000 }; /* rows; some 5 GB */

/* Opens flows.db in @dir.  @s (may be NULL) tells which days are there still.  @most flows are
 * kept; 0: FLOWS_MOST.  Returns as flowdb_open(). */
NODISCARD int flows_new(struct flows **ret, const char *dir, struct store *s, uint64_t most,
			struct diag *d);
struct flows *flows_free(struct flows *f);
DEFINE_FREEP(flows)

/* For follow_add(); @f is borrowed. */
struct follow_observer flows_observer(struct flows *f);

/* Opens what is committed for reading.  Any thread.  Returns as flowdb_open_reader(). */
NODISCARD int flows_reader(const struct flows *f, struct flowdb **ret);

struct flows_counters {
	uint64_t flows;	  /* rows: joined and halves */
	uint64_t events;  /* of connections that were taken in since start */
	uint64_t evicted; /* flows that went before their day did */
	uint64_t crowded; /* events left out: too many of one key */
};
/* NULL: all zero. */
void flows_counters(const struct flows *f, struct flows_counters *ret);
