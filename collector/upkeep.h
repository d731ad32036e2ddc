/* SPDX-License-Identifier: Apache-2.0 */
/* upkeep - what the store's writer does between two groups of batches: once a second it writes down
 * what is known of nodes, looks at the disk, stores the alarms of watch.h, notes what was found
 * damaged and merges small blocks for a few ms; once a minute it removes days that are to go.
 * Thread: ingest's; upkeep_set_limits() and _watch(), the disk's state and the counters any. */
#pragma once
#include "collector/committer.h"
#include "collector/ingest.h"

struct upkeep;

/* Of @config it takes limits, the disk, merging and watching; stores and @committer are borrowed.
 * *ret is the caller's.  Returns 0, -ENOMEM or another negative errno. */
NODISCARD int upkeep_new(struct upkeep **ret, const struct ingest_config *config,
			 struct committer *committer);
struct upkeep *upkeep_free(struct upkeep *u);
DEFINE_FREEP(upkeep)

/* Does what is due; nothing when less than a second has passed.  @block is scratch. */
void upkeep_tick(struct upkeep *u, struct block *block);

/* Before the end: stores the alarms that wait, and writes down what is known of nodes. */
void upkeep_finish(struct upkeep *u, struct block *block);

/* Lent, to be told of each batch; NULL: sensors are not watched. */
struct watch *upkeep_watch(struct upkeep *u);

/* As ingest_set_limits(). */
void upkeep_set_limits(struct upkeep *u, const struct retention_limits *keep,
		       uint64_t min_free_bytes);
void upkeep_set_watch(struct upkeep *u, const struct watch_limits *watch);

const struct disk *upkeep_disk(const struct upkeep *u);
uint64_t upkeep_alarms_lost(const struct upkeep *u);
void upkeep_merge_counters(const struct upkeep *u, struct merge_counters *ret);
