/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/uplink.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>

#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <nng/supplemental/tls/tls.h>

#include "lib/cert.h"
#include "lib/log.h"
#include "lib/nng_end.h"
#include "lib/timestamp.h"
#include "sensor/ack.h"
#include "sensor/linkclock.h"

enum {
	RETRY_MS = 200,
	REASONS_KNOWN = 16,
	CLOSE_MS = 2000,   /* longest wait for NNG to close */
	SILENT_MS = 15000, /* frames under way and no Ack: the connection counts for nothing */
	AWAY_MS = 10000,   /* without a connection before the next collector is dialled */
	RETURN_MS = 60000, /* on another than the first before that is tried again */
	TRIAL_MS = 5000,   /* how long it is tried */
};

enum slot_state { SLOT_IDLE, SLOT_SENDING, SLOT_RECEIVING, SLOT_PAUSING };

/* One context of the window.  Idle ones belong to whoever holds the uplink's lock, busy ones to the
 * callback of their aio. */
struct slot {
	struct uplink *u;
	_Atomic(enum slot_state) state; /* others look for idle ones */
	nng_ctx ctx;
	nng_aio *aio;
	struct outbox_frame *frame;
	uint64_t sent_ns; /* when it was, by the wall clock */
};

struct uplink {
	nng_socket socket;
	nng_dialer dialer, trial; /* the latter to the first collector, from another */
	char *urls[UPLINK_URLS];  /* the first is the one to be with */
	size_t n_urls;
	atomic_size_t at; /* which of them is dialled */
	bool is_trying;
	uint64_t seen_ms, since_ms; /* when a connection stood last; when @at was chosen */
	uint32_t silent_ms, away_ms, return_ms, trial_ms;
	struct uplink_tls tls;
	uint32_t reconnect_min_ms, reconnect_max_ms;
	struct outbox *outbox;
	uint32_t busy_ms, window;
	struct slot *slots;
	bool opened;
	pthread_mutex_t lock; /* idle slots, codec, scratch, reasons, clock */
	struct linkclock clock;
	struct frame_codec *codec;
	struct buf scratch;
	char reasons[REASONS_KNOWN][64]; /* of refusals that were logged */
	size_t n_reasons;
	atomic_bool closing;
	atomic_uint linger_ms;
	atomic_int pipes, trial_id;
	atomic_bool trial_stands, trial_answers;
	atomic_int under_way;	/* frames that were sent and wait for their Acks */
	atomic_ullong heard_ms; /* when an Ack came last */
	atomic_ullong sent, stored, duplicates, refused, busy, errors, bad_acks, connections;
};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

/* ---- addresses ---- */

