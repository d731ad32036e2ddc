/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/containers.h"

#include <string.h>

#include "sensor/helper.h"

static const uint64_t second = 1000000000;

enum {
	WAIT_S = 1,   /* for facts, before a begin is told; without a process, before an end is */
	AGAIN_S = 60, /* between looks at its users, and tries at the longest */
};

struct job {
	struct container *container; /* a reference of the consumer's */
	struct container_ref ref;
	uint32_t members[CONTAINER_MEMBERS], n_members;
	bool facts_wanted;
	struct container_facts facts;
	int facts_result;
	struct users *users;
};

struct containers {
	struct runtime_config config;
	bool asks;
	struct helper *helper;
	struct container *all[CONTAINERS_MOST];
	size_t n;
	uint64_t refused, looked_ns;
	bool news;
};

/* ---- on the helper's thread ---- */

static void run(void *job, void *arg, struct helper *helper)
{
	const struct containers *c = arg;
	struct job *j = job;

	(void)helper;
	if (j->facts_wanted)
		j->facts_result = runtime_ask(&c->config, &j->ref, &j->facts);
	for (uint32_t i = 0; i < j->n_members; i++)
		if (runtime_users(&c->config, j->ref.id, j->members[i], &j->users) == 0)
			break;
}

static void drop(void *job)
{
	struct job *j = job;

	if (!j)
		return;
	users_free(j->users);
	container_unref(j->container);
	free(j);
}

/* ---- asking ---- */

static bool has_facts(const struct container *of)
{
	return of->facts.runtime != RUNTIME_UNKNOWN;
}

static void ask(struct containers *c, struct container *of, uint64_t now_ns)
{
	const struct helper_config config = {
		.name = "rtsec-runtime", .run = run, .drop = drop, .arg = c
	};
	struct job *job;

	of->asked_ns = now_ns;
	if (!c->helper && helper_new(&c->helper, &config) < 0)
		return;
	job = calloc(1, sizeof(*job));
	if (!job)
		return;
	job->ref = of->ref;
	job->n_members = of->n_members;
	memcpy(job->members, of->members, sizeof(job->members));
	job->facts_wanted = !has_facts(of);
	job->container = of;
	of->refs++;
	if (helper_push(c->helper, job))
		of->asked = true;
	else
		drop(job);
}

static void take_answers(struct containers *c)
{
	struct job *job;

	while (c->helper && (job = helper_take(c->helper))) {
		struct container *of = job->container;

		of->asked = false;
		of->answered = true;
		if (job->facts_wanted && job->facts_result == 0)
			of->facts = job->facts;
		if (of->facts.pod_uid[0] && !of->ref.pod_uid[0])
			memcpy(of->ref.pod_uid, of->facts.pod_uid, sizeof(of->ref.pod_uid));
		if (of->ref.runtime == RUNTIME_UNKNOWN)
			of->ref.runtime = of->facts.runtime;
		if (job->users) {
			users_free(of->users);
			of->users = TAKE(job->users);
		}
		of->tries = has_facts(of) && of->users ? 0 : of->tries + 1;
		drop(job);
	}
}

/* @now_ns is of before the records that are being read: @since_ns may be later. */
static bool passed(uint64_t now_ns, uint64_t since_ns, uint64_t pause_s)
{
	return now_ns >= since_ns && now_ns - since_ns >= pause_s * second;
}

/* Facts until they are there (the runtime may know it a moment later), names of ids again and
 * again; of one that has ended already once. */
static bool is_due(const struct container *of, uint64_t now_ns)
{
	uint64_t pause_s = of->tries && of->tries < 7 ? UINT64_C(1) << (of->tries - 1) : AGAIN_S;

	if (of->asked)
		return false;
	if (!of->asked_ns)
		return of->running;
	return of->alive > 0 && passed(now_ns, of->asked_ns, MIN(pause_s, AGAIN_S));
}

/* ---- news ---- */

static bool start_due(const struct containers *c, const struct container *of, uint64_t now_ns)
{
	return of->running && !of->told_start &&
	       (!c->asks || of->answered || passed(now_ns, of->first.at_ns, WAIT_S));
}

static bool stop_due(const struct container *of, uint64_t now_ns)
{
	return of->running && of->told_start &&
	       (of->again || (of->alive == 0 && passed(now_ns, of->last.at_ns, WAIT_S)));
}

/* True when there is something to tell of @of; notes that it is told. */
static bool next_of(struct containers *c, struct container *of, uint64_t now_ns,
		    enum container_news *ret)
{
	if (start_due(c, of, now_ns)) {
		of->told_start = true;
		*ret = CONTAINER_STARTED;
		return true;
	}
	if (stop_due(of, now_ns)) {
		container_end(of);
		*ret = CONTAINER_STOPPED;
		return true;
	}
	c->news |= of->running && !of->told_start; /* waits for its facts */
	return false;
}

struct container *containers_next(struct containers *c, uint64_t now_ns,
				  enum container_news *ret_news)
{
	take_answers(c);
	if (!c->news && now_ns - c->looked_ns < second)
		return NULL;
	c->looked_ns = now_ns;
	c->news = false;
	for (size_t i = 0; i < c->n; i++) {
		if (c->asks && now_ns != UINT64_MAX && is_due(c->all[i], now_ns))
			ask(c, c->all[i], now_ns);
		if (next_of(c, c->all[i], now_ns, ret_news)) {
			c->news = true; /* there may be more */
			return c->all[i];
		}
	}
	return NULL;
}

/* ---- the table ---- */

/* Where a new one may stand: behind the last, or where the one was that ended first. */
static struct container **room(struct containers *c)
{
	struct container **oldest = NULL;

	if (c->n < CONTAINERS_MOST)
		return &c->all[c->n++];
	for (size_t i = 0; i < c->n; i++)
		if (!c->all[i]->running && c->all[i]->alive == 0 &&
		    (!oldest || c->all[i]->last.at_ns < (*oldest)->last.at_ns))
			oldest = &c->all[i];
	if (oldest) {
		(*oldest)->news = NULL;
		container_unref(*oldest);
	}
	return oldest;
}

struct container *containers_find(struct containers *c, const struct container_ref *ref)
{
	struct container **slot, *made;

	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->all[i]->ref.id, ref->id) == 0) {
			c->all[i]->refs++;
			return c->all[i];
		}
	made = container_new(ref);
	slot = made ? room(c) : NULL;
	if (!slot) {
		c->refused += made != NULL;
		return made;
	}
	made->news = &c->news;
	made->refs++; /* the table's */
	*slot = made;
	return made;
}

uint64_t containers_refused(const struct containers *c)
{
	return c->refused;
}

int containers_new(struct containers **ret, const struct runtime_config *config)
{
	struct containers *c = calloc(1, sizeof(*c));

	if (!c)
		return err_origin(-ENOMEM);
	if (config) {
		c->config = *config;
		c->asks = true;
	}
	*ret = c;
	return 0;
}

struct containers *containers_free(struct containers *c)
{
	if (!c || !helper_free(c->helper))
		return NULL;
	for (size_t i = 0; i < c->n; i++) {
		c->all[i]->news = NULL;
		container_unref(c->all[i]);
	}
	free(c);
	return NULL;
}
