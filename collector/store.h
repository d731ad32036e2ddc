/* SPDX-License-Identifier: Apache-2.0 */
/* store - event batches on disk: one SQLite file a UTC day (events-YYYY-MM-DD.db, the day of the
 * batch's earliest event), one row a batch: a zone map (node, boot, first and last seq, least and
 * greatest time, kinds, count) and a filter over the tokens of its strings.  The frames' own bytes
 * are appended to a log beside it (events-YYYY-MM-DD.frames, see day.h), because SQLite would write
 * and sum each of them twice; SQLite's file is an index that can be made from the log again.  A
 * batch whose clock is off by more than a year back or two days ahead lies in events-1970-01-01, so
 * that broken clocks do not make files.
 *
 * A batch is known by (node id, boot id, first seq); appending it again is told as a duplicate.
 * Threads: the writer side is one thread's (ingest).  Readers are per-thread objects with read-only
 * connections of their own and never hold the writer up; the store must outlive them. */
#pragma once
#include "lib/block.h"
#include "lib/diag.h"
#include "lib/expr.h"

struct store;
struct store_reader;

enum {
	STORE_E_DUPLICATE = 1, /* was there before: acknowledge it, write nothing */
	STORE_E_CONFLICT = 2, /* another batch of that node and boot has its first seq: refuse it */
};

/* Opens or makes the store in the folder @dir, migrating its files.  Returns 0, -EEXIST (a newer
 * schema; @d says which file), another negative errno with @d, or -ENOMEM. */
NODISCARD int store_open(struct store **ret, const char *dir, struct diag *d);
struct store *store_free(struct store *s);
DEFINE_FREEP(store)

/* Writer.  Appends @frame, which @b was loaded from, to the open transaction (one is begun when
 * there is none).  Returns 0, STORE_E_DUPLICATE, STORE_E_CONFLICT, -ENOSPC or another negative
 * errno: then the transaction was rolled back, nothing since the last store_commit() is to be
 * acknowledged (what had reached the log may be stored yet: a resend finds it a duplicate), and the
 * next call begins afresh.
 * @ingested_ns is store_arrival()'s and rises from call to call, over restarts too: it is the order
 * of arrival that the live tail resumes by; the one stored is what the hub must publish. */
NODISCARD int store_append(struct store *s, struct block *b, const void *frame, size_t n,
			   uint64_t ingested_ns);
/* Makes all appended batches durable (fsync).  Returns 0 or a negative errno as store_append(). */
NODISCARD int store_commit(struct store *s);

/* Writer.  The ingested_ns to give the next store_append(): @now_ns, or just above the last one. */
uint64_t store_arrival(const struct store *s, uint64_t now_ns);
/* Any thread.  True while there is a day of this number. */
bool store_has_events(struct store *s, uint32_t day);
/* Any thread.  ingested_ns of the last batch that is committed and not removed; 0: none. */
uint64_t store_arrived(struct store *s);
/* Writer.  Id (as store_block.id) that the last store_append() gave. */
uint64_t store_last_id(const struct store *s);

/* A day as retention sees it. */
struct store_day {
	uint32_t number;	  /* days since 1970-01-01; 0: clocks that are far off */
	uint64_t n_events, bytes; /* on the disk, index included */
	uint64_t ingested_ns;	  /* of its last batch */
	uint64_t newest_ns;	  /* of its events, by their nodes' clocks */
};
/* Writer.  Looks whether others have taken files of the days away: an index that is gone is made
 * anew, a day that is gone is known no more and told by store_take_gone(). */
void store_look(struct store *s);
/* The next day that is gone and was not told yet.  Returns false when there is none. */
NODISCARD bool store_take_gone(struct store *s, struct store_day *ret);

/* Any thread.  Lists the days, oldest first.  *ret is the caller's, to be freed.  Returns 0 or
 * -ENOMEM. */
NODISCARD int store_list_days(struct store *s, struct store_day **ret, size_t *ret_n);
/* Writer.  Removes a day and its files; scans under way go on with what they have open.  Returns 0,
 * -ENOENT (there is none), -EBUSY (its transaction is open) or another negative errno: the day is
 * as it was, or what is left of it is removed by the next store_open(). */
NODISCARD int store_remove_day(struct store *s, uint32_t number);

/* Greatest sequence number of a loaded batch; first_seq of a heartbeat. */
uint64_t store_last_seq(struct block *b);

