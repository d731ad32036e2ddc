/* SPDX-License-Identifier: Apache-2.0 */
/* expr_kin - "child of [..]", "descendant of [..]" and "event of [..]": conditions about what the
 * process of an event, its parent or any of its ancestors did at another time.
 *
 * The processes of which an event is a hit of what stands in the brackets are learnt first, block
 * by block; then the whole is asked, and looks for them among the ancestors that each batch names.
 * A tree with such conditions has one owner at a time, for it is changed by learning.
 * Memory: 4 MiB a condition; what goes beyond is not learnt, which is told. */
#pragma once
#include "lib/expr.h"

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

/* Learns a process by its entity id, or all that @b shows.  Those of the brackets inside must have
 * been learnt.  Return 0 or -ENOMEM. */
NODISCARD int expr_kin_learn(struct expr_kin *k, uint64_t entity_id);
NODISCARD int expr_kin_learn_block(struct expr_kin *k, struct expr_scratch *s, struct block *b);

/* All of history was learnt; set by whoever did. */
bool *expr_kin_is_learnt(struct expr_kin *k);
/* There was no room for some. */
bool expr_kin_is_full(const struct expr_kin *k);
