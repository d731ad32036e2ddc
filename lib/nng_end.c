/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/nng_end.h"
#include "lib/monotonic.h"

#include <pthread.h>

/* Shared by the caller and the thread; the last of the two frees it. */
struct ending {
	nng_socket socket;
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	bool closed, left;
};

static void *close_it(void *arg)
{
	struct ending *e = arg;
	bool left;

	nng_close(e->socket);
	pthread_mutex_lock(&e->mutex);
	e->closed = true;
	left = e->left;
	pthread_cond_signal(&e->cond);
	pthread_mutex_unlock(&e->mutex);
	if (left)
		free(e);
	return NULL;
}

static bool wait_closed(struct ending *e, unsigned ms)
{
	const struct timespec until = monotonic_after_ms(ms);
	bool closed;

	pthread_mutex_lock(&e->mutex);
	while (!e->closed && monotonic_wait(&e->cond, &e->mutex, &until) == 0)
		;
	closed = e->closed;
	e->left = !closed;
	pthread_mutex_unlock(&e->mutex);
	return closed;
}

bool nng_end(nng_socket s, unsigned ms)
{
	struct ending *e = calloc(1, sizeof(*e));
	pthread_t thread;

	if (!e)
		return false;
	e->socket = s;
	pthread_mutex_init(&e->mutex, NULL);
	pthread_cond_init(&e->cond, NULL);
	if (pthread_create(&thread, NULL, close_it, e) != 0) {
		free(e);
		return false;
	}
	pthread_detach(thread);
	if (!wait_closed(e, ms))
		return false;
	free(e);
	return true;
}

static void *close_dialer(void *arg)
{
	nng_dialer *d = arg;

	(void)nng_dialer_close(*d);
	free(d);
	return NULL;
}

void nng_end_dialer(nng_dialer d)
{
	nng_dialer *copy = malloc(sizeof(*copy));
	pthread_t thread;

	if (!copy)
		return;
	*copy = d;
	if (pthread_create(&thread, NULL, close_dialer, copy) == 0)
		pthread_detach(thread);
	else
		free(copy);
}
