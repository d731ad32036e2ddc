/* SPDX-License-Identifier: Apache-2.0 */
/* merge - puts the small blocks of quiet nodes together, in the background: a node that sends a few
 * events a second makes 86,400 blocks a day, each of which a search has to look at and whose
 * strings stand in each again.
 *
 * Walks over the days and their sources (a node's boot) and joins runs of small blocks that follow
 * one another in sequence and in arrival, until a run has enough events; what is left at a run's
 * end waits until it has grown or is old. A run ends before a block that is large, damaged, or says
 * something else of its node.  What is merged, and how it stays exact, is told in day_merge.h and
 * docs/decisions/0007-merge.md.
 * Thread: the store's writer, between two of its transactions. Memory: one batch, one block, a
 * place for each source. */
#pragma once
#include "collector/store.h"

struct merger;

struct merge_limits {
	uint32_t small_events;	/* blocks of fewer are small */
	uint32_t target_events; /* a merged block has at most so many */
	uint32_t least_blocks;	/* fewer are not worth it */
	uint64_t rest_ns;	/* blocks that arrived later than so long ago stay as they are */
	uint64_t patience_ns;	/* after which a run is merged that has not enough events */
	uint64_t sweep_ns;	/* from the end of one walk over all to the next */
};
extern const struct merge_limits merge_usual;

NODISCARD int merger_new(struct merger **ret, struct store *s, const struct merge_limits *limits);
struct merger *merger_free(struct merger *m);
DEFINE_FREEP(merger)

/* Does one step: looks at one source, and merges at most one run.  Blocks that arrived after
 * @low_ns are left alone: they have not been followed yet.  What fails is counted and logged; the
 * blocks are as they were, and the walk goes on behind them.  Returns MERGE_E_MORE (call again) or
 * 0 (nothing to do for now). */
enum { MERGE_E_MORE = 1 };
NODISCARD int merger_step(struct merger *m, uint64_t now_ns, uint64_t low_ns);

/* Counted since the start, any thread. */
struct merge_counters {
	uint64_t blocks, into, failures;
};
void merger_counters(const struct merger *m, struct merge_counters *ret);
