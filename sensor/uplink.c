/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/uplink.h"

#include <arpa/inet.h>

#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>

#include "lib/log.h"
#include "lib/monotonic.h"
#include "lib/nng_end.h"
#include "sensor/ack.h"
#include "sensor/uplink_internal.h"

enum {
	CLOSE_MS = 2000,   /* longest wait for NNG to close */
	SILENT_MS = 15000, /* frames under way and no Ack: the connection counts for nothing */
	AWAY_MS = 10000,   /* without a connection before the next collector is dialled */
	RETURN_MS = 60000, /* on another than the first before that is tried again */
	TRIAL_MS = 5000,   /* how long it is tried */
};

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

/* ---- making and freeing ---- */

static void pipe_changed(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
	struct uplink *u = arg;

	if (event == NNG_PIPE_EV_ADD_POST) {
		if (uplink_is_trial(u, pipe))
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

int uplink_error(int error, const char *what, const char *url, struct diag *d)
{
	int r = -EIO;

	if (error == NNG_ENOMEM)
		r = -ENOMEM;
	else if (error == NNG_EINVAL || error == NNG_EADDRINVAL || error == NNG_ENOTSUP)
		r = -EINVAL;
	return diag_set(d, err_origin(r), 0, 0, "%s %s: %s", what, url, nng_strerror(error));
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
	return error ? error : uplink_slots_open(u);
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
	u->seen_ms = u->since_ms = monotonic_ms();
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
		return uplink_error(error, "opening a socket for", c->urls[0], d);
	u->opened = true;
	error = set_up(u, c);
	if (error == 0)
		error = uplink_dial(u, 0, &u->dialer);
	if (error)
		return uplink_error(error, "dialling", c->urls[0], d);
	*ret = TAKE(u);
	return 0;
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
	uplink_slots_free(u);
	for (size_t i = 0; i < u->n_urls; i++)
		free(u->urls[i]);
	frame_codec_free(u->codec);
	buf_done(&u->scratch);
	pthread_mutex_destroy(&u->lock);
	free(u);
	return NULL;
}

/* ---- asking ---- */

uint32_t uplink_local_collector(const struct uplink *u)
{
	return atomic_load(&u->local_pid);
}

uint32_t uplink_linger_ms(const struct uplink *u)
{
	return atomic_load(&u->pipes) > 0 ? atomic_load(&u->linger_ms) : 0;
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
	ret->away = u->away;
}
