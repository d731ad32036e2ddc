/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/hashes.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum {
	SETS = 512,
	WAYS = 4,
	RETRY_S = 10,
	JOIN_S = 2,
	NICE = 10,
};

static const uint64_t second = 1000000000;

enum state { EMPTY, WAITING, KNOWN, FAILED, SKIPPED };

struct entry {
	struct hash_key key;
	uint8_t digest[HASH_BYTES];
	uint64_t used; /* for the choice of whom to evict */
	uint64_t retry_ns;
	enum state state;
};

struct job {
	struct hash_file file;
	uint64_t start_ns;
	uint8_t digest[HASH_BYTES];
	int result;
};

struct hashes {
	struct hashes_config config;
	struct hashes_counters counters;
	struct entry sets[SETS][WAYS];
	uint64_t clock;
	int proc;
	/* jobs[i % HASHES_JOBS]: the helper's from done to pushed, the consumer's else */
	struct job *jobs[HASHES_JOBS];
	uint64_t taken;
	pthread_mutex_t mutex; /* of pushed and stopping, with @wake */
	pthread_cond_t wake;
	uint64_t pushed;
	_Atomic uint64_t done;
	bool stopping, started;
	pthread_t thread;
	/* the helper's: bytes that it may read now, as of when */
	uint64_t budget, budget_ns;
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * second + (uint64_t)t.tv_nsec;
}

/* ---- helper ---- */

/* Sleeps, or returns at once when the helper is to end.  Returns false then. */
static bool nap(struct hashes *h, uint64_t ns)
{
	uint64_t until = now() + ns;
	const struct timespec t = { (time_t)(until / second), (long)(until % second) };
	int r = 0;
	bool go;

	pthread_mutex_lock(&h->mutex);
	while (!h->stopping && r == 0)
		r = pthread_cond_timedwait(&h->wake, &h->mutex, &t);
	go = !h->stopping;
	pthread_mutex_unlock(&h->mutex);
	return go;
}

/* At most config.bytes_per_second on average, and what a second gives at once. */
static bool pace(size_t n, void *arg)
{
	struct hashes *h = arg;
	uint64_t rate = h->config.bytes_per_second, t = now(), wait = 0;
	uint64_t earned = (uint64_t)((double)(t - h->budget_ns) * (double)rate / (double)second);

	h->budget = MIN(h->budget + earned, MAX(rate, n));
	h->budget_ns = t;
	if (h->budget < n)
		wait = (uint64_t)((double)(n - h->budget) * (double)second / (double)rate);
	if (!nap(h, wait))
		return false;
	h->budget = MAX(h->budget, n) - n;
	if (wait)
		h->budget_ns = now();
	return true;
}

/* The next job; NULL: the helper is to end. */
static struct job *next_job(struct hashes *h)
{
	uint64_t done = atomic_load(&h->done);
	struct job *job = NULL;

	pthread_mutex_lock(&h->mutex);
	while (!h->stopping && h->pushed == done)
		pthread_cond_wait(&h->wake, &h->mutex);
	if (!h->stopping)
		job = h->jobs[done % HASHES_JOBS];
	pthread_mutex_unlock(&h->mutex);
	return job;
}

static void *help(void *arg)
{
	struct hashes *h = arg;
	struct job *job;

	pthread_setname_np(pthread_self(), "rtsec-hash");
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
	h->budget_ns = now();
	h->budget = h->config.bytes_per_second;
	while ((job = next_job(h))) {
		job->result = hash_file(h->proc, &job->file, pace, h, job->digest);
		atomic_fetch_add(&h->done, 1);
	}
	return NULL;
}

/* ---- cache ---- */

static struct entry *set_of(struct hashes *h, const struct hash_key *key)
{
	uint64_t x = key->inode ^ key->ctime_ns ^ (uint64_t)key->dev_minor << 40 ^ key->dev_major;

	return h->sets[x * UINT64_C(0x9e3779b97f4a7c15) >> 55];
}

static bool same(const struct hash_key *a, const struct hash_key *b)
{
	return a->inode == b->inode && a->ctime_ns == b->ctime_ns && a->mtime_ns == b->mtime_ns &&
	       a->bytes == b->bytes && a->dev_major == b->dev_major && a->dev_minor == b->dev_minor;
}

static struct entry *find(struct hashes *h, const struct hash_key *key)
{
	struct entry *set = set_of(h, key);

	for (size_t i = 0; i < WAYS; i++)
		if (set[i].state != EMPTY && same(&set[i].key, key)) {
			set[i].used = ++h->clock;
			return &set[i];
		}
	return NULL;
}

static struct entry *add(struct hashes *h, const struct hash_key *key)
{
	struct entry *set = set_of(h, key), *e = &set[0];

	for (size_t i = 1; i < WAYS; i++)
		if (set[i].used < e->used)
			e = &set[i];
	if (e->state == KNOWN)
		h->counters.evicted++;
	*e = (struct entry){ .key = *key, .used = ++h->clock };
	return e;
}

