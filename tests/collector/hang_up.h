/* SPDX-License-Identifier: Apache-2.0 */
/* hang_up - closes a socket of a test, whatever NNG does. */
#pragma once
#include "tests/test.h"

#include "lib/nng_end.h"

/* Where connections were cut, nng_close() may never return (lib/nng_end.h): then the socket is
 * left. */
static inline void hang_up(nng_socket s)
{
	if (!nng_end(s, 5000))
		print_message("NNG does not close a socket\n");
}
