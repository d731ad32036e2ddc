/* SPDX-License-Identifier: Apache-2.0 */
/* sql_push - what of a WHERE on the table events is asked of the store's blocks: times become the
 * scan's range, the rest an expression whose filter tokens and kinds skip blocks.
 *
 * What is pushed may let through more than SQL means, never less: SQLite asks every condition again
 * on each row that comes, but for the query column.
 * Thread: one owner.  Memory: the expression. */
#pragma once
#include "collector/sql.h"
#include "lib/expr.h"

/* A letter each, as idxStr tells xFilter. */
enum sql_push {
	PUSH_NOT = 0, /* cannot be */
	PUSH_EQ = '=',
	PUSH_IN = 'i',
	PUSH_LT = '<',
	PUSH_LE = 'l',
	PUSH_GT = '>',
	PUSH_GE = 'g',
	PUSH_LIKE = 'L',
	PUSH_GLOB = 'G',
	PUSH_NULL = 'n',
	PUSH_NOT_NULL = 'v',
	PUSH_QUERY = 'q',
};

/* How SQLite's constraint operator @op on a field can be pushed; PUSH_EQ for IN, too. */
enum sql_push sql_push_how(const struct field_info *info, int op);

struct sql_pushed {
	struct expr *expr; /* NULL: everything */
	uint64_t from_ns, to_ns;
	bool never; /* no row can fit */
};

/* Everything. */
void sql_pushed_init(struct sql_pushed *p);
void sql_pushed_done(struct sql_pushed *p);

/* Adds a condition; a value that cannot be told to the engine adds none.  @value of PUSH_IN is the
 * list that sqlite3_vtab_in_first() walks.  Returns 0, -ENOMEM, -E2BIG, or, of PUSH_QUERY only,
 * -EINVAL with @d. */
NODISCARD int sql_push_add(struct sql_pushed *p, struct field_ref field, enum sql_push how,
			   sqlite3_value *value, struct diag *d);
