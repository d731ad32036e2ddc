/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ingest_socket.h"

#include <nng/protocol/reqrep0/rep.h>

#include "lib/limits.h"

enum {
	SEND_MS = 1000,	     /* longest wait for room to put an Ack */
	QUEUE_MESSAGES = 32, /* that NNG reads ahead of us */
};

static int from_nng(int rv)
{
	switch (rv) {
	case 0:
		return 0;
	case NNG_EADDRINUSE:
		return err_origin(-EADDRINUSE);
	case NNG_ENOMEM:
		return err_origin(-ENOMEM);
	case NNG_EADDRINVAL:
	case NNG_ENOTSUP:
	case NNG_EINVAL:
		return err_origin(-EINVAL);
	case NNG_EPERM:
		return err_origin(-EACCES);
	default:
		return err_origin(rv & NNG_ESYSERR ? -(rv & ~NNG_ESYSERR) : -EIO);
	}
}

static int set_options(nng_socket s)
{
	int rv = nng_socket_set_size(s, NNG_OPT_RECVMAXSZ, LIMIT_FRAME_BYTES);

	if (rv == 0)
		rv = nng_socket_set_int(s, NNG_OPT_RECVBUF, QUEUE_MESSAGES);
	return rv ? rv : nng_socket_set_ms(s, NNG_OPT_SENDTIMEO, SEND_MS);
}

/* Gives @listener its certificates.  Returns 0 or a negative errno with @d. */
static int add_tls(nng_listener listener, const struct ingest_tls *tls, struct diag *d)
{
	nng_tls_config *config;
	int r = ingest_tls_install(), rv;

	if (r == 0)
		r = ingest_tls_config(&config, tls, d);
	if (r < 0)
		return r;
	rv = nng_listener_set_ptr(listener, NNG_OPT_TLS_CONFIG, config);
	nng_tls_config_free(config); /* the listener holds it */
	return rv == 0 ? 0 : diag_set(d, from_nng(rv), 0, 0, "TLS: %s", nng_strerror(rv));
}

static int cannot(const char *url, int rv, struct diag *d)
{
	return diag_set(d, from_nng(rv), 0, 0, "cannot listen on %s: %s", url, nng_strerror(rv));
}

int ingest_socket_open(nng_socket *ret, bool *ret_open, const char *url,
		       const struct ingest_tls *tls, struct diag *d)
{
	nng_listener listener;
	int rv = nng_rep0_open_raw(ret), r;

	*ret_open = rv == 0;
	if (rv == 0)
		rv = set_options(*ret);
	if (rv == 0)
		rv = nng_listener_create(&listener, *ret, url);
	if (rv != 0)
		return cannot(url, rv, d);
	r = tls ? add_tls(listener, tls, d) : 0;
	if (r < 0)
		return r;
	rv = nng_listener_start(listener, 0);
	return rv == 0 ? 0 : cannot(url, rv, d);
}
