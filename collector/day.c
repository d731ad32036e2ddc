/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/day.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "collector/day_internal.h"
#include "collector/migrate.h"

static const char *const texts[STMT_MAX] = {
	[STMT_BEGIN] = "BEGIN IMMEDIATE",
	[STMT_COMMIT] = "COMMIT",
	[STMT_SUMMARY] = "SELECT n_blocks, n_events, min_time_ns, max_time_ns, max_span_ns, "
			 "ingested_ns, frames_end, merged_end, n_parts, "
			 "(SELECT coalesce(max(id), 0) FROM block) FROM day WHERE id = 1",
	[STMT_SUMMARY_SET] = "UPDATE day SET n_blocks = ?1, n_events = ?2, min_time_ns = ?3, "
			     "max_time_ns = ?4, max_span_ns = ?5, ingested_ns = ?6, "
			     "frames_end = ?7, merged_end = ?8, n_parts = ?9 WHERE id = 1",
	[STMT_SOURCE_FIND] = "SELECT id FROM source "
			     "WHERE node_id = ?1 AND boot_id = ?2 AND node_name = ?3",
	[STMT_SOURCE_ADD] = "INSERT INTO source (node_id, boot_id, node_name) VALUES (?1, ?2, ?3)",
	[STMT_BLOCK_ADD] =
		"INSERT INTO block (id, source, first_seq, last_seq, min_time_ns, max_time_ns, "
		"ingested_ns, kinds, n_events, frame_offset, frame_bytes) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) "
		"ON CONFLICT (source, first_seq) DO NOTHING",
	[STMT_BLOCK_SAME] = "SELECT last_seq = ?3 AND n_events = ?4 AND frame_bytes = ?5 "
			    "FROM block WHERE source = ?1 AND first_seq = ?2",
	[STMT_FILTER_ADD] = "INSERT INTO filter VALUES (?1, ?2)",
	[STMT_PART_SAME] = "SELECT last_seq = ?3 AND n_events = ?4 AND frame_bytes = ?5 "
			   "FROM part WHERE source = ?1 AND first_seq = ?2",
	[STMT_SOURCE_AFTER] = "SELECT id FROM source WHERE id > ?1 ORDER BY id LIMIT 1",
	[STMT_ROWS] = "SELECT id, first_seq, last_seq, min_time_ns, max_time_ns, ingested_ns, "
		      "n_events, frame_offset, frame_bytes, log FROM block "
		      "WHERE source = ?1 AND first_seq >= ?2 ORDER BY first_seq LIMIT ?3",
	[STMT_PART_ADD] = "INSERT INTO part SELECT id, ?2, source, first_seq, last_seq, "
			  "min_time_ns, max_time_ns, ingested_ns, kinds, n_events, frame_bytes "
			  "FROM block WHERE id = ?1 AND log = 0",
	[STMT_FILTER_DROP] = "DELETE FROM filter WHERE id = ?1",
	[STMT_BLOCK_DROP] = "DELETE FROM block WHERE id = ?1",
	[STMT_MERGED_ADD] = "INSERT INTO block SELECT ?1, source, ?2, ?3, ?4, ?5, ingested_ns, ?6, "
			    "?7, ?8, ?9, 1 FROM part WHERE id = ?1",
	[STMT_QUARANTINE_ADD] = "INSERT OR IGNORE INTO quarantine SELECT id, ?2, ?3 FROM block "
				"WHERE id = ?1",
	[STMT_QUARANTINE_LIST] =
		"SELECT q.id, b.min_time_ns, b.max_time_ns, b.n_events, s.node_id, "
		"s.node_name, q.reason FROM quarantine q JOIN block b ON b.id = q.id "
		"JOIN source s ON s.id = b.source ORDER BY q.id",
};

/* ---- opening ---- */

