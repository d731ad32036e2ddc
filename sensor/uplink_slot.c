/* SPDX-License-Identifier: Apache-2.0 */
/* uplink_slot - a frame under way: sent, answered, sent again. */
#include "lib/log.h"
#include "lib/monotonic.h"
#include "lib/timestamp.h"
#include "sensor/ack.h"
#include "sensor/uplink_internal.h"

enum { RETRY_MS = 200 };

static void slot_pause(struct uplink_slot *s, uint32_t ms)
{
	s->state = SLOT_PAUSING;
	nng_sleep_aio((nng_duration)ms, s->aio);
}

static void slot_send(struct uplink_slot *s)
{
	struct uplink *u = s->u;
	nng_msg *message;

	if (nng_msg_alloc(&message, s->frame->n) != 0) {
		slot_pause(s, u->busy_ms);
		return;
	}
	memcpy(nng_msg_body(message), s->frame->data, s->frame->n);
	s->state = SLOT_SENDING;
	s->sent_ns = timestamp_now();
	nng_aio_set_msg(s->aio, message);
	nng_ctx_send(s->ctx, s->aio);
}

/* Gives the slot the next frame, or lets it rest. */
static void slot_next(struct uplink_slot *s)
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
	if (u->n_reasons == UPLINK_REASONS)
		return false;
	memcpy(u->reasons[u->n_reasons++], key, sizeof(key));
	return true;
}

static void refused(struct uplink_slot *s, const struct ack *ack)
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

/* A connection from an address to the same one does not leave the machine. */
static bool is_local(nng_pipe pipe)
{
	nng_sockaddr ours, theirs;

	if (nng_pipe_get_addr(pipe, NNG_OPT_LOCADDR, &ours) != 0 ||
	    nng_pipe_get_addr(pipe, NNG_OPT_REMADDR, &theirs) != 0 ||
	    ours.s_family != theirs.s_family)
		return false;
	if (ours.s_family == NNG_AF_INET6)
		return memcmp(ours.s_in6.sa_addr, theirs.s_in6.sa_addr,
			      sizeof(ours.s_in6.sa_addr)) == 0;
	return ours.s_family == NNG_AF_INET && ours.s_in.sa_addr == theirs.s_in.sa_addr;
}

static void slot_acked(struct uplink_slot *s, const struct ack *ack)
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

static void slot_take_ack(struct uplink_slot *s)
{
	struct uplink *u = s->u;
	nng_msg *message = nng_aio_get_msg(s->aio);
	uint64_t now_ns = timestamp_now();
	struct diag d = { 0 };
	struct ack ack;
	nng_pipe pipe;
	bool by_trial;
	int r;

	nng_aio_set_msg(s->aio, NULL);
	pipe = nng_msg_get_pipe(message);
	by_trial = uplink_is_trial(u, pipe);
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
		if (!by_trial)
			atomic_store(&u->local_pid, ack.pid && is_local(pipe) ? ack.pid : 0);
		slot_acked(s, &ack);
		return;
	}
	if (atomic_fetch_add(&u->bad_acks, 1) == 0)
		log_warn("uplink.bad_ack", "want_first_seq=%llu reason=\"%s\"",
			 (unsigned long long)s->frame->first_seq,
			 r < 0 ? d.text : "it answers another batch");
	slot_pause(s, u->busy_ms);
}

static void slot_received(struct uplink_slot *s)
{
	atomic_store(&s->u->heard_ms, monotonic_ms());
	atomic_fetch_sub(&s->u->under_way, 1);
	slot_take_ack(s);
}

static void slot_failed(struct uplink_slot *s, int error)
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
	struct uplink_slot *s = arg;
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
			atomic_store(&s->u->heard_ms, monotonic_ms());
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
		struct uplink_slot *s = &u->slots[i];
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

/* ---- the window ---- */

int uplink_slots_open(struct uplink *u)
{
	for (uint32_t i = 0; i < u->window; i++) {
		struct uplink_slot *s = &u->slots[i];
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

void uplink_slots_free(struct uplink *u)
{
	for (uint32_t i = 0; u->slots && i < u->window; i++)
		if (u->slots[i].aio)
			nng_aio_free(u->slots[i].aio);
	free(u->slots);
}
