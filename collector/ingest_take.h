/* SPDX-License-Identifier: Apache-2.0 */
/* ingest_take - what becomes of one message of a sensor: is its sender let in, is the batch sound,
 * is there room for it?  Then it is appended to the open transaction; else it is refused, and kept
 * in quarantine, or told to come again.
 * Thread: ingest's; counters any.  Memory: the owner's, one block. */
#pragma once
#include <stdatomic.h>

#include "collector/ack.h"
#include "collector/ingest_peer.h"
#include "collector/quarantine.h"
#include "collector/refusal.h"
#include "collector/upkeep.h"

/* A message, from its arrival to its Ack. */
struct message {
	nng_msg *msg; /* header: the way back */
	Rtsec__V1__Ack__Code code;
	char reason[160];
	uint64_t first_seq, last_seq, received_ns, ingested_ns, block_id;
	uint32_t n_events, node;
	bool appended;	  /* hangs on the commit */
	bool turned_out;  /* its sender may not send it */
	struct cert peer; /* with TLS */
};

/* Sets what it is answered. */
void PRINTF_LIKE(3, 4)
	message_answer(struct message *m, Rtsec__V1__Ack__Code code, const char *reason, ...);

struct taker {
	struct store *store;
	struct maindb *maindb;
	struct upkeep *upkeep; /* knows the disk, and watches over sensors */
	struct block *block;   /* the batch at hand */
	struct quarantine quarantine;
	bool has_tls;	     /* each batch must bear the node id of its connection's certificate */
	uint64_t bulk_kinds; /* mask of the kinds that have to wait first */
	_Atomic uint64_t busy, disk_busy, heartbeats, peers[PEER_MAX], refused[REFUSAL_MAX];
};

/* All pointers are borrowed.  Returns 0, -ENOMEM, or a negative errno of the quarantine's folder
 * with @d; taker_done() is fine in either case, and of a zeroed one. */
NODISCARD int taker_init(struct taker *t, const struct ingest_config *config, struct upkeep *upkeep,
			 struct diag *d);
void taker_done(struct taker *t);

/* Judges @m, and appends its batch or answers it.  Returns 0, or a negative errno of
 * store_append(): all that was appended since the last commit is lost. */
NODISCARD int taker_take(struct taker *t, struct message *m);

/* @m is not stored because of the negative errno @r, and is to come again. */
void taker_fail(struct taker *t, struct message *m, int r);
