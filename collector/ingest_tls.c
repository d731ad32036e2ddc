/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ingest_tls.h"

#include <stdatomic.h>
#include <sys/random.h>

#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <nng/supplemental/tls/engine.h>

/* NNG has these two names; what they hold is the engine's. */
struct nng_tls_engine_config {
	mbedtls_ssl_config ssl;
	mbedtls_x509_crt ca, own;
	mbedtls_pk_context key;
	char *server_name;
	bool is_server;
};

struct nng_tls_engine_conn {
	void *tls; /* NNG's */
	mbedtls_ssl_context ssl;
	struct cert peer;
	bool is_server, known; /* known: peer is filled */
	bool counted;	       /* it was let in, or not */
};

static atomic_ullong n_handshakes, n_failed[REFUSAL_MAX];

/* Left by conn_verified() for ingest_tls_peer(), which has NNG call it in its own thread. */
static _Thread_local struct cert asked_peer;
static _Thread_local bool asked_known;

static int kernel_random(void *unused, unsigned char *to, size_t n)
{
	(void)unused;
	while (n) {
		ssize_t got = getrandom(to, MIN(n, (size_t)256), 0);

		if (got <= 0 && errno != EINTR)
			return MBEDTLS_ERR_SSL_HW_ACCEL_FAILED;
		to += MAX(got, 0);
		n -= (size_t)MAX(got, 0);
	}
	return 0;
}

static int from_mbedtls(int e)
{
	switch (e) {
	case 0:
		return 0;
	case MBEDTLS_ERR_SSL_WANT_READ:
	case MBEDTLS_ERR_SSL_WANT_WRITE:
		return NNG_EAGAIN;
	case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
	case MBEDTLS_ERR_SSL_CONN_EOF:
	case MBEDTLS_ERR_NET_CONN_RESET:
		return NNG_ECLOSED;
	case MBEDTLS_ERR_SSL_ALLOC_FAILED:
		return NNG_ENOMEM;
	case MBEDTLS_ERR_X509_CERT_VERIFY_FAILED:
	case MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE:
		return NNG_EPEERAUTH;
	default:
		return NNG_ECRYPTO;
	}
}

/* ---- one connection ---- */

static int net_send(void *tls, const unsigned char *data, size_t n)
{
	int rv = nng_tls_engine_send(tls, data, &n);

	if (rv == 0)
		return (int)n;
	return rv == NNG_EAGAIN ? MBEDTLS_ERR_SSL_WANT_WRITE : MBEDTLS_ERR_NET_CONN_RESET;
}

static int net_recv(void *tls, unsigned char *data, size_t n)
{
	int rv = nng_tls_engine_recv(tls, data, &n);

	if (rv == 0)
		return (int)n;
	return rv == NNG_EAGAIN ? MBEDTLS_ERR_SSL_WANT_READ : MBEDTLS_ERR_NET_CONN_RESET;
}

static int conn_init(nng_tls_engine_conn *c, void *tls, nng_tls_engine_config *config)
{
	int e;

	c->tls = tls;
	c->is_server = config->is_server;
	mbedtls_ssl_init(&c->ssl);
	mbedtls_ssl_set_bio(&c->ssl, tls, net_send, net_recv, NULL);
	e = mbedtls_ssl_setup(&c->ssl, &config->ssl);
	if (e == 0 && config->server_name)
		e = mbedtls_ssl_set_hostname(&c->ssl, config->server_name);
	return from_mbedtls(e);
}

static void conn_fini(nng_tls_engine_conn *c)
{
	mbedtls_ssl_free(&c->ssl);
}

static void conn_close(nng_tls_engine_conn *c)
{
	(void)mbedtls_ssl_close_notify(&c->ssl);
}

/* A server takes nodes only, a client collectors only. */
static bool know_peer(nng_tls_engine_conn *c)
{
	const mbedtls_x509_crt *crt = mbedtls_ssl_get_peer_cert(&c->ssl);

	c->known = crt && cert_read_der(crt->raw.p, crt->raw.len, &c->peer, NULL) == 0 &&
		   c->peer.kind == (c->is_server ? CERT_NODE : CERT_COLLECTOR);
	return c->known;
}

