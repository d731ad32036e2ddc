/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ingest.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "collector/ack.h"
#include "collector/committer.h"
#include "collector/handover.h"
#include "collector/ingest_socket.h"
#include "collector/ingest_take.h"
#include "lib/log.h"
#include "lib/monotonic.h"
#include "lib/nng_end.h"
#include "lib/timestamp.h"

enum {
	WAKE_MS = 1000,	     /* longest wait for a message: node facts are written then */
	BUSY_PAUSE_MS = 100, /* before BUSY is told: sensors would only come again at once */
	PARTING_MS = 50,     /* for the last Acks to leave */
	CLOSE_MS = 2000,     /* longest wait for NNG to close */
	STALL_S = 30,	     /* sensors connect and nothing comes for so long: NNG is stuck */
	STALL_HANDSHAKES = 3,
};

struct ingest {
	struct handover handover;
	struct store *store;
	struct maindb *maindb;
	struct committer committer;
	struct upkeep *upkeep;
	struct taker taker;
	nng_socket socket;
	bool has_socket;
	nng_aio *aio;
	pthread_t thread;
	_Atomic bool stopping, stalled;
	_Atomic uint64_t batches, events, bytes, duplicates; /* of what is stored */
	_Atomic uint64_t turns;
	struct ack_writer acks;
	uint32_t pid; /* as own_pid() */
	struct message group[INGEST_GROUP_BATCHES];
	size_t n_group, group_bytes;
	/* when the last message came, and how many handshakes there had been then */
	uint64_t heard_ns, handshakes;
};

