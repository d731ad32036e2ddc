/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/helper.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "lib/monotonic.h"

enum { NICE = 10, JOIN_S = 2 };

/* jobs[i % HELPER_JOBS]: the helper's from done to pushed, the consumer's else. */
struct helper {
	struct helper_config config;
	void *jobs[HELPER_JOBS];
	uint64_t taken;
	_Atomic uint64_t done;
	pthread_mutex_t mutex; /* of pushed and stopping, with @wake */
	pthread_cond_t wake;
	uint64_t pushed;
	bool stopping;
	pthread_t thread;
};

bool helper_nap(struct helper *h, uint64_t ns)
{
	const struct timespec until = monotonic_after_ns(ns);
	int r = 0;
	bool go;

	pthread_mutex_lock(&h->mutex);
	while (!h->stopping && r == 0)
		r = monotonic_wait(&h->wake, &h->mutex, &until);
	go = !h->stopping;
	pthread_mutex_unlock(&h->mutex);
	return go;
}

/* The next job; NULL: the helper is to end. */
static void *next_job(struct helper *h)
{
	uint64_t done = atomic_load(&h->done);
	void *job = NULL;

	pthread_mutex_lock(&h->mutex);
	while (!h->stopping && h->pushed == done)
		pthread_cond_wait(&h->wake, &h->mutex);
	if (!h->stopping)
		job = h->jobs[done % HELPER_JOBS];
	pthread_mutex_unlock(&h->mutex);
	return job;
}

static void *work(void *arg)
{
	struct helper *h = arg;
	void *job;

	pthread_setname_np(pthread_self(), h->config.name);
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
	while ((job = next_job(h))) {
		h->config.run(job, h->config.arg, h);
		atomic_fetch_add(&h->done, 1);
	}
	return NULL;
}

bool helper_push(struct helper *h, void *job)
{
	bool room;

	pthread_mutex_lock(&h->mutex);
	room = h->pushed - h->taken < HELPER_JOBS;
	if (room) {
		h->jobs[h->pushed++ % HELPER_JOBS] = job;
		pthread_cond_signal(&h->wake);
	}
	pthread_mutex_unlock(&h->mutex);
	return room;
}

void *helper_take(struct helper *h)
{
	if (h->taken == atomic_load(&h->done))
		return NULL;
	return h->jobs[h->taken++ % HELPER_JOBS];
}

bool helper_busy(const struct helper *h)
{
	return h->taken != h->pushed;
}

int helper_new(struct helper **ret, const struct helper_config *config)
{
	struct helper *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return err_origin(-ENOMEM);
	h->config = *config;
	pthread_mutex_init(&h->mutex, NULL);
	pthread_cond_init(&h->wake, NULL);
	r = pthread_create(&h->thread, NULL, work, h);
	if (r) {
		free(h);
		return err_origin(-r);
	}
	*ret = h;
	return 0;
}

bool helper_free(struct helper *h)
{
	struct timespec until;

	if (!h)
		return true;
	pthread_mutex_lock(&h->mutex);
	h->stopping = true;
	pthread_cond_broadcast(&h->wake);
	pthread_mutex_unlock(&h->mutex);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += JOIN_S;
	if (pthread_timedjoin_np(h->thread, NULL, &until) != 0)
		return false;
	for (; h->taken != h->pushed; h->taken++)
		h->config.drop(h->jobs[h->taken % HELPER_JOBS]);
	pthread_cond_destroy(&h->wake);
	pthread_mutex_destroy(&h->mutex);
	free(h);
	return true;
}
