/* SPDX-License-Identifier: Apache-2.0 */
/* refusal - why something from outside was not taken: a closed set, so that each reason has a
 * counter, rtsec_refused_total{what="..",reason=".."} in /metrics.
 * Thread: any.  Memory: constant. */
#pragma once
#include "lib/util.h"

/*   X(ID, what, reason, "for a person") */
#define REFUSALS(X)                                                                             \
	X(BATCH_FOREIGN, batch, foreign, "no frame of a batch")                                 \
	X(BATCH_VERSION, batch, version, "a version that this collector does not know")         \
	X(BATCH_TRUNCATED, batch, truncated, "it ends too early")                               \
	X(BATCH_OVERSIZED, batch, oversized, "it is, or unpacks to, more than a batch may be")  \
	X(BATCH_PACKING, batch, packing, "it cannot be unpacked")                               \
	X(BATCH_BROKEN, batch, broken, "its contents break the format")                         \
	X(BATCH_CONFLICT, batch, conflict, "another batch of its node has its numbers")         \
	X(BATCH_NODES, batch, nodes, "too many nodes are known")                                \
	X(PEER_NO_CERTIFICATE, connection, no_certificate, "it showed no certificate")          \
	X(PEER_OTHER_CA, connection, other_ca, "its certificate is not of this collector's CA") \
	X(PEER_OLD, connection, expired, "its certificate is not good yet, or no more")         \
	X(PEER_NO_NODE, connection, no_node, "its certificate is none of a node")               \
	X(PEER_PROTOCOL, connection, protocol, "it does not speak TLS as it must")              \
	X(PEER_BROKEN_OFF, connection, broken_off, "it ended before it was let in")             \
	X(MESSAGE_GONE, message, gone, "its connection was gone")                               \
	X(MESSAGE_UNKNOWN, message, unknown_certificate,                                        \
	  "this collector gave no such certificate")                                            \
	X(MESSAGE_REVOKED, message, revoked, "the certificate is revoked")                      \
	X(MESSAGE_EXPIRED, message, expired, "the certificate has expired")                     \
	X(MESSAGE_WRONG_NODE, message, wrong_node, "a batch of another node")                   \
	X(REQUEST_CONNECTIONS, request, connections, "its address has too many connections")    \
	X(REQUEST_UNFINISHED, request, unfinished, "a connection or request that ended unread") \
	X(REQUEST_ADDRESS_RATE, request, address_rate, "its address asks too often")            \
	X(REQUEST_TOKEN_RATE, request, token_rate, "its token asks too often")                  \
	X(REQUEST_NO_TOKEN, request, no_token, "it has no token")                               \
	X(REQUEST_WRONG_TOKEN, request, wrong_token, "its token is unknown, ended or revoked")  \
	X(REQUEST_ROLE, request, role, "its token's role does not allow it")                    \
	X(REQUEST_SCOPE, request, scope, "its token is bound to some nodes")                    \
	X(REQUEST_JOIN_TOKEN, request, join_token, "its join token is unknown, used or ended")  \
	X(REQUEST_CERTIFICATE, request, certificate,                                            \
	  "its certificate is none that may be renewed")                                        \
	X(REQUEST_PATH, request, path, "there is nothing at its path")                          \
	X(REQUEST_METHOD, request, method, "the path does not know its method")                 \
	X(REQUEST_LONG_ADDRESS, request, long_address, "its address is too long")               \
	X(REQUEST_LONG_BODY, request, long_body, "its body is too long")                        \
	X(REQUEST_PARAMETER, request, parameter, "a parameter is wrong")                        \
	X(REQUEST_QUERY, request, query, "its query is wrong")                                  \
	X(REQUEST_BUSY, request, busy, "too many questions wait")                               \
	X(REQUEST_STOPPING, request, stopping, "the collector is stopping")

enum refusal {
	REFUSAL_NONE,
#define X(id, ...) REFUSAL_##id,
	REFUSALS(X)
#undef X
		REFUSAL_MAX
};

/* "batch" and "truncated". */
const char *refusal_what(enum refusal r);
const char *refusal_reason(enum refusal r);
