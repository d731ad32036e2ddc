/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/hashes.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sensor/helper.h"
#include "lib/monotonic.h"

enum {
	SETS = 512,
	WAYS = 4,
	RETRY_S = 10,
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

/* The helper's: bytes that it may read now, as of when. */
struct pace {
	struct helper *helper;
	uint64_t bytes_per_second, budget, at_ns;
};

struct hashes {
	struct hashes_config config;
	struct hashes_counters counters;
	struct entry sets[SETS][WAYS];
	uint64_t clock;
	int proc;
	struct helper *helper;
	struct pace pace;
};

/* ---- on the helper's thread ---- */

/* At most config.bytes_per_second on average, and what a second gives at once. */
static bool pace(size_t n, void *arg)
{
	struct pace *p = arg;
	uint64_t rate = p->bytes_per_second, t = monotonic_ns(), wait = 0;
	uint64_t earned = (uint64_t)((double)(t - p->at_ns) * (double)rate / (double)second);

	p->budget = MIN(p->budget + earned, MAX(rate, n));
	p->at_ns = t;
	if (p->budget < n)
		wait = (uint64_t)((double)(n - p->budget) * (double)second / (double)rate);
	if (!helper_nap(p->helper, wait))
		return false;
	p->budget = MAX(p->budget, n) - n;
	if (wait)
		p->at_ns = monotonic_ns();
	return true;
}

static void run(void *job, void *arg, struct helper *helper)
{
	struct hashes *h = arg;
	struct job *j = job;

	h->pace.helper = helper;
	j->result = hash_file(h->proc, &j->file, pace, &h->pace, j->digest);
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
	AUTO_MEM struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return false;
	job->file.key = *ask->key;
	job->file.fs_magic = ask->fs_magic;
	job->file.tgid = ask->tgid;
	job->file.parent = ask->parent;
	job->start_ns = ask->start_ns;
	snprintf(job->file.path, sizeof(job->file.path), "%.*s", (int)ask->n_path, ask->path);
	if (!helper_push(h->helper, job))
		return false;
	(void)TAKE(job);
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
	if (!e || (e->state == FAILED && monotonic_ns() >= e->retry_ns))
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
	e->retry_ns = monotonic_ns() + RETRY_S * second;
	h->counters.failed++;
	return false;
}

bool hashes_take(struct hashes *h, struct hash_found *ret)
{
	struct job *next;

	while ((next = helper_take(h->helper))) {
		AUTO_MEM struct job *job = next;

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
	return helper_busy(h->helper);
}

void hashes_counters(const struct hashes *h, struct hashes_counters *ret)
{
	*ret = h->counters;
}

/* ---- making ---- */

int hashes_new(struct hashes **ret, const struct hashes_config *config)
{
	AUTO(hashes) *h = calloc(1, sizeof(*h));
	struct helper_config helper = { .name = "rtsec-hash", .run = run, .drop = free, .arg = h };
	int r;

	if (!h)
		return err_origin(-ENOMEM);
	h->config = *config;
	h->pace = (struct pace){ .bytes_per_second = config->bytes_per_second,
				 .budget = config->bytes_per_second,
				 .at_ns = monotonic_ns() };
	h->proc = open(config->proc_root ? config->proc_root : "/proc",
		       O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (h->proc < 0)
		return err_origin(-errno);
	r = helper_new(&h->helper, &helper);
	if (r < 0)
		return r;
	*ret = TAKE(h);
	return 0;
}

struct hashes *hashes_free(struct hashes *h)
{
	if (!h || !helper_free(h->helper))
		return NULL;
	if (h->proc >= 0)
		close(h->proc);
	free(h);
	return NULL;
}
