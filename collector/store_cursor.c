/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store_cursor.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "collector/filter.h"
#include "lib/limits.h"

/* ?1 from, ?2 to, ?3 end of the walk over the index (see walk_end()), ?4 kinds, ?5 node, ?6 last
 * row id, ?7 row id to begin after.  The unary + keeps SQLite on the wanted index. */
#define COLUMNS                                                                      \
	"SELECT id, min_time_ns, max_time_ns, ingested_ns, n_events, frame_offset, " \
	"frame_bytes, log, id, 0, 0, 0 FROM block WHERE "
/* Batches as they came, those that lie in merged blocks too. */
#define BATCHES                                                                                \
	"SELECT id, min_time_ns, max_time_ns, ingested_ns, n_events, frame_offset, "           \
	"frame_bytes, log, block, is_part, first_seq, last_seq FROM ("                         \
	"SELECT id, min_time_ns, max_time_ns, ingested_ns, n_events, frame_offset, "           \
	"frame_bytes, log, id AS block, 0 AS is_part, 0 AS first_seq, 0 AS last_seq, kinds, "  \
	"source FROM block WHERE log = 0 AND id <= ?6 AND id > ?7 UNION ALL "                  \
	"SELECT p.id, p.min_time_ns, p.max_time_ns, p.ingested_ns, p.n_events, "               \
	"b.frame_offset, b.frame_bytes, b.log, b.id, 1, p.first_seq, p.last_seq, p.kinds, "    \
	"p.source FROM part p JOIN block b ON b.id = p.block WHERE p.id <= ?6 AND p.id > ?7) " \
	"WHERE "
#define ID_AFTER(table, where)                                              \
	"SELECT * FROM (SELECT id, ingested_ns FROM " table " WHERE " where \
	"id >= ?1 ORDER BY id LIMIT 1)"
#define ZONES                                                                               \
	" AND (?4 = 0 OR kinds & ?4) AND (?5 IS NULL OR +source IN (SELECT id FROM source " \
	"WHERE node_id = ?5 OR node_name = ?5)) ORDER BY "
#define SOURCE_OF "SELECT node_id, node_name FROM source WHERE id = "
static const char *const texts[CURSOR_STMTS] = {
	[NEWEST] = COLUMNS "max_time_ns >= ?1 AND max_time_ns <= ?3 AND +min_time_ns < ?2 "
			   "AND +id <= ?6 AND +id > ?7" ZONES "max_time_ns DESC, id DESC",
	[OLDEST] = COLUMNS "min_time_ns >= ?3 AND min_time_ns < ?2 AND +max_time_ns >= ?1 "
			   "AND +id <= ?6 AND +id > ?7" ZONES "min_time_ns, id",
	[ARRIVAL] = BATCHES "max_time_ns >= ?1 AND min_time_ns < ?2 AND ?3 >= 0" ZONES "id",
	[CURSOR_FILTER] = "SELECT bits FROM filter WHERE id = ?1",
	[CURSOR_ID_AFTER] = ID_AFTER("block", "log = 0 AND ") " UNION ALL " ID_AFTER(
		"part", "") " ORDER BY id LIMIT 1",
	[CURSOR_SOURCE] = SOURCE_OF "(SELECT source FROM block WHERE id = ?1)",
};

/* ---- a day's files ---- */

struct cursor *cursor_free(struct cursor *c)
{
	if (!c)
		return NULL;
	sql_finalize(c->stmts, CURSOR_STMTS);
	sql_close(c->db);
	if (c->frames >= 0)
		close(c->frames);
	if (c->merged >= 0)
		close(c->merged);
	block_free(c->whole);
	rebatch_free(c->rebatch);
	buf_done(&c->part);
	free(c);
	return NULL;
}

/* True when the frames file that @c has open is @day's, and still has its name: then the database
 * that was opened since is of the same day, as a removal begins with that name (day.h). */
static bool same_day(const struct cursor *c, const char *path, const struct day_summary *day)
{
	struct stat opened, named;

	return fstat(c->frames, &opened) == 0 && opened.st_ino == day->inode &&
	       stat(path, &named) == 0 && named.st_ino == day->inode;
}

static int open_files(struct cursor *c, const char *dir, const struct day_summary *day)
{
	char frames[DAY_PATH_BYTES], path[DAY_PATH_BYTES];
	int r;

	c->merged = open(day_path(dir, day->number, "merged", path), O_RDONLY | O_CLOEXEC);
	c->frames = open(day_path(dir, day->number, "frames", frames), O_RDONLY | O_CLOEXEC);
	if (c->frames < 0 || c->merged < 0)
		return err_origin(-errno);
	r = sql_open(&c->db, day_path(dir, day->number, "db", path), SQL_READ, NULL);
	if (r == 0)
		r = sql_prepare(c->db, texts, CURSOR_STMTS, c->stmts);
	if (r == 0 && !same_day(c, frames, day))
		r = err_origin(-ESTALE);
	return r;
}

