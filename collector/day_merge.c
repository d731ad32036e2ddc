/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/day_merge.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "collector/day_internal.h"
#include "lib/limits.h"

int day_source_after(struct day *day, int64_t after, int64_t *ret)
{
	sqlite3_stmt *s = day->stmts[STMT_SOURCE_AFTER];
	int r;

	sqlite3_bind_int64(s, 1, after);
	r = sql_step(s);
	if (r == SQL_E_ROW) {
		*ret = sqlite3_column_int64(s, 0);
		r = DAY_E_RECORD;
	}
	sqlite3_reset(s);
	return r;
}

int day_rows(struct day *day, int64_t source, uint64_t first_seq, struct day_row *rows, size_t room,
	     size_t *ret_n)
{
	sqlite3_stmt *s = day->stmts[STMT_ROWS];
	size_t n = 0;
	int r;

	sqlite3_bind_int64(s, 1, source);
	sql_bind_u64(s, 2, first_seq);
	sqlite3_bind_int64(s, 3, (int64_t)room);
	while ((r = sql_step(s)) == SQL_E_ROW && n < room)
		rows[n++] = (struct day_row){ .id = sql_u64(s, 0),
					      .first_seq = sql_u64(s, 1),
					      .last_seq = sql_u64(s, 2),
					      .min_time_ns = sql_u64(s, 3),
					      .max_time_ns = sql_u64(s, 4),
					      .ingested_ns = sql_u64(s, 5),
					      .n_events = (uint32_t)sqlite3_column_int64(s, 6),
					      .offset = sql_u64(s, 7),
					      .n_frame = (size_t)sql_u64(s, 8),
					      .is_merged = sqlite3_column_int(s, 9) != 0 };
	sqlite3_reset(s);
	*ret_n = n;
	return r < 0 ? r : 0;
}

int day_read(struct day *day, const struct day_row *row, struct buf *frame)
{
	struct day_record_header h;
	int r;

	if (row->n_frame > LIMIT_FRAME_BYTES || row->offset < sizeof(h))
		return err_origin(-EBADMSG);
	buf_clear(frame);
	if (!buf_reserve(frame, MAX(row->n_frame, (size_t)1)))
		return err_origin(-ENOMEM);
	r = day_read_whole(day->frames, &h, sizeof(h), row->offset - sizeof(h));
	if (r > 0)
		r = day_read_whole(day->frames, frame->data, row->n_frame, row->offset);
	if (r < 0)
		return r;
	if (r == 0 || !day_frame_check(&h, frame->data, row->n_frame))
		return err_origin(-EBADMSG);
	frame->n = row->n_frame;
	return 0;
}

static int write_record(struct day *day, const struct day_entry *merged)
{
	uint64_t at = day->committed.merged_end;
	struct day_record_header h;
	int r;

	day_frame_header(&h, merged->frame, merged->n_frame, merged->ingested_ns);
	r = day_write_all(day->merged, &h, sizeof(h), at);
	if (r == 0)
		r = day_write_all(day->merged, merged->frame, merged->n_frame, at + sizeof(h));
	if (r == 0 && fdatasync(day->merged) < 0)
		r = err_origin(-errno);
	return r;
}

static int run_of(struct day *day, enum stmt which, uint64_t id, uint64_t block)
{
	sqlite3_stmt *s = day->stmts[which];

	sql_bind_u64(s, 1, id);
	if (which == STMT_PART_ADD)
		sql_bind_u64(s, 2, block);
	return sql_run(s);
}

/* The block's row becomes a part's. */
static int make_part(struct day *day, uint64_t id, uint64_t block)
{
	int r = run_of(day, STMT_PART_ADD, id, block);

	if (r == 0 && sqlite3_changes(day->db) != 1)
		r = err_origin(-EBADMSG);
	if (r == 0)
		r = run_of(day, STMT_FILTER_DROP, id, block);
	if (r == 0)
		r = run_of(day, STMT_BLOCK_DROP, id, block);
	return r;
}

static int add_merged(struct day *day, uint64_t id, const struct day_entry *merged)
{
	const struct block_info *i = block_info(merged->block);
	sqlite3_stmt *s = day->stmts[STMT_MERGED_ADD];

	sql_bind_u64(s, 1, id);
	sql_bind_u64(s, 2, i->first_seq);
	sql_bind_u64(s, 3, merged->last_seq);
	sqlite3_bind_int64(s, 4, sql_time(i->min_time_ns));
	sqlite3_bind_int64(s, 5, sql_time(i->max_time_ns));
	sql_bind_u64(s, 6, i->kinds);
	sqlite3_bind_int64(s, 7, i->n_events);
	sql_bind_u64(s, 8, day->committed.merged_end + DAY_RECORD_HEADER_BYTES);
	sqlite3_bind_int64(s, 9, (int64_t)merged->n_frame);
	return sql_run(s);
}

/* @rows are by sequence number and by arrival: the block takes the id and the time of the last. */
int day_merge(struct day *day, const struct day_row *rows, size_t n, const struct day_entry *merged)
{
	const struct block_info *i = block_info(merged->block);
	uint64_t id = rows[n - 1].id;
	int r;

	assert(!day->in_transaction);
	r = write_record(day, merged);
	if (r == 0)
		r = day_begin(day);
	for (size_t k = 0; k < n && r == 0; k++)
		r = make_part(day, rows[k].id, id);
	if (r == 0)
		r = add_merged(day, id, merged);
	if (r == 0)
		r = day_insert_filter(day, id, merged->filter, merged->n_filter);
	if (r < 0)
		return r;
	day->next.n_blocks -= n - 1;
	day->next.n_parts += n;
	day->next.max_span_ns =
		MAX(day->next.max_span_ns,
		    (uint64_t)sql_time(i->max_time_ns) - (uint64_t)sql_time(i->min_time_ns));
	day->next.merged_end += DAY_RECORD_HEADER_BYTES + merged->n_frame;
	r = day_write_summary(day);
	return r == 0 ? day_end_transaction(day) : r;
}
