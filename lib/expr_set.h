/* SPDX-License-Identifier: Apache-2.0 */
/* expr_set - many trees asked of one block: what thousands of rules cost is mostly not asked.
 *
 * A tree is asked only when the block has a kind of events that it could be true of, and, where it
 * cannot be true without one of some texts (expr_needs()), one of them in its dictionary.  The
 * texts of all trees are looked for at once (lib/pattern_set.h).  What is asked goes to lib/expr.h,
 * which asks strings once a distinct string and processes once a process.
 *
 * Threads: a set is immutable and may be shared; each thread has a runner of its own.
 * Memory: a set holds only its index; the trees are the caller's and outlive it. */
#pragma once
#include "lib/expr.h"

struct expr_set;

/* *ret is freed with expr_set_free(); NULL among @exprs is a tree that is never true.
 * Returns 0, -ENOMEM or -EINVAL (vectorscan does not work on this machine). */
NODISCARD int expr_set_new(struct expr_set **ret, const struct expr *const *exprs, uint32_t n);
struct expr_set *expr_set_free(struct expr_set *s);
DEFINE_FREEP(expr_set)

struct expr_set_info {
	uint32_t n;	     /* trees */
	uint32_t n_always;   /* asked whatever the strings are */
	uint32_t n_literals; /* texts looked for */
};
void expr_set_info(const struct expr_set *s, struct expr_set_info *ret);

/* What one tree has cost a runner. */
struct expr_set_cost {
	uint64_t asked, hits; /* blocks, events */
	uint64_t ns;	      /* of CPU, as the clock tells */
};

struct expr_set_runner;
NODISCARD int expr_set_runner_new(struct expr_set_runner **ret, const struct expr_set *s);
struct expr_set_runner *expr_set_runner_free(struct expr_set_runner *r);
DEFINE_FREEP(expr_set_runner)

/* Calls @each for every tree and table in which some event is a hit: bit r of @hits is event r, of
 * @n_rows; lent for the call.  @skip (NULL: none) has a bit for each tree that is not to be asked.
 * Returns 0, -ENOMEM, -EIO, or what @each returned when that is not 0. */
typedef int (*expr_set_fn)(uint32_t tree, struct block *b, uint32_t table, const uint64_t *hits,
			   void *arg);
NODISCARD int expr_set_run(struct expr_set_runner *r, struct block *b, const uint64_t *skip,
			   expr_set_fn each, void *arg);

/* Of tree @i, since the runner was made. */
const struct expr_set_cost *expr_set_cost(const struct expr_set_runner *r, uint32_t i);
