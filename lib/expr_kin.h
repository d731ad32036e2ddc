/* SPDX-License-Identifier: Apache-2.0 */
/* expr_kin - "child of [..]", "descendant of [..]" and "event of [..]": conditions about what the
 * process of an event, its parent or any of its ancestors did at another time.
 *
 * The processes of which an event is a hit of what stands in the brackets are learnt first, block
 * by block; then the whole is asked, and looks for them among the ancestors that each batch names.
 * "descendant of [..]" goes on over connections between processes, when whoever knows them tells
 * them: what a process does while it serves one, and all that it starts meanwhile, is a
 * descendant of what connected (lib/serving.h; collector/kin_edges.c tells them).
 * A tree with such conditions has one owner at a time, for it is changed by learning.
 * Memory: 4 MiB a condition, as much again for connections; what goes beyond is not learnt, which
 * is told. */
#pragma once
#include "lib/expr.h"
#include "lib/serving.h"

enum expr_kin_type { EXPR_KIN_CHILD, EXPR_KIN_DESCENDANT, EXPR_KIN_EVENT };
enum { EXPR_KINS = 8 }; /* in one tree */

/* Takes @inside over.  True or false, never null.  Returns as the constructors of lib/expr.h. */
NODISCARD int expr_new_kin(struct expr **ret, enum expr_kin_type type, struct expr *inside);

struct expr_kin;

/* The conditions of a tree, each behind those that stand in its own brackets; at most EXPR_KINS.
 * Returns how many. */
uint32_t expr_kins(const struct expr *e, struct expr_kin *ret[EXPR_KINS]);

/* What stands in the brackets. */
const struct expr *expr_kin_inside(const struct expr_kin *k);

/* Learns all processes that @b shows.  Those of the brackets inside must have been learnt.  Returns
 * 0 or -ENOMEM. */
NODISCARD int expr_kin_learn_block(struct expr_kin *k, struct expr_scratch *s, struct block *b);

/* It goes on over connections. */
bool expr_kin_follows(const struct expr_kin *k);
/* All connections that a process accepted, @n of them, and which are @ours: made by a process of
 * the condition or, as it served one, by a descendant. Replaces what was told of it.  Returns 0 or
 * -ENOMEM. */
NODISCARD int expr_kin_serve(struct expr_kin *k, uint64_t entity, const struct serving *list,
			     const bool *ours, uint32_t n);
/* Notes what processes that serve connections started.  Returns 0 or -ENOMEM. */
NODISCARD int expr_kin_forks(struct expr_kin *k, struct block *b);
/* Calls @each for processes that tried to connect and are in the condition or descend from it;
 * not for those that only serve a connection then.  Stops at what is not 0 and returns that. */
typedef int (*expr_kin_fn)(uint64_t entity, void *arg);
NODISCARD int expr_kin_clients(const struct expr_kin *k, struct expr_scratch *s, struct block *b,
			       expr_kin_fn each, void *arg);
/* What @entity did then, in that thread (0: not known), was done as it served one of ours. */
bool expr_kin_served(const struct expr_kin *k, uint64_t entity, uint64_t when_ns, uint64_t thread);

/* All of history was learnt; set by whoever did. */
bool *expr_kin_is_learnt(struct expr_kin *k);
/* There was no room for some. */
bool expr_kin_is_full(const struct expr_kin *k);
