/* SPDX-License-Identifier: Apache-2.0 */
/* day_merge - small blocks of a day put together into one, in events-D.merged, a log of records as
 * that of the frames file (day.h).  The blocks' own records stay where they are, so a merged file
 * that is lost or behind costs nothing but the merging: an index that is made again does not know
 * of it.
 *
 * A merge is one write and one sync of the merged file, then one transaction of the index, which
 * takes the rows of the blocks away, keeps them as parts and adds the row of the new one.  Killed
 * at any point, the blocks are there once: as they were, or merged.
 * Thread: the store's writer. Memory: none but the caller's. */
#pragma once
#include "collector/day.h"

/* What the index says of a block. */
struct day_row {
	uint64_t id, first_seq, last_seq, min_time_ns, max_time_ns, ingested_ns, offset;
	uint32_t n_events;
	size_t n_frame;
	bool is_merged;
};

/* The source (a node's boot) with the least id above @after.  Returns DAY_E_RECORD, 0 (none) or a
 * negative errno. */
NODISCARD int day_source_after(struct day *day, int64_t after, int64_t *ret);

/* Up to @room blocks of @source from @first_seq on, by sequence numbers.  Returns 0 or a negative
 * errno. */
NODISCARD int day_rows(struct day *day, int64_t source, uint64_t first_seq, struct day_row *rows,
		       size_t room, size_t *ret_n);

/* Reads the frame of a block that is not merged to @frame (cleared first).  Returns 0, -EBADMSG
 * (damaged) or another negative errno. */
NODISCARD int day_read(struct day *day, const struct day_row *row, struct buf *frame);

/* Puts @merged in the place of the @n blocks at @rows, which it holds, in their order, and commits.
 * The day must not be dirty.  Returns 0, or a negative errno: then the day must be freed. */
NODISCARD int day_merge(struct day *day, const struct day_row *rows, size_t n,
			const struct day_entry *merged);
