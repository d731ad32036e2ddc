/* SPDX-License-Identifier: Apache-2.0 */
/* https - one request to the collector's API and its answer, on the mbed TLS that NNG has loaded
 * anyway: what a node needs to enrol, four requests in a month, which is not worth libcurl's memory
 * in a daemon.  It blocks, within HTTPS_WAIT_MS.
 * Thread: any; not the consumer's. */
#pragma once
#include "lib/buf.h"
#include "lib/diag.h"

enum { HTTPS_WAIT_MS = 15000, HTTPS_ANSWER_BYTES = 64 << 10, HTTPS_HOST_BYTES = 256 };

struct https_url {
	char host[HTTPS_HOST_BYTES], port[6];
	bool plain; /* http:// */
};

/* Reads https://HOST[:PORT], or http:// to this very machine (loopback), with nothing behind.
 * Returns 0 or -EINVAL with @d. */
NODISCARD int https_url_parse(struct https_url *ret, const char *url, struct diag *d);

struct https_request {
	const char *url, *path;
	const char *ca;	  /* PEM: only a collector that this CA signed is asked; NULL: any (for what
			   * is   checked otherwise) */
	const char *body; /* JSON, sent by POST; NULL: GET */
};

/* Asks.  *ret_status is the answer's, @body its body.  Returns 0; -EINVAL (the URL); -EACCES (the
 * collector's certificate); -EBADMSG (no HTTP); -ETIMEDOUT or another negative errno; all with @d.
 */
NODISCARD int https_ask(const struct https_request *q, unsigned *ret_status, struct buf *body,
			struct diag *d);

/* Takes a whole HTTP/1.x answer apart: *ret_body points into @answer.  Returns 0 or -EBADMSG. */
NODISCARD int https_parse(const char *answer, size_t n, unsigned *ret_status, const char **ret_body,
			  size_t *ret_n);
