/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/upkeep.h"

#include "collector/ingest_alarm.h"
#include "lib/log.h"
#include "lib/monotonic.h"
#include "lib/timestamp.h"

enum {
	RETENTION_S = 60, /* between two looks for days that are to go */
	MERGE_MS = 20,	  /* of each second */
};

/* What upkeep_set_limits() and upkeep_set_watch() may change. */
struct limits {
	_Atomic uint64_t keep_days, keep_bytes, min_free_bytes;
	_Atomic uint64_t silent_ms, lag_ms, skew_ms, calm_ms;
};

struct upkeep {
	struct maindb *maindb;
	struct committer *committer;
	struct limits limits;
	struct disk disk;
	struct merger *merger; /* NULL: none */
	struct watch *watch;   /* NULL: none */
	struct alarm_writer *alarms;
	struct watch_alarm alarm; /* that is stored next */
	struct buf frame;	  /* the batch that it is; empty: there is none */
	bool told;		  /* that it cannot be stored */
	_Atomic uint64_t alarms_lost;
	uint64_t ticked_ns, kept_ns; /* when upkeep_tick() and retention ran last */
	bool over;		     /* retention cannot keep its limit */
};

int upkeep_new(struct upkeep **ret, const struct ingest_config *config, struct committer *committer)
{
	AUTO(upkeep) *u = calloc(1, sizeof(*u));
	int r = 0;

	if (!u)
		return err_origin(-ENOMEM);
	u->maindb = config->maindb;
	u->committer = committer;
	upkeep_set_limits(u, &config->keep, config->min_free_bytes);
	disk_init(&u->disk, config->dir, config->min_free_bytes, config->disk_space);
	disk_check(&u->disk);
	if (config->merge)
		r = merger_new(&u->merger, config->store, config->merge);
	if (config->watch)
		upkeep_set_watch(u, config->watch);
	if (r == 0 && config->watch)
		r = watch_new(&u->watch, config->maindb, monotonic_ms());
	if (r == 0 && config->watch)
		r = alarm_writer_new(&u->alarms);
	if (r == 0)
		*ret = TAKE(u);
	return r;
}

struct upkeep *upkeep_free(struct upkeep *u)
{
	if (!u)
		return NULL;
	merger_free(u->merger);
	watch_free(u->watch);
	alarm_writer_free(u->alarms);
	buf_done(&u->frame);
	free(u);
	return NULL;
}

static void flush_nodes(struct upkeep *u)
{
	int r = maindb_flush(u->maindb);

	if (r < 0)
		log_warn("ingest.nodes_not_written", "error=\"%s\"", strerror(-r));
}

/* Failures are told by retention.c; that the limit cannot be kept is told until it can. */
static void keep_limits(struct upkeep *u)
{
	const struct retention_limits set = { atomic_load(&u->limits.keep_days),
					      atomic_load(&u->limits.keep_bytes) };
	struct retention_limits keep;
	int r = retention_limits_now(u->maindb, &set, &keep);
	bool over;

	if (r < 0) {
		log_error("retention.failed", "error=\"%s\"", strerror(-r));
		return;
	}
	r = retention_run(u->committer->store, u->maindb, &keep, timestamp_now());
	over = r == RETENTION_E_OVER;
	if (over && !u->over)
		log_warn("retention.over",
			 "keep_bytes=%llu reason=\"the days left are held or current\"",
			 (unsigned long long)keep.keep_bytes);
	u->over = over;
}

/* What somebody has removed by hand is listed with what retention has. */
static void look_after_days(struct upkeep *u)
{
	struct store *store = u->committer->store;
	struct store_day day;

	store_look(store);
	while (store_take_gone(store, &day)) {
		const struct maindb_removed note = { .day = day.number,
						     .ingested_ns = day.ingested_ns,
						     .n_events = day.n_events,
						     .removed_ns = timestamp_now(),
						     .reason = "by hand" };
		int r = maindb_removed_add(u->maindb, &note);

		if (r < 0)
			log_warn("store.gone_not_noted", "day=%u error=\"%s\"", day.number,
				 strerror(-r));
	}
}

/* Takes at most MERGE_MS of each second, but for a step that takes longer by itself. */
static void merge_some(struct upkeep *u, uint64_t begin_ns)
{
	struct follow *follow = u->committer->follow;
	uint64_t low_ns = follow ? follow_low(follow) : UINT64_MAX;

	if (!u->merger || disk_state(&u->disk) != DISK_OK || committer_failing(u->committer))
		return;
	while (merger_step(u->merger, timestamp_now(), low_ns) == MERGE_E_MORE &&
	       monotonic_ns() - begin_ns < (uint64_t)MERGE_MS * NS_PER_MS)
		;
}

