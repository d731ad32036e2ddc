/* SPDX-License-Identifier: Apache-2.0 */
/* ingest - the sensors' port: takes frames from a raw NNG REP socket, checks them (lib/block.h),
 * appends them to the store, commits in groups, then answers each with an Ack.
 *
 * A group is the first message and all that wait behind it, within INGEST_GROUP_*: so a lone sensor
 * is answered at once, and a busy fleet shares one fsync.  No Ack leaves before the commit that
 * covers its batch.  When the store fails, all of the group is answered BUSY and the sensors keep
 * it; the failure is logged once, until it is over.  The same is answered to batches that a disk
 * with little space has no room for (disk.h), bulk ones first.  Between groups it runs retention
 * and merges (upkeep.h).  What becomes of one message is decided in ingest_take.h.
 * Thread: one of its own, started by ingest_start() and joined by ingest_stop(); counters are read
 * from any thread. */
#pragma once
#include "collector/disk.h"
#include "collector/follow.h"
#include "collector/hub.h"
#include "collector/ingest_peer.h"
#include "collector/maindb.h"
#include "collector/merge.h"
#include "collector/refusal.h"
#include "collector/retention.h"
#include "collector/store.h"
#include "collector/watch.h"

struct ingest;

enum {
	INGEST_GROUP_BATCHES = 64,
	INGEST_GROUP_BYTES = 16 << 20,
	INGEST_GROUP_MS = 20,
	INGEST_LINGER_MS = 5, /* what sensors are told while someone is tailing */
};

struct ingest_config {
	const char *url;	      /* such as tls+tcp://127.0.0.1:7443 */
	const struct ingest_tls *tls; /* of such URLs; then each batch must bear the node id of its
				       * connection's certificate.  NULL: others */
	struct store *store;
	struct maindb *maindb;
	struct hub *hub;       /* NULL: no live tail */
	struct follow *follow; /* woken by each commit; NULL: none */
	/* where refused frames are kept, refused-NN.frame; NULL: nowhere */
	const char *quarantine_dir;
	struct retention_limits keep;	  /* unless main.db has others */
	const struct watch_limits *watch; /* over sensors, with alarms; NULL: not */
	const struct merge_limits *merge; /* NULL: small blocks stay as they are */
	const char *dir;		  /* whose free space is watched; NULL: not */
	uint64_t min_free_bytes;	  /* 0: no limit; or DISK_AUTO */
	disk_space_fn disk_space;	  /* NULL: the system's */
};

/* Listens and starts the thread.  All pointers are borrowed until ingest_stop(), strings for the
 * call. Returns 0, -EADDRINUSE, -EINVAL (the URL) or another negative errno with @d, -ENOMEM. */
NODISCARD int ingest_start(struct ingest **ret, const struct ingest_config *config, struct diag *d);
/* Answers what was committed, refuses the rest as BUSY, joins the thread, frees.  NULL: no-op. */
struct ingest *ingest_stop(struct ingest *i);

/* Changes members of the configuration: in force within a second, retention within a minute.
 * Any thread.  Those of @watch count when there was a watch from the start. */
void ingest_set_limits(struct ingest *i, const struct retention_limits *keep,
		       uint64_t min_free_bytes);
void ingest_set_watch(struct ingest *i, const struct watch_limits *watch);

/* Stores records of import_gather() as the thread does batches of sensors, and waits until they are
 * on the disk; but their nodes are not said to have been seen.  For http_config.import: @ingest is
 * a struct ingest.  Any thread.  Returns 0, -EBUSY (another import is under way), -ENOSPC (the disk
 * is nearly full), -ECANCELED (the collector is stopping) or an errno of import_append(). */
struct import_result;
NODISCARD int ingest_import(const struct buf *records, struct import_result *ret, void *ingest);

struct ingest_counters {
	uint64_t batches, events, bytes; /* stored */
	uint64_t duplicates, refused, heartbeats, commits, commit_ns;
	uint64_t reasons[REFUSAL_MAX]; /* of refused batches; refused is their sum */
	uint64_t busy, disk_busy;      /* the latter are among the former */
	uint64_t alarms_lost;	       /* of collector/watch.h, while the store fails */
	struct merge_counters merge;
	uint64_t peers[PEER_MAX]; /* messages and connections that were not let in, by reason */
	struct ingest_tls_counters tls;
};
/* NULL in @i: all zero. */
void ingest_counters(const struct ingest *i, struct ingest_counters *ret);

/* Sensors connect, but nothing they send arrives any more: only another process helps.  Any thread.
 */
bool ingest_stalled(const struct ingest *i);

/* Turns that the thread of ingest has made: one a second or more while it lives.  Any thread. */
uint64_t ingest_turns(const struct ingest *i);

/* True while the store fails and batches are answered BUSY. */
bool ingest_failing(const struct ingest *i);

/* How full the disk is, and its free bytes (0: not watched). */
enum disk_state ingest_disk(const struct ingest *i, uint64_t *ret_free_bytes);
