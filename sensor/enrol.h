/* SPDX-License-Identifier: Apache-2.0 */
/* enrol - how a node gets its certificate: with a one-time join token the first time, with the
 * certificate that it has when that comes to its end.  The private key never leaves the node.
 *
 * A join token tells the fingerprint of the collector's CA.  The CA's certificate is fetched first,
 * from whoever answers, and thrown away unless it is the one; the token is only shown to a
 * collector which that CA signed.
 * Thread: any; calls block on the network for up to two times HTTPS_WAIT_MS. */
#pragma once
#include "sensor/identity.h"

enum { ENROL_E_NOT_DUE = 1 };

/* A join token as `rtsecctl node token create` prints it: rtsec-join-1:SECRET:FINGERPRINT. */
struct enrol_token {
	char secret[CERT_HASH_CHARS + 1], fingerprint[CERT_HASH_CHARS + 1];
};
/* Returns 0 or -EINVAL with @d, which does not repeat the text. */
NODISCARD int enrol_token_parse(struct enrol_token *ret, const char *text, struct diag *d);

/* Makes a key, gets a certificate for @node_id and saves all of it in @state_dir.  @url: the
 * collector's API.  Returns 0 or a negative errno with @d. */
NODISCARD int enrol_join(const char *url, const struct enrol_token *token, const char *node_id,
			 const char *state_dir, struct diag *d);

/* True when a third of the certificate's time or less is left. */
bool enrol_is_due(const struct cert *c, uint64_t now_ns);

/* Gets a new certificate for the same key when that is due.  Returns 0 (saved), ENROL_E_NOT_DUE or
 * a negative errno with @d. */
NODISCARD int enrol_renew(const char *state_dir, uint64_t now_ns, struct diag *d);

/* `rtsec-sensor enroll`: its exit code. */
int enrol_main(int argc, char *const *argv);
