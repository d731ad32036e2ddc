/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/expr_ip.h"

#include <arpa/inet.h>

bool expr_ip_parse(const char *s, size_t n, uint8_t ret_address[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char text[INET6_ADDRSTRLEN];

	if (n == 0 || n >= sizeof(text) || memchr(s, '\0', n))
		return false;
	memcpy(text, s, n);
	text[n] = '\0';
	if (memchr(text, ':', n))
		return inet_pton(AF_INET6, text, ret_address) == 1;
	memcpy(ret_address, mapped, sizeof(mapped));
	return inet_pton(AF_INET, text, ret_address + sizeof(mapped)) == 1;
}

static bool parse_bits(const char *s, size_t n, unsigned max, unsigned *ret)
{
	unsigned v = 0;

	if (n == 0 || n > 3)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		v = v * 10 + (unsigned)(s[i] - '0');
	}
	*ret = v;
	return v <= max;
}

bool expr_net_parse(const char *s, size_t n, struct expr_net *ret)
{
	const char *slash = n ? memchr(s, '/', n) : NULL;
	size_t n_address = slash ? (size_t)(slash - s) : n;
	bool v4 = n_address && !memchr(s, ':', n_address);
	unsigned bits = v4 ? 32 : 128;

	if (slash && !parse_bits(slash + 1, n - n_address - 1, bits, &bits))
		return false;
	ret->bits = (uint8_t)(v4 ? bits + 96 : bits);
	return expr_ip_parse(s, n_address, ret->address);
}

bool expr_net_has(const struct expr_net *net, const uint8_t address[16])
{
	size_t whole = net->bits / 8;
	unsigned rest = net->bits % 8;

	if (memcmp(net->address, address, whole) != 0)
		return false;
	return rest == 0 || ((net->address[whole] ^ address[whole]) >> (8 - rest)) == 0;
}
