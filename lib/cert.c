/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and checking; cert_issue.c makes. */
#include "lib/cert.h"

#include <arpa/inet.h>
#include <time.h>

#include <mbedtls/oid.h>

#include "lib/cert_internal.h"

int cert_random(void *unused, unsigned char *to, size_t n)
{
	(void)unused;
	return cert_random_bytes(to, n) ? 0 : MBEDTLS_ERR_X509_FATAL_ERROR;
}

/* SHA-256. */
static int hash_of(const void *data, size_t n, uint8_t ret[32])
{
	const mbedtls_md_info_t *info = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);

	return info && mbedtls_md(info, data, n, ret) == 0 ? 0 : err_origin(-EIO);
}

static void to_hex(const uint8_t *bytes, size_t n, char *to)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*to++ = digits[bytes[i] >> 4];
		*to++ = digits[bytes[i] & 15];
	}
	*to = 0;
}

bool cert_node_id_fits(const char *id)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-:@";
	size_t n = strspn(id, allowed);

	return n > 0 && n <= LIMIT_NODE_ID_BYTES && id[n] == '\0';
}

/* ---- parsing ---- */

int cert_parse(mbedtls_x509_crt *to, const char *pem, struct diag *d)
{
	if (mbedtls_x509_crt_parse(to, (const unsigned char *)pem, strlen(pem) + 1) == 0)
		return 0;
	return diag_set(d, err_origin(-EBADMSG), 0, 0, "not a certificate in PEM form");
}

/* The text of CN in @name.  NULL: it has none. */
static const mbedtls_x509_buf *common_name(const mbedtls_x509_name *name)
{
	for (; name; name = name->next)
		if (MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &name->oid) == 0)
			return &name->val;
	return NULL;
}

/* The node that a subject names.  Returns 0 or -EBADMSG. */
static int node_of(const mbedtls_x509_name *subject, char ret[LIMIT_NODE_ID_BYTES + 1])
{
	const size_t n_prefix = sizeof(CERT_NODE_PREFIX) - 1;
	const mbedtls_x509_buf *cn = common_name(subject);

	ret[0] = 0;
	if (!cn || cn->len <= n_prefix || cn->len - n_prefix > LIMIT_NODE_ID_BYTES ||
	    memcmp(cn->p, CERT_NODE_PREFIX, n_prefix) != 0)
		return err_origin(-EBADMSG);
	memcpy(ret, cn->p + n_prefix, cn->len - n_prefix);
	ret[cn->len - n_prefix] = 0;
	return strlen(ret) == cn->len - n_prefix && cert_node_id_fits(ret) ? 0
									   : err_origin(-EBADMSG);
}

static uint64_t time_of(const mbedtls_x509_time *t)
{
	struct tm tm = { .tm_year = t->year - 1900,
			 .tm_mon = t->mon - 1,
			 .tm_mday = t->day,
			 .tm_hour = t->hour,
			 .tm_min = t->min,
			 .tm_sec = t->sec };
	time_t seconds = timegm(&tm);

	if (seconds < 0)
		return 0;
	return (uint64_t)seconds > UINT64_MAX / 1000000000u ? UINT64_MAX
							    : (uint64_t)seconds * 1000000000u;
}

static bool has_purpose(const mbedtls_x509_crt *c, const char *oid, size_t n)
{
	return c->ext_types & MBEDTLS_X509_EXT_EXTENDED_KEY_USAGE &&
	       mbedtls_x509_crt_check_extended_key_usage(c, oid, n) == 0;
}

/* Fills what @c says.  Returns 0 or -EBADMSG: it is none of ours. */
int cert_fill(struct cert *ret, const mbedtls_x509_crt *c)
{
	uint8_t hash[32];

	memset(ret, 0, sizeof(*ret));
	if (hash_of(c->raw.p, c->raw.len, hash) < 0 || c->serial.len == 0 ||
	    c->serial.len > CERT_SERIAL_CHARS / 2)
		return err_origin(-EBADMSG);
	to_hex(hash, sizeof(hash), ret->fingerprint);
	to_hex(c->serial.p, c->serial.len, ret->serial);
	ret->from_ns = time_of(&c->valid_from);
	ret->until_ns = time_of(&c->valid_to);
	if (c->ca_istrue)
		ret->kind = CERT_CA;
	else if (has_purpose(c, MBEDTLS_OID_CLIENT_AUTH, MBEDTLS_OID_SIZE(MBEDTLS_OID_CLIENT_AUTH)))
		ret->kind = CERT_NODE;
	else if (has_purpose(c, MBEDTLS_OID_SERVER_AUTH, MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)))
		ret->kind = CERT_COLLECTOR;
	else
		return err_origin(-EBADMSG);
	return ret->kind == CERT_NODE ? node_of(&c->subject, ret->node_id) : 0;
}