int cursor_new(struct cursor **ret, struct store *s, const struct day_summary *day)
{
	AUTO(cursor) *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return err_origin(-ENOMEM);
	c->frames = c->merged = -1;
	r = open_files(c, store_dir(s), day);
	if (r < 0 && !store_has_day(s, day))
		return CURSOR_E_GONE;
	if (r < 0)
		return r;
	c->day = *day;
	*ret = TAKE(c);
	return 0;
}

/* ---- walking ---- */

int cursor_next(struct cursor *c, enum order order)
{
	sqlite3_stmt *s = c->stmts[order];
	int r = sql_step(s);

	c->active = r == SQL_E_ROW;
	if (!c->active) {
		sqlite3_reset(s);
		return r;
	}
	c->meta = (struct store_block){
		.id = (uint64_t)c->day.number << 32 | sql_u64(s, 0),
		.min_time_ns = sql_u64(s, 1),
		.max_time_ns = sql_u64(s, 2),
		.ingested_ns = sql_u64(s, 3),
		.n_events = (uint32_t)sqlite3_column_int64(s, 4),
	};
	c->offset = sql_u64(s, 5);
	c->n_frame = (size_t)sql_u64(s, 6);
	c->is_merged = sqlite3_column_int(s, 7) != 0;
	c->block_id = sql_u64(s, 8);
	c->is_part = sqlite3_column_int(s, 9) != 0;
	c->first_seq = sql_u64(s, 10);
	c->last_seq = sql_u64(s, 11);
	return 0;
}

/* Greatest row id whose ingested_ns is not above @after: both rise together, so halve. */
static int id_at_arrival(struct cursor *c, uint64_t after, uint64_t *ret)
{
	sqlite3_stmt *s = c->stmts[CURSOR_ID_AFTER];
	uint64_t low = 0, high = c->day.last_id; /* low: known to be not above */

	while (low < high) {
		uint64_t middle = low + (high - low + 1) / 2, ingested = UINT64_MAX, id = 0;
		int r;

		sql_bind_u64(s, 1, middle);
		r = sql_step(s);
		if (r == SQL_E_ROW) {
			id = sql_u64(s, 0);
			ingested = sql_u64(s, 1);
		}
		sqlite3_reset(s);
		if (r < 0)
			return r;
		if (ingested <= after)
			low = MIN(MAX(id, middle), high);
		else
			high = middle - 1;
	}
	*ret = low;
	return 0;
}

/* A block that reaches into the range ends less than the longest block's length after the range's
 * end and begins at most that before the range's begin. */
static int64_t walk_end(const struct store_range *range, enum order order, uint64_t span)
{
	uint64_t from = range->from_ns, to = range->to_ns;

	if (order == NEWEST)
		return sql_time(to > UINT64_MAX - span ? UINT64_MAX : to + span);
	return sql_time(from > span ? from - span : 0);
}

int cursor_begin(struct cursor *c, const struct store_range *range, enum order order)
{
	sqlite3_stmt *s = c->stmts[order];
	uint64_t begin_id = 0;
	int r = 0;

	if (order == ARRIVAL)
		r = id_at_arrival(c, range->arrived_after_ns, &begin_id);
	if (r < 0)
		return r;
	sqlite3_bind_int64(s, 1, sql_time(range->from_ns));
	sqlite3_bind_int64(s, 2, sql_time(range->to_ns));
	sqlite3_bind_int64(s, 3, walk_end(range, order, c->day.max_span_ns));
	sql_bind_u64(s, 4, range->kinds);
	if (range->node)
		sqlite3_bind_text(s, 5, range->node, -1, SQLITE_TRANSIENT);
	else
		sqlite3_bind_null(s, 5);
	sql_bind_u64(s, 6, c->day.last_id);
	sql_bind_u64(s, 7, begin_id);
	return cursor_next(c, order);
}

void cursor_end(struct cursor *c)
{
	for (size_t i = 0; i < CURSOR_STMTS; i++)
		sqlite3_reset(c->stmts[i]);
	c->active = false;
}

/* ---- one block ---- */

struct held_filter {
	const void *bits;
	size_t n;
};

static bool filter_asked(uint64_t token, void *arg)
{
	const struct held_filter *f = arg;

	return filter_has(f->bits, f->n, token);
}

