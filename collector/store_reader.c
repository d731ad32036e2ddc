/* SPDX-License-Identifier: Apache-2.0 */
/* store_reader - scans: the days that a range touches are merged by the wanted order; of each block
 * first the zone map is asked, then the caller, then the filter, and only then is it fetched. */
#include <fcntl.h>

#include "collector/filter.h"
#include "collector/sql.h"
#include "collector/store_internal.h"
#include "lib/limits.h"
#include "lib/log.h"

enum order { NEWEST, OLDEST, ARRIVAL, ORDER_MAX };
enum stmt { STMT_FILTER = ORDER_MAX, STMT_ID_AFTER, STMT_MAX };

/* ?1 from, ?2 to, ?3 end of the walk over the index (see walk_end()), ?4 kinds, ?5 node, ?6 last row id,
 * ?7 row id to begin after.  The unary + keeps SQLite on the wanted index. */
#define COLUMNS                                                                      \
	"SELECT id, min_time_ns, max_time_ns, ingested_ns, n_events, frame_offset, " \
	"frame_bytes FROM block WHERE "
#define ZONES                                                            \
	" AND (?4 = 0 OR kinds & ?4) AND (?5 IS NULL OR +source IN (SELECT id FROM source " \
	"WHERE node_id = ?5 OR node_name = ?5)) ORDER BY "
static const char *const texts[STMT_MAX] = {
	[NEWEST] = COLUMNS "max_time_ns >= ?1 AND max_time_ns <= ?3 AND +min_time_ns < ?2 "
			   "AND +id <= ?6 AND +id > ?7" ZONES "max_time_ns DESC, id DESC",
	[OLDEST] = COLUMNS "min_time_ns >= ?3 AND min_time_ns < ?2 AND +max_time_ns >= ?1 "
			   "AND +id <= ?6 AND +id > ?7" ZONES "min_time_ns, id",
	[ARRIVAL] = COLUMNS "id <= ?6 AND id > ?7 AND +max_time_ns >= ?1 AND +min_time_ns < ?2 "
			    "AND ?3 >= 0" ZONES "id",
	[STMT_FILTER] = "SELECT bits FROM filter WHERE id = ?1",
	[STMT_ID_AFTER] = "SELECT id, ingested_ns FROM block WHERE id >= ?1 ORDER BY id LIMIT 1",
};

enum { KEEP_OPEN = 8 };

/* A day's files opened for reading, and where the scan stands in it. */
struct cursor {
	struct day_summary day;
	sqlite3 *db;
	sqlite3_stmt *stmts[STMT_MAX];
	int frames;
	bool active; /* stands on a row: meta, offset, n_frame are its */
	struct store_block meta;
	uint64_t offset;
	size_t n_frame;
	uint64_t used; /* when last, in scans */
};

struct store_reader {
	struct store *store;
	struct block *block;
	struct store_days days;
	struct cursor **cursors; /* open files, in no order */
	size_t n_cursors, cursors_room;
	uint64_t n_scans;
	struct buf record;
};

/* One scan. */
struct scan {
	struct store_reader *reader;
	const struct store_range *range;
	enum order order;
	struct store_scan_stats *stats;
	store_wanted_fn wanted;
	store_each_fn each;
	void *arg;
};

/* ---- a day's files ---- */

static struct cursor *cursor_free(struct cursor *c)
{
	if (!c)
		return NULL;
	sql_finalize(c->stmts, STMT_MAX);
	sql_close(c->db);
	if (c->frames >= 0)
		close(c->frames);
	free(c);
	return NULL;
}
DEFINE_FREEP(cursor)

static int cursor_new(struct cursor **ret, struct store_reader *r, uint32_t number)
{
	AUTO(cursor) *c = calloc(1, sizeof(*c));
	char path[DAY_PATH_BYTES];
	int res;

	if (!c)
		return err_origin(-ENOMEM);
	c->frames = open(day_path(store_dir(r->store), number, "frames", path),
			 O_RDONLY | O_CLOEXEC);
	if (c->frames < 0)
		return err_origin(-errno);
	res = sql_open(&c->db, day_path(store_dir(r->store), number, "db", path), SQL_READ, NULL);
	if (res == 0)
		res = sql_prepare(c->db, texts, STMT_MAX, c->stmts);
	if (res < 0)
		return res;
	c->day.number = number;
	*ret = TAKE(c);
	return 0;
}

