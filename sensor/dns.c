/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/dns.h"

#include <ctype.h>

enum {
	HEADER_BYTES = 12,
	QUESTION_BYTES = 4, /* type and class */
	RECORD_BYTES = 10,  /* type, class, TTL, length */
	IS_ANSWER = 0x8000, /* flags of the header */
	OPCODE = 0x7800,
	RCODE = 0xf,
	LABEL_BYTES = 63,
	POINTER = 0xc0,
	CLASS_IN = 1,
	TYPE_A = 1,
	TYPE_AAAA = 28,
	NAME_WIRE_BYTES = 255,
};

/* A message and how far it was read. */
struct reader {
	const uint8_t *data;
	size_t n, at;
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static const uint8_t *take(struct reader *r, size_t n)
{
	const uint8_t *p = r->data + r->at;

	if (n > r->n - r->at)
		return NULL;
	r->at += n;
	return p;
}

/* ---- names ---- */

static size_t put_byte(char *to, uint8_t byte)
{
	if (isgraph(byte) && byte < 0x80 && byte != '.' && byte != '\\') {
		*to = (char)tolower(byte);
		return 1;
	}
	to[0] = '\\';
	to[1] = (char)('0' + byte / 100);
	to[2] = (char)('0' + byte / 10 % 10);
	to[3] = (char)('0' + byte % 10);
	return 4;
}

/* Goes over a name; at its end @r stands behind it.  @ret (DNS_NAME_BYTES) NULL: nobody wants the
 * text. Returns 0 or -EBADMSG. */
static int read_name(struct reader *r, char *ret, size_t *ret_n)
{
	size_t at = r->at, lowest = r->at, wire = 0, n = 0;
	bool jumped = false;

	for (;;) {
		uint8_t length;

		if (at >= r->n)
			return -EBADMSG;
		length = r->data[at];
		if ((length & POINTER) == POINTER) {
			if (at + 2 > r->n)
				return -EBADMSG;
			if (!jumped)
				r->at = at + 2;
			jumped = true;
			at = get16(r->data + at) & 0x3fff;
			if (at >= lowest) /* only backwards: it ends */
				return -EBADMSG;
			lowest = at;
			continue;
		}
		wire += length + 1u;
		if (length > LABEL_BYTES || wire > NAME_WIRE_BYTES || length >= r->n - at)
			return -EBADMSG;
		if (length == 0)
			break;
		if (ret && n)
			ret[n++] = '.';
		for (size_t i = 1; ret && i <= length; i++)
			n += put_byte(ret + n, r->data[at + i]);
		at += length + 1u;
	}
	if (!jumped)
		r->at = at + 1;
	if (ret && n == 0)
		ret[n++] = '.';
	if (ret) {
		ret[n] = 0;
		*ret_n = n;
	}
	return 0;
}

/* ---- records ---- */

/* Returns false when the message ends within the record or the name is broken. */
static bool read_record(struct reader *r, struct dns_answer *ret)
{
	const uint8_t *fixed, *data;
	struct dns_address *a;
	uint16_t type, bytes;

	if (read_name(r, NULL, NULL) < 0)
		return false;
	fixed = take(r, RECORD_BYTES);
	if (!fixed)
		return false;
	type = get16(fixed);
	bytes = get16(fixed + 8);
	data = take(r, bytes);
	if (!data)
		return false;
	if (get16(fixed + 2) != CLASS_IN || ret->n_addresses == DNS_ADDRESSES_MAX ||
	    !((type == TYPE_A && bytes == 4) || (type == TYPE_AAAA && bytes == 16)))
		return true;
	a = &ret->addresses[ret->n_addresses++];
	*a = (struct dns_address){ .v6 = type == TYPE_AAAA, .ttl_s = get32(fixed + 4) };
	memcpy(a->address, data, bytes);
	return true;
}

int dns_read(struct dns_answer *ret, const uint8_t *data, size_t n)
{
	struct reader r = { data, n, 0 };
	const uint8_t *header = take(&r, HEADER_BYTES), *question;
	uint16_t flags, n_records;

	if (!header)
		return err_origin(-EBADMSG);
	flags = get16(header + 2);
	if (!(flags & IS_ANSWER) || (flags & OPCODE) || get16(header + 4) != 1)
		return DNS_E_NO_ANSWER;
	ret->rcode = flags & RCODE;
	ret->n_addresses = 0;
	if (read_name(&r, ret->name, &ret->n_name) < 0)
		return err_origin(-EBADMSG);
	question = take(&r, QUESTION_BYTES);
	if (!question)
		return err_origin(-EBADMSG);
	ret->type = get16(question);
	n_records = get16(header + 6);
	for (size_t i = 0; i < MIN(n_records, (uint16_t)DNS_RECORDS_MAX); i++)
		if (!read_record(&r, ret))
			break;
	return 0;
}

/* ---- words ---- */

const char *dns_type_name(uint16_t type)
{
	static const char *const names[] = {
		[1] = "A",	[2] = "NS",	[5] = "CNAME",	 [6] = "SOA",	 [10] = "NULL",
		[12] = "PTR",	[13] = "HINFO", [15] = "MX",	 [16] = "TXT",	 [28] = "AAAA",
		[33] = "SRV",	[35] = "NAPTR", [39] = "DNAME",	 [43] = "DS",	 [44] = "SSHFP",
		[46] = "RRSIG", [47] = "NSEC",	[48] = "DNSKEY", [50] = "NSEC3", [52] = "TLSA",
		[64] = "SVCB",	[65] = "HTTPS", [99] = "SPF",	 [251] = "IXFR", [252] = "AXFR",
		[255] = "ANY",
	};

	return type < ARRAY_SIZE(names) ? names[type] : NULL;
}

const char *dns_rcode_name(uint16_t rcode)
{
	static const char *const names[] = { "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
					     "NOTIMP",	"REFUSED", "YXDOMAIN", "YXRRSET",
					     "NXRRSET", "NOTAUTH", "NOTZONE" };

	return rcode < ARRAY_SIZE(names) ? names[rcode] : NULL;
}