/* A filter that cannot be read lets everything pass. */
bool cursor_filtered_out(struct cursor *c, const struct expr *e)
{
	sqlite3_stmt *s = c->stmts[CURSOR_FILTER];
	struct held_filter f;
	bool out = false;

	sql_bind_u64(s, 1, c->block_id);
	if (sql_step(s) == SQL_E_ROW) {
		f.bits = sqlite3_column_blob(s, 0);
		f.n = (size_t)sqlite3_column_bytes(s, 0);
		if (f.bits && filter_has_prefixes(f.bits, f.n))
			out = !expr_may_match(e, filter_asked, &f);
		else
			out = f.bits && !expr_may_match_words(e, filter_asked, &f);
	}
	sqlite3_reset(s);
	return out;
}

static int read_all(int fd, uint8_t *to, size_t n, uint64_t at)
{
	while (n > 0) {
		ssize_t got = pread(fd, to, n, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return err_origin(got < 0 ? -errno : -EBADMSG);
		to += got;
		at += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

/* Reads the record, header and frame, of the block. */
static int read_record(const struct cursor *c, struct buf *record, struct diag *d)
{
	size_t head = DAY_RECORD_HEADER_BYTES, n = head + c->n_frame;
	int res;

	if (c->n_frame > LIMIT_FRAME_BYTES || c->offset < head)
		return diag_set(d, err_origin(-EBADMSG), 0, 0, "its row is broken");
	buf_clear(record);
	if (!buf_reserve(record, n))
		return err_origin(-ENOMEM);
	res = read_all(c->is_merged ? c->merged : c->frames, record->data, n, c->offset - head);
	if (res < 0)
		return diag_set(d, res, 0, 0, "its bytes cannot be read: %s", strerror(-res));
	if (!day_frame_check(record->data, record->data + head, c->n_frame))
		return diag_set(d, err_origin(-EBADMSG), 0, 0, "its checksum does not fit");
	return 0;
}

/* Loads the batch as it came, cut out of the merged block that holds it. */
static int load_part(struct cursor *c, const void *frame, struct block *b, struct diag *d)
{
	int r = c->whole ? 0 : block_new(&c->whole);

	if (r == 0 && !c->rebatch)
		r = rebatch_new(&c->rebatch);
	if (r == 0)
		r = block_load_stored(c->whole, frame, c->n_frame, d);
	if (r == 0)
		r = rebatch_begin(c->rebatch, c->whole);
	if (r == 0)
		r = rebatch_add(c->rebatch, c->whole, c->first_seq, c->last_seq);
	if (r > 0)
		return diag_set(d, err_origin(-EBADMSG), 0, 0, "a batch of it cannot be cut out");
	buf_clear(&c->part);
	if (r == 0)
		r = rebatch_seal(c->rebatch, block_info(c->whole)->sent_time_ns, &c->part);
	return r < 0 ? r : block_load_stored(b, c->part.data, c->part.n, d);
}

int cursor_fetch(struct cursor *c, struct buf *record, struct block *b, struct diag *d)
{
	const uint8_t *frame;
	int r = read_record(c, record, d);

	if (r < 0)
		return r;
	frame = record->data + DAY_RECORD_HEADER_BYTES;
	r = c->is_part ? load_part(c, frame, b, d) : block_load_stored(b, frame, c->n_frame, d);
	if (r == 0)
		block_set_ingested(b, c->meta.ingested_ns);
	return r;
}

static void copy_text(char to[STORE_NODE_BYTES], sqlite3_stmt *s, int column)
{
	const unsigned char *text = sqlite3_column_text(s, column);

	snprintf(to, STORE_NODE_BYTES, "%s", text ? (const char *)text : "");
}

void cursor_source(struct cursor *c, char ret_id[STORE_NODE_BYTES], char ret_name[STORE_NODE_BYTES])
{
	sqlite3_stmt *s = c->stmts[CURSOR_SOURCE];

	ret_id[0] = ret_name[0] = '\0';
	sql_bind_u64(s, 1, c->block_id);
	if (sql_step(s) == SQL_E_ROW) {
		copy_text(ret_id, s, 0);
		copy_text(ret_name, s, 1);
	}
	sqlite3_reset(s);
}

bool cursor_before(enum order order, const struct store_block *a, const struct store_block *b)
{
	if (order == NEWEST)
		return a->max_time_ns > b->max_time_ns;
	if (order == OLDEST)
		return a->min_time_ns < b->min_time_ns;
	return a->ingested_ns < b->ingested_ns;
}
