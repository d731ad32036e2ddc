/* SPDX-License-Identifier: Apache-2.0 */
/* store_reader - scans: the days that a range touches are merged by the wanted order; of each block
 * first the zone map is asked, then the caller, then the filter, and only then is it fetched. */
#include <pthread.h>

#include "collector/scope.h"
#include "collector/store_cursors.h"
#include "lib/log.h"

/* One scan. */
struct scan {
	struct store_reader *reader;
	struct store_range range;
	enum order order;
	struct store_scan_stats *stats;
	store_wanted_fn wanted;
	void *arg;
	size_t next_day;   /* of the reader's, the first that is not open yet */
	struct cursor *at; /* stands on the block that was visited last; NULL: none was */
};

struct store_reader {
	struct store *store;
	struct store_reader *next; /* of the store's readers; the store's mutex guards it */
	pthread_mutex_t mutex;	   /* held by a scan, and by who closes files that are gone */
	struct block *block;
	struct store_days days;
	struct store_cursors cursors; /* open files */
	struct buf record;
	struct scan scan;		   /* that is under way */
	const struct scope *scope;	   /* NULL: every node */
	const struct block_beside *beside; /* not while there is a scope: it tells of all nodes */
};

/* ---- one block ---- */

static void log_damage(struct store_reader *r, uint64_t id, const struct store_damage *m)
{
	char path[DAY_PATH_BYTES], node[512], why[512];

	day_path(store_dir(r->store), (uint32_t)(id >> 32), "frames", path);
	log_error("store.damaged",
		  "file=%s block=%llu node=%s from_ns=%llu to_ns=%llu events=%llu why=%s", path,
		  (unsigned long long)(id & UINT32_MAX),
		  log_value(m->node_id, strlen(m->node_id), node, sizeof(node)),
		  (unsigned long long)m->from_ns, (unsigned long long)m->to_ns,
		  (unsigned long long)m->n_events,
		  log_value(m->reason, strlen(m->reason), why, sizeof(why)));
}

/* Labels of a block that cannot be read are not known: a scope of labels has none such. */
static bool may_be_told(const struct store_reader *r, const struct store_damage *m)
{
	const struct block_info source = { .node_id = { m->node_id,
							(uint32_t)strlen(m->node_id) } };

	return m->node_id[0] == 0 || scope_has(r->scope, &source);
}

static void tell_damage(const struct scan *scan, const struct store_damage *m)
{
	struct store_scan_stats *s = scan->stats;
	struct store_damage told = *m;

	if (!may_be_told(scan->reader, m))
		return;
	if (scan->reader->scope && m->node_id[0] == 0)
		told.n_events = 0; /* of all nodes */
	if (s->blocks_damaged < ARRAY_SIZE(s->damage))
		s->damage[s->blocks_damaged] = told;
	s->blocks_damaged++;
}

/* Damage that was found now. */
static void found_damage(const struct scan *scan, const struct store_quarantined *q)
{
	tell_damage(scan, &q->damage);
	if (store_damaged_note(store_damaged(scan->reader->store), q))
		log_damage(scan->reader, q->id, &q->damage);
}

/* A day that cannot be read on: its rest is lost to this scan, the others go on. */
static int give_up_day(const struct scan *scan, const struct day_summary *day, int r)
{
	struct store_quarantined q = { .id = (uint64_t)day->number << 32,
				       .damage = { .from_ns = day->min_time_ns,
						   .to_ns = day->max_time_ns,
						   .n_events = day->n_events } };

	if (r == -ENOMEM)
		return r;
	snprintf(q.damage.reason, sizeof(q.damage.reason), "the day cannot be read: %s",
		 strerror(-r));
	found_damage(scan, &q);
	return 0;
}

/* @r: bytes that are wrong stay so; what could not be read may be readable another time. */
static void give_up_block(const struct scan *scan, struct cursor *c, int r, const char *why)
{
	struct store_quarantined q = { .id = (uint64_t)c->day.number << 32 | c->block_id,
				       .damage = { .from_ns = c->meta.min_time_ns,
						   .to_ns = c->meta.max_time_ns,
						   .n_events = c->meta.n_events },
				       .holds = r == -EBADMSG };

	cursor_source(c, q.damage.node_id, q.damage.node);
	snprintf(q.damage.reason, sizeof(q.damage.reason), "%.*s", (int)sizeof(q.damage.reason) - 1,
		 why);
	found_damage(scan, &q);
}