static enum refusal refusal_of(const nng_tls_engine_conn *c, int e)
{
	const uint32_t not_its_time = MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE;
	uint32_t wrong;

	switch (e) {
	case 0:
	case MBEDTLS_ERR_SSL_BAD_HS_CERTIFICATE: /* not for clients */
		return REFUSAL_PEER_NO_NODE;
	case MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE:
		return REFUSAL_PEER_NO_CERTIFICATE;
	case MBEDTLS_ERR_X509_CERT_VERIFY_FAILED:
		wrong = mbedtls_ssl_get_verify_result(&c->ssl);
		if (wrong & MBEDTLS_X509_BADCERT_NOT_TRUSTED)
			return REFUSAL_PEER_OTHER_CA;
		return wrong & ~not_its_time ? REFUSAL_PEER_NO_NODE : REFUSAL_PEER_OLD;
	case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
	case MBEDTLS_ERR_SSL_CONN_EOF:
	case MBEDTLS_ERR_NET_CONN_RESET:
		return REFUSAL_PEER_BROKEN_OFF;
	default:
		return REFUSAL_PEER_PROTOCOL;
	}
}

static int conn_handshake(nng_tls_engine_conn *c)
{
	int e = mbedtls_ssl_handshake(&c->ssl), rv = from_mbedtls(e);

	if (rv == 0 && !know_peer(c))
		rv = NNG_EPEERAUTH;
	if (rv == 0)
		atomic_fetch_add(&n_handshakes, 1);
	else if (rv != NNG_EAGAIN && !c->counted)
		atomic_fetch_add(&n_failed[refusal_of(c, e)], 1);
	c->counted = rv != NNG_EAGAIN;
	return rv;
}

static int conn_recv(nng_tls_engine_conn *c, uint8_t *data, size_t *n)
{
	int got = mbedtls_ssl_read(&c->ssl, data, *n);

	if (got > 0)
		*n = (size_t)got;
	return got > 0 ? 0 : got == 0 ? NNG_ECLOSED : from_mbedtls(got);
}

static int conn_send(nng_tls_engine_conn *c, const uint8_t *data, size_t *n)
{
	int sent = mbedtls_ssl_write(&c->ssl, data, *n);

	if (sent >= 0)
		*n = (size_t)sent;
	return sent >= 0 ? 0 : from_mbedtls(sent);
}

static bool conn_verified(nng_tls_engine_conn *c)
{
	asked_known = c->known;
	if (c->known)
		asked_peer = c->peer;
	return c->known;
}

bool ingest_tls_peer(nng_pipe pipe, struct cert *ret)
{
	bool verified = false;

	asked_known = false;
	if (nng_pipe_get_bool(pipe, NNG_OPT_TLS_VERIFIED, &verified) != 0 || !verified ||
	    !asked_known)
		return false;
	*ret = asked_peer;
	return true;
}

/* ---- configuration ---- */

