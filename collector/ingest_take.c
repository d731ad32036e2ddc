/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ingest_take.h"

#include "lib/log.h"
#include "lib/monotonic.h"
#include "lib/timestamp.h"

enum { TOLD_EVERY = 1000 }; /* connections turned out for the same reason are told this often */

static uint64_t bulk_kinds(void)
{
	uint64_t mask = 0;

	for (uint32_t k = 0; k < KIND_MAX; k++)
		if (kind_info(k) && kind_info(k)->class == CLASS_BULK)
			mask |= UINT64_C(1) << k;
	return mask;
}

int taker_init(struct taker *t, const struct ingest_config *config, struct upkeep *upkeep,
	       struct diag *d)
{
	int r = block_new(&t->block);

	t->store = config->store;
	t->maindb = config->maindb;
	t->upkeep = upkeep;
	t->has_tls = config->tls != NULL;
	t->bulk_kinds = bulk_kinds();
	return r < 0 ? r : quarantine_init(&t->quarantine, config->quarantine_dir, d);
}

void taker_done(struct taker *t)
{
	t->block = block_free(t->block);
}

static void add(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

void message_answer(struct message *m, Rtsec__V1__Ack__Code code, const char *reason, ...)
{
	va_list ap;

	m->code = code;
	va_start(ap, reason);
	vsnprintf(m->reason, sizeof(m->reason), reason, ap);
	va_end(ap);
}

static void refuse(struct taker *t, struct message *m, enum refusal why, const char *reason)
{
	add(&t->refused[why]);
	quarantine_keep(&t->quarantine, nng_msg_body(m->msg), nng_msg_len(m->msg), reason,
			monotonic_ns());
	message_answer(m, RTSEC__V1__ACK__CODE__REFUSED, "%s", reason);
}

static enum refusal refusal_of(const struct diag *d)
{
	static const enum refusal of[FRAME_FAULTS] = {
		[FRAME_BROKEN] = REFUSAL_BATCH_BROKEN,
		[FRAME_FOREIGN] = REFUSAL_BATCH_FOREIGN,
		[FRAME_VERSION] = REFUSAL_BATCH_VERSION,
		[FRAME_TRUNCATED] = REFUSAL_BATCH_TRUNCATED,
		[FRAME_OVERSIZED] = REFUSAL_BATCH_OVERSIZED,
		[FRAME_PACKING] = REFUSAL_BATCH_PACKING,
	};

	return of[d->code];
}

void taker_fail(struct taker *t, struct message *m, int r)
{
	add(&t->busy);
	message_answer(m, RTSEC__V1__ACK__CODE__BUSY, "not stored: %s", strerror(-r));
}

/* True when the disk has no room for this batch: it is answered. */
static bool turned_away(struct taker *t, struct message *m)
{
	enum disk_state state = disk_state(upkeep_disk(t->upkeep));

	if (state == DISK_OK ||
	    (state == DISK_LOW && (block_info(t->block)->kinds & ~t->bulk_kinds) != 0))
		return false;
	add(&t->busy);
	add(&t->disk_busy);
	message_answer(m, RTSEC__V1__ACK__CODE__BUSY, "the collector's disk is nearly full");
	return true;
}

/* Returns 0, or a negative errno: the whole transaction is lost. */
static int append(struct taker *t, struct message *m)
{
	int r;

	m->ingested_ns = store_arrival(t->store, m->received_ns);
	r = store_append(t->store, t->block, nng_msg_body(m->msg), nng_msg_len(m->msg),
			 m->ingested_ns);
	if (r < 0)
		return r;
	if (r == STORE_E_CONFLICT) {
		refuse(t, m, REFUSAL_BATCH_CONFLICT,
		       "another batch of this node and boot has this first_seq");
		return 0;
	}
	m->appended = true;
	m->code = r == STORE_E_DUPLICATE ? RTSEC__V1__ACK__CODE__DUPLICATE
					 : RTSEC__V1__ACK__CODE__STORED;
	m->block_id = store_last_id(t->store);
	m->last_seq = store_last_seq(t->block);
	return 0;
}

/* ---- who sends ---- */

/* Nothing of it is taken, and it is answered BUSY: so the sensor keeps what it has, and comes again
 * at its own pace.  (Closing the connection instead would have NNG 1.5 dial again at once, for
 * ever.) */
static void turn_out(struct taker *t, struct message *m, enum peer why)
{
	char address[PEER_ADDRESS_BYTES];

	if (atomic_fetch_add(&t->peers[why], 1) % TOLD_EVERY == 0 && why != PEER_GONE)
		log_warn("ingest.turned_out", "reason=%s node=%s serial=%s address=%s",
			 peer_name(why), m->peer.node_id[0] ? m->peer.node_id : "-",
			 m->peer.serial[0] ? m->peer.serial : "-",
			 peer_address(nng_msg_get_pipe(m->msg), address));
	m->turned_out = true;
	message_answer(m, RTSEC__V1__ACK__CODE__BUSY, "%s", peer_reason(why));
}

/* Of a message, before anything of it is read.  Returns false when it is out. */
static bool may_send(struct taker *t, struct message *m)
{
	enum peer verdict;

	if (!t->has_tls)
		return true;
	verdict = peer_judge(t->maindb, nng_msg_get_pipe(m->msg), m->received_ns, &m->peer);
	if (verdict != PEER_GOOD)
		turn_out(t, m, verdict);
	return verdict == PEER_GOOD;
}

/* A certificate is for the batches of its own node. */
static bool is_own(struct taker *t, struct message *m)
{
	struct block_string id = block_info(t->block)->node_id;

	if (!t->has_tls ||
	    (strlen(m->peer.node_id) == id.n && memcmp(m->peer.node_id, id.s, id.n) == 0))
		return true;
	turn_out(t, m, PEER_WRONG_NODE);
	return false;
}

static void see(struct taker *t, const struct message *m)
{
	struct watch *watch = upkeep_watch(t->upkeep);
	nng_pipe pipe = nng_msg_get_pipe(m->msg);
	char address[PEER_ADDRESS_BYTES];

	if (watch)
		watch_batch(watch, t->block,
			    &(struct watch_arrival){ .number = m->node,
						     .pipe = (uint32_t)nng_pipe_id(pipe),
						     .address = peer_address(pipe, address),
						     .received_ns = m->received_ns,
						     .now_ms = monotonic_ms() });
}

int taker_take(struct taker *t, struct message *m)
{
	const struct block_info *info = block_info(t->block);
	struct diag d = { 0 };
	int r;

	m->received_ns = timestamp_now();
	if (!may_send(t, m))
		return 0;
	r = block_load(t->block, nng_msg_body(m->msg), nng_msg_len(m->msg), &d);
	if (r == -ENOMEM)
		taker_fail(t, m, r);
	else if (r < 0)
		refuse(t, m, refusal_of(&d), d.text);
	if (r < 0 || !is_own(t, m))
		return 0;
	m->first_seq = info->first_seq;
	m->n_events = info->n_events;
	r = maindb_node_seen(t->maindb, t->block, m->received_ns, &m->node);
	if (r == -ENOSPC) {
		refuse(t, m, REFUSAL_BATCH_NODES, "too many nodes are known");
		return 0;
	}
	if (r < 0) {
		taker_fail(t, m, r);
		return 0;
	}
	see(t, m);
	if (m->n_events > 0)
		return turned_away(t, m) ? 0 : append(t, m);
	add(&t->heartbeats);
	message_answer(m, RTSEC__V1__ACK__CODE__STORED, "%s", "");
	return 0;
}
