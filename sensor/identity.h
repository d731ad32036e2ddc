/* SPDX-License-Identifier: Apache-2.0 */
/* identity - what an enrolled node shows to its collector, kept in STATE/tls: node.pem (private key
 * and certificate in one file, mode 0600, so that they are of one piece), ca.pem, and the two
 * addresses.
 * Thread: any, an object has one owner at a time.  Memory: fixed. */
#pragma once
#include "lib/cert.h"

enum { IDENTITY_URL_BYTES = 320 };

struct identity {
	char pem[2 * CERT_PEM_BYTES]; /* key and certificate */
	char ca[CERT_PEM_BYTES];
	char api[IDENTITY_URL_BYTES]; /* where certificates come from, such as https://HOST:8443 */
	char events[IDENTITY_URL_BYTES]; /* where events go, such as tls+tcp://HOST:7443 */
	struct cert cert;
};

/* Reads it and checks that its parts belong together, though not whether it is still good.
 * Returns 0; -ENOENT (not enrolled); or another negative errno; with @d. */
NODISCARD int identity_load(struct identity *ret, const char *state_dir, struct diag *d);

/* Writes @i; a crash leaves the old one or the new one.  Returns 0 or a negative errno with @d. */
NODISCARD int identity_save(const struct identity *i, const char *state_dir, struct diag *d);

/* Wipes the key. */
void identity_done(struct identity *i);