static int read_block(const struct scan *scan, struct cursor *c)
{
	struct store_reader *reader = scan->reader;
	struct store_damage known;
	struct diag d = { 0 };
	int r;

	if (store_damaged_holds(store_damaged(reader->store),
				(uint64_t)c->day.number << 32 | c->block_id, &known)) {
		tell_damage(scan, &known);
		return 0;
	}
	r = cursor_fetch(c, &reader->record, reader->block, &d);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		give_up_block(scan, c, r, d.text);
		return 0;
	}
	scan->stats->blocks_read++;
	scan->stats->events += block_info(reader->block)->n_events;
	scan->stats->bytes += c->n_frame;
	return STORE_E_BLOCK;
}

enum { STOPPED = INT32_MAX }; /* internal: @wanted said STORE_STOP */

/* The same, for who must not even learn how many events a block of another node has: it is looked
 * into before anybody is asked. */
static int visit_scoped(const struct scan *scan, struct cursor *c)
{
	enum store_wish wish;
	int r = read_block(scan, c);

	if (r != STORE_E_BLOCK || !scope_has(scan->reader->scope, block_info(scan->reader->block)))
		return r == STORE_E_BLOCK ? 0 : r;
	scan->stats->blocks++;
	wish = scan->wanted ? scan->wanted(&c->meta, scan->arg) : STORE_READ;
	if (wish == STORE_STOP)
		return STOPPED;
	return wish == STORE_READ ? STORE_E_BLOCK : 0;
}

/* Returns STORE_E_BLOCK (it is loaded), 0 (not this one), STOPPED or a negative errno. */
static int visit(const struct scan *scan, struct cursor *c)
{
	enum store_wish wish;

	if (scan->reader->scope)
		return visit_scoped(scan, c);
	wish = scan->wanted ? scan->wanted(&c->meta, scan->arg) : STORE_READ;
	if (wish == STORE_STOP)
		return STOPPED;
	scan->stats->blocks++;
	if (wish == STORE_READ && !(scan->range.expr && cursor_filtered_out(c, scan->range.expr)))
		return read_block(scan, c);
	scan->stats->blocks_skipped++;
	return 0;
}

void store_reader_scope(struct store_reader *r, const struct scope *scope)
{
	r->scope = scope && scope->n ? scope : NULL;
	block_set_beside(r->block, r->scope ? NULL : r->beside);
}

bool store_reader_is_scoped(const struct store_reader *r)
{
	return r->scope != NULL;
}

void store_scan_stats_add(struct store_scan_stats *to, const struct store_scan_stats *s)
{
	uint64_t n = MIN(s->blocks_damaged, (uint64_t)ARRAY_SIZE(s->damage));

	for (uint64_t i = 0; i < n && to->blocks_damaged + i < ARRAY_SIZE(to->damage); i++)
		to->damage[to->blocks_damaged + i] = s->damage[i];
	to->blocks += s->blocks;
	to->blocks_skipped += s->blocks_skipped;
	to->blocks_read += s->blocks_read;
	to->events += s->events;
	to->bytes += s->bytes;
	to->blocks_damaged += s->blocks_damaged;
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

		if (!touches(&day, &scan->range))
			continue;
		for (; at > 0; at--) {
			struct store_block other = bound(&d->list[at - 1]);

			if (!cursor_before(scan->order, &key, &other))
				break;
			d->list[at] = d->list[at - 1];
		}
		d->list[at] = day;
		n++;
	}
	d->n = n;
}

/* Opens days until none of the rest can hold a block that comes before the best one. */
static int open_days(struct scan *scan, struct cursor **ret)
{
	struct store_reader *r = scan->reader;
	struct cursor *best = store_cursors_best(&r->cursors, scan->order);

	for (; scan->next_day < r->days.n; scan->next_day++) {
		const struct day_summary *day = &r->days.list[scan->next_day];
		struct store_block key = bound(day);
		struct cursor *c = NULL;
		int res;

		if (best && cursor_before(scan->order, &best->meta, &key))
			break;
		res = store_cursors_get(&r->cursors, r->store, day, &c);
		if (res == CURSOR_E_GONE)
			continue;
		if (res == 0)
			res = cursor_begin(c, &scan->range, scan->order);
		if (res < 0)
			res = give_up_day(scan, day, res);
		if (res < 0)
			return res;
		best = store_cursors_best(&r->cursors, scan->order);
	}
	*ret = best;
	return 0;
}

/* Leaves the block that was visited last. */
static int leave(struct scan *scan)
{
	struct cursor *c = TAKE(scan->at);
	int r = c ? cursor_next(c, scan->order) : 0;

	return r < 0 ? give_up_day(scan, &c->day, r) : 0;
}

