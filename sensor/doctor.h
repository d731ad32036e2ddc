/* SPDX-License-Identifier: Apache-2.0 */
/* doctor - the check before the flight: is everything here that the sensor needs?  Each line says
 * what it found, what that means, and how to mend it.
 * Thread: main, without a running sensor of its own.  Memory: the findings. */
#pragma once
#include "lib/buf.h"
#include "sensor/options.h"

enum { DOCTOR_FINDINGS = 128 };

enum doctor_state { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL };

struct doctor_finding {
	const char *check; /* such as "kernel", or the kind of events */
	enum doctor_state state;
	char found[160]; /* and what it means */
	char mend[200];	 /* "" when there is nothing to mend */
};

struct doctor {
	const struct options *options;
	struct doctor_finding findings[DOCTOR_FINDINGS];
	size_t n;
};

/* Makes all checks, the last of them by attaching every probe. */
void doctor_run(struct doctor *d);

/* The checks but those of probes, for machines and tests that may not attach. */
void doctor_look(struct doctor *d);

/* The options that the kernel was booted with (@cmdline) forbid 32-bit system calls. */
NODISCARD bool doctor_compat_off(const char *cmdline);

/* Adds a finding; @mend NULL: nothing to mend. */
void doctor_say(struct doctor *d, const char *check, enum doctor_state state, const char *mend,
		const char *found, ...) PRINTF_LIKE(5, 6);

/* Why there are no events of a @kind for which no tier works; *ret_mend is how to mend it, NULL:
 * this kernel does nothing of the kind. */
const char *doctor_missing(enum kind kind, const char **ret_mend);

/* The worst state found. */
enum doctor_state doctor_worst(const struct doctor *d);

/* Appends all findings as lines, or as a JSON array of objects {check, state, found, mend}. */
void doctor_print(const struct doctor *d, bool json, struct buf *out);
