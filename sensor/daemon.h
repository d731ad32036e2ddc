/* SPDX-License-Identifier: Apache-2.0 */
/* daemon - the sensor at work: makes every module, lends them to each other, waits for signals.
 *
 * Threads: main (a uv loop for signals and timers), the consumer, the spooler, NNG's own.  Order of
 * the end: consumer (drains the rings, seals), outbox (waits for Acks, at most DRAIN_MS, and not at
 * all for a collector that is away when there is a spool), uplink, spooler (what is left goes to
 * disk), probes. Thread: main. */
#pragma once
#include "sensor/options.h"

enum {
	EXIT_UNFIT = 1, /* doctor: something is missing that must be there */
	EXIT_USAGE = 2, /* a person has to mend it: systemd does not start it again */
	EXIT_RUNTIME = 3,
};

/* Runs until a signal or a failure ends it.  @o, which it completes with what enrolment says, and
 * @argv, read again at a reload, are borrowed.  Returns the exit code. */
int daemon_run(struct options *o, int argc, char **argv);
