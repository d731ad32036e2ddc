/* SPDX-License-Identifier: Apache-2.0 */
/* probe_table - which programs watch each kind, and where each of them is attached; inside of probe
 * only.  Tables, no state. */
#pragma once
#include "lib/fields.h"

enum {
	HOOK_CALLS = 10,
	TIER_PROGRAMS = 6,
	PROBE_HOOKS_MOST = 72,
	PROBE_ROWS_MOST = 80,
};

/* Where a program is attached: at the return of these system calls, or (none named) where its
 * section says. */
struct hook {
	const char *program;	       /* NULL: behind the last one */
	const char *calls[HOOK_CALLS]; /* those that an architecture lacks are left out, the first
					* one must be there */
	bool once;		       /* an iterator: runs through what is there, and stays not */
	int params;		       /* that the tracepoint must have; 0: any number */
};

/* How a kind can be watched.  Of the rows of one kind the first that attaches is taken. */
struct tier {
	enum kind kind;
	const char *kind_name; /* NULL: behind the last one */
	const char *name;
	const char *programs[TIER_PROGRAMS];
};

extern const struct hook probe_hooks[PROBE_HOOKS_MOST];
extern const struct tier probe_rows[PROBE_ROWS_MOST];

/* Number of the hook of @program, which there must be. */
size_t probe_hook_of(const char *program);
