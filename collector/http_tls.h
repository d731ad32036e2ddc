/* SPDX-License-Identifier: Apache-2.0 */
/* http_tls - the certificate of the web server, which can be changed while it runs: connections
 * that are made from then on get the new one.
 *
 * GnuTLS asks for it by a callback that has no argument of ours, so there is one for the process.
 * Thread: the loop.  Memory: the one in force, and the one before, which a handshake may still use.
 */
#pragma once
#include "lib/diag.h"

/* Puts a certificate chain and its key, both PEM texts, in force.  Returns 0, -EINVAL with @d (one
 * cannot be read, or they do not belong together: what was in force stays) or -ENOMEM. */
NODISCARD int http_tls_set(const char *cert, const char *key, struct diag *d);
/* Forgets all: when no server runs any more. */
void http_tls_clear(void);

/* A gnutls_certificate_retrieve_function2, for MHD_OPTION_HTTPS_CERT_CALLBACK. */
void *http_tls_callback(void);
