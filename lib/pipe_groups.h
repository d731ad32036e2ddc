/* SPDX-License-Identifier: Apache-2.0 */
/* pipe_groups - what stats remembers over all blocks: distinct strings, groups and their columns,
 * distinct values of a group.  Every cell is a 64-bit word:
 *   0 null; of a string its number here (1-based); of all else the raw value of lib/block.h.
 * Thread: one owner at a time.  Memory: bounded as a whole; what does not fit is refused, and the
 * caller counts it. */
#pragma once
#include "lib/arena.h"
#include "lib/block.h"
#include "lib/pipe.h"

enum { PIPE_CELL_WORDS = 3 };

#define PIPE_FULL UINT64_MAX /* instead of a string's number: no room for it */

/* What a group knows of one aggregate.
 *   count: [0] events   count_distinct: [0] values   min, max: [0] the word
 *   sum, avg: [0] values, [1] and [2] low and high half of the sum
 *   values: [0] values, [1] address of the newest struct pipe_value_node */
struct pipe_value_node {
	struct pipe_value_node *next;
	uint64_t word;
};

struct pipe_string {
	const char *s;
	uint32_t n;
	uint32_t group; /* with this one key: group + 1; 0: none yet */
	uint64_t stamp; /* of the last row that had it, see pipe_run.c */
};

struct pipe_member { /* of a set of distinct values */
	uint64_t word;
	uint32_t group, column; /* column + 1; 0: empty */
};

struct pipe_groups {
	struct arena arena;   /* strings' bytes, value nodes */
	size_t limit, tables; /* bytes in all; of the tables below */
	struct pipe_string *strings;
	uint32_t n_strings, cap_strings;
	uint32_t *string_slots, n_string_slots; /* string + 1 */
	uint64_t *records; /* stride words each: the keys, then PIPE_CELL_WORDS a column */
	uint32_t n_keys, stride, n_groups, cap_groups;
	uint32_t *group_slots, n_group_slots; /* group + 1 */
	struct pipe_member *members;
	size_t n_members, n_member_slots;
};

/* @g is zero-initialised.  Nothing is allocated yet. */
void pipe_groups_init(struct pipe_groups *g, uint32_t n_keys, uint32_t n_aggregates, size_t limit);
void pipe_groups_done(struct pipe_groups *g);

/* Number of @s; PIPE_FULL: no room. */
uint64_t pipe_intern(struct pipe_groups *g, struct block_string s);

/* Group of the n_keys words at @keys, made when it is new; UINT32_MAX: no room. */
uint32_t pipe_group(struct pipe_groups *g, const uint64_t *keys);

/* Enters @word into the set of a group's column.  Returns 1 when it was not there, 0 when it was,
 * -1: no room. */
int pipe_distinct(struct pipe_groups *g, uint32_t group, uint32_t column, uint64_t word);

static inline UNUSED uint64_t *pipe_record(const struct pipe_groups *g, uint32_t group)
{
	return g->records + (size_t)group * g->stride;
}

static inline UNUSED uint64_t *pipe_cell(const struct pipe_groups *g, uint32_t group,
					 uint32_t aggregate)
{
	return pipe_record(g, group) + g->n_keys + (size_t)aggregate * PIPE_CELL_WORDS;
}

static inline UNUSED struct pipe_string *pipe_string(const struct pipe_groups *g, uint64_t number)
{
	return &g->strings[number - 1];
}
