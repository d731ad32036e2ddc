/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/hub.h"

#include <pthread.h>
#include <stdatomic.h>

/* A batch that waits; the frame's bytes follow. */
struct waiting {
	size_t n;
	uint64_t block_id, ingested_ns;
	uint32_t n_events;
	uint8_t frame[];
};

/* A ring of pointers; the loop takes all of it at each wake. */
struct queue {
	struct waiting *at[HUB_BATCHES];
	size_t first, n, bytes;
	uint64_t dropped; /* events */
};

struct hub {
	uv_async_t wake;
	hub_deliver_fn deliver;
	void *arg;
	struct block *block; /* the loop's */
	_Atomic uint32_t listeners;
	pthread_mutex_t mutex;
	struct queue queue;
};

static void drop_oldest(struct queue *q)
{
	struct waiting *w = q->at[q->first];

	q->dropped += w->n_events;
	q->bytes -= w->n;
	q->first = (q->first + 1) % HUB_BATCHES;
	q->n--;
	free(w);
}

static void put(struct queue *q, struct waiting *w)
{
	while (q->n > 0 && (q->n == HUB_BATCHES || q->bytes + w->n > HUB_BYTES))
		drop_oldest(q);
	q->at[(q->first + q->n) % HUB_BATCHES] = w;
	q->n++;
	q->bytes += w->n;
}

void hub_publish(struct hub *h, const struct hub_batch *batch)
{
	struct waiting *w;

	if (hub_listeners(h) == 0)
		return;
	w = malloc(sizeof(*w) + batch->n);
	if (w) {
		w->n = batch->n;
		w->block_id = batch->block_id;
		w->ingested_ns = batch->ingested_ns;
		w->n_events = batch->n_events;
		memcpy(w->frame, batch->frame, batch->n);
	}
	pthread_mutex_lock(&h->mutex);
	if (w)
		put(&h->queue, w);
	else
		h->queue.dropped += batch->n_events;
	pthread_mutex_unlock(&h->mutex);
	uv_async_send(&h->wake);
}

/* Moves the whole queue out, so that ingest never waits for a delivery. */
static void take_all(struct hub *h, struct queue *to)
{
	pthread_mutex_lock(&h->mutex);
	*to = h->queue;
	h->queue = (struct queue){ 0 };
	pthread_mutex_unlock(&h->mutex);
}

static void on_wake(uv_async_t *wake)
{
	struct hub *h = wake->data;
	struct queue q;

	take_all(h, &q);
	for (size_t i = 0; i < q.n; i++) {
		struct waiting *w = q.at[(q.first + i) % HUB_BATCHES];

		if (block_load_stored(h->block, w->frame, w->n, NULL) == 0) {
			block_set_ingested(h->block, w->ingested_ns);
			h->deliver(h->block, w->block_id, q.dropped, h->arg);
			q.dropped = 0;
		} else {
			q.dropped += w->n_events;
		}
		free(w);
	}
	if (q.dropped == 0)
		return;
	pthread_mutex_lock(&h->mutex);
	h->queue.dropped += q.dropped; /* told with the next one */
	pthread_mutex_unlock(&h->mutex);
}

int hub_new(struct hub **ret, uv_loop_t *loop, hub_deliver_fn deliver, void *arg)
{
	struct hub *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return err_origin(-ENOMEM);
	r = block_new(&h->block);
	if (r == 0)
		r = uv_async_init(loop, &h->wake, on_wake);
	if (r < 0) {
		block_free(h->block);
		free(h);
		return r;
	}
	h->wake.data = h;
	h->deliver = deliver;
	h->arg = arg;
	pthread_mutex_init(&h->mutex, NULL);
	*ret = h;
	return 0;
}

static void on_closed(uv_handle_t *wake)
{
	struct hub *h = wake->data;

	while (h->queue.n > 0)
		drop_oldest(&h->queue);
	pthread_mutex_destroy(&h->mutex);
	block_free(h->block);
	free(h);
}

struct hub *hub_free(struct hub *h)
{
	if (h)
		uv_close((uv_handle_t *)&h->wake, on_closed);
	return NULL;
}

void hub_set_listeners(struct hub *h, uint32_t n)
{
	atomic_store_explicit(&h->listeners, n, memory_order_relaxed);
}

uint32_t hub_listeners(const struct hub *h)
{
	return atomic_load_explicit(&h->listeners, memory_order_relaxed);
}