int store_walk_next(struct store_reader *reader, const struct store_block **ret_meta,
		    struct block **ret)
{
	struct scan *scan = &reader->scan;
	int r;

	do {
		r = leave(scan);
		if (r == 0)
			r = open_days(scan, &scan->at);
		if (r < 0 || !scan->at)
			return r;
		r = visit(scan, scan->at);
	} while (r == 0);
	if (r != STORE_E_BLOCK)
		return r == STOPPED ? 0 : r;
	*ret_meta = &scan->at->meta;
	*ret = reader->block;
	return STORE_E_BLOCK;
}

int store_walk_begin(struct store_reader *r, const struct store_range *range,
		     store_wanted_fn wanted, void *arg, struct store_scan_stats *stats)
{
	int res;

	pthread_mutex_lock(&r->mutex);
	res = store_days_copy(r->store, &r->days);
	if (res < 0) {
		pthread_mutex_unlock(&r->mutex);
		return res;
	}
	r->scan = (struct scan){ .reader = r,
				 .range = *range,
				 .order = range->ascending ? OLDEST : NEWEST,
				 .stats = stats,
				 .wanted = wanted,
				 .arg = arg };
	if (range->arrived_after_ns)
		r->scan.order = ARRIVAL;
	choose_days(&r->scan);
	return 0;
}

const void *store_walk_frame(const struct store_reader *r, size_t *ret_n)
{
	const struct cursor *c = r->scan.at;

	*ret_n = c->is_part ? c->part.n : c->n_frame;
	return c->is_part ? c->part.data : r->record.data + DAY_RECORD_HEADER_BYTES;
}

void store_walk_end(struct store_reader *r)
{
	store_cursors_rest(&r->cursors, r->store);
	pthread_mutex_unlock(&r->mutex);
}

int store_scan(struct store_reader *r, const struct store_range *range, store_wanted_fn wanted,
	       store_each_fn each, void *arg, struct store_scan_stats *stats)
{
	const struct store_block *meta;
	struct block *b;
	int res = store_walk_begin(r, range, wanted, arg, stats);

	if (res < 0)
		return res;
	do
		res = store_walk_next(r, &meta, &b);
	while (res == STORE_E_BLOCK && (res = each(meta, b, arg)) == 0);
	store_walk_end(r);
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
	pthread_mutex_init(&r->mutex, NULL);
	res = block_new(&r->block);
	if (res < 0)
		return res;
	pthread_mutex_lock(store_mutex(s));
	r->next = *store_readers(s);
	*store_readers(s) = r;
	pthread_mutex_unlock(store_mutex(s));
	*ret = TAKE(r);
	return 0;
}

void store_reader_set_beside(struct store_reader *r, const struct block_beside *beside)
{
	r->beside = beside;
	block_set_beside(r->block, beside);
}

static void unlist(struct store_reader *r)
{
	struct store_reader **at = store_readers(r->store);

	pthread_mutex_lock(store_mutex(r->store));
	while (*at && *at != r)
		at = &(*at)->next;
	if (*at) /* else it was never listed */
		*at = r->next;
	pthread_mutex_unlock(store_mutex(r->store));
}

struct store_reader *store_reader_free(struct store_reader *r)
{
	if (!r)
		return NULL;
	unlist(r);
	store_cursors_done(&r->cursors);
	block_free(r->block);
	store_days_done(&r->days);
	buf_done(&r->record);
	pthread_mutex_destroy(&r->mutex);
	free(r);
	return NULL;
}

/* One that is in a scan closes them itself when it is done. */
void store_readers_drop(struct store *s, const struct day_summary *day)
{
	pthread_mutex_lock(store_mutex(s));
	for (struct store_reader *r = *store_readers(s); r; r = r->next) {
		if (pthread_mutex_trylock(&r->mutex) != 0)
			continue;
		store_cursors_drop(&r->cursors, day->number);
		pthread_mutex_unlock(&r->mutex);
	}
	pthread_mutex_unlock(store_mutex(s));
}

uint64_t store_range_blocks(struct store_reader *r, const struct store_range *range)
{
	uint64_t blocks = 0;

	if (r->scope || store_days_copy(r->store, &r->days) < 0)
		return 0;
	for (size_t i = 0; i < r->days.n; i++)
		if (touches(&r->days.list[i], range))
			blocks += r->days.list[i].n_blocks;
	return blocks;
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
	store_damaged_count(store_damaged(r->store), &ret->damaged_blocks, &ret->damaged_events);
	return res;
}
