/* SPDX-License-Identifier: Apache-2.0 */
/* expr_ip - addresses and networks in a query.  An IPv4 address is the same as its IPv4-mapped IPv6
 * address, so that every address has 128 bits and one order (RFC 4291, 2.5.5.2).
 * Thread: any.  Memory: none. */
#pragma once
#include "lib/util.h"

struct expr_net {
	uint8_t address[16];
	uint8_t bits; /* leading bits that count, 0..128 */
};

/* Reads an IPv4 or IPv6 address.  Returns false when the text is none. */
bool expr_ip_parse(const char *s, size_t n, uint8_t ret_address[16]);

/* Reads an address, or an address, a slash and a prefix length. */
bool expr_net_parse(const char *s, size_t n, struct expr_net *ret);

bool expr_net_has(const struct expr_net *net, const uint8_t address[16]);
