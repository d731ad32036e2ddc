/* SPDX-License-Identifier: Apache-2.0 */
/* handover - the place where another thread leaves records of import_gather() for ingest's thread,
 * the store's only writer, and waits until they are stored.  One at a time.
 * Memory: the owner's; records and result are borrowed from who waits. */
#pragma once
#include <pthread.h>

#include "collector/import.h"

struct handover {
	pthread_mutex_t mutex;
	pthread_cond_t done;
	const struct buf *records; /* NULL: none, or stored */
	struct import_result *result;
	int error;
	bool taken;  /* somebody waits for the outcome */
	bool closed; /* nobody will store any more */
};

void handover_init(struct handover *h);
void handover_done(struct handover *h);

/* Any thread.  Leaves @records, calls @wake (the other side may sleep), and waits.  Returns what
 * the other side gave as the outcome, -EBUSY (another one waits) or -ECANCELED (it is closed). */
NODISCARD int handover_give(struct handover *h, const struct buf *records,
			    struct import_result *ret, void (*wake)(void *arg), void *arg);

/* Ingest's thread.  Has @store store what was left, if anything was, while its owner waits. */
typedef int (*handover_store_fn)(const struct buf *records, struct import_result *ret, void *arg);
void handover_take(struct handover *h, handover_store_fn store, void *arg);

/* Ingest's thread.  Cancels what was left, and all that comes. */
void handover_close(struct handover *h);
