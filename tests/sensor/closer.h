/* SPDX-License-Identifier: Apache-2.0 */
/* closer - a thread that closes the lowest free descriptor over and over, as who wants to keep the
 * kernel side from looking at what a call has just opened.
 * Thread: the test's own starts and stops it. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "lib/util.h"

struct closer {
	int fd; /* what is closed; a greater one was opened while the thread was too slow, as on an
		 * emulated machine, and is the test's to close */
	atomic_bool stop;
	pthread_t thread;
};

static inline void *closer_run(void *arg)
{
	struct closer *c = arg;

	while (!atomic_load(&c->stop))
		close(c->fd);
	return NULL;
}

/* Chooses the descriptor, which stays free until closer_start(). */
static inline UNUSED void closer_init(struct closer *c)
{
	*c = (struct closer){ .fd = dup(0) };
	close(c->fd);
}

/* Returns 0 or an error of pthread_create(). */
static inline UNUSED int closer_start(struct closer *c)
{
	return pthread_create(&c->thread, NULL, closer_run, c);
}

static inline UNUSED void closer_stop(struct closer *c)
{
	atomic_store(&c->stop, true);
	pthread_join(c->thread, NULL);
}