static void tell_not_stored(struct upkeep *u, int r)
{
	if (!u->told)
		log_warn("ingest.alarm_not_stored", "node=%s condition=%s error=\"%s\"",
			 u->alarm.node_id, watch_name(u->alarm.condition), strerror(-r));
	u->told = true;
}

/* Makes the next alarm a batch, unless there is one that could not be stored.  Returns false when
 * there is none. */
static bool next_alarm(struct upkeep *u)
{
	int r;

	if (u->frame.n)
		return true;
	if (!watch_take(u->watch, &u->alarm))
		return false;
	u->told = false;
	r = alarm_write(u->alarms, &u->alarm, timestamp_now(), &u->frame);
	if (r == 0)
		return true;
	tell_not_stored(u, r);
	buf_clear(&u->frame);
	return false;
}

/* Stores the alarm like a batch of its node.  Returns 0 or a negative errno: it stays, to be tried
 * again. */
static int store_alarm(struct upkeep *u, struct block *block)
{
	struct store *store = u->committer->store;
	struct hub_batch batch = { .frame = u->frame.data, .n = u->frame.n, .n_events = 1 };
	int r = block_load(block, u->frame.data, u->frame.n, NULL);
	bool is_sound = r != -EBADMSG;

	batch.ingested_ns = store_arrival(store, timestamp_now());
	if (r == 0)
		r = store_append(store, block, u->frame.data, u->frame.n, batch.ingested_ns);
	batch.block_id = store_last_id(store);
	if (r == 0)
		r = committer_commit(u->committer);
	if (r < 0)
		tell_not_stored(u, r);
	if (r < 0 && is_sound)
		return r;
	if (r == 0) /* else a try that seemed to fail has stored it */
		committer_publish(u->committer, &batch);
	buf_clear(&u->frame);
	return 0;
}

/* While the store fails they wait. */
static void store_alarms(struct upkeep *u, struct block *block)
{
	while (!committer_failing(u->committer) && next_alarm(u) && store_alarm(u, block) == 0)
		;
	atomic_store_explicit(&u->alarms_lost, watch_lost(u->watch), memory_order_relaxed);
}

static void look_at_sensors(struct upkeep *u, struct block *block)
{
	const struct watch_limits limits = { atomic_load(&u->limits.silent_ms),
					     atomic_load(&u->limits.lag_ms),
					     atomic_load(&u->limits.skew_ms),
					     atomic_load(&u->limits.calm_ms) };

	watch_set_limits(u->watch, &limits);
	watch_tick(u->watch, monotonic_ms());
	store_alarms(u, block);
}

void upkeep_finish(struct upkeep *u, struct block *block)
{
	if (u->watch)
		store_alarms(u, block);
	flush_nodes(u);
}

void upkeep_tick(struct upkeep *u, struct block *block)
{
	uint64_t now = monotonic_ns();

	if (u->ticked_ns && now - u->ticked_ns < NS_PER_S)
		return;
	u->ticked_ns = now;
	if (u->watch)
		look_at_sensors(u, block);
	flush_nodes(u);
	disk_set_limit(&u->disk, atomic_load(&u->limits.min_free_bytes));
	disk_check(&u->disk);
	store_keep_quarantine(u->committer->store, timestamp_now());
	merge_some(u, now);
	if (u->kept_ns && now - u->kept_ns < RETENTION_S * (uint64_t)NS_PER_S)
		return;
	u->kept_ns = now;
	look_after_days(u);
	keep_limits(u);
}

struct watch *upkeep_watch(struct upkeep *u)
{
	return u->watch;
}

void upkeep_set_limits(struct upkeep *u, const struct retention_limits *keep,
		       uint64_t min_free_bytes)
{
	atomic_store(&u->limits.keep_days, keep->keep_days);
	atomic_store(&u->limits.keep_bytes, keep->keep_bytes);
	atomic_store(&u->limits.min_free_bytes, min_free_bytes);
}

void upkeep_set_watch(struct upkeep *u, const struct watch_limits *watch)
{
	atomic_store(&u->limits.silent_ms, watch->silent_ms);
	atomic_store(&u->limits.lag_ms, watch->lag_ms);
	atomic_store(&u->limits.skew_ms, watch->skew_ms);
	atomic_store(&u->limits.calm_ms, watch->calm_ms);
}

const struct disk *upkeep_disk(const struct upkeep *u)
{
	return &u->disk;
}

uint64_t upkeep_alarms_lost(const struct upkeep *u)
{
	return atomic_load_explicit(&u->alarms_lost, memory_order_relaxed);
}

void upkeep_merge_counters(const struct upkeep *u, struct merge_counters *ret)
{
	merger_counters(u->merger, ret);
}
