/* SPDX-License-Identifier: Apache-2.0 */
/* http_listen - opens the socket that the web server listens on.
 * Thread: any.  Memory: none. */
#pragma once
#include "lib/diag.h"

/* @address is IPv4 or IPv6; @port 0: any, *ret_port tells which.  Returns the descriptor, the
 * caller's, or a negative errno with @d. */
NODISCARD int http_listen(const char *address, uint16_t port, uint16_t *ret_port, struct diag *d);
