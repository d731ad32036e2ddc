/* SPDX-License-Identifier: Apache-2.0 */
/* sql_events - the SQL table events: SQLite's virtual table over store_walk_next() and the
 * expression engine.
 *
 * A scan opens the blocks that the pushed conditions (sql_push.h) leave, newest first, and hands on
 * the rows that the expression finds.  Rows come in no order that SQLite could use.  A list of
 * strings is a JSON array as text, for json_each(); times are ns since 1970; numbers over 2^63 are
 * REAL.
 * Thread: the connection's, in which it was registered.  Memory: a block a scan that is open at
 * once. */
#pragma once
#include <stdatomic.h>

#include "collector/sql.h"
#include "collector/store.h"
#include "lib/buf.h"

enum { SQL_EVENTS_SCANS = 8 }; /* open at once, of one statement */

/* What one scan of the statement asked and read; of a join's inner scan, all its rounds. */
struct sql_scan {
	struct buf pushed; /* the conditions as EQL, of the last round; "": none */
	uint64_t from_ns, to_ns, rounds, blocks, blocks_skipped, blocks_read, events;
};

/* What a connection's scans share.  Lives until the connection is closed. */
struct sql_events {
	struct store *store;
	const atomic_bool *cancel; /* NULL, or true: the scan ends with SQLITE_INTERRUPT */
	uint64_t deadline_ns;	   /* the same, by timestamp_now(); 0: none */
	struct store_scan_stats stats;
	struct sql_scan scans[SQL_EVENTS_SCANS];
	uint32_t n_scans;
	uint32_t n_open;
	char reason[160]; /* why a scan failed, "" when none did */
};

/* Makes the table of @db.  @e is lent until sql_close().  Returns 0 or a negative errno. */
NODISCARD int sql_events_register(sqlite3 *db, struct sql_events *e);
/* Frees what @e gathered. */
void sql_events_done(struct sql_events *e);
/* True when the statement is to end: cancelled or late. */
bool sql_events_is_over(const struct sql_events *e);