static int config_init(nng_tls_engine_config *g, nng_tls_mode mode)
{
	int e;

	g->is_server = mode == NNG_TLS_MODE_SERVER;
	mbedtls_ssl_config_init(&g->ssl);
	mbedtls_x509_crt_init(&g->ca);
	mbedtls_x509_crt_init(&g->own);
	mbedtls_pk_init(&g->key);
	e = mbedtls_ssl_config_defaults(
		&g->ssl, g->is_server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT,
		MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
	if (e)
		return from_mbedtls(e);
	mbedtls_ssl_conf_min_version(&g->ssl, MBEDTLS_SSL_MAJOR_VERSION_3,
				     MBEDTLS_SSL_MINOR_VERSION_3);
	mbedtls_ssl_conf_rng(&g->ssl, kernel_random, NULL);
	mbedtls_ssl_conf_authmode(&g->ssl, MBEDTLS_SSL_VERIFY_REQUIRED);
	return 0;
}

static void config_fini(nng_tls_engine_config *g)
{
	mbedtls_ssl_config_free(&g->ssl);
	mbedtls_x509_crt_free(&g->ca);
	mbedtls_x509_crt_free(&g->own);
	mbedtls_pk_free(&g->key);
	free(g->server_name);
}

static int config_server(nng_tls_engine_config *g, const char *name)
{
	char *copy = strdup(name);

	if (!copy)
		return NNG_ENOMEM;
	free(g->server_name);
	g->server_name = copy;
	return 0;
}

/* Nobody gets in without a certificate, whatever is asked: NNG asks for no check in the
 * configuration that it makes for each listener, before it is given ours. */
static int config_auth(nng_tls_engine_config *g, nng_tls_auth_mode mode)
{
	(void)g;
	(void)mode;
	return 0;
}

static int config_ca(nng_tls_engine_config *g, const char *ca, const char *crl)
{
	if (crl)
		return NNG_ENOTSUP; /* who is revoked is asked of main.db, at each message */
	if (mbedtls_x509_crt_parse(&g->ca, (const uint8_t *)ca, strlen(ca) + 1) != 0)
		return NNG_EINVAL;
	mbedtls_ssl_conf_ca_chain(&g->ssl, &g->ca, NULL);
	return 0;
}

static int config_own(nng_tls_engine_config *g, const char *cert, const char *key, const char *pass)
{
	(void)pass;
	if (mbedtls_x509_crt_parse(&g->own, (const uint8_t *)cert, strlen(cert) + 1) != 0 ||
	    mbedtls_pk_parse_key(&g->key, (const uint8_t *)key, strlen(key) + 1, NULL, 0) != 0)
		return NNG_EINVAL;
	return from_mbedtls(mbedtls_ssl_conf_own_cert(&g->ssl, &g->own, &g->key));
}

/* 1.2 is what mbed TLS 2.28 has, and the least that we take. */
static int config_version(nng_tls_engine_config *g, nng_tls_version min, nng_tls_version max)
{
	(void)g;
	return min <= NNG_TLS_1_2 && max >= NNG_TLS_1_2 ? 0 : NNG_ENOTSUP;
}

static nng_tls_engine_config_ops config_ops = {
	.size = sizeof(nng_tls_engine_config),
	.init = config_init,
	.fini = config_fini,
	.server = config_server,
	.auth = config_auth,
	.ca_chain = config_ca,
	.own_cert = config_own,
	.version = config_version,
};

static nng_tls_engine_conn_ops conn_ops = {
	.size = sizeof(nng_tls_engine_conn),
	.init = conn_init,
	.fini = conn_fini,
	.close = conn_close,
	.handshake = conn_handshake,
	.recv = conn_recv,
	.send = conn_send,
	.verified = conn_verified,
};

static const nng_tls_engine engine = {
	.version = NNG_TLS_ENGINE_VERSION,
	.config_ops = &config_ops,
	.conn_ops = &conn_ops,
	.name = "rtsec",
	.description = "mbed TLS, tells the peer",
};

int ingest_tls_install(void)
{
	return nng_tls_engine_register(&engine) == 0 ? 0 : err_origin(-ENOTSUP);
}

int ingest_tls_config(nng_tls_config **ret, const struct ingest_tls *t, struct diag *d)
{
	nng_tls_config *config;
	int rv = nng_tls_config_alloc(&config, NNG_TLS_MODE_SERVER);

	if (rv != 0)
		return err_origin(-ENOMEM);
	rv = nng_tls_config_ca_chain(config, t->ca, NULL);
	if (rv == 0)
		rv = nng_tls_config_own_cert(config, t->cert, t->key, NULL);
	if (rv == 0)
		rv = nng_tls_config_auth_mode(config, NNG_TLS_AUTH_MODE_REQUIRED);
	if (rv == 0) {
		*ret = config;
		return 0;
	}
	nng_tls_config_free(config);
	return diag_set(d, err_origin(rv == NNG_ENOMEM ? -ENOMEM : -EINVAL), 0, 0,
			"the certificates of the sensors' port: %s", nng_strerror(rv));
}

void ingest_tls_counters(struct ingest_tls_counters *ret)
{
	ret->handshakes = atomic_load(&n_handshakes);
	ret->failed = 0;
	for (size_t k = 0; k < REFUSAL_MAX; k++) {
		ret->reasons[k] = atomic_load(&n_failed[k]);
		ret->failed += ret->reasons[k];
	}
}
