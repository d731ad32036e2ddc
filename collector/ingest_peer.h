/* SPDX-License-Identifier: Apache-2.0 */
/* ingest_peer - may a connection send, and does it send what is its node's?
 *
 * Asked of each new connection and of each message again: so a revocation, or the end of a
 * certificate, holds at once, on connections that are open, too.  What is not let in gets no Ack
 * and loses its connection: its sensor keeps what it has.
 * Thread: any. */
#pragma once
#include "collector/ingest_tls.h"
#include "collector/maindb.h"

/*   X(ID, "as metrics and the log have it", "for a person") */
#define PEERS(X)                                                                         \
	X(GONE, "gone", "the connection is gone")                                        \
	X(UNKNOWN, "unknown_certificate", "this collector did not give the certificate") \
	X(REVOKED, "revoked", "the certificate is revoked")                              \
	X(EXPIRED, "expired", "the certificate has expired")                             \
	X(WRONG_NODE, "wrong_node", "the batch is of another node than the certificate")

enum peer {
	PEER_GOOD,
#define X(id, ...) PEER_##id,
	PEERS(X)
#undef X
		PEER_MAX
};
const char *peer_name(enum peer p);
const char *peer_reason(enum peer p);

/* Judges the connection @pipe; *ret is its certificate when it has one, else zeroed. */
enum peer peer_judge(struct maindb *m, nng_pipe pipe, uint64_t now_ns, struct cert *ret);

/* Address of the other end, such as 10.0.0.7:40312, to @buf.  Returns @buf; "unknown" when it is
 * gone or has none. */
enum { PEER_ADDRESS_BYTES = 64 };
const char *peer_address(nng_pipe pipe, char buf[PEER_ADDRESS_BYTES]);
