/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/retention.h"

#include "collector/day.h"
#include "lib/log.h"

static const uint64_t ns_per_day = 86400000000000u;

struct run {
	struct store *store;
	struct maindb *maindb;
	const struct retention_limits *limits;
	uint64_t now_ns;
	uint64_t believed_ns; /* what ages are judged by */
	uint64_t bytes;	      /* of the days that are left */
};

/* A clock of ours that jumps far ahead must not take history with it: no day is older than the
 * newest event that any node tells makes it. */
static uint64_t believed(const struct store_day *days, size_t n, uint64_t now_ns)
{
	uint64_t newest = 0;

	for (size_t i = 0; i < n; i++)
		newest = MAX(newest, days[i].newest_ns);
	return MIN(newest, now_ns);
}

/* The day that it is as old as. */
static uint64_t age_day(const struct store_day *d)
{
	return d->number ? d->number : d->ingested_ns / ns_per_day;
}

static int by_age(const void *a, const void *b)
{
	uint64_t x = age_day(a), y = age_day(b);

	return x < y ? -1 : x > y;
}

/* Why the day is to go; NULL: it is not. */
static const char *reason(const struct run *run, const struct store_day *d)
{
	const struct retention_limits *l = run->limits;
	uint64_t today = run->now_ns / ns_per_day, day = age_day(d);
	uint64_t believed_today = run->believed_ns / ns_per_day;

	if (day >= today)
		return NULL;
	if (l->keep_days && day < believed_today && believed_today - day > l->keep_days)
		return "age";
	return l->keep_bytes && run->bytes > l->keep_bytes ? "bytes" : NULL;
}

static int remove_day(struct run *run, const struct store_day *d, const char *why)
{
	struct maindb_removed note = { .day = d->number,
				       .ingested_ns = d->ingested_ns,
				       .n_events = d->n_events,
				       .bytes = d->bytes,
				       .removed_ns = run->now_ns,
				       .reason = why };
	char path[DAY_PATH_BYTES];
	int r = maindb_removed_add(run->maindb, &note);

	if (r == 0)
		r = store_remove_day(run->store, d->number);
	day_path("", d->number, "frames", path);
	if (r < 0) {
		log_error("retention.failed", "file=%s error=\"%s\"", path + 1, strerror(-r));
		return r;
	}
	run->bytes -= MIN(run->bytes, d->bytes);
	log_warn("retention.removed", "file=%s events=%llu bytes=%llu reason=%s", path + 1,
		 (unsigned long long)d->n_events, (unsigned long long)d->bytes, why);
	return 0;
}

static int visit(struct run *run, const struct store_day *d)
{
	const char *why = reason(run, d);
	int r = why ? maindb_is_held(run->maindb, d->number) : 0;

	return r == MAINDB_E_NOT_HELD ? remove_day(run, d, why) : r;
}

int retention_limits_now(struct maindb *m, const struct retention_limits *own,
			 struct retention_limits *ret)
{
	struct maindb_keep keep;
	int r = maindb_keep_get(m, &keep);

	*ret = r == 0 ? (struct retention_limits){ keep.keep_days, keep.keep_bytes } : *own;
	return MIN(r, 0);
}

int retention_run(struct store *s, struct maindb *m, const struct retention_limits *limits,
		  uint64_t now_ns)
{
	struct run run = { .store = s, .maindb = m, .limits = limits, .now_ns = now_ns };
	AUTO_MEM struct store_day *days = NULL;
	size_t n = 0;
	int r = store_list_days(s, &days, &n);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		run.bytes += days[i].bytes;
	run.believed_ns = believed(days, n, now_ns);
	qsort(days, n, sizeof(*days), by_age);
	for (size_t i = 0; i < n && r == 0; i++)
		r = visit(&run, &days[i]);
	if (r < 0)
		return r;
	return limits->keep_bytes && run.bytes > limits->keep_bytes ? RETENTION_E_OVER : 0;
}