/* ---- asking ---- */

/* Returns false when too many are under way. */
static bool push(struct hashes *h, const struct hash_ask *ask)
{
	struct job **slot = &h->jobs[h->pushed % HASHES_JOBS];
	struct job *job;

	if (h->pushed - h->taken == HASHES_JOBS)
		return false;
	job = *slot ? *slot : calloc(1, sizeof(*job));
	if (!job)
		return false;
	*slot = job;
	job->file.key = *ask->key;
	job->file.fs_magic = ask->fs_magic;
	job->file.tgid = ask->tgid;
	job->file.parent = ask->parent;
	job->start_ns = ask->start_ns;
	snprintf(job->file.path, sizeof(job->file.path), "%.*s", (int)ask->n_path, ask->path);
	pthread_mutex_lock(&h->mutex);
	h->pushed++;
	pthread_cond_signal(&h->wake);
	pthread_mutex_unlock(&h->mutex);
	return true;
}

static void ask_for(struct hashes *h, const struct hash_ask *ask, struct entry *e)
{
	if (ask->key->bytes > h->config.max_bytes) {
		if (!e)
			e = add(h, ask->key);
		e->state = SKIPPED;
		h->counters.skipped++;
		return;
	}
	if (!push(h, ask)) {
		h->counters.refused++;
		return;
	}
	if (!e)
		e = add(h, ask->key);
	e->state = WAITING;
}

bool hashes_get(struct hashes *h, const struct hash_ask *ask, uint8_t ret[HASH_BYTES])
{
	struct entry *e = find(h, ask->key);

	if (e && e->state == KNOWN) {
		memcpy(ret, e->digest, HASH_BYTES);
		return true;
	}
	if (!e || (e->state == FAILED && now() >= e->retry_ns))
		ask_for(h, ask, e);
	return false;
}

/* Notes how a job ended.  Returns true when there is a hash. */
static bool settle(struct hashes *h, const struct job *job)
{
	struct entry *e = find(h, &job->file.key);

	if (!e)
		e = add(h, &job->file.key);
	if (job->result == 0) {
		e->state = KNOWN;
		memcpy(e->digest, job->digest, HASH_BYTES);
		h->counters.done++;
		return true;
	}
	if (job->result == HASH_E_REMOTE) {
		e->state = SKIPPED;
		h->counters.skipped++;
		return false;
	}
	e->state = FAILED;
	e->retry_ns = now() + RETRY_S * second;
	h->counters.failed++;
	return false;
}

bool hashes_take(struct hashes *h, struct hash_found *ret)
{
	while (h->taken != atomic_load(&h->done)) {
		const struct job *job = h->jobs[h->taken++ % HASHES_JOBS];

		if (!settle(h, job))
			continue;
		ret->key = job->file.key;
		ret->tgid = job->file.tgid;
		ret->start_ns = job->start_ns;
		memcpy(ret->digest, job->digest, HASH_BYTES);
		return true;
	}
	return false;
}

bool hashes_busy(const struct hashes *h)
{
	return h->taken != h->pushed;
}

void hashes_counters(const struct hashes *h, struct hashes_counters *ret)
{
	*ret = h->counters;
}

/* ---- making ---- */

static int init_thread(struct hashes *h)
{
	pthread_condattr_t attr;
	int r;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&h->mutex, NULL);
	pthread_cond_init(&h->wake, &attr);
	pthread_condattr_destroy(&attr);
	r = pthread_create(&h->thread, NULL, help, h);
	h->started = r == 0;
	return r ? err_origin(-r) : 0;
}

int hashes_new(struct hashes **ret, const struct hashes_config *config)
{
	AUTO(hashes) *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return err_origin(-ENOMEM);
	h->config = *config;
	h->proc = open(config->proc_root ? config->proc_root : "/proc",
		       O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (h->proc < 0)
		return err_origin(-errno);
	r = init_thread(h);
	if (r < 0)
		return r;
	*ret = TAKE(h);
	return 0;
}

/* Returns false when the helper hangs. */
static bool end_thread(struct hashes *h)
{
	struct timespec until;

	pthread_mutex_lock(&h->mutex);
	h->stopping = true;
	pthread_cond_broadcast(&h->wake);
	pthread_mutex_unlock(&h->mutex);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += JOIN_S;
	if (pthread_timedjoin_np(h->thread, NULL, &until) != 0)
		return false;
	pthread_cond_destroy(&h->wake);
	pthread_mutex_destroy(&h->mutex);
	return true;
}

struct hashes *hashes_free(struct hashes *h)
{
	if (!h || (h->started && !end_thread(h)))
		return NULL;
	for (size_t i = 0; i < HASHES_JOBS; i++)
		free(h->jobs[i]);
	if (h->proc >= 0)
		close(h->proc);
	free(h);
	return NULL;
}
