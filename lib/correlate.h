/* SPDX-License-Identifier: Apache-2.0 */
/* correlate - the state of one correlation: hits of rules, by group, in true sliding windows.
 *
 * A window ends at a hit and holds all hits of its group that are at most @timespan_ns older, both
 * ends included.  Each hit at whose window the condition holds is told once.  Hits may come in any
 * order: one that comes late is put where it belongs, and the windows that it lies in are looked at
 * again.  So what is told in the end does not depend on the order, as long as nothing is evicted.
 *
 * Bounded: groups and hits have limits; over them the group that was not touched for longest, or
 * the oldest hit of a group, is forgotten and counted as evicted.  A hit older than the group's
 * newest by more than a window and CORRELATE_LATE_NS is counted as late.
 * Thread: one owner at a time.  Memory: malloc, at most CORRELATE_HITS hits. */
#pragma once
#include "lib/util.h"

#define CORRELATE_LATE_NS UINT64_C(60000000000)
enum {
	CORRELATE_GROUPS = 32768,
	CORRELATE_HITS = 400000,      /* of all groups */
	CORRELATE_GROUP_HITS = 20000, /* of one, or twice what the condition counts to */
	CORRELATE_RULES = 32,
	CORRELATE_CONDITIONS = 4,
};

enum correlate_type {
	CORRELATE_EVENT_COUNT,
	CORRELATE_VALUE_COUNT, /* distinct values */
	CORRELATE_TEMPORAL,    /* all rules, in any order */
	CORRELATE_TEMPORAL_ORDERED,
	CORRELATE_VALUE_SUM,
	CORRELATE_VALUE_AVG,
	CORRELATE_VALUE_PERCENTILE, /* nearest rank */
	CORRELATE_TYPES
};

enum correlate_op {
	CORRELATE_GT,
	CORRELATE_GTE,
	CORRELATE_LT,
	CORRELATE_LTE,
	CORRELATE_EQ,
	CORRELATE_NEQ,
	CORRELATE_OPS
};

struct correlate_config {
	enum correlate_type type;
	uint64_t timespan_ns;
	uint32_t n_rules; /* TEMPORAL: all of these must be there */
	double percentile;
	struct {
		enum correlate_op op;
		double number;
	} conditions[CORRELATE_CONDITIONS]; /* all must hold; none of TEMPORAL */
	size_t n_conditions;
};

struct correlate_hit {
	uint64_t time_ns;
	uint64_t id;	 /* unique: the same one again changes nothing, but is told again */
	uint64_t value;	 /* VALUE_COUNT: a hash of the value */
	double number;	 /* VALUE_SUM and so on */
	uint64_t seq;	 /* the caller's */
	uint32_t rule;	 /* which of the correlation's rules, from 0 on */
	uint32_t origin; /* the caller's */
	bool told;
};

struct correlate;

NODISCARD int correlate_new(struct correlate **ret, const struct correlate_config *config);
struct correlate *correlate_free(struct correlate *c);
DEFINE_FREEP(correlate)

/* Takes in a hit of the group @key.  @told is called for each hit at whose window the condition has
 * come to hold: the last of @n hits, by time.  Returns 0, -ENOMEM or what @told returned when not
 * 0.
 */
typedef int (*correlate_fn)(const struct correlate_hit *hits, size_t n, void *arg);
NODISCARD int correlate_add(struct correlate *c, uint64_t key, const struct correlate_hit *hit,
			    correlate_fn told, void *arg);

struct correlate_info {
	uint64_t groups, hits; /* kept */
	uint64_t evicted, late;
};
void correlate_info(const struct correlate *c, struct correlate_info *ret);
