/* SPDX-License-Identifier: Apache-2.0 */
/* dns - reads the answer of a name server: what was asked, what came of it, which addresses.
 * Source: RFC 1035 section 4, RFC 3596 (AAAA).  Bounded: a message of any bytes is read in time
 * linear in DNS_RECORDS_MAX, pointers only go backwards.
 * Thread: any.  Memory: none. */
#pragma once
#include "lib/util.h"

enum {
	DNS_NAME_BYTES = 1024,	/* a name as text, escapes and NUL included */
	DNS_ADDRESSES_MAX = 32, /* kept of one answer */
	DNS_RECORDS_MAX = 128,	/* looked at in one answer */
};

struct dns_address {
	uint8_t address[16]; /* network order; IPv4: the first 4 bytes */
	bool v6;
	uint32_t ttl_s;
};

struct dns_answer {
	char name[DNS_NAME_BYTES]; /* of the question: lower case, without the last dot; "." the
				    * root; bytes that are no printing ASCII, dots and backslashes
				    * inside a label as \DDD */
	size_t n_name;
	uint16_t type;	/* of the question */
	uint16_t rcode; /* of the header */
	struct dns_address addresses[DNS_ADDRESSES_MAX];
	size_t n_addresses;
};

enum { DNS_E_NO_ANSWER = 1 }; /* a query, or an answer without exactly one question */

/* Reads the message @data of @n bytes.  One that was cut gives the addresses before the cut.
 * Returns 0, DNS_E_NO_ANSWER or -EBADMSG (header or question are broken); *ret is then undefined.
 */
NODISCARD int dns_read(struct dns_answer *ret, const uint8_t *data, size_t n);

/* "AAAA" for 28, "NXDOMAIN" for 3; NULL for a number without a name here. */
const char *dns_type_name(uint16_t type);
const char *dns_rcode_name(uint16_t rcode);
