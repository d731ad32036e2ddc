/* SPDX-License-Identifier: Apache-2.0 */
/* cert - keys and X.509 certificates of a fleet, on mbed TLS: the CA of a collector, the
 * collector's own certificate, and the certificates of its nodes.
 *
 * All keys are ECDSA on P-256.  A node's id stands in its subject as CN=node:ID, and its key serves
 * as a client's only; the collector's certificate is for CERT_COLLECTOR_NAME, a server's only: so
 * that no node can pass for the collector, whatever it is called.
 * Thread: any, an object has one owner at a time.  Memory: PEM texts are the caller's buffers. */
#pragma once
#include "lib/diag.h"
#include "lib/limits.h"

#define CERT_COLLECTOR_NAME "rtsec-collector"

enum {
	CERT_PEM_BYTES = 4096,
	CERT_SERIAL_CHARS = 32, /* 128 bits in hex */
	CERT_HASH_CHARS = 64,	/* SHA-256 in hex */
	CERT_NAMES = 32,	/* alternative names of a collector */
};

enum cert_kind { CERT_CA, CERT_COLLECTOR, CERT_NODE };

/* What a certificate says. */
struct cert {
	enum cert_kind kind;
	char node_id[LIMIT_NODE_ID_BYTES + 1]; /* of CERT_NODE, else "" */
	char serial[CERT_SERIAL_CHARS + 1];    /* hex digits, unique under its CA */
	char fingerprint[CERT_HASH_CHARS + 1]; /* SHA-256 of the certificate, hex digits */
	uint64_t from_ns, until_ns;	       /* since 1970 */
};

/* True for what may stand as a node's id in a certificate: 1 to LIMIT_NODE_ID_BYTES letters, digits
 * and ._-:@ */
bool cert_node_id_fits(const char *id);

/* Makes a private key.  Returns 0 or -EIO (no random bytes) or -ENOMEM. */
NODISCARD int cert_key_new(char ret_pem[CERT_PEM_BYTES]);

/* Makes the certificate of a new CA for the private key @key, good for @days from @now_ns on.
 * Returns 0, -EINVAL (@key) or -EIO, with @d. */
NODISCARD int cert_ca_new(const char *key, uint64_t now_ns, uint32_t days,
			  char ret_pem[CERT_PEM_BYTES], struct diag *d);

/* Makes the signing request of node @node_id.  Returns as cert_ca_new(). */
NODISCARD int cert_request_new(const char *key, const char *node_id, char ret_pem[CERT_PEM_BYTES],
			       struct diag *d);

/* A CA that can sign. */
struct cert_issuer;
/* Returns 0, -EINVAL (not a CA, or not its key) with @d, or -ENOMEM. */
NODISCARD int cert_issuer_new(struct cert_issuer **ret, const char *ca, const char *key,
			      struct diag *d);
struct cert_issuer *cert_issuer_free(struct cert_issuer *i);
DEFINE_FREEP(cert_issuer)
/* The CA's certificate as PEM, which lives as long as @i; what it says. */
const char *cert_issuer_pem(const struct cert_issuer *i);
const struct cert *cert_issuer_cert(const struct cert_issuer *i);

/* Signs the collector's certificate for its private key @key, good also for the host names and IP
 * addresses @names.  Returns as cert_ca_new(). */
NODISCARD int cert_issue_collector(const struct cert_issuer *i, const char *key,
				   const char *const *names, size_t n_names, uint64_t now_ns,
				   uint32_t days, char ret_pem[CERT_PEM_BYTES], struct diag *d);

/* Signs what a node asks for: the request must be signed by its own key, of P-256.
 * *ret tells what was signed.  Returns 0, -EBADMSG (the request, see @d) or -EIO. */
NODISCARD int cert_issue_node(const struct cert_issuer *i, const char *request, uint64_t now_ns,
			      uint32_t days, char ret_pem[CERT_PEM_BYTES], struct cert *ret,
			      struct diag *d);

/* Reads a request's node id and checks its signature.  Returns 0 or -EBADMSG with @d. */
NODISCARD int cert_request_read(const char *request, char ret_node_id[LIMIT_NODE_ID_BYTES + 1],
				struct diag *d);

/* Reads the first certificate of @pem, or the @n bytes of DER.  Says nothing of who signed it.
 * Returns 0 or -EBADMSG with @d. */
NODISCARD int cert_read(const char *pem, struct cert *ret, struct diag *d);
NODISCARD int cert_read_der(const void *der, size_t n, struct cert *ret, struct diag *d);

/* The same, and checks that @ca signed it and that it is good at @now_ns.
 * Returns 0, -EBADMSG (cannot be read) or -EACCES (not signed by @ca, not yet or no longer good).
 */
NODISCARD int cert_check(const char *pem, const char *ca, uint64_t now_ns, struct cert *ret,
			 struct diag *d);

/* True when the certificate @pem is for the key that signed @request; or for the private key @key.
 */
bool cert_fits_request(const char *pem, const char *request);
bool cert_fits_key(const char *pem, const char *key);

/* True when the collector's certificate @pem bears all of @names. */
bool cert_has_names(const char *pem, const char *const *names, size_t n_names);
