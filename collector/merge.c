/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/merge.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "collector/day_merge.h"
#include "collector/filter.h"
#include "collector/store_internal.h"
#include "lib/log.h"
#include "lib/monotonic.h"
#include "lib/rebatch.h"

enum {
	ROWS = 1024,		/* of a source, looked at in a step */
	MOST_BLOCKS = 512,	/* of a run */
	SMALL_BYTES = 64 << 10, /* of a frame */
	MOST_BYTES = 2 << 20,	/* of a run's frames */
	MOST_PLACES = 100000,
};
#define SECOND UINT64_C(1000000000)
static const uint64_t most_span_ns = 6 * 3600 * SECOND; /* of a merged block */

const struct merge_limits merge_usual = { .small_events = 1024,
					  .target_events = 4096,
					  .least_blocks = 4,
					  .rest_ns = 60 * SECOND,
					  .patience_ns = 3600 * SECOND,
					  .sweep_ns = 30 * SECOND };

/* How far a source of a day has been walked. */
struct place {
	uint32_t day;
	int64_t source;
	uint64_t next_seq;
};

/* A day of the sweep, or one that a sweep has been over. */
struct swept {
	uint32_t number;
	uint64_t ingested_ns, at_ns; /* of its last batch then; when */
};

struct merger {
	struct store *store;
	struct merge_limits limits;
	struct filter_builder *filter;
	struct rebatch *rebatch;
	struct block *part, *merged;
	struct buf frame, out;
	struct day_row *rows;
	struct place *places;
	size_t n_places, places_room;
	/* where the walk is */
	struct swept *days, *done; /* done: of the sweep before */
	size_t n_days, n_done, day;
	int64_t source;
	uint64_t rests_until_ns;
	uint64_t rested_ns;		/* what arrived by then has rested */
	uint64_t noted_ns, noted_at_ns; /* what will have; since when, by monotonic_ns() */
	atomic_ullong n_blocks, n_into, n_failures;
};

int merger_new(struct merger **ret, struct store *s, const struct merge_limits *limits)
{
	AUTO(merger) *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return err_origin(-ENOMEM);
	m->store = s;
	m->limits = *limits;
	m->rows = reallocarray(NULL, ROWS, sizeof(*m->rows));
	if (!m->rows)
		return err_origin(-ENOMEM);
	r = filter_builder_new(&m->filter);
	if (r == 0)
		r = rebatch_new(&m->rebatch);
	if (r == 0)
		r = block_new(&m->part);
	if (r == 0)
		r = block_new(&m->merged);
	if (r == 0)
		*ret = TAKE(m);
	return r;
}

struct merger *merger_free(struct merger *m)
{
	if (!m)
		return NULL;
	filter_builder_free(m->filter);
	rebatch_free(m->rebatch);
	block_free(m->part);
	block_free(m->merged);
	buf_done(&m->frame);
	buf_done(&m->out);
	free(m->rows);
	free(m->places);
	free(m->days);
	free(m->done);
	free(m);
	return NULL;
}

void merger_counters(const struct merger *m, struct merge_counters *ret)
{
	ret->blocks = m ? atomic_load(&m->n_blocks) : 0;
	ret->into = m ? atomic_load(&m->n_into) : 0;
	ret->failures = m ? atomic_load(&m->n_failures) : 0;
}

/* ---- runs ---- */

struct run {
	size_t begin, n; /* of the rows */
	uint64_t events, bytes;
};

static bool is_small(const struct merger *m, const struct day_row *row)
{
	return !row->is_merged && row->n_events && row->n_events < m->limits.small_events &&
	       row->n_frame < SMALL_BYTES;
}

/* True when @row can be the next of the run. */
static bool goes_on(const struct merger *m, const struct run *run, const struct day_row *row)
{
	const struct day_row *first = &m->rows[run->begin], *last = first + run->n - 1;

	return run->n < MOST_BLOCKS && run->events + row->n_events <= m->limits.target_events &&
	       run->bytes + row->n_frame <= MOST_BYTES && row->first_seq > last->last_seq &&
	       row->ingested_ns > last->ingested_ns && row->id > last->id &&
	       row->max_time_ns - MIN(row->max_time_ns, first->min_time_ns) <= most_span_ns;
}

/* The first run among the @n rows that is worth merging; its n 0: none, and *ret_seq is where to
 * walk on.  @is_all: the source has no more rows. */
static struct run find_run(const struct merger *m, size_t n, bool is_all, uint64_t now_ns,
			   uint64_t before_ns, uint64_t *ret_seq)
{
	struct run run = { 0 };
	size_t i;

	for (i = 0; i < n && m->rows[i].ingested_ns <= before_ns; i++) {
		const struct day_row *row = &m->rows[i];
		bool small = is_small(m, row);

		if (run.n && (!small || !goes_on(m, &run, row))) {
			if (run.n >= m->limits.least_blocks)
				return run;
			run = (struct run){ 0 };
		}
		if (!small)
			continue;
		if (run.n == 0)
			run.begin = i;
		run.n++;
		run.events += row->n_events;
		run.bytes += row->n_frame;
	}
	if (run.n)
		*ret_seq = m->rows[run.begin].first_seq;
	else if (n)
		*ret_seq = i < n ? m->rows[i].first_seq : m->rows[n - 1].last_seq + 1;
	if (run.n < m->limits.least_blocks || !(is_all || i < n) ||
	    m->rows[run.begin].ingested_ns + m->limits.patience_ns > now_ns)
		run.n = 0; /* it may grow */
	return run;
}

