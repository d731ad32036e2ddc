/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ingest.h"

#include <pthread.h>
#include <stdatomic.h>

#include "collector/ack.h"
#include "collector/import.h"
#include "collector/ingest_alarm.h"
#include "collector/ingest_socket.h"
#include "collector/quarantine.h"
#include "lib/log.h"
#include "lib/nng_end.h"
#include "lib/timestamp.h"

enum {
	WAKE_MS = 1000,	     /* longest wait for a message: node facts are written then */
	BUSY_PAUSE_MS = 100, /* before BUSY is told: sensors would only come again at once */
	PARTING_MS = 50,     /* for the last Acks to leave */
	CLOSE_MS = 2000,     /* longest wait for NNG to close */
	STALL_S = 30,	     /* sensors connect and nothing comes for so long: NNG is stuck */
	STALL_HANDSHAKES = 3,
	RETENTION_S = 60,  /* between two looks for days that are to go */
	MERGE_MS = 20,	   /* of each second */
	TOLD_EVERY = 1000, /* connections turned out for the same reason are told this often */
};

enum counter {
	COUNT_BATCHES,
	COUNT_EVENTS,
	COUNT_BYTES,
	COUNT_DUPLICATES,
	COUNT_BUSY,
	COUNT_DISK_BUSY,
	COUNT_HEARTBEATS,
	COUNT_COMMITS,
	COUNT_COMMIT_NS,
	COUNT_ALARMS_LOST,
	COUNT_MAX
};

/* A message of the group, from its arrival to its Ack. */
struct pending {
	nng_msg *msg; /* header: the way back */
	Rtsec__V1__Ack__Code code;
	char reason[160];
	uint64_t first_seq, last_seq, received_ns, ingested_ns, block_id;
	uint32_t n_events, node;
	bool appended;	  /* hangs on the commit */
	bool turned_out;  /* its sender may not send it */
	struct cert peer; /* with TLS */
};

/* Records that another thread wants stored: one at a time. */
struct handed {
	pthread_mutex_t mutex;
	pthread_cond_t done;
	const struct buf *records; /* NULL: none, or stored */
	struct import_result *result;
	int error;
	bool taken;  /* somebody waits for the outcome */
	bool closed; /* the thread has ended */
};

/* What ingest_set_limits() may change. */
struct limits {
	_Atomic uint64_t keep_days, keep_bytes, min_free_bytes;
};

struct ingest {
	struct handed handed;
	struct store *store;
	struct maindb *maindb;
	struct hub *hub;
	struct follow *follow;
	struct limits limits;
	struct merger *merger; /* NULL: none */
	struct watch *watch;   /* NULL: none */
	struct alarm_writer *alarms;
	struct disk disk;
	struct quarantine quarantine;
	uint64_t bulk_kinds; /* mask of the kinds that have to wait first */
	nng_socket socket;
	bool has_socket, has_tls;
	nng_aio *aio;
	pthread_t thread;
	_Atomic bool stopping, failing, stalled;
	_Atomic uint64_t counters[COUNT_MAX], peers[PEER_MAX], refused[REFUSAL_MAX];
	struct block *block;
	struct ack_writer acks;
	struct pending group[INGEST_GROUP_BATCHES];
	size_t n_group, group_bytes;
	uint64_t ticked_ns, kept_ns; /* when tick() and retention ran last */
	bool over;		     /* retention cannot keep its limit */
	uint64_t heard_ns,
		handshakes; /* when the last message came, and how many there were then */
};

static void count(struct ingest *i, enum counter c, uint64_t n)
{
	atomic_fetch_add_explicit(&i->counters[c], n, memory_order_relaxed);
}

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void pause_ms(long ms)
{
	struct timespec t = { .tv_nsec = ms * 1000000 };

	nanosleep(&t, NULL);
}

/* ---- one message ---- */

static void PRINTF_LIKE(3, 4)
	answer(struct pending *p, Rtsec__V1__Ack__Code code, const char *reason, ...)
{
	va_list ap;

	p->code = code;
	va_start(ap, reason);
	vsnprintf(p->reason, sizeof(p->reason), reason, ap);
	va_end(ap);
}

