/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/joiner.h"

#include <pthread.h>
#include <time.h>

#include "collector/incidents.h"
#include "lib/log.h"
#include "lib/monotonic.h"
#include "lib/timestamp.h"

#define DAY_NS UINT64_C(86400000000000)
enum { REST = 10 };

struct joiner {
	struct alertbook *book;
	struct flows *flows;
	struct query_worker *worker;
	uint64_t seen; /* change number that was joined last */
	uint64_t more_until_ns;
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	pthread_t thread;
	bool stopping, runs;
};

/* ---- one pass ---- */

static size_t place_all(const struct incidents *all, struct alert_place *places)
{
	size_t n = 0;

	for (uint32_t i = 0; i < all->n; i++) {
		uint32_t root = all->root[i];

		places[n++] = (struct alert_place){
			.id = all->alerts[i].id,
			.incident = incidents_is_one(all, root) ? all->alerts[root].id : 0,
		};
	}
	return n;
}

/* One pass.  *ret_n alerts have changed their place.  Returns 0 or a negative errno. */
static int join(struct joiner *j, uint64_t *ret_n)
{
	uint64_t now_ns = timestamp_now();
	AUTO_MEM struct alert_place *places = NULL;
	AUTO(flowdb) *db = NULL;
	struct incidents all;
	int r = j->flows ? flows_reader(j->flows, &db) : 0;

	*ret_n = 0;
	if (r < 0 && r != -ENOENT)
		return r;
	r = incidents_find(&all, j->book, db, j->worker, now_ns - DAY_NS, UINT64_MAX);
	places = r == 0 ? calloc((size_t)all.n + 1, sizeof(*places)) : NULL;
	if (r == 0 && !places)
		r = err_origin(-ENOMEM);
	if (r == 0)
		r = alertbook_place(j->book, places, place_all(&all, places), ret_n);
	incidents_done(&all);
	return r;
}

/* ---- the thread ---- */

static void pass(struct joiner *j)
{
	uint64_t changes = alertbook_changes(j->book), n;
	int r = join(j, &n);

	if (r < 0) {
		log_warn("joiner.failed", "error=\"%s\"", strerror(-r));
		return;
	}
	/* what it changed itself is nothing new */
	j->seen = changes + n == alertbook_changes(j->book) ? changes + n : changes;
}

static void wait_ms(struct joiner *j, uint64_t ms)
{
	const struct timespec until = monotonic_after_ms(ms);

	while (!j->stopping && monotonic_wait(&j->wake, &j->mutex, &until) == 0)
		;
}

static void *run(void *arg)
{
	struct joiner *j = arg;
	uint64_t pause_ms = JOINER_PAUSE_MS;

	pthread_mutex_lock(&j->mutex);
	while (!j->stopping) {
		uint64_t began_ns = timestamp_now();
		bool changed = alertbook_changes(j->book) != j->seen;

		if (changed)
			j->more_until_ns = began_ns + JOINER_TAIL_MS * UINT64_C(1000000);
		if (changed || began_ns < j->more_until_ns) {
			uint64_t took_ms;

			pthread_mutex_unlock(&j->mutex);
			pass(j);
			pthread_mutex_lock(&j->mutex);
			took_ms = (timestamp_now() - began_ns) / 1000000;
			pause_ms = MAX((uint64_t)JOINER_PAUSE_MS, REST * took_ms);
		}
		wait_ms(j, pause_ms);
	}
	pthread_mutex_unlock(&j->mutex);
	return NULL;
}

/* ---- life ---- */

int joiner_start(struct joiner **ret, struct alertbook *book, struct flows *flows,
		 struct store *store)
{
	struct joiner *j = calloc(1, sizeof(*j));
	int r;

	if (!j)
		return err_origin(-ENOMEM);
	j->book = book;
	j->flows = flows;
	j->seen = UINT64_MAX; /* the first pass is always */
	pthread_mutex_init(&j->mutex, NULL);
	pthread_cond_init(&j->wake, NULL);
	r = query_worker_new(&j->worker, store);
	if (r == 0) {
		r = -pthread_create(&j->thread, NULL, run, j);
		j->runs = r == 0;
	}
	if (r < 0)
		joiner_stop(j);
	else
		*ret = j;
	return r;
}

struct joiner *joiner_stop(struct joiner *j)
{
	if (!j)
		return NULL;
	pthread_mutex_lock(&j->mutex);
	j->stopping = true;
	pthread_cond_signal(&j->wake);
	pthread_mutex_unlock(&j->mutex);
	if (j->runs)
		pthread_join(j->thread, NULL);
	query_worker_free(j->worker);
	pthread_mutex_destroy(&j->mutex);
	pthread_cond_destroy(&j->wake);
	free(j);
	return NULL;
}
