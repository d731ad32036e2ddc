/* SPDX-License-Identifier: Apache-2.0 */
/* expr_calc - what computes values, for the files expr*.c alone. */
#pragma once
#include "lib/expr_scratch.h"
#include "lib/expr_test.h"
#include "lib/expr_value.h"

/* A value of one event. */
struct calc {
	enum { CALC_NULL, CALC_BOOL, CALC_INT, CALC_REAL, CALC_TEXT } type;
	bool boolean;
	int64_t integer;
	double real;
	const char *s; /* of n bytes; lives until the next event */
	size_t n;
};

/* Where memory of one event comes from. */
struct calc_run {
	struct expr_scratch *scratch;
	uint32_t table, row;
	uint32_t element; /* of the list that stands for each of its values */
};

typedef struct calc (*calc_fn)(struct calc_run *run, const struct calc *args, size_t n,
			       bool nocase);

struct calc_function {
	const char *name;
	enum expr_value_type type;
	const char *takes; /* one letter an argument: n number, s text, b bool, d date, a any but a
			    * date; the last one holds for those that follow */
	uint8_t min, max;
	bool has_nocase;
	calc_fn call;
};
extern const struct calc_function calc_functions[];
extern const size_t n_calc_functions;

enum { CALC_ARGS = 32 };

struct expr_value {
	enum { CALC_OF_FIELD, CALC_OF_LITERAL, CALC_OF_NOTHING, CALC_OF_CALL } kind;
	enum expr_value_type type;
	struct field_ref field, list; /* list.info: the one list in it; NULL: none */
	uint32_t element;	      /* from 1; 0: none */
	struct expr_literal literal;  /* its string is owned; NOTHING: the name */
	const struct calc_function *function;
	bool nocase, never; /* never: it is always null */
	struct expr_value **args;
	size_t n_args;
	uint32_t n_nodes, depth;
};

/* 0 when at most one of two is a list, or both are the same; else -EINVAL, told in @d. */
NODISCARD int expr_value_one_list(struct field_ref a, struct field_ref b, struct diag *d);

/* A condition over values. */
struct expr_calc {
	struct expr_value *a, *b; /* b NULL: the test's question, is it null, or is it true */
	enum { CALC_COMPARES, CALC_ASKS, CALC_IS_NULL, CALC_IS_TRUE } kind;
	enum expr_op op;
	bool negated;
	struct field_ref list;
	struct expr_test *test;
};

void expr_calc_free(struct expr_calc *c);

/* Of lib/expr_kin.c: rows are those of the process table, "no process" in front. */
struct expr_kin;
struct expr_kin *expr_kin_free(struct expr_kin *k);
void expr_kin_rows(const struct expr_rows *r, const struct expr_kin *k, bool want,
		   const uint64_t *mask, uint64_t *out);
void expr_kin_print(const struct expr_kin *k, struct buf *out);

/* It is always null. */
bool expr_calc_never(const struct expr_calc *c);

/* out = rows of @mask of an event table in which the condition is @want. */
void expr_calc_rows(const struct expr_rows *r, const struct expr_calc *c, bool want,
		    const uint64_t *mask, uint64_t *out);