static struct cursor *find_cursor(struct store_reader *r, uint32_t number)
{
	for (size_t i = 0; i < r->n_cursors; i++)
		if (r->cursors[i]->day.number == number)
			return r->cursors[i];
	return NULL;
}

static int get_cursor(struct store_reader *r, const struct day_summary *day, struct cursor **ret)
{
	struct cursor *c = find_cursor(r, day->number);
	int res;

	if (!c) {
		if (r->n_cursors == r->cursors_room) {
			struct cursor **more = reallocarray(r->cursors, r->cursors_room + 8,
							    sizeof(struct cursor *));

			if (!more)
				return err_origin(-ENOMEM);
			r->cursors = more;
			r->cursors_room += 8;
		}
		res = cursor_new(&c, r, day->number);
		if (res < 0)
			return res;
		r->cursors[r->n_cursors++] = c;
	}
	c->day = *day;
	c->used = r->n_scans;
	*ret = c;
	return 0;
}

static void close_least_used(struct store_reader *r)
{
	while (r->n_cursors > KEEP_OPEN) {
		size_t least = 0;

		for (size_t i = 1; i < r->n_cursors; i++)
			if (r->cursors[i]->used < r->cursors[least]->used)
				least = i;
		cursor_free(r->cursors[least]);
		r->cursors[least] = r->cursors[--r->n_cursors];
	}
}

/* ---- one cursor ---- */

/* True when the scan wants @a before @b. */
static bool before(enum order order, const struct store_block *a, const struct store_block *b)
{
	if (order == NEWEST)
		return a->max_time_ns > b->max_time_ns;
	if (order == OLDEST)
		return a->min_time_ns < b->min_time_ns;
	return a->ingested_ns < b->ingested_ns;
}

static int cursor_next(struct cursor *c, enum order order)
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
	return 0;
}

