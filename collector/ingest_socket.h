/* SPDX-License-Identifier: Apache-2.0 */
/* ingest_socket - opens the sensors' port.
 * Thread: any. */
#pragma once
#include <nng/nng.h>

#include "lib/diag.h"

/* Listens on @url with a raw REP socket.  *ret_open: @ret is to be closed, whatever is returned.
 * Returns 0, -EADDRINUSE, -EINVAL (the URL) or another negative errno, with @d. */
NODISCARD int ingest_socket_open(nng_socket *ret, bool *ret_open, const char *url, struct diag *d);
