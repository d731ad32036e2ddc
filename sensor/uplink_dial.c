/* SPDX-License-Identifier: Apache-2.0 */
/* uplink_dial - which collector of several is dialled, and when another is. */
#include <nng/nng.h>
#include <nng/supplemental/tls/tls.h>

#include "lib/cert.h"
#include "lib/log.h"
#include "lib/monotonic.h"
#include "lib/nng_end.h"
#include "sensor/uplink_away.h"
#include "sensor/uplink_internal.h"

bool uplink_is_trial(const struct uplink *u, nng_pipe pipe)
{
	return nng_dialer_id(nng_pipe_dialer(pipe)) == atomic_load(&u->trial_id);
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

	if (error)
		return error;
	if (strncmp(u->urls[at], "tls+", 4) == 0)
		error = set_tls(*ret, &u->tls);
	if (error) {
		nng_end_dialer(*ret);
		return error;
	}
	(void)nng_dialer_set_ms(*ret, NNG_OPT_RECONNMINT, (nng_duration)u->reconnect_min_ms);
	(void)nng_dialer_set_ms(*ret, NNG_OPT_RECONNMAXT, (nng_duration)u->reconnect_max_ms);
	return 0;
}

int uplink_dial(struct uplink *u, size_t at, nng_dialer *ret)
{
	int error = make_dialer(u, at, ret);

	return error ? error : nng_dialer_start(*ret, NNG_FLAG_NONBLOCK);
}

/* Leaves the collector that is dialled for the one at @at, which may be the same. */
static int turn_to(struct uplink *u, size_t at)
{
	nng_end_dialer(u->dialer);
	atomic_store(&u->at, at);
	u->since_ms = u->seen_ms = monotonic_ms();
	return uplink_dial(u, at, &u->dialer);
}

int uplink_redial(struct uplink *u, const struct uplink_tls *tls, struct diag *d)
{
	int error;

	u->tls = *tls;
	error = turn_to(u, u->at);
	return error ? uplink_error(error, "dialling", u->urls[u->at], d) : 0;
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
	u->since_ms = monotonic_ms();
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
	u->since_ms = monotonic_ms();
	if (make_dialer(u, 0, &u->trial) != 0)
		return;
	atomic_store(&u->trial_id, nng_dialer_id(u->trial));
	u->is_trying = nng_dialer_start(u->trial, NNG_FLAG_NONBLOCK) == 0;
	if (u->is_trying)
		return;
	atomic_store(&u->trial_id, -1);
	nng_end_dialer(u->trial);
}

/* A connection stands, and Acks come.  NNG may hold a connection for standing that is none any
 * more. */
static bool is_answered(const struct uplink *u, uint64_t now)
{
	return atomic_load(&u->pipes) > 0 &&
	       (atomic_load(&u->under_way) == 0 || now - atomic_load(&u->heard_ms) < u->silent_ms);
}

/* The first time, and then ever less often. */
static void tell_away(struct uplink *u)
{
	u->away = uplink_away_reason(u->dialer);
	if ((u->n_away & (u->n_away + 1)) == 0)
		log_warn("uplink.away", "collector=%s times=%u reason=\"%s\"", u->urls[u->at],
			 u->n_away + 1, u->away);
	u->n_away++;
}

/* The same collector is dialled anew, too: NNG's own dialling may have come to a stand
 * (lib/nng_end.h). */
void uplink_tick(struct uplink *u)
{
	uint64_t now = monotonic_ms();

	if (u->is_trying) {
		if (trial_is_good(u) || now - u->since_ms > u->trial_ms)
			end_trial(u);
		return;
	}
	if (is_answered(u, now)) {
		u->seen_ms = now;
		u->away = NULL;
		u->n_away = 0;
		if (u->at != 0 && now - u->since_ms > u->return_ms)
			begin_trial(u);
		return;
	}
	if (now - u->seen_ms < u->away_ms)
		return;
	tell_away(u);
	if (u->n_urls > 1)
		log_warn("uplink.turns", "from=%s to=%s", u->urls[u->at],
			 u->urls[(u->at + 1) % u->n_urls]);
	(void)turn_to(u, (u->at + 1) % u->n_urls);
}
