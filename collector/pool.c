/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/pool.h"

#include <assert.h>

enum { WORKERS = 3, MAX_WAITING = 128 }; /* uv has four threads: one is left for others */

struct pool {
	uv_loop_t *loop;
	struct store *store;
	const struct facts *facts;
	struct facts_beside *beside[WORKERS]; /* of each worker that was made */
	struct query_worker *idle[WORKERS];
	uint32_t n_workers, n_idle, n_running, n_waiting;
	struct pool_job *first, **last; /* those that wait */
};

int pool_new(struct pool **ret, uv_loop_t *loop, struct store *store)
{
	struct pool *p = calloc(1, sizeof(*p));

	if (!p)
		return err_origin(-ENOMEM);
	p->loop = loop;
	p->store = store;
	p->last = &p->first;
	*ret = p;
	return 0;
}

struct pool *pool_free(struct pool *p)
{
	if (!p)
		return NULL;
	assert(pool_jobs(p) == 0);
	for (uint32_t i = 0; i < p->n_idle; i++)
		query_worker_free(p->idle[i]);
	for (uint32_t i = 0; i < p->n_workers; i++)
		facts_beside_free(p->beside[i]);
	free(p);
	return NULL;
}

uint32_t pool_jobs(const struct pool *p)
{
	return p->n_running + p->n_waiting;
}

static void on_work(uv_work_t *work)
{
	struct pool_job *job = work->data;

	job->run(job->worker, job);
}

static void start_waiting(struct pool *p);

static void on_done(uv_work_t *work, int status)
{
	struct pool_job *job = work->data;
	struct pool *p = job->pool;

	(void)status; /* nobody calls uv_cancel() */
	p->idle[p->n_idle++] = TAKE(job->worker);
	p->n_running--;
	start_waiting(p);
	job->done(job);
}

static void start(struct pool *p, struct pool_job *job)
{
	job->worker = p->idle[--p->n_idle];
	job->work.data = job;
	p->n_running++;
	uv_queue_work(p->loop, &job->work, on_work, on_done); /* fails only without on_work */
}

static void start_waiting(struct pool *p)
{
	while (p->first && p->n_idle) {
		struct pool_job *job = p->first;

		p->first = job->next;
		if (!p->first)
			p->last = &p->first;
		p->n_waiting--;
		start(p, job);
	}
}

void pool_set_facts(struct pool *p, const struct facts *facts)
{
	p->facts = facts;
}

static int make_worker(struct pool *p, struct query_worker **ret)
{
	struct facts_beside **beside = &p->beside[p->n_workers];
	int r = p->facts ? facts_beside_new(beside, p->facts) : 0;

	if (r == 0)
		r = query_worker_new(ret, p->store);
	if (r < 0)
		*beside = facts_beside_free(*beside);
	else if (*beside)
		store_reader_set_beside(query_worker_reader(*ret), facts_beside_columns(*beside));
	return r;
}

int pool_submit(struct pool *p, struct pool_job *job)
{
	int r;

	if (p->n_idle == 0 && p->n_workers < WORKERS) {
		r = make_worker(p, &p->idle[0]);
		if (r < 0 && p->n_workers == 0)
			return r;
		p->n_idle += r == 0;
		p->n_workers += r == 0;
	}
	if (p->n_waiting >= MAX_WAITING)
		return POOL_E_FULL;
	job->pool = p;
	job->next = NULL;
	*p->last = job;
	p->last = &job->next;
	p->n_waiting++;
	start_waiting(p);
	return 0;
}
