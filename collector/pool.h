/* SPDX-License-Identifier: Apache-2.0 */
/* pool - runs questions to the store in the uv thread pool, a few at a time, each with a
 * query_worker of its own.
 * Thread: the loop; a job's run() is called in a thread of the pool. */
#pragma once
#include <uv.h>

#include "collector/facts_beside.h"
#include "collector/query.h"

struct pool;

enum { POOL_E_FULL = 1 }; /* an outcome: too many wait already; nothing was submitted */

/* Embedded in what asks; its owner keeps it until done() was called. */
struct pool_job {
	void (*run)(struct query_worker *w, struct pool_job *job); /* in a thread */
	void (*done)(struct pool_job *job);			   /* on the loop */
	atomic_bool cancel; /* set by anyone; run() looks at it (see query.cancel) */
	/* the pool's: */
	uv_work_t work;
	struct pool *pool;
	struct query_worker *worker;
	struct pool_job *next;
};

NODISCARD int pool_new(struct pool **ret, uv_loop_t *loop, struct store *store);
/* No job may be left.  NULL: no-op. */
/* Workers made from now on know the facts of programs (facts_beside.h).  @facts is borrowed; NULL:
 * none. */
void pool_set_facts(struct pool *p, const struct facts *facts);
struct pool *pool_free(struct pool *p);

/* Runs @job as soon as a worker is free; until then it waits in order.  Returns 0, POOL_E_FULL,
 * -ENOMEM or an errno of store_reader_new(): then done() is not called. */
NODISCARD int pool_submit(struct pool *p, struct pool_job *job);

/* Jobs that run or wait. */
uint32_t pool_jobs(const struct pool *p);
