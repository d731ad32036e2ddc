/* SPDX-License-Identifier: Apache-2.0 */
/* output_send - one message to one output, in its form.  The only file of the collector that
 * touches libcurl.
 * Thread: one owner at a time. */
#pragma once
#include <stdatomic.h>

#include "collector/output_config.h"
#include "lib/buf.h"

/* An alert on its way, NUL-terminated JSON as the API has it. */
struct output_alert {
	char *json;
};

struct output_sender;
/* @stop (borrowed; NULL: nobody does) ends a message under way within a second. */
NODISCARD int output_sender_new(struct output_sender **ret, const struct output_settings *s,
				const atomic_bool *stop);
struct output_sender *output_sender_free(struct output_sender *s);
DEFINE_FREEP(output_sender)

/* Sends @n alerts.  Returns 0, -EIO (not taken; @d says why: try again), or -ENOMEM. */
NODISCARD int output_send(struct output_sender *s, const struct output_alert *alerts, size_t n,
			  struct diag *d);

/* Writes the message that would be sent, for tests. */
NODISCARD int output_compose(const struct output_settings *s, const struct output_alert *alerts,
			     size_t n, struct buf *out);

/* "sha256=" and the HMAC-SHA-256 (RFC 2104) of the @n bytes in hexadecimal digits. */
NODISCARD int output_sign(const char *secret, const void *data, size_t n, char ret[72]);
