/* SPDX-License-Identifier: Apache-2.0 */
/* Making keys, requests and certificates. */
#include <sys/random.h>
#include <time.h>

#include <mbedtls/asn1write.h>
#include <mbedtls/oid.h>

#include "lib/cert_internal.h"

#define DAY_NS UINT64_C(86400000000000)

enum {
	NAME_BYTES = 256,
	SERIAL_BYTES = CERT_SERIAL_CHARS / 2,
	TAG_DNS = MBEDTLS_ASN1_CONTEXT_SPECIFIC | 2,
	TAG_ADDRESS = MBEDTLS_ASN1_CONTEXT_SPECIFIC | 7,
	EARLY_S = 300, /* good before now: clocks differ */
};

/* ExtKeyUsageSyntax (RFC 5280, 4.2.1.12) with one purpose: id-kp-serverAuth, id-kp-clientAuth. */
static const unsigned char for_server[] = { 0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06,
					    0x01, 0x05, 0x05, 0x07, 0x03, 0x01 };
static const unsigned char for_client[] = { 0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06,
					    0x01, 0x05, 0x05, 0x07, 0x03, 0x02 };

struct cert_issuer {
	mbedtls_x509_crt crt;
	mbedtls_pk_context key;
	struct cert cert;
	char name[NAME_BYTES]; /* its subject as mbed TLS writes it */
	char pem[CERT_PEM_BYTES];
};

bool cert_random_bytes(void *to, size_t n)
{
	uint8_t *at = to;

	while (n) {
		ssize_t got = getrandom(at, MIN(n, (size_t)256), 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		at += got;
		n -= (size_t)got;
	}
	return true;
}

/* ---- keys ---- */

static int make_key(mbedtls_pk_context *k, char ret_pem[CERT_PEM_BYTES])
{
	if (mbedtls_pk_setup(k, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)) != 0)
		return err_origin(-ENOMEM);
	if (mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*k), cert_random, NULL) !=
		    0 ||
	    mbedtls_pk_write_key_pem(k, (unsigned char *)ret_pem, CERT_PEM_BYTES) != 0)
		return err_origin(-EIO);
	return 0;
}

int cert_key_new(char ret_pem[CERT_PEM_BYTES])
{
	mbedtls_pk_context k;
	int r;

	mbedtls_pk_init(&k);
	r = make_key(&k, ret_pem);
	mbedtls_pk_free(&k);
	return r;
}

int cert_key_parse(mbedtls_pk_context *to, const char *pem, struct diag *d)
{
	if (mbedtls_pk_parse_key(to, (const unsigned char *)pem, strlen(pem) + 1, NULL, 0) == 0)
		return 0;
	return diag_set(d, err_origin(-EINVAL), 0, 0, "not a private key in PEM form");
}

/* ---- what is signed ---- */

/* One certificate to be. */
struct draft {
	mbedtls_pk_context *subject_key, *issuer_key;
	const char *subject, *issuer; /* names as mbed TLS reads them */
	enum cert_kind kind;
	const char *const *names;
	size_t n_names;
	uint64_t now_ns;
	uint32_t days;
};

static void date(uint64_t ns, char ret[16])
{
	time_t seconds = (time_t)(ns / 1000000000u);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(ret, 16, "%Y%m%d%H%M%S", &tm);
}

static int set_validity(mbedtls_x509write_cert *w, const struct draft *t)
{
	char from[16], until[16];

	date(t->now_ns - MIN(t->now_ns, (uint64_t)EARLY_S * 1000000000u), from);
	date(t->now_ns + t->days * DAY_NS, until);
	return mbedtls_x509write_crt_set_validity(w, from, until);
}

/* 127 random bits that are not small: always SERIAL_BYTES bytes. */
static int set_serial(mbedtls_x509write_cert *w)
{
	uint8_t bytes[SERIAL_BYTES];
	mbedtls_mpi serial;
	int e = MBEDTLS_ERR_X509_FATAL_ERROR;

	mbedtls_mpi_init(&serial);
	if (cert_random_bytes(bytes, sizeof(bytes))) {
		bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40);
		e = mbedtls_mpi_read_binary(&serial, bytes, sizeof(bytes));
	}
	if (e == 0)
		e = mbedtls_x509write_crt_set_serial(w, &serial);
	mbedtls_mpi_free(&serial);
	return e;
}

/* One name, written backwards from *p.  Returns its length or an error of mbed TLS. */
static int write_name(unsigned char **p, unsigned char *start, const char *name)
{
	uint8_t address[16];
	size_t n = cert_name_bytes(name, address), length;
	const unsigned char *bytes = n ? address : (const unsigned char *)name;
	unsigned char tag = n ? TAG_ADDRESS : TAG_DNS;
	int e;

	n = n ? n : strlen(name);
	e = mbedtls_asn1_write_raw_buffer(p, start, bytes, n);
	if (e < 0)
		return e;
	length = n;
	e = mbedtls_asn1_write_len(p, start, n);
	if (e < 0)
		return e;
	length += (size_t)e;
	e = mbedtls_asn1_write_tag(p, start, tag);
	return e < 0 ? e : (int)(length + (size_t)e);
}

