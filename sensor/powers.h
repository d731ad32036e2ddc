/* SPDX-License-Identifier: Apache-2.0 */
/* powers - gives up, for good, what the sensor needs no more once its probes are attached:
 * capabilities, system calls, and the way to new ones (no_new_privs).
 *
 * Kept: CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH (links of /proc/PID, files to hash, cgroups by
 * handle), and CAP_BPF on kernels that ask it of whoever reads a map (before 5.19 or
 * so).  Refused: what no sensor does, see calls[] in powers.c: to run programs, to trace, to
 * mount, to enter namespaces, to load modules and BPF programs, to change users, clocks and the
 * machine.  docs/sensor.md lists both.
 * Thread: main, before any other thread is there: both are inherited.  Memory: none. */
#pragma once
#include "lib/diag.h"

/* @works tells, by 0, that maps can be read as things are; it is called without CAP_BPF.
 * Returns 0 or a negative errno with @d: then too much may be left, and the sensor must not run. */
NODISCARD int powers_drop(int (*works)(void *arg), void *arg, struct diag *d);
