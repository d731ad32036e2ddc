/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/http_tls.h"

#include <gnutls/abstract.h>

enum { CHAIN_MOST = 8 };

struct pair {
	gnutls_pcert_st chain[CHAIN_MOST];
	unsigned n;
	gnutls_privkey_t key;
};

static struct pair now, before;

static void pair_clear(struct pair *p)
{
	for (unsigned i = 0; i < p->n; i++)
		gnutls_pcert_deinit(&p->chain[i]);
	if (p->key)
		gnutls_privkey_deinit(p->key);
	memset(p, 0, sizeof(*p));
}

static gnutls_datum_t datum(const char *text)
{
	return (gnutls_datum_t){ (unsigned char *)(uintptr_t)text, (unsigned)strlen(text) };
}

static int wrong(struct diag *d, const char *what, int e)
{
	return e == GNUTLS_E_MEMORY_ERROR
		       ? err_origin(-ENOMEM)
		       : diag_set(d, -EINVAL, 0, 0, "%s: %s", what, gnutls_strerror(e));
}

/* GnuTLS itself finds whether they belong together. */
static int check(const gnutls_datum_t *cert, const gnutls_datum_t *key, struct diag *d)
{
	gnutls_certificate_credentials_t both;
	int e = gnutls_certificate_allocate_credentials(&both);

	if (e < 0)
		return wrong(d, "certificate", e);
	e = gnutls_certificate_set_x509_key_mem(both, cert, key, GNUTLS_X509_FMT_PEM);
	gnutls_certificate_free_credentials(both);
	return e < 0 ? wrong(d, "the certificate and its key", e) : 0;
}

static int load(struct pair *p, const gnutls_datum_t *cert, const gnutls_datum_t *key,
		struct diag *d)
{
	unsigned n = CHAIN_MOST;
	int e = gnutls_pcert_list_import_x509_raw(p->chain, &n, cert, GNUTLS_X509_FMT_PEM, 0);

	if (e < 0)
		return wrong(d, "the certificate", e);
	p->n = n;
	e = gnutls_privkey_init(&p->key);
	if (e >= 0)
		e = gnutls_privkey_import_x509_raw(p->key, key, GNUTLS_X509_FMT_PEM, NULL, 0);
	return e < 0 ? wrong(d, "the key", e) : 0;
}

int http_tls_set(const char *cert, const char *key, struct diag *d)
{
	const gnutls_datum_t cert_text = datum(cert), key_text = datum(key);
	struct pair p = { 0 };
	int r = check(&cert_text, &key_text, d);

	if (r == 0)
		r = load(&p, &cert_text, &key_text, d);
	if (r < 0) {
		pair_clear(&p);
		return r;
	}
	pair_clear(&before);
	before = now;
	now = p;
	return 0;
}

void http_tls_clear(void)
{
	pair_clear(&before);
	pair_clear(&now);
}

static int retrieve(gnutls_session_t session, const gnutls_datum_t *names, int n_names,
		    const gnutls_pk_algorithm_t *algorithms, int n_algorithms,
		    gnutls_pcert_st **ret_chain, unsigned *ret_n, gnutls_privkey_t *ret_key)
{
	(void)session, (void)names, (void)n_names, (void)algorithms, (void)n_algorithms;
	*ret_chain = now.chain;
	*ret_n = now.n;
	*ret_key = now.key;
	return now.n ? 0 : -1;
}

void *http_tls_callback(void)
{
	union {
		gnutls_certificate_retrieve_function2 *function;
		void *pointer;
	} callback = { .function = retrieve };

	return callback.pointer;
}