/* SubjectAltName (RFC 5280, 4.2.1.6). */
static int set_names(mbedtls_x509write_cert *w, const struct draft *t)
{
	unsigned char bytes[2048], *p = bytes + sizeof(bytes);
	size_t n = 0;
	int e;

	for (size_t i = 0; i < t->n_names; i++) {
		e = write_name(&p, bytes, t->names[i]);
		if (e < 0)
			return e;
		n += (size_t)e;
	}
	e = mbedtls_asn1_write_len(&p, bytes, n);
	if (e < 0)
		return e;
	e = mbedtls_asn1_write_tag(&p, bytes, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE);
	if (e < 0)
		return e;
	return mbedtls_x509write_crt_set_extension(w, MBEDTLS_OID_SUBJECT_ALT_NAME,
						   MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_ALT_NAME),
						   0, p, (size_t)(bytes + sizeof(bytes) - p));
}

static int set_purpose(mbedtls_x509write_cert *w, const struct draft *t)
{
	const unsigned char *purpose = t->kind == CERT_NODE ? for_client : for_server;
	bool is_ca = t->kind == CERT_CA;
	int e = mbedtls_x509write_crt_set_basic_constraints(w, is_ca, is_ca ? 0 : -1);

	if (e == 0)
		e = mbedtls_x509write_crt_set_key_usage(
			w, is_ca ? MBEDTLS_X509_KU_KEY_CERT_SIGN | MBEDTLS_X509_KU_CRL_SIGN
				 : MBEDTLS_X509_KU_DIGITAL_SIGNATURE);
	if (e == 0 && !is_ca)
		e = mbedtls_x509write_crt_set_extension(
			w, MBEDTLS_OID_EXTENDED_KEY_USAGE,
			MBEDTLS_OID_SIZE(MBEDTLS_OID_EXTENDED_KEY_USAGE), 0, purpose,
			sizeof(for_server));
	if (e == 0 && t->n_names)
		e = set_names(w, t);
	return e;
}

static int write_draft(mbedtls_x509write_cert *w, const struct draft *t, char *ret_pem)
{
	int e;

	mbedtls_x509write_crt_set_version(w, MBEDTLS_X509_CRT_VERSION_3);
	mbedtls_x509write_crt_set_md_alg(w, MBEDTLS_MD_SHA256);
	mbedtls_x509write_crt_set_subject_key(w, t->subject_key);
	mbedtls_x509write_crt_set_issuer_key(w, t->issuer_key);
	e = mbedtls_x509write_crt_set_subject_name(w, t->subject);
	if (e == 0)
		e = mbedtls_x509write_crt_set_issuer_name(w, t->issuer);
	if (e == 0)
		e = set_serial(w);
	if (e == 0)
		e = set_validity(w, t);
	if (e == 0)
		e = set_purpose(w, t);
	if (e == 0)
		e = mbedtls_x509write_crt_set_subject_key_identifier(w);
	if (e == 0)
		e = mbedtls_x509write_crt_set_authority_key_identifier(w);
	if (e == 0)
		e = mbedtls_x509write_crt_pem(w, (unsigned char *)ret_pem, CERT_PEM_BYTES,
					      cert_random, NULL);
	return e;
}

static int sign(const struct draft *t, char ret_pem[CERT_PEM_BYTES], struct diag *d)
{
	mbedtls_x509write_cert w;
	int e;

	mbedtls_x509write_crt_init(&w);
	e = write_draft(&w, t, ret_pem);
	mbedtls_x509write_crt_free(&w);
	if (e == 0)
		return 0;
	return diag_set(d, err_origin(-EIO), 0, 0,
			"the certificate cannot be made (mbed TLS: -0x%x)", (unsigned)-e);
}

int cert_ca_new(const char *key, uint64_t now_ns, uint32_t days, char ret_pem[CERT_PEM_BYTES],
		struct diag *d)
{
	struct draft t = { .kind = CERT_CA, .now_ns = now_ns, .days = days };
	mbedtls_pk_context k;
	uint32_t number;
	char name[64];
	int r;

	if (!cert_random_bytes(&number, sizeof(number)))
		return diag_set(d, err_origin(-EIO), 0, 0, "no random bytes");
	snprintf(name, sizeof(name), "CN=rtsec CA %08x", number);
	mbedtls_pk_init(&k);
	r = cert_key_parse(&k, key, d);
	t.subject_key = t.issuer_key = &k;
	t.subject = t.issuer = name;
	if (r == 0)
		r = sign(&t, ret_pem, d);
	mbedtls_pk_free(&k);
	return r;
}

/* ---- requests ---- */

static int write_request(mbedtls_pk_context *k, const char *subject, char *ret_pem)
{
	mbedtls_x509write_csr w;
	int e;

	mbedtls_x509write_csr_init(&w);
	mbedtls_x509write_csr_set_md_alg(&w, MBEDTLS_MD_SHA256);
	mbedtls_x509write_csr_set_key(&w, k);
	e = mbedtls_x509write_csr_set_subject_name(&w, subject);
	if (e == 0)
		e = mbedtls_x509write_csr_pem(&w, (unsigned char *)ret_pem, CERT_PEM_BYTES,
					      cert_random, NULL);
	mbedtls_x509write_csr_free(&w);
	return e;
}