static void refuse(struct ingest *i, struct pending *p, enum refusal why, const char *reason)
{
	atomic_fetch_add_explicit(&i->refused[why], 1, memory_order_relaxed);
	quarantine_keep(&i->quarantine, nng_msg_body(p->msg), nng_msg_len(p->msg), reason,
			clock_ns());
	answer(p, RTSEC__V1__ACK__CODE__REFUSED, "%s", reason);
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

static void fail(struct ingest *i, struct pending *p, int r)
{
	count(i, COUNT_BUSY, 1);
	answer(p, RTSEC__V1__ACK__CODE__BUSY, "not stored: %s", strerror(-r));
}

/* True when the disk has no room for this batch: it is answered. */
static bool turned_away(struct ingest *i, struct pending *p)
{
	enum disk_state state = disk_state(&i->disk);

	if (state == DISK_OK ||
	    (state == DISK_LOW && (block_info(i->block)->kinds & ~i->bulk_kinds) != 0))
		return false;
	count(i, COUNT_BUSY, 1);
	count(i, COUNT_DISK_BUSY, 1);
	answer(p, RTSEC__V1__ACK__CODE__BUSY, "the collector's disk is nearly full");
	return true;
}

/* Returns 0, or a negative errno: the whole transaction is lost. */
static int append(struct ingest *i, struct pending *p)
{
	int r;

	p->ingested_ns = store_arrival(i->store, p->received_ns);
	r = store_append(i->store, i->block, nng_msg_body(p->msg), nng_msg_len(p->msg),
			 p->ingested_ns);
	if (r < 0)
		return r;
	if (r == STORE_E_CONFLICT) {
		refuse(i, p, REFUSAL_BATCH_CONFLICT,
		       "another batch of this node and boot has this first_seq");
		return 0;
	}
	p->appended = true;
	p->code = r == STORE_E_DUPLICATE ? RTSEC__V1__ACK__CODE__DUPLICATE
					 : RTSEC__V1__ACK__CODE__STORED;
	p->block_id = store_last_id(i->store);
	p->last_seq = store_last_seq(i->block);
	return 0;
}

/* ---- who sends ---- */

/* Nothing of it is taken, and it is answered BUSY: so the sensor keeps what it has, and comes again
 * at its own pace.  (Closing the connection instead would have NNG 1.5 dial again at once, for
 * ever.) */
static void turn_out(struct ingest *i, struct pending *p, enum peer why)
{
	char address[PEER_ADDRESS_BYTES];

	if (atomic_fetch_add(&i->peers[why], 1) % TOLD_EVERY == 0 && why != PEER_GONE)
		log_warn("ingest.turned_out", "reason=%s node=%s serial=%s address=%s",
			 peer_name(why), p->peer.node_id[0] ? p->peer.node_id : "-",
			 p->peer.serial[0] ? p->peer.serial : "-",
			 peer_address(nng_msg_get_pipe(p->msg), address));
	p->turned_out = true;
	answer(p, RTSEC__V1__ACK__CODE__BUSY, "%s", peer_reason(why));
}

/* Of a message, before anything of it is read.  Returns false when it is out. */
static bool may_send(struct ingest *i, struct pending *p)
{
	enum peer verdict;

	if (!i->has_tls)
		return true;
	verdict = peer_judge(i->maindb, nng_msg_get_pipe(p->msg), p->received_ns, &p->peer);
	if (verdict != PEER_GOOD)
		turn_out(i, p, verdict);
	return verdict == PEER_GOOD;
}

/* A certificate is for the batches of its own node. */
static bool is_own(struct ingest *i, struct pending *p)
{
	struct block_string id = block_info(i->block)->node_id;

	if (!i->has_tls ||
	    (strlen(p->peer.node_id) == id.n && memcmp(p->peer.node_id, id.s, id.n) == 0))
		return true;
	turn_out(i, p, PEER_WRONG_NODE);
	return false;
}

static void see(struct ingest *i, const struct pending *p)
{
	nng_pipe pipe = nng_msg_get_pipe(p->msg);
	char address[PEER_ADDRESS_BYTES];

	if (i->watch)
		watch_batch(i->watch, i->block,
			    &(struct watch_arrival){ .number = p->node,
						     .pipe = (uint32_t)nng_pipe_id(pipe),
						     .address = peer_address(pipe, address),
						     .received_ns = p->received_ns,
						     .now_ms = clock_ns() / 1000000 });
}

static int take(struct ingest *i, struct pending *p)
{
	const struct block_info *info = block_info(i->block);
	struct diag d = { 0 };
	int r;

	p->received_ns = timestamp_now();
	if (!may_send(i, p))
		return 0;
	r = block_load(i->block, nng_msg_body(p->msg), nng_msg_len(p->msg), &d);
	if (r == -ENOMEM)
		fail(i, p, r);
	else if (r < 0)
		refuse(i, p, refusal_of(&d), d.text);
	if (r < 0 || !is_own(i, p))
		return 0;
	p->first_seq = info->first_seq;
	p->n_events = info->n_events;
	r = maindb_node_seen(i->maindb, i->block, p->received_ns, &p->node);
	if (r == -ENOSPC) {
		refuse(i, p, REFUSAL_BATCH_NODES, "too many nodes are known");
		return 0;
	}
	if (r < 0) {
		fail(i, p, r);
		return 0;
	}
	see(i, p);
	if (p->n_events > 0)
		return turned_away(i, p) ? 0 : append(i, p);
	count(i, COUNT_HEARTBEATS, 1);
	answer(p, RTSEC__V1__ACK__CODE__STORED, "%s", "");
	return 0;
}

/* ---- answers ---- */

static int write_ack(struct ingest *i, const struct pending *p)
{
	struct ack_told told = { .code = p->code,
				 .reason = p->reason,
				 .first_seq = p->first_seq,
				 .received_ns = p->received_ns };

	if (i->hub && hub_listeners(i->hub) > 0)
		told.linger_ms = INGEST_LINGER_MS;
	return ack_write(&i->acks, &told);
}

/* The request's message becomes the reply: its header is the way back.  An Ack that cannot be sent
 * is no loss: the sensor sends its batch again. */
static void send_ack(struct ingest *i, struct pending *p)
{
	nng_msg *msg = TAKE(p->msg);
	int rv = write_ack(i, p) < 0 ? NNG_ENOMEM : 0;

	if (rv == 0) {
		nng_msg_clear(msg);
		rv = nng_msg_append(msg, i->acks.frame.data, i->acks.frame.n);
	}
	if (rv == 0)
		rv = nng_sendmsg(i->socket, msg, 0);
	if (rv != 0)
		nng_msg_free(msg);
}

static void publish(struct ingest *i, const struct pending *p)
{
	struct hub_batch batch = { .frame = nng_msg_body(p->msg),
				   .n = nng_msg_len(p->msg),
				   .block_id = p->block_id,
				   .ingested_ns = p->ingested_ns,
				   .n_events = p->n_events };

	if (i->hub)
		hub_publish(i->hub, &batch);
}

/* A batch of the group is on disk. */
static void stored(struct ingest *i, const struct pending *p)
{
	if (p->code == RTSEC__V1__ACK__CODE__DUPLICATE) {
		count(i, COUNT_DUPLICATES, 1);
		return;
	}
	count(i, COUNT_BATCHES, 1);
	count(i, COUNT_EVENTS, p->n_events);
	count(i, COUNT_BYTES, nng_msg_len(p->msg));
	maindb_node_stored(i->maindb, p->node, p->n_events, p->last_seq);
	publish(i, p);
}

/* ---- the group ---- */

static void log_health(struct ingest *i, int r)
{
	bool was = atomic_exchange(&i->failing, r < 0);

	if (r < 0 && !was)
		log_error("ingest.store_failed", "error=\"%s\" sensors=keep", strerror(-r));
	if (r == 0 && was)
		log_info("ingest.store_recovered", "busy=%llu",
			 (unsigned long long)atomic_load(&i->counters[COUNT_BUSY]));
}

static int commit(struct ingest *i)
{
	uint64_t begin = clock_ns();
	int r = store_commit(i->store);

	if (r == 0) {
		count(i, COUNT_COMMITS, 1);
		count(i, COUNT_COMMIT_NS, clock_ns() - begin);
		follow_wake(i->follow);
	}
	return r;
}

/* All that hung on the failed transaction, and (from @from on) what was not tried any more. */
static void fail_group(struct ingest *i, size_t from, int r)
{
	for (size_t k = 0; k < i->n_group; k++) {
		struct pending *p = &i->group[k];

		if (p->appended || k >= from)
			fail(i, p, r);
		p->appended = false;
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
		r = take(i, &i->group[k]);
		any = any || i->group[k].appended;
	}
	if (r < 0)
		k--; /* the one that failed is not appended, but BUSY as well */
	if (r == 0 && any)
		r = commit(i);
	if (any || r < 0)
		log_health(i, r);
	if (r < 0)
		fail_group(i, k, r);
	for (k = 0; k < i->n_group; k++)
		if (i->group[k].appended)
			stored(i, &i->group[k]);
	answer_group(i);
}

static void enter(struct ingest *i, nng_msg *msg)
{
	struct pending *p = &i->group[i->n_group++];

	memset(p, 0, sizeof(*p));
	p->msg = msg;
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
	end = clock_ns() + INGEST_GROUP_MS * 1000000u;
	while (i->n_group < INGEST_GROUP_BATCHES && i->group_bytes < INGEST_GROUP_BYTES &&
	       clock_ns() < end && nng_recvmsg(i->socket, &msg, NNG_FLAG_NONBLOCK) == 0)
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

	count(i, COUNT_BATCHES, 1);
	count(i, COUNT_EVENTS, b->n_events);
	count(i, COUNT_BYTES, b->n);
	if (i->hub)
		hub_publish(i->hub, &batch);
}

/* Stores what was handed over, if anything was; when @closing nothing is taken any more. */
static void take_handed(struct ingest *i, bool closing)
{
	struct handed *h = &i->handed;
	int r;

	pthread_mutex_lock(&h->mutex);
	h->closed = closing;
	if (h->records) {
		r = closing ? -ECANCELED : disk_state(&i->disk) != DISK_OK ? -ENOSPC : 0;
		if (r == 0)
			r = import_append(i->store, h->records, imported, i, h->result);
		if (r == 0)
			follow_wake(i->follow);
		h->error = r;
		h->records = NULL;
		pthread_cond_broadcast(&h->done);
	}
	pthread_mutex_unlock(&h->mutex);
}

int ingest_import(const struct buf *records, struct import_result *ret, void *ingest)
{
	struct ingest *i = ingest;
	struct handed *h = &i->handed;
	int r = 0;

	pthread_mutex_lock(&h->mutex);
	if (h->closed || h->taken)
		r = h->closed ? -ECANCELED : -EBUSY;
	if (r == 0) {
		h->records = records;
		h->result = ret;
		h->taken = true;
		nng_aio_cancel(
			i->aio); /* the thread need not wait for a message; too early: a second */
		while (h->records)
			pthread_cond_wait(&h->done, &h->mutex);
		h->taken = false;
		r = h->error;
	}
	pthread_mutex_unlock(&h->mutex);
	return r;
}

static void flush_nodes(struct ingest *i)
{
	int r = maindb_flush(i->maindb);

	if (r < 0)
		log_warn("ingest.nodes_not_written", "error=\"%s\"", strerror(-r));
}

/* Failures are told by retention.c; that the limit cannot be kept is told until it can. */
static void keep_limits(struct ingest *i)
{
	const struct retention_limits set = { atomic_load(&i->limits.keep_days),
					      atomic_load(&i->limits.keep_bytes) };
	struct retention_limits keep;
	int r = retention_limits_now(i->maindb, &set, &keep);
	bool over;

	if (r < 0) {
		log_error("retention.failed", "error=\"%s\"", strerror(-r));
		return;
	}
	r = retention_run(i->store, i->maindb, &keep, timestamp_now());
	over = r == RETENTION_E_OVER;

	if (over && !i->over)
		log_warn("retention.over",
			 "keep_bytes=%llu reason=\"the days left are held or "
			 "current\"",
			 (unsigned long long)keep.keep_bytes);
	i->over = over;
}

/* Takes at most MERGE_MS of each second, but for a step that takes longer by itself. */
static void merge_some(struct ingest *i, uint64_t begin_ns)
{
	uint64_t low_ns = i->follow ? follow_low(i->follow) : UINT64_MAX;

	if (!i->merger || disk_state(&i->disk) != DISK_OK || atomic_load(&i->failing))
		return;
	while (merger_step(i->merger, timestamp_now(), low_ns) == MERGE_E_MORE &&
	       clock_ns() - begin_ns < MERGE_MS * UINT64_C(1000000))
		;
}

/* Stores the alarm like a batch of its node.  Returns 0 or a negative errno. */
static int store_alarm(struct ingest *i, const struct watch_alarm *alarm, const struct buf *frame)
{
	struct hub_batch batch = { .frame = frame->data, .n = frame->n, .n_events = 1 };
	int r = block_load(i->block, frame->data, frame->n, NULL);

	batch.ingested_ns = store_arrival(i->store, timestamp_now());
	if (r == 0)
		r = store_append(i->store, i->block, frame->data, frame->n, batch.ingested_ns);
	batch.block_id = store_last_id(i->store);
	if (r == 0)
		r = commit(i);
	if (r == 0 && i->hub)
		hub_publish(i->hub, &batch);
	if (r != 0)
		log_warn("ingest.alarm_not_stored", "node=%s condition=%s error=\"%s\"",
			 alarm->node_id, watch_name(alarm->condition), strerror(r < 0 ? -r : 0));
	return MIN(r, 0);
}

/* While the store fails they wait. */
static void store_alarms(struct ingest *i)
{
	AUTO_BUF struct buf frame = { 0 };
	struct watch_alarm alarm;
	int r = 0;

	watch_tick(i->watch, clock_ns() / 1000000);
	while (r == 0 && !atomic_load(&i->failing) && watch_take(i->watch, &alarm)) {
		buf_clear(&frame);
		r = alarm_write(i->alarms, &alarm, timestamp_now(), &frame);
		if (r == 0)
			r = store_alarm(i, &alarm, &frame);
	}
	atomic_store_explicit(&i->counters[COUNT_ALARMS_LOST], watch_lost(i->watch),
			      memory_order_relaxed);
}

/* NNG 1.5.2 can come to a stand: connections are made, and no message is handed over any more.  A
 * sensor that is not answered dials anew every ten seconds. */
static void look_for_stall(struct ingest *i, uint64_t now_ns)
{
	struct ingest_tls_counters tls;

	ingest_tls_counters(&tls);
	if (!i->has_tls || now_ns - i->heard_ns < STALL_S * UINT64_C(1000000000) ||
	    tls.handshakes - i->handshakes < STALL_HANDSHAKES || atomic_exchange(&i->stalled, true))
		return;
	log_error("ingest.stalled", "seconds=%d connections=%llu", STALL_S,
		  (unsigned long long)(tls.handshakes - i->handshakes));
}

static void hear(struct ingest *i)
{
	struct ingest_tls_counters tls;

	ingest_tls_counters(&tls);
	i->heard_ns = clock_ns();
	i->handshakes = tls.handshakes;
}

/* What is due once a second, and once a minute. */
static void tick(struct ingest *i)
{
	uint64_t now = clock_ns();

	if (i->ticked_ns && now - i->ticked_ns < UINT64_C(1000000000))
		return;
	i->ticked_ns = now;
	flush_nodes(i);
	disk_set_limit(&i->disk, atomic_load(&i->limits.min_free_bytes));
	disk_check(&i->disk);
	store_keep_quarantine(i->store, timestamp_now());
	look_for_stall(i, now);
	if (i->watch)
		store_alarms(i);
	merge_some(i, now);
	if (i->kept_ns && now - i->kept_ns < RETENTION_S * UINT64_C(1000000000))
		return;
	i->kept_ns = now;
	keep_limits(i);
}

/* Those that came too late are told to come again. */
static void turn_away(struct ingest *i)
{
	nng_msg *msg;

	while (nng_recvmsg(i->socket, &msg, NNG_FLAG_NONBLOCK) == 0) {
		i->n_group = i->group_bytes = 0;
		enter(i, msg);
		count(i, COUNT_BUSY, 1);
		answer(&i->group[0], RTSEC__V1__ACK__CODE__BUSY, "the collector is stopping");
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
		take_handed(i, false);
		tick(i);
	}
	take_handed(i, true);
	turn_away(i);
	flush_nodes(i);
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
	block_free(i->block);
	merger_free(i->merger);
	watch_free(i->watch);
	alarm_writer_free(i->alarms);
	ack_writer_done(&i->acks);
	pthread_cond_destroy(&i->handed.done);
	pthread_mutex_destroy(&i->handed.mutex);
	free(i);
	return NULL;
}
DEFINE_FREEP(ingest)

static int open_socket(struct ingest *i, const struct ingest_config *config, struct diag *d)
{
	int r;

	i->has_tls = config->tls != NULL;
	r = ingest_socket_open(&i->socket, &i->has_socket, config->url, config->tls, d);
	if (r < 0)
		return r;
	if (nng_aio_alloc(&i->aio, NULL, NULL) != 0)
		return err_origin(-ENOMEM);
	nng_aio_set_timeout(i->aio, WAKE_MS);
	return 0;
}

static uint64_t bulk_kinds(void)
{
	uint64_t mask = 0;

	for (uint32_t k = 0; k < KIND_MAX; k++)
		if (kind_info(k) && kind_info(k)->class == CLASS_BULK)
			mask |= UINT64_C(1) << k;
	return mask;
}

int ingest_start(struct ingest **ret, const struct ingest_config *config, struct diag *d)
{
	AUTO(ingest) *i = calloc(1, sizeof(*i));
	int r;

	if (!i)
		return err_origin(-ENOMEM);
	pthread_mutex_init(&i->handed.mutex, NULL);
	pthread_cond_init(&i->handed.done, NULL);
	i->store = config->store;
	i->maindb = config->maindb;
	i->hub = config->hub;
	i->follow = config->follow;
	ingest_set_limits(i, &config->keep, config->min_free_bytes);
	i->bulk_kinds = bulk_kinds();
	disk_init(&i->disk, config->dir, config->min_free_bytes, config->disk_space);
	disk_check(&i->disk);
	r = block_new(&i->block);
	if (r == 0)
		r = ack_writer_init(&i->acks);
	if (r == 0 && config->merge)
		r = merger_new(&i->merger, config->store, config->merge);
	if (r == 0 && config->watch)
		r = watch_new(&i->watch, i->maindb, clock_ns() / 1000000);
	if (r == 0 && config->watch)
		r = alarm_writer_new(&i->alarms);
	if (r == 0)
		r = quarantine_init(&i->quarantine, config->quarantine_dir, d);
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
	atomic_store(&i->limits.keep_days, keep->keep_days);
	atomic_store(&i->limits.keep_bytes, keep->keep_bytes);
	atomic_store(&i->limits.min_free_bytes, min_free_bytes);
}

/* ---- counters ---- */

void ingest_counters(const struct ingest *i, struct ingest_counters *ret)
{
	uint64_t *const to[COUNT_MAX] = {
		[COUNT_BATCHES] = &ret->batches,
		[COUNT_EVENTS] = &ret->events,
		[COUNT_BYTES] = &ret->bytes,
		[COUNT_DUPLICATES] = &ret->duplicates,
		[COUNT_BUSY] = &ret->busy,
		[COUNT_DISK_BUSY] = &ret->disk_busy,
		[COUNT_ALARMS_LOST] = &ret->alarms_lost,
		[COUNT_HEARTBEATS] = &ret->heartbeats,
		[COUNT_COMMITS] = &ret->commits,
		[COUNT_COMMIT_NS] = &ret->commit_ns,
	};

	for (size_t c = 0; c < COUNT_MAX; c++)
		*to[c] = i ? atomic_load_explicit(&i->counters[c], memory_order_relaxed) : 0;
	for (size_t p = 0; p < PEER_MAX; p++)
		ret->peers[p] = i ? atomic_load_explicit(&i->peers[p], memory_order_relaxed) : 0;
	ret->refused = 0;
	for (size_t k = 0; k < REFUSAL_MAX; k++) {
		ret->reasons[k] =
			i ? atomic_load_explicit(&i->refused[k], memory_order_relaxed) : 0;
		ret->refused += ret->reasons[k];
	}
	ingest_tls_counters(&ret->tls);
	merger_counters(i ? i->merger : NULL, &ret->merge);
}

bool ingest_stalled(const struct ingest *i)
{
	return i && atomic_load(&i->stalled);
}

bool ingest_failing(const struct ingest *i)
{
	return i && atomic_load(&i->failing);
}

enum disk_state ingest_disk(const struct ingest *i, uint64_t *ret_free_bytes)
{
	*ret_free_bytes = i ? disk_free_bytes(&i->disk) : 0;
	return i ? disk_state(&i->disk) : DISK_OK;
}
