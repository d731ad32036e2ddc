/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/community_id.h"

#include <netinet/in.h>

#include <mbedtls/sha1.h>

enum { SHA1_BYTES = 20, INPUT_MAX = 2 + 16 + 16 + 2 + 4 };

struct icmp_pair {
	uint8_t protocol, type, answer;
};

/* ICMP messages that have an answer: both ways count as one flow. */
static const struct icmp_pair icmp_pairs[] = {
	{ IPPROTO_ICMP, 8, 0 },	     /* echo */
	{ IPPROTO_ICMP, 10, 9 },     /* router solicitation, advertisement */
	{ IPPROTO_ICMP, 13, 14 },    /* timestamp */
	{ IPPROTO_ICMP, 15, 16 },    /* information */
	{ IPPROTO_ICMP, 17, 18 },    /* address mask */
	{ IPPROTO_ICMPV6, 128, 129 }, /* echo */
	{ IPPROTO_ICMPV6, 130, 131 }, /* multicast listener query, report */
	{ IPPROTO_ICMPV6, 133, 134 }, /* router solicitation, advertisement */
	{ IPPROTO_ICMPV6, 135, 136 }, /* neighbour solicitation, advertisement */
	{ IPPROTO_ICMPV6, 139, 140 }, /* node information query, response */
	{ IPPROTO_ICMPV6, 144, 145 }, /* home agent address discovery */
};

/* Type that answers an ICMP message of type @type; -1: there is none. */
static int icmp_answer(uint8_t protocol, uint16_t type)
{
	for (size_t i = 0; i < ARRAY_SIZE(icmp_pairs); i++) {
		if (icmp_pairs[i].protocol != protocol)
			continue;
		if (icmp_pairs[i].type == type)
			return icmp_pairs[i].answer;
		if (icmp_pairs[i].answer == type)
			return icmp_pairs[i].type;
	}
	return -1;
}

static bool is_icmp(const struct community_flow *flow)
{
	return flow->protocol == (flow->ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
}

static void put_u16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* The side with the smaller address, then port, stands first; a flow without answers stays. */
static size_t hash_input(const struct community_flow *flow, uint16_t seed, uint8_t *input)
{
	size_t address = flow->ipv6 ? 16 : 4, n;
	const uint8_t *a = flow->source, *b = flow->destination;
	uint16_t port_a = flow->source_port, port_b = flow->destination_port;
	bool one_way = false;
	int order;

	if (is_icmp(flow)) {
		int answer = icmp_answer(flow->protocol, port_a);

		one_way = answer < 0;
		if (!one_way)
			port_b = (uint16_t)answer;
	}
	order = memcmp(a, b, address);
	if (!one_way && (order > 0 || (order == 0 && flow->has_ports && port_a > port_b))) {
		a = flow->destination, b = flow->source;
		put_u16(input + 2 + 2 * address + 2, port_b);
		put_u16(input + 2 + 2 * address + 4, port_a);
	} else {
		put_u16(input + 2 + 2 * address + 2, port_a);
		put_u16(input + 2 + 2 * address + 4, port_b);
	}
	put_u16(input, seed);
	n = 2;
	memcpy(input + n, a, address);
	memcpy(input + n + address, b, address);
	n += 2 * address;
	input[n++] = flow->protocol;
	input[n++] = 0;
	return flow->has_ports ? n + 4 : n;
}

static void base64(const uint8_t *in, size_t n, char *out)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < n; i += 3) {
		uint32_t v = (uint32_t)in[i] << 16;

		if (i + 1 < n)
			v |= (uint32_t)in[i + 1] << 8;
		if (i + 2 < n)
			v |= in[i + 2];
		*out++ = digits[v >> 18];
		*out++ = digits[v >> 12 & 63];
		*out++ = i + 1 < n ? digits[v >> 6 & 63] : '=';
		*out++ = i + 2 < n ? digits[v & 63] : '=';
	}
	*out = 0;
}

const char *community_id(const struct community_flow *flow, uint16_t seed,
			 char buf[COMMUNITY_ID_BYTES])
{
	uint8_t input[INPUT_MAX], hash[SHA1_BYTES];
	size_t n = hash_input(flow, seed, input);

	buf[0] = 0;
	if (mbedtls_sha1_ret(input, n, hash))
		return buf;
	memcpy(buf, "1:", 2);
	base64(hash, sizeof(hash), buf + 2);
	return buf;
}
