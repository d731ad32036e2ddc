/* SPDX-License-Identifier: Apache-2.0 */
/* expr_reach - what "descendant of [..]" learnt of connections: which processes served some that
 * come from a process of the condition, and what they started meanwhile.
 *
 * What a process does while it serves such a connection, and all that it starts while it does, is
 * of the condition; the rest of what it does is not.  For the files expr*.c alone.
 * Thread: one owner while it is changed.  Memory: REACH_SERVED connections, REACH_FORKS processes;
 * what goes beyond is left out, which is told. */
#pragma once
#include "lib/serving.h"

struct expr_reach;

enum { REACH_SERVED = 65536, REACH_FORKS = 131072 };

struct expr_reach *expr_reach_new(void); /* NULL: no memory */
struct expr_reach *expr_reach_free(struct expr_reach *r);

/* All connections that @entity accepted, @n of them, and which of them are @ours; what was told of
 * it before is forgotten.  Returns 0 or -ENOMEM. */
NODISCARD int expr_reach_serve(struct expr_reach *r, uint64_t entity, const struct serving *list,
			       const bool *ours, uint32_t n);
/* @server started @child then.  Returns as above. */
NODISCARD int expr_reach_fork(struct expr_reach *r, uint64_t server, uint64_t child,
			      uint64_t when_ns, uint64_t thread);

/* What @entity did then, in that thread (0: not known), is of the condition. */
bool expr_reach_did(const struct expr_reach *r, uint64_t entity, uint64_t when_ns, uint64_t thread);
/* @child, of @parent (0: not known), is: as its fork told or, where none was seen, by its start (0:
 * not known). */
bool expr_reach_started(const struct expr_reach *r, uint64_t child, uint64_t parent,
			uint64_t start_ns);
bool expr_reach_is_full(const struct expr_reach *r);
