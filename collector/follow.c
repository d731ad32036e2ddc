/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/follow.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "lib/log.h"
#include "lib/monotonic.h"
#include "lib/timestamp.h"

enum counter {
	COUNT_BATCHES,
	COUNT_EVENTS,
	COUNT_FAILURES,
	COUNT_SKIPPED,
	COUNT_DAMAGED,
	COUNT_MAX
};

/* One observer. */
struct follower {
	struct follow_observer o;
	struct follow *follow; /* NULL: follow_catch_up()'s, without a thread */
	struct store *store;
	struct store_reader *reader;
	pthread_t thread;
	_Atomic uint64_t counters[COUNT_MAX];
	_Atomic uint64_t position_ns, at_ns; /* committed; of the batch at hand, 0: none */
	bool placed;			     /* position_ns is known */
	/* the open group */
	uint64_t group_ns; /* of its last batch; 0: nothing is open */
	uint64_t n_batches, n_events;
	/* the batch that failed: it comes again, alone in its group */
	struct store_block failed;
	bool has_failed;
	uint32_t tries;
};

struct follow {
	struct store *store;
	pthread_mutex_t mutex;
	pthread_cond_t changed; /* a commit of ingest, a position that moved, the stop */
	uint64_t commits;
	_Atomic bool stopping;
	struct follower *followers[FOLLOW_OBSERVERS];
	size_t n;
};

static void count(struct follower *f, enum counter c, uint64_t n)
{
	atomic_fetch_add_explicit(&f->counters[c], n, memory_order_relaxed);
}

static bool stopping(const struct follower *f)
{
	return f->follow && atomic_load(&f->follow->stopping);
}

/* ---- groups ---- */

static void set_position(struct follower *f, uint64_t ns)
{
	if (f->follow)
		pthread_mutex_lock(&f->follow->mutex);
	atomic_store(&f->position_ns, ns);
	if (!f->follow)
		return;
	pthread_cond_broadcast(&f->follow->changed);
	pthread_mutex_unlock(&f->follow->mutex);
}

static void roll_back(struct follower *f)
{
	f->group_ns = f->n_batches = f->n_events = 0;
	if (f->o.rollback)
		f->o.rollback(f->o.arg);
}

/* Returns 0 or what commit() returned. */
static int close_group(struct follower *f, uint64_t ns)
{
	int r = f->o.commit(ns, f->o.arg);

	if (r < 0)
		return r;
	count(f, COUNT_BATCHES, f->n_batches);
	count(f, COUNT_EVENTS, f->n_events);
	f->group_ns = f->n_batches = f->n_events = 0;
	set_position(f, ns);
	return 0;
}

static bool is_failed(const struct follower *f, const struct store_block *meta)
{
	return f->has_failed && meta->id == f->failed.id;
}

static void skip(struct follower *f, int why)
{
	const struct store_block *m = &f->failed;

	count(f, COUNT_SKIPPED, 1);
	log_error("follow.skipped",
		  "observer=%s block=%llu from_ns=%llu to_ns=%llu events=%u tries=%u error=\"%s\"",
		  f->o.name, (unsigned long long)m->id, (unsigned long long)m->min_time_ns,
		  (unsigned long long)m->max_time_ns, m->n_events, f->tries, strerror(-why));
}

static bool of_the_disk(int r)
{
	return r == -ENOSPC || r == -EDQUOT || r == -EBUSY || r == -EROFS;
}

/* What fails for good is passed over by the try after its last.  Returns 0: passed over, or @r. */
static int failed(struct follower *f, const struct store_block *meta, int r)
{
	if (!f->follow || of_the_disk(r))
		return r;
	f->tries = is_failed(f, meta) ? f->tries + 1 : 1;
	f->failed = *meta;
	f->has_failed = true;
	if (f->tries < FOLLOW_TRIES)
		return r;
	skip(f, r);
	f->has_failed = false;
	roll_back(f); /* of this batch only: it is alone */
	return 0;
}

static int take(const struct store_block *meta, struct block *b, void *arg)
{
	struct follower *f = arg;
	bool alone = is_failed(f, meta);
	int r;

	if (alone && f->group_ns) {
		r = close_group(f, f->group_ns);
		if (r < 0)
			return r;
	}
	atomic_store(&f->at_ns, meta->ingested_ns);
	r = f->o.batch(meta, b, f->o.arg);
	if (r == 0) {
		f->n_batches++;
		f->n_events += meta->n_events;
	} else {
		r = failed(f, meta, r);
	}
	if (r < 0)
		return r;
	f->group_ns = meta->ingested_ns;
	if (alone)
		f->has_failed = false;
	if (alone || f->n_batches >= FOLLOW_GROUP_BATCHES || f->n_events >= FOLLOW_GROUP_EVENTS)
		return close_group(f, f->group_ns);
	return 0;
}