static bool is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (strcmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

bool uplink_url_is_local(const char *url)
{
	nng_url *parsed;
	bool yes = false;

	if (strncmp(url, "ipc://", 6) == 0)
		return true;
	if (nng_url_parse(&parsed, url) != 0)
		return false;
	if (parsed->u_hostname)
		yes = is_loopback(parsed->u_hostname);
	nng_url_free(parsed);
	return yes;
}

/* ---- the life of a frame ---- */

static void slot_send(struct slot *s)
{
	struct uplink *u = s->u;
	nng_msg *message;

	if (nng_msg_alloc(&message, s->frame->n) != 0) {
		s->state = SLOT_PAUSING;
		nng_sleep_aio((nng_duration)u->busy_ms, s->aio);
		return;
	}
	memcpy(nng_msg_body(message), s->frame->data, s->frame->n);
	s->state = SLOT_SENDING;
	s->sent_ns = timestamp_now();
	nng_aio_set_msg(s->aio, message);
	nng_ctx_send(s->ctx, s->aio);
}

static void slot_pause(struct slot *s, uint32_t ms)
{
	s->state = SLOT_PAUSING;
	nng_sleep_aio((nng_duration)ms, s->aio);
}

/* Gives the slot the next frame, or lets it rest. */
static void slot_next(struct slot *s)
{
	struct uplink *u = s->u;
	bool idle;

	pthread_mutex_lock(&u->lock);
	s->frame = outbox_take(u->outbox);
	idle = !s->frame;
	if (idle)
		s->state = SLOT_IDLE; /* from the unlock on it is uplink_kick()'s */
	pthread_mutex_unlock(&u->lock);
	if (!idle)
		slot_send(s);
}

/* True the first time a reason is seen, so that a stream of refusals is one line of log. */
static bool reason_is_new(struct uplink *u, const char *reason)
{
	char key[sizeof(u->reasons[0])];

	snprintf(key, sizeof(key), "%.63s", reason);
	for (size_t i = 0; i < u->n_reasons; i++)
		if (strcmp(u->reasons[i], key) == 0)
			return false;
	if (u->n_reasons == REASONS_KNOWN)
		return false;
	memcpy(u->reasons[u->n_reasons++], key, sizeof(key));
	return true;
}

static void refused(struct slot *s, const struct ack *ack)
{
	struct uplink *u = s->u;
	char text[ACK_REASON_BYTES * 2];
	bool is_new;

	pthread_mutex_lock(&u->lock);
	is_new = reason_is_new(u, ack->reason);
	pthread_mutex_unlock(&u->lock);
	if (is_new)
		log_warn("uplink.refused", "first_seq=%llu reason=%s",
			 (unsigned long long)s->frame->first_seq,
			 log_value(ack->reason, strlen(ack->reason), text, sizeof(text)));
	outbox_refused(u->outbox, s->frame);
}

/* Why nothing is taken: each reason is told once. */
static void told_busy(struct uplink *u, const struct ack *ack)
{
	char text[ACK_REASON_BYTES * 2];
	bool is_new;

	pthread_mutex_lock(&u->lock);
	is_new = ack->reason[0] && reason_is_new(u, ack->reason);
	pthread_mutex_unlock(&u->lock);
	if (is_new)
		log_warn("uplink.busy", "reason=%s",
			 log_value(ack->reason, strlen(ack->reason), text, sizeof(text)));
}

static void slot_acked(struct slot *s, const struct ack *ack)
{
	struct uplink *u = s->u;

	atomic_store(&u->linger_ms, ack->linger_ms);
	switch (ack->code) {
	case ACK_BUSY:
		atomic_fetch_add(&u->busy, 1);
		told_busy(u, ack);
		slot_pause(s, u->busy_ms);
		return;
	case ACK_REFUSED:
		atomic_fetch_add(&u->refused, 1);
		refused(s, ack);
		break;
	case ACK_DUPLICATE:
		atomic_fetch_add(&u->duplicates, 1);
		outbox_stored(u->outbox, s->frame);
		break;
	case ACK_STORED:
		atomic_fetch_add(&u->stored, 1);
		outbox_stored(u->outbox, s->frame);
		break;
	}
	slot_next(s);
}

static bool is_trial(const struct uplink *u, nng_pipe pipe)
{
	return nng_dialer_id(nng_pipe_dialer(pipe)) == atomic_load(&u->trial_id);
}

static void slot_take_ack(struct slot *s)
{
	struct uplink *u = s->u;
	nng_msg *message = nng_aio_get_msg(s->aio);
	uint64_t now_ns = timestamp_now();
	struct diag d = { 0 };
	struct ack ack;
	bool by_trial;
	int r;

	nng_aio_set_msg(s->aio, NULL);
	by_trial = is_trial(u, nng_msg_get_pipe(message));
	pthread_mutex_lock(&u->lock);
	r = ack_parse(&ack, nng_msg_body(message), nng_msg_len(message), u->codec, &u->scratch, &d);
	if (r == 0 && ack.first_seq == s->frame->first_seq)
		linkclock_note(&u->clock, s->sent_ns, ack.received_time_ns, now_ns);
	pthread_mutex_unlock(&u->lock);
	nng_msg_free(message);
	if (r == 0 && by_trial && ack.code != ACK_BUSY)
		atomic_store(&u->trial_answers, true);
	/* what is turned away unread has no number: 0 */
	if (r == 0 && (ack.first_seq == s->frame->first_seq ||
		       (ack.code == ACK_BUSY && ack.first_seq == 0))) {
		slot_acked(s, &ack);
		return;
	}
	if (atomic_fetch_add(&u->bad_acks, 1) == 0)
		log_warn("uplink.bad_ack", "want_first_seq=%llu reason=\"%s\"",
			 (unsigned long long)s->frame->first_seq,
			 r < 0 ? d.text : "it answers another batch");
	slot_pause(s, u->busy_ms);
}

static void slot_received(struct slot *s)
{
	atomic_store(&s->u->heard_ms, now_ms());
	atomic_fetch_sub(&s->u->under_way, 1);
	slot_take_ack(s);
}

static void slot_failed(struct slot *s, int error)
{
	if (s->state == SLOT_SENDING) {
		nng_msg *message = nng_aio_get_msg(s->aio);

		nng_aio_set_msg(s->aio, NULL);
		nng_msg_free(message);
	}
	if (error == NNG_ECLOSED || error == NNG_ECANCELED || atomic_load(&s->u->closing))
		return; /* the frame stays in the outbox */
	if (s->state == SLOT_RECEIVING)
		atomic_fetch_sub(&s->u->under_way, 1);
	atomic_fetch_add(&s->u->errors, 1);
	slot_pause(s, RETRY_MS);
}

static void slot_event(void *arg)
{
	struct slot *s = arg;
	int error = nng_aio_result(s->aio);

	if (atomic_load(&s->u->closing)) {
		slot_failed(s, NNG_ECLOSED);
		return;
	}
	if (error) {
		slot_failed(s, error);
		return;
	}
	switch (atomic_load(&s->state)) {
	case SLOT_SENDING:
		atomic_fetch_add(&s->u->sent, 1);
		s->state = SLOT_RECEIVING;
		if (atomic_fetch_add(&s->u->under_way, 1) == 0)
			atomic_store(&s->u->heard_ms, now_ms());
		nng_ctx_recv(s->ctx, s->aio);
		break;
	case SLOT_RECEIVING:
		slot_received(s);
		break;
	case SLOT_PAUSING:
		slot_send(s);
		break;
	case SLOT_IDLE:
		break;
	}
}

void uplink_kick(struct uplink *u)
{
	for (uint32_t i = 0; i < u->window; i++) {
		struct slot *s = &u->slots[i];
		bool mine = false;

		pthread_mutex_lock(&u->lock);
		if (s->state == SLOT_IDLE) {
			s->frame = outbox_take(u->outbox);
			if (!s->frame) {
				pthread_mutex_unlock(&u->lock);
				return;
			}
			s->state = SLOT_SENDING;
			mine = true;
		}
		pthread_mutex_unlock(&u->lock);
		if (mine)
			slot_send(s);
	}
}

/* ---- making and freeing ---- */

static void pipe_changed(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
	struct uplink *u = arg;

	if (event == NNG_PIPE_EV_ADD_POST) {
		if (is_trial(u, pipe))
			atomic_store(&u->trial_stands, true);
		atomic_fetch_add(&u->pipes, 1);
		atomic_fetch_add(&u->connections, 1);
		log_info("uplink.connected", "connections=%llu",
			 (unsigned long long)atomic_load(&u->connections));
	} else {
		atomic_fetch_sub(&u->pipes, 1);
		if (!atomic_load(&u->closing))
			log_warn("uplink.disconnected", "%s", "retry=on");
	}
}

static int translate(int error, const char *what, const char *url, struct diag *d)
{
	int r = -EIO;

	if (error == NNG_ENOMEM)
		r = -ENOMEM;
	else if (error == NNG_EINVAL || error == NNG_EADDRINVAL || error == NNG_ENOTSUP)
		r = -EINVAL;
	return diag_set(d, err_origin(r), 0, 0, "%s %s: %s", what, url, nng_strerror(error));
}

static int open_slots(struct uplink *u)
{
	for (uint32_t i = 0; i < u->window; i++) {
		struct slot *s = &u->slots[i];
		int error;

		s->u = u;
		error = nng_aio_alloc(&s->aio, slot_event, s);
		if (error == 0)
			error = nng_ctx_open(&s->ctx, u->socket);
		if (error)
			return error;
	}
	return 0;
}

/* The other end must show the collector's name, signed by @tls's CA. */
static int set_tls(nng_dialer dialer, const struct uplink_tls *tls)
{
	nng_tls_config *config;
	int error = nng_tls_config_alloc(&config, NNG_TLS_MODE_CLIENT);

	if (error)
		return error;
	error = nng_tls_config_auth_mode(config, NNG_TLS_AUTH_MODE_REQUIRED);
	if (error == 0)
		error = nng_tls_config_ca_chain(config, tls->ca, NULL);
	if (error == 0)
		error = nng_tls_config_own_cert(config, tls->pem, tls->pem, NULL);
	if (error == 0)
		error = nng_tls_config_server_name(config, CERT_COLLECTOR_NAME);
	if (error == 0)
		error = nng_dialer_set_ptr(dialer, NNG_OPT_TLS_CONFIG, config);
	nng_tls_config_free(config); /* the dialer holds it */
	return error;
}

static int make_dialer(struct uplink *u, size_t at, nng_dialer *ret)
{
	int error = nng_dialer_create(ret, u->socket, u->urls[at]);

	if (error == 0 && strncmp(u->urls[at], "tls+", 4) == 0)
		error = set_tls(*ret, &u->tls);
	if (error)
		return error;
	(void)nng_dialer_set_ms(*ret, NNG_OPT_RECONNMINT, (nng_duration)u->reconnect_min_ms);
	(void)nng_dialer_set_ms(*ret, NNG_OPT_RECONNMAXT, (nng_duration)u->reconnect_max_ms);
	return 0;
}

static int dial(struct uplink *u, size_t at, nng_dialer *ret)
{
	int error = make_dialer(u, at, ret);

	return error ? error : nng_dialer_start(*ret, NNG_FLAG_NONBLOCK);
}

static int set_up(struct uplink *u, const struct uplink_config *c)
{
	int error;

	nng_pipe_notify(u->socket, NNG_PIPE_EV_ADD_POST, pipe_changed, u);
	nng_pipe_notify(u->socket, NNG_PIPE_EV_REM_POST, pipe_changed, u);
	error = nng_socket_set_size(u->socket, NNG_OPT_RECVMAXSZ, ACK_BYTES_MAX);
	if (error == 0)
		error = nng_socket_set_ms(u->socket, NNG_OPT_REQ_RESENDTIME,
					  (nng_duration)c->resend_ms);
	return error ? error : open_slots(u);
}

/* Leaves the collector that is dialled for the one at @at, which may be the same. */
static int turn_to(struct uplink *u, size_t at)
{
	nng_end_dialer(u->dialer);
	atomic_store(&u->at, at);
	u->since_ms = u->seen_ms = now_ms();
	return dial(u, at, &u->dialer);
}

int uplink_redial(struct uplink *u, const struct uplink_tls *tls, struct diag *d)
{
	int error;

	u->tls = *tls;
	error = turn_to(u, u->at);
	return error ? translate(error, "dialling", u->urls[u->at], d) : 0;
}

/* To take a connection is not enough, when there is something that it could answer. */
static bool trial_is_good(const struct uplink *u)
{
	return atomic_load(&u->trial_stands) &&
	       (atomic_load(&u->trial_answers) || atomic_load(&u->under_way) == 0);
}

static void end_trial(struct uplink *u)
{
	bool good = trial_is_good(u);

	u->is_trying = false;
	u->since_ms = now_ms();
	atomic_store(&u->trial_stands, false);
	atomic_store(&u->trial_answers, false);
	if (good) {
		nng_end_dialer(u->dialer);
		u->dialer = u->trial;
		atomic_store(&u->at, 0);
		log_info("uplink.returned", "collector=%s", u->urls[0]);
	} else {
		nng_end_dialer(u->trial);
	}
	atomic_store(&u->trial_id, -1);
}

/* Its connection is known by the dialer's id, which is told before there can be one. */
static void begin_trial(struct uplink *u)
{
	u->since_ms = now_ms();
	if (make_dialer(u, 0, &u->trial) != 0)
		return;
	atomic_store(&u->trial_id, nng_dialer_id(u->trial));
	u->is_trying = nng_dialer_start(u->trial, NNG_FLAG_NONBLOCK) == 0;
	if (!u->is_trying)
		atomic_store(&u->trial_id, -1);
}

/* A connection stands, and Acks come.  NNG may hold a connection for standing that is none any
 * more. */
static bool is_answered(const struct uplink *u, uint64_t now)
{
	return atomic_load(&u->pipes) > 0 &&
	       (atomic_load(&u->under_way) == 0 || now - atomic_load(&u->heard_ms) < u->silent_ms);
}

/* The same collector is dialled anew, too: NNG's own dialling may have come to a stand
 * (lib/nng_end.h). */
void uplink_tick(struct uplink *u)
{
	uint64_t now = now_ms();

	if (u->is_trying) {
		if (trial_is_good(u) || now - u->since_ms > u->trial_ms)
			end_trial(u);
		return;
	}
	if (is_answered(u, now)) {
		u->seen_ms = now;
		if (u->at != 0 && now - u->since_ms > u->return_ms)
			begin_trial(u);
		return;
	}
	if (now - u->seen_ms < u->away_ms)
		return;
	if (u->n_urls > 1)
		log_warn("uplink.turns", "from=%s to=%s", u->urls[u->at],
			 u->urls[(u->at + 1) % u->n_urls]);
	(void)turn_to(u, (u->at + 1) % u->n_urls);
}

/* TLS, or this machine itself. */
static int check_url(const struct uplink_config *c, const char *url, struct diag *d)
{
	bool is_tls = strncmp(url, "tls+", 4) == 0;

	if (is_tls && !c->tls)
		return diag_set(d, err_origin(-EINVAL), 0, 0,
				"%s needs a certificate: see rtsec-sensor enroll --help", url);
	if (is_tls || uplink_url_is_local(url))
		return 0;
	return diag_set(d, err_origin(-EINVAL), 0, 0,
			"%s is no loopback address, and plain TCP shows what processes do to "
			"everyone on the way: expected tls+tcp://",
			url);
}

static int keep_urls(struct uplink *u, const struct uplink_config *c, struct diag *d)
{
	int r = 0;

	for (size_t i = 0; c->urls[i] && r == 0; i++) {
		if (i == UPLINK_URLS)
			return diag_set(d, err_origin(-EINVAL), 0, 0, "at most %d collectors",
					UPLINK_URLS);
		r = check_url(c, c->urls[i], d);
		u->urls[u->n_urls] = r == 0 ? strdup(c->urls[i]) : NULL;
		if (r == 0 && !u->urls[u->n_urls++])
			r = err_origin(-ENOMEM);
	}
	return r < 0 || u->n_urls ? r : diag_set(d, err_origin(-EINVAL), 0, 0, "no collector");
}

int uplink_new(struct uplink **ret, const struct uplink_config *c, struct diag *d)
{
	AUTO(uplink) *u = NULL;
	int error, r;

	u = calloc(1, sizeof(*u));
	if (!u)
		return err_origin(-ENOMEM);
	pthread_mutex_init(&u->lock, NULL);
	r = keep_urls(u, c, d);
	if (r < 0)
		return r;
	if (c->tls)
		u->tls = *c->tls;
	atomic_store(&u->trial_id, -1);
	u->seen_ms = u->since_ms = now_ms();
	u->outbox = c->outbox;
	u->busy_ms = c->busy_ms;
	u->window = c->window;
	u->reconnect_min_ms = c->reconnect_min_ms;
	u->reconnect_max_ms = c->reconnect_max_ms;
	u->silent_ms = c->silent_ms ? c->silent_ms : SILENT_MS;
	u->away_ms = c->away_ms ? c->away_ms : AWAY_MS;
	u->return_ms = c->return_ms ? c->return_ms : RETURN_MS;
	u->trial_ms = c->trial_ms ? c->trial_ms : TRIAL_MS;
	u->slots = calloc(c->window, sizeof(*u->slots));
	if (!u->slots || frame_codec_new(&u->codec) < 0)
		return err_origin(-ENOMEM);
	error = nng_req0_open(&u->socket);
	if (error)
		return translate(error, "opening a socket for", c->urls[0], d);
	u->opened = true;
	error = set_up(u, c);
	if (error == 0)
		error = dial(u, 0, &u->dialer);
	if (error)
		return translate(error, "dialling", c->urls[0], d);
	*ret = TAKE(u);
	return 0;
}

static void free_slots(struct uplink *u)
{
	for (uint32_t i = 0; u->slots && i < u->window; i++)
		if (u->slots[i].aio)
			nng_aio_free(u->slots[i].aio);
	free(u->slots);
}

struct uplink *uplink_free(struct uplink *u)
{
	if (!u)
		return NULL;
	atomic_store(&u->closing, true); /* callbacks touch nothing any more */
	if (u->opened && !nng_end(u->socket, CLOSE_MS)) {
		log_warn("uplink.not_closed", "reason=\"NNG does not close its socket\" left=on");
		return NULL;
	}
	free_slots(u);
	for (size_t i = 0; i < u->n_urls; i++)
		free(u->urls[i]);
	frame_codec_free(u->codec);
	buf_done(&u->scratch);
	pthread_mutex_destroy(&u->lock);
	free(u);
	return NULL;
}

/* ---- asking ---- */

uint32_t uplink_linger_ms(const struct uplink *u)
{
	return atomic_load(&u->linger_ms);
}

bool uplink_clock(struct uplink *u, int64_t *ret_offset_ns, uint64_t *ret_error_ns)
{
	bool measured;

	pthread_mutex_lock(&u->lock);
	measured = linkclock_read(&u->clock, ret_offset_ns, ret_error_ns);
	pthread_mutex_unlock(&u->lock);
	return measured;
}

void uplink_counters(const struct uplink *u, struct uplink_counters *ret)
{
	ret->sent = atomic_load(&u->sent);
	ret->stored = atomic_load(&u->stored);
	ret->duplicates = atomic_load(&u->duplicates);
	ret->refused = atomic_load(&u->refused);
	ret->busy = atomic_load(&u->busy);
	ret->errors = atomic_load(&u->errors);
	ret->bad_acks = atomic_load(&u->bad_acks);
	ret->connections = atomic_load(&u->connections);
	ret->connected = atomic_load(&u->pipes) > 0;
	ret->collector = (uint32_t)atomic_load(&u->at);
}