static int read_parsed(const mbedtls_x509_crt *c, struct cert *ret, struct diag *d)
{
	int r = cert_fill(ret, c);

	return r < 0 ? diag_set(d, r, 0, 0, "a certificate that is not rtsec's") : 0;
}

int cert_read(const char *pem, struct cert *ret, struct diag *d)
{
	mbedtls_x509_crt c;
	int r;

	mbedtls_x509_crt_init(&c);
	r = cert_parse(&c, pem, d);
	if (r == 0)
		r = read_parsed(&c, ret, d);
	mbedtls_x509_crt_free(&c);
	return r;
}

int cert_read_der(const void *der, size_t n, struct cert *ret, struct diag *d)
{
	mbedtls_x509_crt c;
	int r = 0;

	mbedtls_x509_crt_init(&c);
	if (mbedtls_x509_crt_parse_der(&c, der, n) != 0)
		r = diag_set(d, err_origin(-EBADMSG), 0, 0, "not a certificate in DER form");
	if (r == 0)
		r = read_parsed(&c, ret, d);
	mbedtls_x509_crt_free(&c);
	return r;
}

/* ---- checking ---- */

/* The machine's clock is mbed TLS's; ours is @now_ns. */
static int check_parsed(mbedtls_x509_crt *c, mbedtls_x509_crt *ca, uint64_t now_ns,
			struct cert *ret, struct diag *d)
{
	const uint32_t dates = MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE;
	uint32_t flags = 0;
	int r = read_parsed(c, ret, d), e;

	if (r < 0)
		return r;
	e = mbedtls_x509_crt_verify(c, ca, NULL, NULL, &flags, NULL, NULL);
	if ((e != 0 && e != MBEDTLS_ERR_X509_CERT_VERIFY_FAILED) || flags & ~dates)
		return diag_set(d, err_origin(-EACCES), 0, 0,
				"the certificate is not signed by this collector's CA");
	if (now_ns < ret->from_ns)
		return diag_set(d, err_origin(-EACCES), 0, 0, "the certificate is not good yet");
	if (now_ns > ret->until_ns)
		return diag_set(d, err_origin(-EACCES), 0, 0, "the certificate has expired");
	return 0;
}

int cert_check(const char *pem, const char *ca, uint64_t now_ns, struct cert *ret, struct diag *d)
{
	mbedtls_x509_crt c, trusted;
	int r;

	mbedtls_x509_crt_init(&c);
	mbedtls_x509_crt_init(&trusted);
	r = cert_parse(&c, pem, d);
	if (r == 0)
		r = cert_parse(&trusted, ca, d);
	if (r == 0)
		r = check_parsed(&c, &trusted, now_ns, ret, d);
	mbedtls_x509_crt_free(&trusted);
	mbedtls_x509_crt_free(&c);
	return r;
}

/* ---- requests ---- */

/* mbed TLS reads a request without checking that its key signed it. */
static bool signed_by_itself(mbedtls_x509_csr *q)
{
	uint8_t hash[32];

	return q->sig_md == MBEDTLS_MD_SHA256 && hash_of(q->cri.p, q->cri.len, hash) == 0 &&
	       mbedtls_pk_verify_ext(q->sig_pk, q->sig_opts, &q->pk, q->sig_md, hash, sizeof(hash),
				     q->sig.p, q->sig.len) == 0;
}

