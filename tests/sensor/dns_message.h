/* SPDX-License-Identifier: Apache-2.0 */
/* dns_message - an answer of a name server for tests: www.Example.org is an alias of a.example, which
 * has 192.0.2.7 (TTL 60) and 2001:db8::7. */
#pragma once
#include "lib/util.h"

static const uint8_t dns_message[] = {
	0x12, 0x34, 0x81, 0x80, 0, 1, 0, 3, 0, 0, 0, 0,
	/* question, at 12 */
	3, 'w', 'w', 'w', 7, 'E', 'x', 'a', 'm', 'p', 'l', 'e', 3, 'o', 'r', 'g', 0, 0, 1, 0, 1,
	/* www.example.org CNAME a.example, its data at 45 */
	0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 11, 1, 'a', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0,
	/* a.example A */
	0xc0, 45, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7,
	/* a.example AAAA */
	0xc0, 45, 0, 28, 0, 1, 0, 0, 0, 60, 0, 16,
	0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7,
};
