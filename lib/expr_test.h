/* SPDX-License-Identifier: Apache-2.0 */
/* expr_test - the question that a comparison is, asked of a value that is in no block: of a cell of
 * a table, or of what a function gave.
 * Thread: immutable once built.  Memory: one malloc and its literals. */
#pragma once
#include "lib/expr.h"
#include "lib/expr_text.h"

struct expr_test;

/* The question @op with literals about a value of @type called @name (kept by the caller).  Returns
 * as expr_new_compare(). */
NODISCARD int expr_test_new(struct expr_test **ret, const char *name, enum field_type type,
			    enum expr_op op, const struct expr_literal *values, size_t n,
			    struct diag *d);
struct expr_test *expr_test_free(struct expr_test *t);
DEFINE_FREEP(expr_test)

/* Its answer about a raw value as lib/block.h has them (0: null); of LONG BOOL DATE ID. */
enum expr_state expr_test_raw(const struct expr_test *t, struct expr_text_scratch *s, uint64_t raw);
/* The same about text; of the other types. */
enum expr_state expr_test_string(const struct expr_test *t, struct expr_text_scratch *s,
				 const char *text, size_t n);

const struct expr_literal *expr_test_values(const struct expr_test *t, size_t *ret_n);
