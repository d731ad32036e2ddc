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

/* No core dumps, no ptrace by others: keys and tokens are in memory. */
void service_harden(void);

/* Large blocks go back to the kernel as they are freed, whatever was allocated before.  Call it
 * first. */
void service_return_memory(void);
