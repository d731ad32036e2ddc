/* SPDX-License-Identifier: Apache-2.0 */
/* authority - the collector's certificate authority, kept in DIR/tls: ca.pem, ca.key,
 * collector.pem, collector.key (keys with mode 0600).  Made at the first start; the collector's own
 * certificate is made anew when it comes to its end or lacks a name.
 * Thread: opened on main; then read-only, from any. */
#pragma once
#include "lib/cert.h"

struct authority;

enum { AUTHORITY_CA_DAYS = 3650, AUTHORITY_COLLECTOR_DAYS = 800, AUTHORITY_NODE_DAYS = 30 };

/* @names: by what others call this collector, beside this machine's own names and addresses.
 * Returns 0, or a negative errno with @d. */
NODISCARD int authority_open(struct authority **ret, const char *dir, const char *const *names,
			     size_t n_names, uint64_t now_ns, struct diag *d);
struct authority *authority_free(struct authority *a);
DEFINE_FREEP(authority)

/* PEM texts, which live as long as @a: certificate of the CA, the collector's and its private key.
 */
const char *authority_ca(const struct authority *a);
const char *authority_cert(const struct authority *a);
const char *authority_key(const struct authority *a);

/* Signs certificates of nodes; SHA-256 of its own certificate in hex. */
const struct cert_issuer *authority_issuer(const struct authority *a);
const char *authority_fingerprint(const struct authority *a);
