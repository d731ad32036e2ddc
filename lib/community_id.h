/* SPDX-License-Identifier: Apache-2.0 */
/* community_id - Community ID v1: one short text for a flow, the same at both of its ends.
 * Source: the Community ID flow hashing specification, version 1.
 * Thread: any.  Memory: the stack. */
#pragma once
#include "lib/util.h"

enum { COMMUNITY_ID_BYTES = 31 }; /* "1:", 28 base64 digits, NUL */

/* One flow.  For ICMP and ICMPv6 source_port is the type and destination_port the code, as they
 * stand in the packet. */
struct community_flow {
	uint8_t source[16], destination[16]; /* network order; 4 bytes are used unless ipv6 */
	uint16_t source_port, destination_port; /* host order */
	uint8_t protocol; /* IP protocol number */
	bool ipv6;
	bool has_ports; /* false: a protocol without ports; they are ignored */
};

/* Writes the id of @flow with hash seed @seed (0 by convention) to @buf.  Returns @buf, or "" in it
 * when the SHA-1 engine failed (hardware engines may). */
const char *community_id(const struct community_flow *flow, uint16_t seed,
			 char buf[COMMUNITY_ID_BYTES]);
