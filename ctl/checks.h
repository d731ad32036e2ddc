/* SPDX-License-Identifier: Apache-2.0 */
/* checks - a fleet at a glance: one judgement each of what the collector tells, with what to do
 * next.
 * Thread: any.  Memory: the results own their texts. */
#pragma once
#include <jansson.h>

#include "lib/buf.h"

/* The higher the graver. */
enum check_state { CHECK_OK, CHECK_UNKNOWN, CHECK_WARN, CHECK_FAIL };

struct check_result {
	const char *name;
	enum check_state state;
	struct buf text; /* what is so; ends with a NUL */
	struct buf mend; /* what to do next; empty: nothing */
};

enum { CHECKS = 12 };

/* Answers of the API, lent; NULL: not to be had with this token. */
struct picture {
	const json_t *status;	 /* /api/v1/status */
	const json_t *nodes;	 /* the list of /api/v1/nodes; likewise below */
	const json_t *rules;	 /* /api/v1/rules */
	const json_t *outputs;	 /* /api/v1/outputs */
	const json_t *alerts;	 /* open ones */
	const json_t *retention; /* /api/v1/retention */
	const json_t *gaps;	 /* rows of [node, events lost] of the last 24 hours */
	const json_t *tampers;	 /* events: a sensor was looked into or detached in that time */
};

/* Judges.  Returns how many results were written, at most CHECKS; end each with check_done(). */
size_t checks_run(const struct picture *p, struct check_result *ret);
void check_done(struct check_result *r);

/* "ok", "unknown", "warn", "fail". */
const char *check_state_name(enum check_state s);