static enum store_wish wanted(const struct store_block *meta, void *arg)
{
	(void)meta;
	return stopping(arg) ? STORE_STOP : STORE_READ;
}

/* Takes all batches behind the position that were committed by now.  Returns 0 or a negative errno:
 * rolled back to the position. */
static int follow_scan(struct follower *f)
{
	struct store_range range = { .to_ns = UINT64_MAX,
				     .kinds = f->o.kinds,
				     .arrived_after_ns = atomic_load(&f->position_ns) };
	struct store_scan_stats stats = { 0 };
	uint64_t end_ns = store_arrived(f->store);
	int r = 0;

	if (end_ns <= range.arrived_after_ns)
		return 0;
	r = store_scan(f->reader, &range, wanted, take, f, &stats);
	count(f, COUNT_DAMAGED, stats.blocks_damaged);
	if (r == 0 && !stopping(f) && end_ns > f->group_ns)
		f->group_ns = end_ns; /* those behind the last are not wanted */
	if (r == 0 && f->group_ns > atomic_load(&f->position_ns))
		r = close_group(f, f->group_ns);
	if (r < 0)
		roll_back(f);
	atomic_store(&f->at_ns, 0);
	return r;
}

/* ---- where to begin ---- */

static int place(struct follower *f)
{
	uint64_t arrived_ns = store_arrived(f->store), ns = 0;
	int r = f->o.position(&ns, f->o.arg);

	if (r < 0)
		return r;
	if (ns == 0 && f->o.begin == FOLLOW_NOW) {
		ns = MAX(arrived_ns, UINT64_C(1)); /* kept, so that a stop before the first batch
						    * does not move it */
		r = f->o.commit(ns, f->o.arg);
	}
	if (r < 0)
		return r;
	/* ahead of a store that was put back to an older state: go on from there.  0 would ask for
	 * another order */
	set_position(f, MAX(MIN(ns, arrived_ns), UINT64_C(1)));
	f->placed = true;
	return 0;
}

static int step(struct follower *f)
{
	int r = f->placed ? 0 : place(f);

	return r < 0 ? r : follow_scan(f);
}

/* ---- the thread ---- */

/* Waits for a commit of ingest after number @seen or for the stop, at most @most_ms (0: for ever);
 * after a failure for all of that.  False: the time is over. */
static bool wait_for_more(struct follow *f, uint64_t seen, bool has_failed, uint32_t most_ms)
{
	struct timespec end = monotonic_after_ms(most_ms);
	int r = 0;

	pthread_mutex_lock(&f->mutex);
	while (!f->stopping && r == 0 && (has_failed || f->commits == seen))
		r = most_ms ? monotonic_wait(&f->changed, &f->mutex, &end)
			    : pthread_cond_wait(&f->changed, &f->mutex);
	pthread_mutex_unlock(&f->mutex);
	return r == 0;
}

/* What only time brings.  Returns FOLLOW_E_MORE: it wants to be asked again. */
static int idle(struct follower *f)
{
	int r = f->o.idle(f->o.arg), e = 0;

	if (r > 0)
		e = close_group(f, atomic_load(&f->position_ns));
	if (r < 0 || e < 0)
		roll_back(f);
	return MIN(r, e < 0 ? e : r);
}

static uint64_t commits(struct follow *f)
{
	uint64_t n;

	pthread_mutex_lock(&f->mutex);
	n = f->commits;
	pthread_mutex_unlock(&f->mutex);
	return n;
}

static void log_health(struct follower *f, bool *was_failing, int r)
{
	if (r < 0 && !*was_failing)
		log_warn("follow.failed", "observer=%s error=\"%s\"", f->o.name, strerror(-r));
	if (r == 0 && *was_failing)
		log_info("follow.recovered", "observer=%s failures=%llu", f->o.name,
			 (unsigned long long)atomic_load(&f->counters[COUNT_FAILURES]));
	*was_failing = r < 0;
}