/* ---- merging one ---- */

/* Loads the @most first blocks of the run one after the other into the batch.  Returns 0 and how
 * many fit together; or what was wrong with the one behind the *ret_n before: the batch is of no
 * use then. */
static int gather(struct merger *m, struct day *day, const struct run *run, size_t most,
		  size_t *ret_n)
{
	int r = 0;

	for (*ret_n = 0; *ret_n < most; ++*ret_n) {
		r = day_read(day, &m->rows[run->begin + *ret_n], &m->frame);
		if (r == 0)
			r = block_load_stored(m->part, m->frame.data, m->frame.n, NULL);
		if (r == 0 && *ret_n == 0)
			r = rebatch_begin(m->rebatch, m->part);
		if (r == 0 && !rebatch_fits(m->rebatch, m->part))
			return 0;
		if (r == 0)
			r = rebatch_add(m->rebatch, m->part, 0, UINT64_MAX);
		if (r != 0)
			return r == REBATCH_E_ODD ? err_origin(-EBADMSG) : r;
	}
	return 0;
}

/* The same of as many as there are before one that is damaged or odd. */
static int gather_good(struct merger *m, struct day *day, const struct run *run, size_t *ret_n)
{
	int r = gather(m, day, run, run->n, ret_n);

	if (r == -EBADMSG && *ret_n)
		r = gather(m, day, run, *ret_n, ret_n);
	return r;
}

static bool is_whole(const struct merger *m, const struct day_row *rows, size_t n)
{
	const struct block_info *i = block_info(m->merged);
	uint64_t events = 0;

	for (size_t k = 0; k < n; k++)
		events += rows[k].n_events;
	return i->n_events == events && i->first_seq == rows[0].first_seq &&
	       store_last_seq(m->merged) == rows[n - 1].last_seq;
}

/* Merges what of the run fits together.  Returns 0 and how many blocks were dealt with, or a
 * negative errno. */
static int merge_run(struct merger *m, struct day *day, const struct run *run, size_t *ret_n)
{
	const struct day_row *rows = &m->rows[run->begin];
	struct day_entry entry = { .block = m->merged };
	int r = gather_good(m, day, run, ret_n);

	if (r < 0 || *ret_n < m->limits.least_blocks)
		return r;
	buf_clear(&m->out);
	r = rebatch_seal(m->rebatch, block_info(m->part)->sent_time_ns, &m->out);
	if (r == 0)
		r = block_load(m->merged, m->out.data, m->out.n, NULL);
	if (r == 0 && !is_whole(m, rows, *ret_n))
		r = err_origin(-EBADMSG);
	if (r == 0)
		r = filter_build(m->filter, m->merged, &entry.filter, &entry.n_filter);
	if (r < 0)
		return r;
	entry.frame = m->out.data;
	entry.n_frame = m->out.n;
	entry.last_seq = rows[*ret_n - 1].last_seq;
	entry.ingested_ns = rows[*ret_n - 1].ingested_ns;
	r = day_merge(day, rows, *ret_n, &entry);
	if (r < 0) {
		store_drop_day(m->store, day);
		return r;
	}
	store_day_changed(m->store, day);
	atomic_fetch_add(&m->n_blocks, *ret_n);
	atomic_fetch_add(&m->n_into, 1);
	return 0;
}

/* ---- the walk ---- */

static struct place *find_place(struct merger *m, uint32_t day, int64_t source)
{
	struct place *more;

	for (size_t i = 0; i < m->n_places; i++)
		if (m->places[i].day == day && m->places[i].source == source)
			return &m->places[i];
	if (m->n_places == MOST_PLACES)
		m->n_places = 0; /* all are walked over again: it costs time and nothing else */
	if (m->n_places == m->places_room) {
		more = reallocarray(m->places, m->places_room * 2 + 64, sizeof(*more));
		if (!more)
			return NULL;
		m->places = more;
		m->places_room = m->places_room * 2 + 64;
	}
	m->places[m->n_places] = (struct place){ .day = day, .source = source };
	return &m->places[m->n_places++];
}

/* Nothing has come since the last sweep, and what was left then had waited long enough. */
static bool is_done(const struct merger *m, const struct store_day *day)
{
	for (size_t i = 0; i < m->n_done; i++)
		if (m->done[i].number == day->number)
			return m->done[i].ingested_ns == day->ingested_ns &&
			       m->done[i].at_ns > day->ingested_ns + m->limits.patience_ns;
	return false;
}