int cert_request_parse(mbedtls_x509_csr *q, const char *pem,
		       char ret_node_id[LIMIT_NODE_ID_BYTES + 1], struct diag *d)
{
	if (mbedtls_x509_csr_parse(q, (const unsigned char *)pem, strlen(pem) + 1) != 0)
		return diag_set(d, err_origin(-EBADMSG), 0, 0,
				"not a certificate signing request in PEM form");
	if (!mbedtls_pk_can_do(&q->pk, MBEDTLS_PK_ECDSA) || mbedtls_pk_get_bitlen(&q->pk) != 256)
		return diag_set(d, err_origin(-EBADMSG), 0, 0,
				"the request's key is not of the kind expected (ECDSA, 256 bits)");
	if (!signed_by_itself(q))
		return diag_set(d, err_origin(-EBADMSG), 0, 0,
				"the request is not signed by its own key");
	if (node_of(&q->subject, ret_node_id) < 0)
		return diag_set(d, err_origin(-EBADMSG), 0, 0, "the request names no node");
	return 0;
}

int cert_request_read(const char *request, char ret_node_id[LIMIT_NODE_ID_BYTES + 1],
		      struct diag *d)
{
	mbedtls_x509_csr q;
	int r;

	mbedtls_x509_csr_init(&q);
	r = cert_request_parse(&q, request, ret_node_id, d);
	mbedtls_x509_csr_free(&q);
	return r;
}

/* ---- what belongs together ---- */

static bool same_key(const mbedtls_pk_context *a, const mbedtls_pk_context *b)
{
	unsigned char x[512], y[512];
	int n, m;

	union {
		const mbedtls_pk_context *in;
		mbedtls_pk_context *out;
	} p = { .in = a }, q = { .in = b }; /* mbed TLS lacks const */

	n = mbedtls_pk_write_pubkey_der(p.out, x, sizeof(x)); /* to the end of the buffer */
	m = mbedtls_pk_write_pubkey_der(q.out, y, sizeof(y));
	return n > 0 && n == m && memcmp(x + sizeof(x) - n, y + sizeof(y) - n, (size_t)n) == 0;
}

bool cert_fits_request(const char *pem, const char *request)
{
	char node_id[LIMIT_NODE_ID_BYTES + 1];
	mbedtls_x509_crt c;
	mbedtls_x509_csr q;
	bool fits;

	mbedtls_x509_crt_init(&c);
	mbedtls_x509_csr_init(&q);
	fits = cert_parse(&c, pem, NULL) == 0 &&
	       cert_request_parse(&q, request, node_id, NULL) == 0 && same_key(&c.pk, &q.pk);
	mbedtls_x509_csr_free(&q);
	mbedtls_x509_crt_free(&c);
	return fits;
}

bool cert_fits_key(const char *pem, const char *key)
{
	mbedtls_x509_crt c;
	mbedtls_pk_context k;
	bool fits;

	mbedtls_x509_crt_init(&c);
	mbedtls_pk_init(&k);
	fits = cert_parse(&c, pem, NULL) == 0 && cert_key_parse(&k, key, NULL) == 0 &&
	       same_key(&c.pk, &k);
	mbedtls_pk_free(&k);
	mbedtls_x509_crt_free(&c);
	return fits;
}

static bool has_name(const mbedtls_x509_crt *c, const char *name)
{
	uint8_t address[16];
	size_t n = cert_name_bytes(name, address);
	const void *bytes = n ? (const void *)address : name;

	n = n ? n : strlen(name);
	for (const mbedtls_x509_sequence *s = &c->subject_alt_names; s; s = s->next)
		if (s->buf.len == n && memcmp(s->buf.p, bytes, n) == 0)
			return true;
	return false;
}

bool cert_has_names(const char *pem, const char *const *names, size_t n_names)
{
	mbedtls_x509_crt c;
	bool all;

	mbedtls_x509_crt_init(&c);
	all = cert_parse(&c, pem, NULL) == 0;
	for (size_t i = 0; i < n_names && all; i++)
		all = has_name(&c, names[i]);
	mbedtls_x509_crt_free(&c);
	return all;
}

size_t cert_name_bytes(const char *name, uint8_t ret[16])
{
	if (inet_pton(AF_INET, name, ret) == 1)
		return 4;
	return inet_pton(AF_INET6, name, ret) == 1 ? 16 : 0;
}
