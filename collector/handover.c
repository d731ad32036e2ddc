/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/handover.h"

void handover_init(struct handover *h)
{
	memset(h, 0, sizeof(*h));
	pthread_mutex_init(&h->mutex, NULL);
	pthread_cond_init(&h->done, NULL);
}

void handover_done(struct handover *h)
{
	pthread_cond_destroy(&h->done);
	pthread_mutex_destroy(&h->mutex);
}

int handover_give(struct handover *h, const struct buf *records, struct import_result *ret,
		  void (*wake)(void *arg), void *arg)
{
	int r = 0;

	pthread_mutex_lock(&h->mutex);
	if (h->closed || h->taken)
		r = h->closed ? -ECANCELED : -EBUSY;
	if (r == 0) {
		h->records = records;
		h->result = ret;
		h->taken = true;
		wake(arg);
		while (h->records)
			pthread_cond_wait(&h->done, &h->mutex);
		h->taken = false;
		r = h->error;
	}
	pthread_mutex_unlock(&h->mutex);
	return r;
}

/* The mutex is held. */
static void end(struct handover *h, int r)
{
	h->error = r;
	h->records = NULL;
	pthread_cond_broadcast(&h->done);
}

void handover_take(struct handover *h, handover_store_fn store, void *arg)
{
	pthread_mutex_lock(&h->mutex);
	if (h->records)
		end(h, store(h->records, h->result, arg));
	pthread_mutex_unlock(&h->mutex);
}

void handover_close(struct handover *h)
{
	pthread_mutex_lock(&h->mutex);
	h->closed = true;
	if (h->records)
		end(h, -ECANCELED);
	pthread_mutex_unlock(&h->mutex);
}
