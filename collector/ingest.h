/* SPDX-License-Identifier: Apache-2.0 */
/* ingest - the sensors' port: takes frames from a raw NNG REP socket, checks them (lib/block.h),
 * appends them to the store, commits in groups, then answers each with an Ack.
 * Thread: one of its own, started by ingest_start() and joined by ingest_stop(); counters are read
 * from any thread.  Only this file touches NNG in the collector. */
#pragma once
#include "collector/hub.h"
#include "collector/maindb.h"
#include "collector/store.h"

struct ingest;

struct ingest_config {
	const char *url; /* such as tcp://127.0.0.1:7443 */
	struct store *store;
	struct maindb *maindb;
	struct hub *hub; /* NULL: no live tail */
};

NODISCARD int ingest_start(struct ingest **ret, const struct ingest_config *config, struct diag *d);
/* Answers what was committed, refuses the rest as BUSY, joins the thread, frees.  NULL: no-op. */
struct ingest *ingest_stop(struct ingest *i);

struct ingest_counters {
	uint64_t batches, events, bytes, duplicates, refused, busy, commits, commit_ns;
};
void ingest_counters(const struct ingest *i, struct ingest_counters *ret);