static void *run(void *arg)
{
	struct follower *f = arg;
	bool failing = false, more = true, came = true;

	while (!stopping(f)) {
		uint64_t seen = commits(f->follow);
		int r = came || failing ? step(f) : idle(f);
		bool waits;

		if (r < 0)
			count(f, COUNT_FAILURES, 1);
		log_health(f, &failing, r);
		more = came || r != 0;
		waits = f->o.idle && more;
		came = wait_for_more(f->follow, seen, r < 0,
				     r < 0   ? FOLLOW_RETRY_MS
				     : waits ? FOLLOW_IDLE_MS
					     : 0);
	}
	return NULL;
}

/* ---- making and ending ---- */

static struct follower *follower_free(struct follower *f)
{
	if (f)
		store_reader_free(f->reader);
	free(f);
	return NULL;
}
DEFINE_FREEP(follower)

static int follower_new(struct follower **ret, struct store *s, const struct follow_observer *o)
{
	AUTO(follower) *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return err_origin(-ENOMEM);
	f->o = *o;
	f->store = s;
	r = store_reader_new(s, &f->reader);
	if (r < 0)
		return r;
	store_reader_set_beside(f->reader, o->beside);
	*ret = TAKE(f);
	return 0;
}

int follow_new(struct follow **ret, struct store *s)
{
	struct follow *f = calloc(1, sizeof(*f));

	if (!f)
		return err_origin(-ENOMEM);
	f->store = s;
	pthread_mutex_init(&f->mutex, NULL);
	pthread_cond_init(&f->changed, NULL);
	*ret = f;
	return 0;
}

int follow_add(struct follow *f, const struct follow_observer *o)
{
	AUTO(follower) *made = NULL;
	int r;

	if (f->n == FOLLOW_OBSERVERS)
		return err_origin(-ENOSPC);
	r = follower_new(&made, f->store, o);
	if (r < 0)
		return r;
	made->follow = f;
	r = -pthread_create(&made->thread, NULL, run, made);
	if (r < 0)
		return err_origin(r);
	f->followers[f->n++] = TAKE(made);
	return 0;
}

struct follow *follow_free(struct follow *f)
{
	if (!f)
		return NULL;
	pthread_mutex_lock(&f->mutex);
	atomic_store(&f->stopping, true);
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->mutex);
	for (size_t i = 0; i < f->n; i++) {
		pthread_join(f->followers[i]->thread, NULL);
		follower_free(f->followers[i]);
	}
	pthread_cond_destroy(&f->changed);
	pthread_mutex_destroy(&f->mutex);
	free(f);
	return NULL;
}

void follow_wake(struct follow *f)
{
	if (!f)
		return;
	pthread_mutex_lock(&f->mutex);
	f->commits++;
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->mutex);
}

int follow_catch_up(struct store *s, const struct follow_observer *o)
{
	AUTO(follower) *f = NULL;
	int r = follower_new(&f, s, o);

	return r < 0 ? r : step(f);
}

/* ---- what others see ---- */

uint64_t follow_low(struct follow *f)
{
	uint64_t low = UINT64_MAX;

	for (size_t i = 0; f && i < f->n; i++)
		low = MIN(low, atomic_load(&f->followers[i]->position_ns));
	return low;
}

int follow_wait(struct follow *f, uint64_t ingested_ns, uint32_t timeout_ms)
{
	struct timespec end = monotonic_after_ms(timeout_ms);
	int r = 0;

	pthread_mutex_lock(&f->mutex);
	while (r == 0 && follow_low(f) < ingested_ns)
		r = monotonic_wait(&f->changed, &f->mutex, &end);
	pthread_mutex_unlock(&f->mutex);
	return r ? err_origin(-r) : 0;
}

static uint64_t lag_ns(const struct follower *f)
{
	uint64_t now = timestamp_now(), arrived = store_arrived(f->store);
	uint64_t at = atomic_load(&f->at_ns);

	if (atomic_load(&f->position_ns) >= arrived)
		return 0;
	at = at ? at : arrived;
	return now > at ? now - at : 1;
}

bool follow_stats(struct follow *f, size_t at, struct follow_stats *ret)
{
	const struct follower *one;

	if (!f || at >= f->n)
		return false;
	one = f->followers[at];
	*ret = (struct follow_stats){ .name = one->o.name,
				      .position_ns = atomic_load(&one->position_ns),
				      .lag_ns = lag_ns(one),
				      .batches = atomic_load(&one->counters[COUNT_BATCHES]),
				      .events = atomic_load(&one->counters[COUNT_EVENTS]),
				      .failures = atomic_load(&one->counters[COUNT_FAILURES]),
				      .skipped = atomic_load(&one->counters[COUNT_SKIPPED]),
				      .damaged = atomic_load(&one->counters[COUNT_DAMAGED]) };
	return true;
}
