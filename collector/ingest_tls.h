/* SPDX-License-Identifier: Apache-2.0 */
/* ingest_tls - TLS of the sensors' port, both sides with certificates (lib/cert.h), and which node
 * a message came from.
 *
 * NNG 1.5 does not tell the certificate of a pipe's peer.  So this is an engine of its own for
 * NNG's TLS framework, on the mbed TLS that NNG uses anyway: it keeps what the peer's certificate
 * says with each connection.  NNG has one question that reaches a connection, NNG_OPT_TLS_VERIFIED,
 * which it passes to the engine in the asking thread: there the answer is left (docs/decisions/).
 * Thread: any, once ingest_tls_install() was called. */
#pragma once
#include <nng/nng.h>
#include <nng/supplemental/tls/tls.h>

#include "collector/refusal.h"
#include "lib/cert.h"

/* What the port shows and whom it trusts: PEM texts. */
struct ingest_tls {
	const char *ca, *cert, *key;
};

/* Makes NNG use the engine, in the whole process.  Call it after the first socket was opened (NNG
 * installs its own engine then), before the first TLS configuration is made.  Returns 0 or
 * -ENOTSUP. */
NODISCARD int ingest_tls_install(void);

/* The configuration of a listener: only peers that @t->ca signed get in.  *ret is freed with
 * nng_tls_config_free().  Returns 0, -EINVAL (a text is not what it should be) or -ENOMEM, with @d.
 */
NODISCARD int ingest_tls_config(nng_tls_config **ret, const struct ingest_tls *t, struct diag *d);

/* Whom @pipe reaches.  Returns false when it is gone or not TLS with a node at its other end. */
NODISCARD bool ingest_tls_peer(nng_pipe pipe, struct cert *ret);

/* Connections that got in, and those that did not: how many, and why. */
struct ingest_tls_counters {
	uint64_t handshakes, failed;
	uint64_t reasons[REFUSAL_MAX]; /* failed is their sum */
};
void ingest_tls_counters(struct ingest_tls_counters *ret);