/* Arrival counts as of when the clock was furthest ahead: for an hour nothing may be old by the
 * clock after it was set back by one.  What has arrived a rest ago has rested all the same. */
static void note_arrival(struct merger *m)
{
	uint64_t at_ns = monotonic_ns();

	if (m->noted_at_ns && at_ns - m->noted_at_ns < m->limits.rest_ns)
		return;
	m->rested_ns = m->noted_ns;
	m->noted_ns = store_arrived(m->store);
	m->noted_at_ns = at_ns;
}

static int begin_sweep(struct merger *m, uint64_t now_ns)
{
	AUTO_MEM struct store_day *days = NULL;
	struct swept *sweep;
	size_t n = 0, kept = 0;
	int r = store_list_days(m->store, &days, &n);

	if (r < 0)
		return r;
	note_arrival(m);
	sweep = calloc(n + 1, sizeof(*sweep));
	if (!sweep)
		return err_origin(-ENOMEM);
	for (size_t i = 0; i < n; i++)
		if (!is_done(m, &days[i]))
			sweep[kept++] = (struct swept){ .number = days[i].number,
							.ingested_ns = days[i].ingested_ns,
							.at_ns = now_ns };
	free(m->days);
	m->days = sweep;
	m->n_days = kept;
	m->day = 0;
	m->source = 0;
	return 0;
}

/* Notes that the day at hand was walked over. */
static int end_day(struct merger *m)
{
	const struct swept *day = &m->days[m->day++];
	struct swept *more;
	size_t i = 0;

	m->source = 0;
	while (i < m->n_done && m->done[i].number != day->number)
		i++;
	if (i == m->n_done) {
		more = reallocarray(m->done, m->n_done + 1, sizeof(*more));
		if (!more)
			return err_origin(-ENOMEM);
		m->done = more;
		m->n_done++;
	}
	m->done[i] = *day;
	return 0;
}

static void failed(struct merger *m, int r)
{
	atomic_fetch_add(&m->n_failures, 1);
	log_warn("merge.failed", "day=%u source=%lld error=\"%s\"",
		 m->day < m->n_days ? m->days[m->day].number : 0, (long long)m->source,
		 strerror(-r));
}

/* Looks at @source from its place on.  Returns MERGE_E_MORE (there may be more of it), 0 or a
 * negative errno. */
static int visit(struct merger *m, struct day *day, struct place *place, uint64_t now_ns,
		 uint64_t before_ns)
{
	uint64_t next = place->next_seq;
	struct run run;
	size_t n = 0, done = 0;
	int r = day_rows(day, place->source, next, m->rows, ROWS, &n);

	if (r < 0)
		return r;
	run = find_run(m, n, n < ROWS, now_ns, before_ns, &next);
	if (run.n == 0) {
		bool moved = next != place->next_seq;

		place->next_seq = next;
		return n == ROWS && moved ? MERGE_E_MORE : 0;
	}
	r = merge_run(m, day, &run, &done);
	done = MAX(done, (size_t)1); /* what cannot be merged is passed over */
	place->next_seq = m->rows[run.begin + done - 1].last_seq + 1;
	if (r < 0)
		failed(m, r);
	return MERGE_E_MORE;
}

/* The next source, of the next day when there is none; false: the sweep is over. */
static int advance(struct merger *m, struct day **ret)
{
	while (m->day < m->n_days) {
		int64_t source = 0;
		int r = store_writable_day(m->store, m->days[m->day].number, ret);

		if (r == 0 && !day_dirty(*ret))
			r = day_source_after(*ret, m->source, &source);
		if (r == DAY_E_RECORD) {
			m->source = source;
			return MERGE_E_MORE;
		}
		if (r == 0)
			r = end_day(m);
		else
			m->day++;
		if (r < 0)
			return r;
	}
	return 0;
}

int merger_step(struct merger *m, uint64_t now_ns, uint64_t low_ns)
{
	uint64_t before_ns;
	struct place *place;
	struct day *day = NULL;
	int64_t at;
	int r = 0;

	if (now_ns < m->rests_until_ns && m->rests_until_ns - now_ns <= m->limits.sweep_ns)
		return 0; /* further ahead is only a clock that has been set back */
	if (m->day == m->n_days)
		r = begin_sweep(m, now_ns);
	at = m->source;
	if (r == 0)
		r = advance(m, &day);
	if (r < 0) {
		failed(m, r);
		return MERGE_E_MORE;
	}
	if (r == 0) {
		m->rests_until_ns = now_ns + m->limits.sweep_ns;
		return 0;
	}
	before_ns = MIN(low_ns, MAX(now_ns - MIN(now_ns, m->limits.rest_ns), m->rested_ns));
	place = find_place(m, m->days[m->day].number, m->source);
	r = place ? visit(m, day, place, now_ns, before_ns) : err_origin(-ENOMEM);
	if (r == MERGE_E_MORE)
		m->source = at; /* the same once more */
	if (r < 0)
		failed(m, r);
	return MERGE_E_MORE;
}