static int read_summary(struct day *day)
{
	sqlite3_stmt *s = day->stmts[STMT_SUMMARY];
	struct day_summary *c = &day->committed;
	int r = sql_step(s);

	if (r == SQL_E_ROW) {
		c->n_blocks = sql_u64(s, 0);
		c->n_events = sql_u64(s, 1);
		c->min_time_ns = sql_u64(s, 2);
		c->max_time_ns = sql_u64(s, 3);
		c->max_span_ns = sql_u64(s, 4);
		c->ingested_ns = sql_u64(s, 5);
		c->frames_end = sql_u64(s, 6);
		c->merged_end = sql_u64(s, 7);
		c->n_parts = sql_u64(s, 8);
		c->last_id = sql_u64(s, 9);
		day->next = *c;
		day->written = c->frames_end;
	}
	sqlite3_reset(s);
	if (r == 0)
		return err_origin(-EBADMSG); /* the one row is gone */
	return r < 0 ? r : 0;
}

static int open_frames(struct day *day, const char *dir, struct diag *d)
{
	char path[DAY_PATH_BYTES];
	struct stat st;
	int r;

	day->merged = open(day_path(dir, day->committed.number, "merged", path),
			   O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (day->merged >= 0)
		day->frames = open(day_path(dir, day->committed.number, "frames", path),
				   O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	r = day->frames < 0 || fstat(day->frames, &st) < 0 ? err_origin(-errno)
							   : day_sync_folder(dir);
	if (r == 0)
		day->committed.inode = day->next.inode = st.st_ino;
	if (r == 0 && stat(day_path(dir, day->committed.number, "db", path), &st) < 0)
		r = err_origin(-errno);
	if (r == 0)
		day->committed.index_inode = day->next.index_inode = st.st_ino;
	if (r < 0) {
		diag_set(d, r, 0, 0, "cannot open: %s", strerror(-r));
		diag_file(d, path);
	}
	return r;
}

/* The frames file is the log.  What is written is seldom looked at again: the ends of the indexes.
 */
static const char settings[] = "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -1024;";

int day_open(struct day **ret, const char *dir, uint32_t number, struct diag *d)
{
	AUTO(day) *day = calloc(1, sizeof(*day));
	char path[DAY_PATH_BYTES];
	int r;

	if (!day)
		return err_origin(-ENOMEM);
	day->frames = day->merged = -1;
	day->committed.number = day->next.number = number;
	day_path(dir, number, "db", path);
	r = day_finish_removal(dir, number);
	if (r < 0)
		return diag_set(d, r, 0, 0, "cannot finish the removal of %s: %s", path,
				strerror(-r));
	r = sql_open(&day->db, path, SQL_WRITE, d);
	if (r == 0)
		r = sql_exec(day->db, settings);
	if (r == 0)
		r = migrate_apply(day->db, &migrations_events, path, d);
	if (r < 0)
		return r;
	r = sql_prepare(day->db, texts, STMT_MAX, day->stmts);
	if (r == 0)
		r = read_summary(day);
	if (r < 0) {
		diag_set(d, r, 0, 0, "cannot read: %s", sqlite3_errmsg(day->db));
		diag_file(d, path);
		return r;
	}
	r = open_frames(day, dir, d);
	if (r == 0)
		*ret = TAKE(day);
	return r;
}

struct day *day_free(struct day *day)
{
	if (!day)
		return NULL;
	sql_finalize(day->stmts, STMT_MAX);
	sql_close(day->db); /* rolls back */
	if (day->frames >= 0)
		close(day->frames);
	if (day->merged >= 0)
		close(day->merged);
	slots_done(&day->by_source);
	buf_done(&day->unwritten);
	free(day->sources);
	free(day);
	return NULL;
}

/* ---- appending ---- */

/* Gathered and written at the commit: many small writes cost several times one large one. */
static int add_record(struct day *day, const struct day_entry *e)
{
	uint8_t h[DAY_RECORD_HEADER_BYTES];

	day_frame_header(h, e->frame, e->n_frame, e->ingested_ns);
	buf_add(&day->unwritten, h, sizeof(h));
	buf_add(&day->unwritten, e->frame, e->n_frame);
	day->next.frames_end += sizeof(h) + e->n_frame;
	return buf_ok(&day->unwritten) ? 0 : err_origin(-ENOMEM);
}

static int write_records(struct day *day)
{
	struct buf *b = &day->unwritten;
	int r = day_write_all(day->frames, b->data, b->n, day->written);

	if (r == 0 && fdatasync(day->frames) < 0)
		r = err_origin(-errno);
	if (r < 0)
		return r;
	day->written += b->n;
	buf_clear(b);
	return 0;
}

static int insert_block(struct day *day, const struct day_entry *e, int64_t source)
{
	const struct block_info *i = block_info(e->block);
	sqlite3_stmt *s = day->stmts[STMT_BLOCK_ADD];

	sql_bind_u64(s, 1, day->next.last_id + 1);
	sqlite3_bind_int64(s, 2, source);
	sql_bind_u64(s, 3, i->first_seq);
	sql_bind_u64(s, 4, e->last_seq);
	sqlite3_bind_int64(s, 5, sql_time(i->min_time_ns));
	sqlite3_bind_int64(s, 6, sql_time(i->max_time_ns));
	sqlite3_bind_int64(s, 7, sql_time(e->ingested_ns));
	sql_bind_u64(s, 8, i->kinds);
	sqlite3_bind_int64(s, 9, i->n_events);
	sql_bind_u64(s, 10, day->next.frames_end + DAY_RECORD_HEADER_BYTES);
	sqlite3_bind_int64(s, 11, (int64_t)e->n_frame);
	return sql_run(s);
}

/* Is the first seq taken in the table that @which asks, and by this very batch?  Returns 0 (it is
 * not), DAY_E_DUPLICATE, DAY_E_CONFLICT or a negative errno. */
static int find_same(struct day *day, const struct day_entry *e, int64_t source, enum stmt which)
{
	const struct block_info *i = block_info(e->block);
	sqlite3_stmt *s = day->stmts[which];
	int r;

	sqlite3_bind_int64(s, 1, source);
	sql_bind_u64(s, 2, i->first_seq);
	sql_bind_u64(s, 3, e->last_seq);
	sqlite3_bind_int64(s, 4, i->n_events);
	sqlite3_bind_int64(s, 5, (int64_t)e->n_frame);
	r = sql_step(s);
	if (r == SQL_E_ROW)
		r = sqlite3_column_int(s, 0) ? DAY_E_DUPLICATE : DAY_E_CONFLICT;
	sqlite3_reset(s);
	return r;
}

int day_insert_filter(struct day *day, uint64_t id, const void *bits, size_t n)
{
	sqlite3_stmt *s = day->stmts[STMT_FILTER_ADD];

	sql_bind_u64(s, 1, id);
	sqlite3_bind_blob(s, 2, bits, (int)n, SQLITE_STATIC);
	return sql_run(s);
}

static void note(struct day_summary *s, const struct block_info *i, uint64_t ingested_ns)
{
	uint64_t min = (uint64_t)sql_time(i->min_time_ns), max = (uint64_t)sql_time(i->max_time_ns);

	s->min_time_ns = s->n_blocks ? MIN(s->min_time_ns, min) : min;
	s->max_time_ns = MAX(s->max_time_ns, max);
	s->max_span_ns = MAX(s->max_span_ns, max - min);
	s->ingested_ns = ingested_ns;
	s->n_events += i->n_events;
	s->n_blocks++;
	s->last_id++;
}

int day_begin(struct day *day)
{
	int r = day->in_transaction ? 0 : sql_run(day->stmts[STMT_BEGIN]);

	day->in_transaction = day->in_transaction || r == 0;
	return r;
}

int day_append(struct day *day, const struct day_entry *e, uint64_t *ret_id)
{
	const struct block_info *i = block_info(e->block);
	int64_t source = 0;
	int r = day_begin(day);

	if (r == 0)
		r = day_source(day, i, &source);
	if (r == 0 && day->next.n_parts)
		r = find_same(day, e, source, STMT_PART_SAME);
	if (r == 0)
		r = insert_block(day, e, source);
	if (r == 0 && sqlite3_changes(day->db) == 0) {
		r = find_same(day, e, source, STMT_BLOCK_SAME);
		return r == 0 ? err_origin(-EBADMSG) : r;
	}
	if (r == 0)
		r = day_insert_filter(day, day->next.last_id + 1, e->filter, e->n_filter);
	if (r == 0)
		r = add_record(day, e);
	if (r != 0)
		return r;
	note(&day->next, i, e->ingested_ns);
	*ret_id = day->next.last_id;
	return 0;
}

int day_write_summary(struct day *day)
{
	const struct day_summary *n = &day->next;
	sqlite3_stmt *s = day->stmts[STMT_SUMMARY_SET];

	sql_bind_u64(s, 1, n->n_blocks);
	sql_bind_u64(s, 2, n->n_events);
	sql_bind_u64(s, 3, n->min_time_ns);
	sql_bind_u64(s, 4, n->max_time_ns);
	sql_bind_u64(s, 5, n->max_span_ns);
	sql_bind_u64(s, 6, n->ingested_ns);
	sql_bind_u64(s, 7, n->frames_end);
	sql_bind_u64(s, 8, n->merged_end);
	sql_bind_u64(s, 9, n->n_parts);
	return sql_run(s);
}

int day_end_transaction(struct day *day)
{
	int r = sql_run(day->stmts[STMT_COMMIT]);

	if (r < 0)
		return r;
	day->committed = day->next;
	day->in_transaction = false;
	return 0;
}

int day_commit(struct day *day)
{
	int r = 0;

	if (!day->in_transaction)
		return 0;
	if (day->next.frames_end != day->committed.frames_end) {
		r = write_records(day);
		if (r == 0)
			r = day_write_summary(day);
	}
	return r == 0 ? day_end_transaction(day) : r;
}

/* ---- replaying ---- */

int day_replay(struct day *day, struct buf *frame, uint64_t *ret_ingested_ns)
{
	uint64_t at = day->next.frames_end;
	struct day_record_header h;
	uint32_t n;
	int r = day_read_whole(day->frames, &h, sizeof(h), at);

	if (r <= 0)
		return r;
	if (day_record_at(&h, sizeof(h), &n) == DAY_RECORD_NONE)
		return 0; /* what a crash left of a write */
	buf_clear(frame);
	if (!buf_reserve(frame, MAX(n, 1u)))
		return err_origin(-ENOMEM);
	r = day_read_whole(day->frames, frame->data, n, at + sizeof(h));
	if (r <= 0 || !day_frame_check(&h, frame->data, n))
		return MIN(r, 0);
	frame->n = n;
	/* a failed transaction's record may be older than the one before it */
	*ret_ingested_ns = MAX(h.ingested_ns, day->next.ingested_ns + 1);
	return DAY_E_RECORD;
}

int day_pass_over(struct day *day, const struct day_entry *entry)
{
	int r = day_begin(day);

	return r < 0 ? r : add_record(day, entry);
}

/* ---- quarantine ---- */

int day_quarantine(struct day *day, uint64_t id, const char *reason, uint64_t now_ns)
{
	sqlite3_stmt *s = day->stmts[STMT_QUARANTINE_ADD];

	sql_bind_u64(s, 1, id);
	sqlite3_bind_int64(s, 2, sql_time(now_ns));
	sqlite3_bind_text(s, 3, reason, -1, SQLITE_TRANSIENT);
	return sql_run(s);
}

int day_quarantined(struct day *day, int (*each)(const struct day_damaged *d, void *arg), void *arg)
{
	sqlite3_stmt *s = day->stmts[STMT_QUARANTINE_LIST];
	int r, e = 0;

	while (e == 0 && (r = sql_step(s)) == SQL_E_ROW) {
		const struct day_damaged d = { .id = sql_u64(s, 0),
					       .min_time_ns = sql_u64(s, 1),
					       .max_time_ns = sql_u64(s, 2),
					       .n_events = sql_u64(s, 3),
					       .node_id = sql_text(s, 4),
					       .node_name = sql_text(s, 5),
					       .reason = sql_text(s, 6) };

		e = each(&d, arg);
	}
	sqlite3_reset(s);
	return e ? e : r;
}

bool day_dirty(const struct day *day)
{
	return day->in_transaction;
}

const struct day_summary *day_summary(const struct day *day)
{
	return &day->committed;
}
