/* SPDX-License-Identifier: Apache-2.0 */
/* day - the files of one UTC day, as the writer has them: events-D.db (migrations/events),
 * events-D.frames and events-D.merged (day_merge.h).
 *
 * The frames file is a log of records (day_record.h).  A commit is one write and one fdatasync of
 * this file; the database is an index of it that commits without a sync of its own, may lag after a
 * power cut, and is brought up to date from the records after day.frames_end when the day is opened
 * (day_replay()).  A database that is gone is made again the same way.  Records of a transaction
 * that failed may be replayed too: they were true, and their first seq keeps them from being stored
 * twice when the sensor sends them again.
 *
 * Removing a day has one step that counts: its frames file is renamed to events-D.gone.  What is
 * left then is removed at once, or by whoever opens the day or the store next.
 *
 * Thread: the store's writer; day_path(), day_file_bytes() any.  Memory: malloc.
 */
#pragma once
#include "collector/day_record.h"
#include "lib/block.h"
#include "lib/buf.h"
#include "lib/diag.h"

struct day;

enum { DAY_PATH_BYTES = 512 };

/* What a day holds, as of its last commit. */
struct day_summary {
	uint32_t number; /* days since 1970-01-01 */
	uint64_t n_blocks, n_events;
	uint64_t min_time_ns, max_time_ns; /* of all its events */
	uint64_t max_span_ns;		   /* longest block */
	uint64_t ingested_ns;		   /* of the last block */
	uint64_t frames_end;		   /* bytes of the frames file */
	uint64_t merged_end;		   /* bytes of the merged file */
	uint64_t n_parts;		   /* batches that lie in merged blocks */
	uint64_t last_id;		   /* greatest row id; 0: none */
	uint64_t inode; /* of the frames file: tells a day from one made anew after its removal */
	uint64_t index_inode; /* of the database: tells it from one made anew of the same frames */
};

/* A batch on its way in. */
struct day_entry {
	struct block *block; /* loaded from the frame */
	uint64_t last_seq;
	const void *frame, *filter;
	size_t n_frame, n_filter; /* bytes */
	uint64_t ingested_ns;
};

enum { DAY_E_DUPLICATE = 1, DAY_E_CONFLICT = 2 };

/* Opens or makes day @number in @dir; migrates it.  *ret is the caller's, freed with day_free(),
 * which rolls back what is not committed.  Returns 0 or a negative errno with @d. */
NODISCARD int day_open(struct day **ret, const char *dir, uint32_t number, struct diag *d);
struct day *day_free(struct day *day);
DEFINE_FREEP(day)

/* Adds a batch to the open transaction.  Returns 0 and its row id, DAY_E_DUPLICATE (the same batch
 * is there), DAY_E_CONFLICT (another one with its first seq is), or a negative errno: then the day
 * must be freed. */
NODISCARD int day_append(struct day *day, const struct day_entry *entry, uint64_t *ret_id);

/* Reads the record after the last indexed one, if there is a whole one: its frame to @frame
 * (cleared first).  To be handed to day_append(), or passed over with day_pass_over(): both write
 * it again to its place, because what the disk holds of it is not known after a failed sync.
 * Returns DAY_E_RECORD, 0 (no more) or a negative errno. */
enum { DAY_E_RECORD = 1 };
NODISCARD int day_replay(struct day *day, struct buf *frame, uint64_t *ret_ingested_ns);
NODISCARD int day_pass_over(struct day *day, const struct day_entry *entry);

/* Makes the transaction durable, if there is one.  Returns 0 or a negative errno: then the day must
 * be freed. */
NODISCARD int day_commit(struct day *day);
bool day_dirty(const struct day *day); /* has a transaction open */
const struct day_summary *day_summary(const struct day *day);

/* Blocks that were found damaged.  day_quarantine() notes one and commits; the day must not be
 * dirty. day_quarantined() calls @each for all of them, until it returns not 0.  Both return 0,
 * what @each returned, or a negative errno. */
struct day_damaged {
	uint64_t id; /* row */
	uint64_t min_time_ns, max_time_ns, n_events;
	const char *node_id, *node_name, *reason; /* lent for the call */
};
NODISCARD int day_quarantine(struct day *day, uint64_t id, const char *reason, uint64_t now_ns);
NODISCARD int day_quarantined(struct day *day, int (*each)(const struct day_damaged *d, void *arg),
			      void *arg);

/* Writes the path of a file of day @number; @ending is "db" or "frames".  Returns @buf. */
const char *day_path(const char *dir, uint32_t number, const char *ending,
		     char buf[DAY_PATH_BYTES]);
/* Reads the number out of a file name such as events-2026-11-22.db or .frames.  Returns false for
 * others. */
NODISCARD bool day_parse_name(const char *name, uint32_t *ret_number);

/* Removes the files of day @number, which nobody may have open for writing; who reads them goes on.
 * Returns 0; or a negative errno: nothing has changed when *ret_begun is false, else the rest is
 * removed by day_finish_removal(). */
NODISCARD int day_remove(const char *dir, uint32_t number, bool *ret_begun);
/* Removes what an interrupted day_remove() left, of one day or of all.  Returns 0 or a negative
 * errno. */
NODISCARD int day_finish_removal(const char *dir, uint32_t number);
NODISCARD int day_finish_removals(const char *dir);

/* What is still there of the files that @day had; others may take them away while we work.  What
 * cannot be looked at is taken to be there. */
enum day_files {
	DAY_WHOLE,
	DAY_NO_INDEX, /* a frames file is there: all else can be made again from it */
	DAY_GONE,
};
enum day_files day_look(const char *dir, const struct day_summary *day);
/* Removes what is left of the index of day @number, which nobody may have open for writing: the
 * next day_open() makes it anew.  Returns 0 or a negative errno. */
NODISCARD int day_drop_index(const char *dir, uint32_t number);

/* Makes the names of the files in @dir durable.  Returns 0 or a negative errno. */
NODISCARD int day_sync_folder(const char *dir);
/* Bytes that the files of day @number take on the disk; those that are missing take none. */
uint64_t day_file_bytes(const char *dir, uint32_t number);
