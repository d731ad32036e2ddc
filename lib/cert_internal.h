/* SPDX-License-Identifier: Apache-2.0 */
/* cert_internal - what cert.c and cert_issue.c share.
 * Thread: any. */
#pragma once
#include <mbedtls/md.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>
#include <mbedtls/x509_csr.h>

#include "lib/cert.h"

#define CERT_NODE_PREFIX "node:"

/* Random bytes of the kernel; the second in the form that mbed TLS wants. */
bool cert_random_bytes(void *to, size_t n);
int cert_random(void *unused, unsigned char *to, size_t n);

/* To initialised objects, freed by the caller whatever is returned: 0 or -EBADMSG (-EINVAL: a key)
 * with @d. */
NODISCARD int cert_parse(mbedtls_x509_crt *to, const char *pem, struct diag *d);
NODISCARD int cert_key_parse(mbedtls_pk_context *to, const char *pem, struct diag *d);
NODISCARD int cert_request_parse(mbedtls_x509_csr *q, const char *pem,
				 char ret_node_id[LIMIT_NODE_ID_BYTES + 1], struct diag *d);

/* What @c says.  Returns 0 or -EBADMSG. */
NODISCARD int cert_fill(struct cert *ret, const mbedtls_x509_crt *c);

/* The bytes of an IP address, 4 or 16 of them; 0: @name is none. */
size_t cert_name_bytes(const char *name, uint8_t ret[16]);
