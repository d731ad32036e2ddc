/* SPDX-License-Identifier: Apache-2.0 */
/* nng_end - closes a socket of NNG's without waiting for ever.
 *
 * NNG 1.5.2 (Debian 12, Ubuntu 24.04) closes a pipe in one thread for all, and once in some hundred
 * connections that were cut that thread waits for an operation that never ends; nng_close() of any
 * socket then never returns.  At the end of a program that must not keep it from saving what it
 * has.
 * Thread: any. */
#pragma once
#include <nng/nng.h>

#include "lib/util.h"

/* Closes @s, in a thread of its own, and waits at most @ms.  Returns true when it is closed; else
 * what its callbacks use must live on until the process ends. */
NODISCARD bool nng_end(nng_socket s, unsigned ms);

/* Closes @d in a thread of its own, without waiting. */
void nng_end_dialer(nng_dialer d);
