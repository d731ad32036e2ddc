/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ingest_peer.h"

#include <arpa/inet.h>

static const struct {
	const char *name, *reason;
} peers[PEER_MAX] = { [PEER_GOOD] = { "good", "it may send" },
#define X(id, name_, reason_) [PEER_##id] = { .name = (name_), .reason = (reason_) },
		      PEERS(X)
#undef X
};

const char *peer_name(enum peer p)
{
	return peers[p].name;
}

const char *peer_reason(enum peer p)
{
	return peers[p].reason;
}

/* When main.db cannot be asked nobody is turned away for good: the connection ends, and comes
 * again. */
enum peer peer_judge(struct maindb *m, nng_pipe pipe, uint64_t now_ns, struct cert *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (!ingest_tls_peer(pipe, ret))
		return PEER_GONE;
	if (now_ns > ret->until_ns)
		return PEER_EXPIRED;
	switch (maindb_certificate_standing(m, ret->serial)) {
	case STANDING_GOOD:
		return PEER_GOOD;
	case STANDING_REVOKED:
		return PEER_REVOKED;
	case STANDING_UNKNOWN:
		return PEER_UNKNOWN;
	default:
		return PEER_GONE;
	}
}

const char *peer_address(nng_pipe pipe, char buf[PEER_ADDRESS_BYTES])
{
	char host[INET6_ADDRSTRLEN];
	nng_sockaddr a;

	snprintf(buf, PEER_ADDRESS_BYTES, "unknown");
	if (nng_pipe_get_addr(pipe, NNG_OPT_REMADDR, &a) != 0)
		return buf;
	if (a.s_family == NNG_AF_INET && inet_ntop(AF_INET, &a.s_in.sa_addr, host, sizeof(host)))
		snprintf(buf, PEER_ADDRESS_BYTES, "%s:%u", host, ntohs(a.s_in.sa_port));
	if (a.s_family == NNG_AF_INET6 && inet_ntop(AF_INET6, a.s_in6.sa_addr, host, sizeof(host)))
		snprintf(buf, PEER_ADDRESS_BYTES, "[%s]:%u", host, ntohs(a.s_in6.sa_port));
	return buf;
}
