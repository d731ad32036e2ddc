/* SPDX-License-Identifier: Apache-2.0 */
/* service - what a daemon tells systemd (sd_notify(3), its protocol by hand: one datagram), and
 * what it does so that nobody reads its memory.
 * Thread: any.  Memory: none. */
#pragma once
#include "lib/util.h"

/* Sends @state, such as "READY=1", to NOTIFY_SOCKET; nothing without one. */
void service_notify(const char *state);

/* Half of the time within which systemd wants to hear of us, in ms; 0: it does not. */
uint64_t service_watchdog_ms(void);

/* No core dumps of what has a token or key in memory, not to a file, and of a handler that is given
 * them through a pipe (core(5): the limit does not stop those) without memory. */
void service_no_core(void);

/* That, and no ptrace by others, at the price of the process's own /proc/self/fd. */
void service_harden(void);

/* Is work still being done?  What does it counts @turns; the count of a thread that hangs stays.
 * Zeroed at first; one owner. */
struct service_pulse {
	uint64_t turns, since_ms;
};
/* False when @turns has stayed the same for over @patience_ms.  @now_ms: monotonic. */
NODISCARD bool service_beats(struct service_pulse *p, uint64_t turns, uint64_t now_ms,
			     uint64_t patience_ms);

/* Large blocks go back to the kernel as they are freed, whatever was allocated before.  Call it
 * first. */
void service_return_memory(void);