static void count(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static void pause_ms(long ms)
{
	struct timespec t = { .tv_nsec = ms * NS_PER_MS };

	nanosleep(&t, NULL);
}

/* Our number for a sensor on this machine.  In a pid namespace of our own it would be another's: 0.
 */
static uint32_t own_pid(void)
{
	enum { PROC_PID_INIT_INO = 0xEFFFFFFC }; /* of the kernel: the first namespace's */
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 && st.st_ino == PROC_PID_INIT_INO
		       ? (uint32_t)getpid()
		       : 0;
}

/* ---- answers ---- */

static int write_ack(struct ingest *i, const struct message *m)
{
	struct ack_told told = { .code = m->code,
				 .reason = m->reason,
				 .first_seq = m->first_seq,
				 .received_ns = m->received_ns,
				 .pid = i->pid };

	if (i->committer.hub && hub_listeners(i->committer.hub) > 0)
		told.linger_ms = INGEST_LINGER_MS;
	return ack_write(&i->acks, &told);
}

/* The request's message becomes the reply: its header is the way back.  An Ack that cannot be sent
 * is no loss: the sensor sends its batch again. */
static void send_ack(struct ingest *i, struct message *m)
{
	nng_msg *msg = TAKE(m->msg);
	int rv = write_ack(i, m) < 0 ? NNG_ENOMEM : 0;

	if (rv == 0) {
		nng_msg_clear(msg);
		rv = nng_msg_append(msg, i->acks.frame.data, i->acks.frame.n);
	}
	if (rv == 0)
		rv = nng_sendmsg(i->socket, msg, 0);
	if (rv != 0)
		nng_msg_free(msg);
}

static void publish(struct ingest *i, const struct message *m)
{
	struct hub_batch batch = { .frame = nng_msg_body(m->msg),
				   .n = nng_msg_len(m->msg),
				   .block_id = m->block_id,
				   .ingested_ns = m->ingested_ns,
				   .n_events = m->n_events };

	committer_publish(&i->committer, &batch);
}

/* A batch of the group is on disk. */
static void stored(struct ingest *i, const struct message *m)
{
	if (m->code == RTSEC__V1__ACK__CODE__DUPLICATE) {
		count(&i->duplicates, 1);
		return;
	}
	count(&i->batches, 1);
	count(&i->events, m->n_events);
	count(&i->bytes, nng_msg_len(m->msg));
	maindb_node_stored(i->maindb, m->node, m->n_events, m->last_seq);
	publish(i, m);
}

/* ---- the group ---- */

/* All that hung on the failed transaction, and (from @from on) what was not tried any more. */
static void fail_group(struct ingest *i, size_t from, int r)
{
	for (size_t k = 0; k < i->n_group; k++) {
		struct message *m = &i->group[k];

		if (m->appended || k >= from)
			taker_fail(&i->taker, m, r);
		m->appended = false;
	}
}

/* Those that are to come again wait a little; nobody waits for them. */
static void answer_group(struct ingest *i)
{
	size_t n_busy = 0;

	for (size_t k = 0; k < i->n_group; k++) {
		if (i->group[k].code == RTSEC__V1__ACK__CODE__BUSY && !i->group[k].turned_out)
			n_busy++;
		else
			send_ack(i, &i->group[k]);
	}
	if (n_busy)
		pause_ms(BUSY_PAUSE_MS);
	for (size_t k = 0; k < i->n_group; k++)
		if (i->group[k].msg)
			send_ack(i, &i->group[k]);
}

static void store_group(struct ingest *i)
{
	bool any = false;
	size_t k = 0;
	int r = 0;

	for (; k < i->n_group && r == 0; k++) {
		r = taker_take(&i->taker, &i->group[k]);
		any = any || i->group[k].appended;
	}
	if (r < 0)
		k--; /* the one that failed is not appended, but BUSY as well */
	if (r == 0 && any)
		r = committer_commit(&i->committer);
	if (any || r < 0)
		committer_note(&i->committer, r, atomic_load(&i->taker.busy));
	if (r < 0)
		fail_group(i, k, r);
	for (k = 0; k < i->n_group; k++)
		if (i->group[k].appended)
			stored(i, &i->group[k]);
	answer_group(i);
}

static void enter(struct ingest *i, nng_msg *msg)
{
	struct message *m = &i->group[i->n_group++];

	memset(m, 0, sizeof(*m));
	m->msg = msg;
	i->group_bytes += nng_msg_len(msg);
}

/* Waits for one message and takes those behind it.  Returns false when none came. */
static bool gather(struct ingest *i)
{
	nng_msg *msg;
	uint64_t end;

	i->n_group = i->group_bytes = 0;
	nng_recv_aio(i->socket, i->aio);
	nng_aio_wait(i->aio);
	if (nng_aio_result(i->aio) != 0)
		return false;
	enter(i, nng_aio_get_msg(i->aio));
	end = monotonic_ns() + (uint64_t)INGEST_GROUP_MS * NS_PER_MS;
	while (i->n_group < INGEST_GROUP_BATCHES && i->group_bytes < INGEST_GROUP_BYTES &&
	       monotonic_ns() < end && nng_recvmsg(i->socket, &msg, NNG_FLAG_NONBLOCK) == 0)
		enter(i, msg);
	return true;
}

/* ---- what is imported ---- */

static void imported(const struct import_batch *b, void *arg)
{
	struct ingest *i = arg;
	struct hub_batch batch = { .frame = b->frame,
				   .n = b->n,
				   .block_id = b->id,
				   .ingested_ns = b->ingested_ns,
				   .n_events = b->n_events };

	count(&i->batches, 1);
	count(&i->events, b->n_events);
	count(&i->bytes, b->n);
	committer_publish(&i->committer, &batch);
}

static int store_imported(const struct buf *records, struct import_result *ret, void *arg)
{
	struct ingest *i = arg;
	int r;

	if (disk_state(upkeep_disk(i->upkeep)) != DISK_OK)
		return -ENOSPC;
	r = import_append(i->store, records, imported, i, ret);
	if (r == 0)
		follow_wake(i->committer.follow);
	return r;
}

/* The thread need not wait for a message; when this comes too early it waits a second. */
static void wake(void *arg)
{
	const struct ingest *i = arg;

	nng_aio_cancel(i->aio);
}

int ingest_import(const struct buf *records, struct import_result *ret, void *ingest)
{
	struct ingest *i = ingest;

	return handover_give(&i->handover, records, ret, wake, i);
}

/* ---- the thread ---- */

/* NNG 1.5.2 can come to a stand: connections are made, and no message is handed over any more.  A
 * sensor that is not answered dials anew every ten seconds. */
static void look_for_stall(struct ingest *i)
{
	struct ingest_tls_counters tls;

	if (!i->taker.has_tls || monotonic_ns() - i->heard_ns < STALL_S * (uint64_t)NS_PER_S)
		return;
	ingest_tls_counters(&tls);
	if (tls.handshakes - i->handshakes < STALL_HANDSHAKES || atomic_exchange(&i->stalled, true))
		return;
	log_error("ingest.stalled", "seconds=%d connections=%llu", STALL_S,
		  (unsigned long long)(tls.handshakes - i->handshakes));
}

static void hear(struct ingest *i)
{
	struct ingest_tls_counters tls;

	ingest_tls_counters(&tls);
	i->heard_ns = monotonic_ns();
	i->handshakes = tls.handshakes;
}

/* Those that came too late are told to come again. */
static void turn_away(struct ingest *i)
{
	nng_msg *msg;

	while (nng_recvmsg(i->socket, &msg, NNG_FLAG_NONBLOCK) == 0) {
		i->n_group = i->group_bytes = 0;
		enter(i, msg);
		atomic_fetch_add(&i->taker.busy, 1);
		message_answer(&i->group[0], RTSEC__V1__ACK__CODE__BUSY,
			       "the collector is stopping");
		send_ack(i, &i->group[0]);
	}
}

static void *run(void *arg)
{
	struct ingest *i = arg;

	hear(i);
	while (!atomic_load(&i->stopping)) {
		if (gather(i)) {
			hear(i);
			store_group(i);
		}
		handover_take(&i->handover, store_imported, i);
		look_for_stall(i);
		upkeep_tick(i->upkeep, i->taker.block);
		atomic_fetch_add_explicit(&i->turns, 1, memory_order_relaxed);
	}
	handover_close(&i->handover);
	turn_away(i);
	upkeep_finish(i->upkeep, i->taker.block);
	return NULL;
}

/* ---- start and stop ---- */

static struct ingest *ingest_free(struct ingest *i)
{
	if (!i)
		return NULL;
	if (i->has_socket && !nng_end(i->socket, CLOSE_MS))
		log_warn("ingest.not_closed", "reason=\"NNG does not close its socket\" left=on");
	if (i->aio)
		nng_aio_free(i->aio);
	taker_done(&i->taker);
	upkeep_free(i->upkeep);
	ack_writer_done(&i->acks);
	handover_done(&i->handover);
	free(i);
	return NULL;
}
DEFINE_FREEP(ingest)

static int open_socket(struct ingest *i, const struct ingest_config *config, struct diag *d)
{
	int r = ingest_socket_open(&i->socket, &i->has_socket, config->url, config->tls, d);

	if (r < 0)
		return r;
	if (nng_aio_alloc(&i->aio, NULL, NULL) != 0)
		return err_origin(-ENOMEM);
	nng_aio_set_timeout(i->aio, WAKE_MS);
	return 0;
}

int ingest_start(struct ingest **ret, const struct ingest_config *config, struct diag *d)
{
	AUTO(ingest) *i = calloc(1, sizeof(*i));
	int r;

	if (!i)
		return err_origin(-ENOMEM);
	handover_init(&i->handover);
	i->store = config->store;
	i->maindb = config->maindb;
	i->committer.store = config->store;
	i->committer.hub = config->hub;
	i->committer.follow = config->follow;
	i->pid = own_pid();
	r = ack_writer_init(&i->acks);
	if (r == 0)
		r = upkeep_new(&i->upkeep, config, &i->committer);
	if (r == 0)
		r = taker_init(&i->taker, config, i->upkeep, d);
	if (r == 0)
		r = open_socket(i, config, d);
	if (r == 0)
		r = -pthread_create(&i->thread, NULL, run, i);
	if (r == 0)
		*ret = TAKE(i);
	return r;
}

struct ingest *ingest_stop(struct ingest *i)
{
	if (!i)
		return NULL;
	atomic_store(&i->stopping, true);
	nng_aio_stop(i->aio); /* for good: a wait that begins later ends at once */
	pthread_join(i->thread, NULL);
	pause_ms(PARTING_MS);
	return ingest_free(i);
}

void ingest_set_limits(struct ingest *i, const struct retention_limits *keep,
		       uint64_t min_free_bytes)
{
	upkeep_set_limits(i->upkeep, keep, min_free_bytes);
}

void ingest_set_watch(struct ingest *i, const struct watch_limits *watch)
{
	upkeep_set_watch(i->upkeep, watch);
}

/* ---- counters ---- */

static uint64_t load(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void ingest_counters(const struct ingest *i, struct ingest_counters *ret)
{
	*ret = (struct ingest_counters){ 0 };
	ingest_tls_counters(&ret->tls);
	if (!i)
		return;
	ret->batches = load(&i->batches);
	ret->events = load(&i->events);
	ret->bytes = load(&i->bytes);
	ret->duplicates = load(&i->duplicates);
	ret->busy = load(&i->taker.busy);
	ret->disk_busy = load(&i->taker.disk_busy);
	ret->heartbeats = load(&i->taker.heartbeats);
	for (size_t p = 0; p < PEER_MAX; p++)
		ret->peers[p] = load(&i->taker.peers[p]);
	for (size_t k = 0; k < REFUSAL_MAX; k++) {
		ret->reasons[k] = load(&i->taker.refused[k]);
		ret->refused += ret->reasons[k];
	}
	ret->commits = load(&i->committer.commits);
	ret->commit_ns = load(&i->committer.commit_ns);
	ret->alarms_lost = upkeep_alarms_lost(i->upkeep);
	upkeep_merge_counters(i->upkeep, &ret->merge);
}

bool ingest_stalled(const struct ingest *i)
{
	return i && atomic_load(&i->stalled);
}

uint64_t ingest_turns(const struct ingest *i)
{
	return atomic_load_explicit(&i->turns, memory_order_relaxed);
}

bool ingest_failing(const struct ingest *i)
{
	return i && committer_failing(&i->committer);
}

enum disk_state ingest_disk(const struct ingest *i, uint64_t *ret_free_bytes)
{
	*ret_free_bytes = i ? disk_free_bytes(upkeep_disk(i->upkeep)) : 0;
	return i ? disk_state(upkeep_disk(i->upkeep)) : DISK_OK;
}
