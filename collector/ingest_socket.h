/* SPDX-License-Identifier: Apache-2.0 */
/* ingest_socket - opens the sensors' port.
 * Thread: any. */
#pragma once
#include "collector/ingest_tls.h"

/* Listens on @url with a raw REP socket; @tls is for tls+tcp:// URLs.  @admit is asked of each new
 * connection, on a thread of NNG's, before anything is read from it; false closes it.
 * *ret_open: @ret is to be closed, whatever is returned.
 * Returns 0, -EADDRINUSE, -EINVAL (the URL) or another negative errno, with @d. */
struct ingest_socket_config {
	const char *url;
	const struct ingest_tls *tls; /* NULL: none */
	bool (*admit)(nng_pipe pipe, void *arg);
	void *arg;
};
NODISCARD int ingest_socket_open(nng_socket *ret, bool *ret_open,
				 const struct ingest_socket_config *config, struct diag *d);