/* Greatest row id whose ingested_ns is not above @after: both rise together, so halve. */
static int id_at_arrival(struct cursor *c, uint64_t after, uint64_t *ret)
{
	sqlite3_stmt *s = c->stmts[STMT_ID_AFTER];
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

/* A block that reaches into the range ends less than the longest block's length after the range's end
 * and begins at most that before the range's begin. */
static int64_t walk_end(const struct store_range *range, enum order order, uint64_t span)
{
	uint64_t from = range->from_ns, to = range->to_ns;

	if (order == NEWEST)
		return sql_time(to > UINT64_MAX - span ? UINT64_MAX : to + span);
	return sql_time(from > span ? from - span : 0);
}

static int cursor_begin(struct cursor *c, const struct scan *scan)
{
	const struct store_range *range = scan->range;
	sqlite3_stmt *s = c->stmts[scan->order];
	uint64_t begin_id = 0;
	int r = 0;

	if (scan->order == ARRIVAL)
		r = id_at_arrival(c, range->arrived_after_ns, &begin_id);
	if (r < 0)
		return r;
	sqlite3_bind_int64(s, 1, sql_time(range->from_ns));
	sqlite3_bind_int64(s, 2, sql_time(range->to_ns));
	sqlite3_bind_int64(s, 3, walk_end(range, scan->order, c->day.max_span_ns));
	sql_bind_u64(s, 4, range->kinds);
	if (range->node)
		sqlite3_bind_text(s, 5, range->node, -1, SQLITE_TRANSIENT);
	else
		sqlite3_bind_null(s, 5);
	sql_bind_u64(s, 6, c->day.last_id);
	sql_bind_u64(s, 7, begin_id);
	return cursor_next(c, scan->order);
}

static void cursor_end(struct cursor *c)
{
	for (size_t i = 0; i < STMT_MAX; i++)
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

/* 1: no event of the block can be a hit.  A filter that cannot be read lets everything pass. */
static bool filtered_out(struct cursor *c, const struct expr *e)
{
	sqlite3_stmt *s = c->stmts[STMT_FILTER];
	struct held_filter f;
	bool out = false;

	sql_bind_u64(s, 1, c->meta.id & UINT32_MAX);
	if (sql_step(s) == SQL_E_ROW) {
		f.bits = sqlite3_column_blob(s, 0);
		f.n = (size_t)sqlite3_column_bytes(s, 0);
		out = f.bits && !expr_may_match(e, filter_asked, &f);
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

static int fetch(struct store_reader *r, const struct cursor *c, struct diag *d)
{
	size_t head = DAY_RECORD_HEADER_BYTES, n = head + c->n_frame;
	int res;

	if (c->n_frame > LIMIT_FRAME_BYTES || c->offset < head)
		return diag_set(d, err_origin(-EBADMSG), 0, 0, "its row is broken");
	buf_clear(&r->record);
	if (!buf_reserve(&r->record, n))
		return err_origin(-ENOMEM);
	res = read_all(c->frames, r->record.data, n, c->offset - head);
	if (res < 0)
		return diag_set(d, res, 0, 0, "its bytes cannot be read: %s", strerror(-res));
	if (!day_frame_check(r->record.data, r->record.data + head, c->n_frame))
		return diag_set(d, err_origin(-EBADMSG), 0, 0, "its checksum does not fit");
	res = block_load_stored(r->block, r->record.data + head, c->n_frame, d);
	if (res == 0)
		block_set_ingested(r->block, c->meta.ingested_ns);
	return res;
}

static void tell_damage(struct store_reader *r, uint64_t id, const struct store_block *m,
			const char *why)
{
	char path[DAY_PATH_BYTES], quoted[512];

	if (!store_damage_is_new(r->store, id))
		return;
	day_path(store_dir(r->store), (uint32_t)(id >> 32), "db", path);
	log_error("store.damaged", "file=%s block=%llu from_ns=%llu to_ns=%llu events=%u why=%s",
		  path, (unsigned long long)(id & UINT32_MAX), (unsigned long long)m->min_time_ns,
		  (unsigned long long)m->max_time_ns, m->n_events,
		  log_value(why, strlen(why), quoted, sizeof(quoted)));
}

/* A day that cannot be read on: its rest is lost to this scan, the others go on. */
static int give_up_day(const struct scan *scan, const struct day_summary *day, int r)
{
	struct store_block m = { .min_time_ns = day->min_time_ns, .max_time_ns = day->max_time_ns };

	if (r == -ENOMEM)
		return r;
	scan->stats->blocks_damaged++;
	tell_damage(scan->reader, (uint64_t)day->number << 32, &m, strerror(-r));
	return 0;
}

static int read_block(const struct scan *scan, struct cursor *c)
{
	struct diag d = { 0 };
	int r = fetch(scan->reader, c, &d);

	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		scan->stats->blocks_damaged++;
		tell_damage(scan->reader, c->meta.id, &c->meta, d.text);
		return 0;
	}
	scan->stats->blocks_read++;
	scan->stats->events += block_info(scan->reader->block)->n_events;
	scan->stats->bytes += c->n_frame;
	return scan->each(&c->meta, scan->reader->block, scan->arg);
}

enum { STOPPED = INT32_MAX }; /* internal: @wanted said STORE_STOP */

static int visit(const struct scan *scan, struct cursor *c)
{
	enum store_wish wish = scan->wanted ? scan->wanted(&c->meta, scan->arg) : STORE_READ;

	if (wish == STORE_STOP)
		return STOPPED;
	scan->stats->blocks++;
	if (wish == STORE_READ && !(scan->range->expr && filtered_out(c, scan->range->expr)))
		return read_block(scan, c);
	scan->stats->blocks_skipped++;
	return 0;
}

/* ---- all days ---- */

/* Best key that a block of @day can have, as a block that stands for it. */
static struct store_block bound(const struct day_summary *day)
{
	return (struct store_block){ .max_time_ns = day->max_time_ns,
				     .min_time_ns = day->min_time_ns };
}

static bool touches(const struct day_summary *day, const struct store_range *r)
{
	return day->n_blocks && day->min_time_ns < r->to_ns && day->max_time_ns >= r->from_ns &&
	       (r->arrived_after_ns == 0 || day->ingested_ns > r->arrived_after_ns);
}

/* Days that the range touches, the one with the best bound first. */
static void choose_days(const struct scan *scan)
{
	struct store_days *d = &scan->reader->days;
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++) {
		struct day_summary day = d->list[i];
		struct store_block key = bound(&day);
		size_t at = n;

		if (!touches(&day, scan->range))
			continue;
		for (; at > 0; at--) {
			struct store_block other = bound(&d->list[at - 1]);

			if (!before(scan->order, &key, &other))
				break;
			d->list[at] = d->list[at - 1];
		}
		d->list[at] = day;
		n++;
	}
	d->n = n;
}

static struct cursor *best_cursor(const struct scan *scan)
{
	const struct store_reader *r = scan->reader;
	struct cursor *best = NULL;

	for (size_t i = 0; i < r->n_cursors; i++) {
		struct cursor *c = r->cursors[i];

		if (c->active && (!best || before(scan->order, &c->meta, &best->meta)))
			best = c;
	}
	return best;
}

/* Opens days until none of the rest can hold a block that comes before the best one. */
static int open_days(const struct scan *scan, size_t *next, struct cursor **ret)
{
	struct store_reader *r = scan->reader;
	struct cursor *best = best_cursor(scan);

	for (; *next < r->days.n; (*next)++) {
		const struct day_summary *day = &r->days.list[*next];
		struct store_block key = bound(day);
		struct cursor *c = NULL;
		int res;

		if (best && before(scan->order, &best->meta, &key))
			break;
		res = get_cursor(r, day, &c);
		if (res == 0)
			res = cursor_begin(c, scan);
		if (res < 0)
			res = give_up_day(scan, day, res);
		if (res < 0)
			return res;
		best = best_cursor(scan);
	}
	*ret = best;
	return 0;
}

static int run(const struct scan *scan)
{
	size_t next = 0;

	for (;;) {
		struct cursor *c = NULL;
		int r = open_days(scan, &next, &c);

		if (r < 0 || !c)
			return r;
		r = visit(scan, c);
		if (r != 0)
			return r == STOPPED ? 0 : r;
		r = cursor_next(c, scan->order);
		if (r < 0)
			r = give_up_day(scan, &c->day, r);
		if (r < 0)
			return r;
	}
}

int store_scan(struct store_reader *r, const struct store_range *range, store_wanted_fn wanted,
	       store_each_fn each, void *arg, struct store_scan_stats *stats)
{
	struct scan scan = { .reader = r,
			     .range = range,
			     .order = range->ascending ? OLDEST : NEWEST,
			     .stats = stats,
			     .wanted = wanted,
			     .each = each,
			     .arg = arg };
	int res = store_days_copy(r->store, &r->days);

	if (range->arrived_after_ns)
		scan.order = ARRIVAL;
	if (res < 0)
		return res;
	r->n_scans++;
	choose_days(&scan);
	res = run(&scan);
	for (size_t i = 0; i < r->n_cursors; i++)
		cursor_end(r->cursors[i]);
	close_least_used(r);
	return res;
}

/* ---- the reader ---- */

int store_reader_new(struct store *s, struct store_reader **ret)
{
	AUTO(store_reader) *r = calloc(1, sizeof(*r));
	int res;

	if (!r)
		return err_origin(-ENOMEM);
	r->store = s;
	res = block_new(&r->block);
	if (res == 0)
		*ret = TAKE(r);
	return res;
}

struct store_reader *store_reader_free(struct store_reader *r)
{
	if (!r)
		return NULL;
	for (size_t i = 0; i < r->n_cursors; i++)
		cursor_free(r->cursors[i]);
	free(r->cursors);
	block_free(r->block);
	free(r->days.list);
	buf_done(&r->record);
	free(r);
	return NULL;
}

int store_totals(struct store_reader *r, struct store_totals *ret)
{
	int res = store_days_copy(r->store, &r->days);

	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < r->days.n && res == 0; i++) {
		ret->blocks += r->days.list[i].n_blocks;
		ret->events += r->days.list[i].n_events;
		ret->bytes += r->days.list[i].frames_end;
		ret->days++;
	}
	return res;
}