/* Which blocks a scan wants. */
struct store_range {
	uint64_t from_ns, to_ns; /* blocks with an event in [from, to); 0 and UINT64_MAX: open */
	uint64_t kinds;		 /* mask; 0: all */
	const char *node;	 /* host.id or host.name, exact; NULL: all */
	const struct expr *expr; /* blocks whose filter shows that it cannot match are skipped */
	bool ascending;		 /* oldest first by min time; else newest first by max time */
	/* not 0: only blocks with ingested_ns above this, in the order of ingested_ns (@ascending
	 * has no say): resume of the live tail */
	uint64_t arrived_after_ns;
};

/* A block, or the rest of a day, that could not be read. */
enum { STORE_NODE_BYTES = 129, STORE_DAMAGE_TOLD = 16 };
struct store_damage {
	uint64_t from_ns, to_ns; /* times of its first and last event */
	uint64_t n_events;	 /* that it held; of a day: at most */
	char node_id[STORE_NODE_BYTES], node[STORE_NODE_BYTES]; /* "": of a day, any */
	char reason[112];
};

/* Blocks that were found damaged are told by each scan that would read them, and not read again
 * (docs/decisions/0015-quarantine.md).  What readers found is written down by the writer. */
enum { STORE_QUARANTINE = 1024 }; /* known at most; more are read again each time */
void store_keep_quarantine(struct store *s, uint64_t now_ns);

/* Counted over one scan. */
struct store_scan_stats {
	uint64_t blocks, blocks_skipped, blocks_read, events, bytes;
	uint64_t blocks_damaged; /* could not be read: the answer lacks their events */
	struct store_damage damage[STORE_DAMAGE_TOLD]; /* the first of them */
};
/* Adds @s to @to. */
void store_scan_stats_add(struct store_scan_stats *to, const struct store_scan_stats *s);

/* Blocks that the reader hands out have these columns (lib/block.h); NULL: none.  Borrowed. */
void store_reader_set_beside(struct store_reader *r, const struct block_beside *beside);
NODISCARD int store_reader_new(struct store *s, struct store_reader **ret);
struct store_reader *store_reader_free(struct store_reader *r);
DEFINE_FREEP(store_reader)

/* What is known of a block before it is opened. */
struct store_block {
	uint64_t id; /* unique in the store: day number << 32 | row id, the latter rising with
		      * arrival */
	uint64_t min_time_ns, max_time_ns, ingested_ns;
	uint32_t n_events;
};

/* Answers of a store_wanted_fn. */
enum store_wish {
	STORE_SKIP, /* do not open this block, go on */
	STORE_READ, /* open it */
	STORE_STOP, /* neither this one nor any after it: the scan ends with 0 */
};

/* Hands the blocks that the range wants, in its order, to @each: @b is loaded and lent for the
 * call.
 * @wanted (may be NULL) is asked before a block is opened (or even fetched), so that a caller with
 * enough hits reads no more.  @each returns 0 to go on, else the scan stops with that value.
 * Returns 0, what @each returned, or a negative errno. */
typedef int (*store_each_fn)(const struct store_block *meta, struct block *b, void *arg);
typedef enum store_wish (*store_wanted_fn)(const struct store_block *meta, void *arg);
int store_scan(struct store_reader *r, const struct store_range *range, store_wanted_fn wanted,
	       store_each_fn each, void *arg, struct store_scan_stats *stats);

/* The same scan a block at a time, for who cannot be called back.  After store_walk_begin() has
 * returned 0, the reader is the walk's until store_walk_end(), in one thread; the next call of
 * store_walk_next() takes *ret back.  @stats is the caller's until the end. store_walk_next()
 * returns STORE_E_BLOCK, 0 (no more) or a negative errno. */
enum { STORE_E_BLOCK = 1 };
NODISCARD int store_walk_begin(struct store_reader *r, const struct store_range *range,
			       store_wanted_fn wanted, void *arg, struct store_scan_stats *stats);
NODISCARD int store_walk_next(struct store_reader *r, const struct store_block **ret_meta,
			      struct block **ret);
void store_walk_end(struct store_reader *r);
/* The frame of the block that store_walk_next() gave last, as it came; lent until the next call. */
const void *store_walk_frame(const struct store_reader *r, size_t *ret_n);

/* Has the reader's scans leave out batches that @scope does not have, until it is called again.
 * @scope (NULL: all are in) is borrowed. */
struct scope;
void store_reader_scope(struct store_reader *r, const struct scope *scope);
bool store_reader_is_scoped(const struct store_reader *r);

/* Blocks of the days that the range touches: a scan of it looks at no more.  0 while there is a
 * scope: how many others have is not told. */
uint64_t store_range_blocks(struct store_reader *r, const struct store_range *range);

/* Totals for /metrics and /status. */
struct store_totals {
	uint64_t blocks, events, bytes, days;
	uint64_t damaged_blocks, damaged_events; /* in quarantine */
};
int store_totals(struct store_reader *r, struct store_totals *ret);
