/* SPDX-License-Identifier: Apache-2.0 */
/* expr_value - values that a query computes: fields, literals, and functions of them, such as
 * length(concat(process.name, "x")) or process.pid + 1.
 *
 * Null makes null.  Numbers are 64-bit integers, or doubles where one does not fit or is one;
 * dividing two integers gives an integer, by 0 null.  Text is counted in characters (bytes where it
 * is not UTF-8).  A field of several values, once in a comparison, stands for each of them.
 *
 * These are asked event by event, unlike what lib/expr.h builds of a field and literals.
 * Thread: immutable once built.  Memory: malloc a node; a value owns its arguments. */
#pragma once
#include "lib/expr.h"

struct expr_value;

enum expr_value_type { EXPR_NULL, EXPR_BOOL, EXPR_NUMBER, EXPR_TEXT, EXPR_DATE };

/* Constructors.  They take over the values given, also when they fail.  Each returns 0, -EINVAL
 * (the reason is in @d without position), -E2BIG or -ENOMEM; *ret is untouched unless 0. */
NODISCARD int expr_value_field(struct expr_value **ret, struct field_ref f);
/* One value of a list, 0 the first. */
NODISCARD int expr_value_element(struct expr_value **ret, struct field_ref f, uint32_t element,
				 struct diag *d);
NODISCARD int expr_value_literal(struct expr_value **ret, const struct expr_literal *v);
/* A field @name that no event has: null, but not the word null. */
NODISCARD int expr_value_nothing(struct expr_value **ret, const char *name, size_t n);
/* A function (docs/query.md), with ~ behind it or not; the array @args stays the caller's. */
NODISCARD int expr_value_call(struct expr_value **ret, const char *name, size_t n,
			      struct expr_value **args, size_t n_args, struct diag *d);
struct expr_value *expr_value_free(struct expr_value *v);
DEFINE_FREEP(expr_value)

/* Conditions.  They take over the values.  EQ NE LT LE GT GE: */
NODISCARD int expr_new_values(struct expr **ret, struct expr_value *a, enum expr_op op,
			      struct expr_value *b, struct diag *d);
/* Any other operator, or any, with literals: */
NODISCARD int expr_new_value_in(struct expr **ret, struct expr_value *a, enum expr_op op,
				const struct expr_literal *values, size_t n, struct diag *d);
/* A boolean alone. */
NODISCARD int expr_new_value_true(struct expr **ret, struct expr_value *a, struct diag *d);

/* Is @name, with ~ or without, that of a function?  Case does not matter. */
bool expr_is_function(const char *name, size_t n);