int cert_request_new(const char *key, const char *node_id, char ret_pem[CERT_PEM_BYTES],
		     struct diag *d)
{
	char subject[NAME_BYTES];
	mbedtls_pk_context k;
	int r;

	if (!cert_node_id_fits(node_id))
		return diag_set(d, err_origin(-EINVAL), 0, 0,
				"the node id '%s' cannot stand in a certificate: expected 1 to %d "
				"letters, digits and . _ - : @ (see --node-id)",
				node_id, LIMIT_NODE_ID_BYTES);
	snprintf(subject, sizeof(subject), "CN=" CERT_NODE_PREFIX "%s", node_id);
	mbedtls_pk_init(&k);
	r = cert_key_parse(&k, key, d);
	if (r == 0 && write_request(&k, subject, ret_pem) != 0)
		r = diag_set(d, err_origin(-EIO), 0, 0, "the request cannot be made");
	mbedtls_pk_free(&k);
	return r;
}

/* ---- the issuer ---- */

struct cert_issuer *cert_issuer_free(struct cert_issuer *i)
{
	if (!i)
		return NULL;
	mbedtls_x509_crt_free(&i->crt);
	mbedtls_pk_free(&i->key);
	free(i);
	return NULL;
}

const char *cert_issuer_pem(const struct cert_issuer *i)
{
	return i->pem;
}

const struct cert *cert_issuer_cert(const struct cert_issuer *i)
{
	return &i->cert;
}

int cert_issuer_new(struct cert_issuer **ret, const char *ca, const char *key, struct diag *d)
{
	AUTO(cert_issuer) *i = calloc(1, sizeof(*i));
	int r;

	if (!i)
		return err_origin(-ENOMEM);
	mbedtls_x509_crt_init(&i->crt);
	mbedtls_pk_init(&i->key);
	r = cert_parse(&i->crt, ca, d);
	if (r == 0)
		r = cert_key_parse(&i->key, key, d);
	if (r < 0)
		return -EINVAL;
	if (cert_fill(&i->cert, &i->crt) < 0 || i->cert.kind != CERT_CA ||
	    !cert_fits_key(ca, key) || strlen(ca) >= sizeof(i->pem) ||
	    mbedtls_x509_dn_gets(i->name, sizeof(i->name), &i->crt.subject) < 0)
		return diag_set(d, err_origin(-EINVAL), 0, 0,
				"not the certificate of a CA and its private key");
	snprintf(i->pem, sizeof(i->pem), "%s", ca);
	*ret = TAKE(i);
	return 0;
}

static mbedtls_pk_context *key_of(const struct cert_issuer *i)
{
	union {
		const mbedtls_pk_context *in;
		mbedtls_pk_context *out;
	} key = { .in = &i->key }; /* mbed TLS lacks const */

	return key.out;
}

int cert_issue_collector(const struct cert_issuer *i, const char *key, const char *const *names,
			 size_t n_names, uint64_t now_ns, uint32_t days,
			 char ret_pem[CERT_PEM_BYTES], struct diag *d)
{
	const char *all[CERT_NAMES + 1] = { CERT_COLLECTOR_NAME };
	struct draft t = { .issuer_key = key_of(i),
			   .issuer = i->name,
			   .subject = "CN=" CERT_COLLECTOR_NAME,
			   .kind = CERT_COLLECTOR,
			   .names = all,
			   .n_names = 1 + MIN(n_names, (size_t)CERT_NAMES),
			   .now_ns = now_ns,
			   .days = days };
	mbedtls_pk_context k;
	int r;

	for (size_t n = 1; n < t.n_names; n++)
		all[n] = names[n - 1];
	mbedtls_pk_init(&k);
	r = cert_key_parse(&k, key, d);
	t.subject_key = &k;
	if (r == 0)
		r = sign(&t, ret_pem, d);
	mbedtls_pk_free(&k);
	return r;
}

int cert_issue_node(const struct cert_issuer *i, const char *request, uint64_t now_ns,
		    uint32_t days, char ret_pem[CERT_PEM_BYTES], struct cert *ret, struct diag *d)
{
	char node_id[LIMIT_NODE_ID_BYTES + 1], subject[NAME_BYTES];
	struct draft t = { .issuer_key = key_of(i),
			   .issuer = i->name,
			   .subject = subject,
			   .kind = CERT_NODE,
			   .now_ns = now_ns,
			   .days = days };
	mbedtls_x509_csr q;
	int r;

	mbedtls_x509_csr_init(&q);
	r = cert_request_parse(&q, request, node_id, d);
	if (r == 0) {
		snprintf(subject, sizeof(subject), "CN=" CERT_NODE_PREFIX "%s", node_id);
		t.subject_key = &q.pk;
		r = sign(&t, ret_pem, d);
	}
	mbedtls_x509_csr_free(&q);
	return r < 0 ? r : cert_read(ret_pem, ret, d);
}
