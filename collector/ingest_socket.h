/* SPDX-License-Identifier: Apache-2.0 */
/* ingest_socket - opens the sensors' port.
 * Thread: any. */
#pragma once
#include "collector/ingest_tls.h"

/* Listens on @url with a raw REP socket; @tls (NULL: none) is for tls+tcp:// URLs.  *ret_open: @ret
 * is to be closed, whatever is returned. Returns 0, -EADDRINUSE, -EINVAL (the URL) or another
 * negative errno, with @d. */
NODISCARD int ingest_socket_open(nng_socket *ret, bool *ret_open, const char *url,
				 const struct ingest_tls *tls, struct diag *d);
