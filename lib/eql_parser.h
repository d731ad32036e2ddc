/* SPDX-License-Identifier: Apache-2.0 */
/* eql_parser - what lib/eql.c, lib/eql_condition.c, lib/eql_value.c and lib/pipe.c share.  Between
 * calls the lexer's current token is the first that is not yet used. */
#pragma once
#include "lib/eql_lex.h"
#include "lib/eql_suggest.h"
#include "lib/expr.h"

struct eql_unknown;

struct eql_parser {
	struct eql_lexer lex;
	unsigned depth;
	unsigned n_kins;
	/* not NULL: fields that no event has are null, and noted here */
	struct eql_unknown *unknown;
};

struct eql_statement;

/* All before the first '|' or the end; nothing is everything.  @s is zero-initialised; what is in
 * it is the caller's whatever is returned. */
NODISCARD int eql_parse_statement(struct eql_parser *p, struct eql_statement *s);

/* A condition with or without category.  *ret is untouched unless 0. */
NODISCARD int eql_parse_filter(struct eql_parser *p, struct expr **ret);
bool eql_is_symbol(const struct eql_token *t, char c);
bool eql_at_pipe(const struct eql_parser *p);

/* What is wrong with a token after a whole expression.  Returns -EINVAL. */
int eql_not_the_end(struct eql_parser *p);

/* An expression without category. */
NODISCARD int eql_parse_or(struct eql_parser *p, struct expr **ret);

/* A comparison, a function, a constant or a bare word. */
NODISCARD int eql_parse_condition(struct eql_parser *p, struct expr **ret);

/* A condition over computed values.  Returns 1; 0 when the current token begins something else, and
 * nothing was used; -EINVAL; -ENOMEM. */
NODISCARD int eql_try_computed(struct eql_parser *p, struct expr **ret);

/* Is @t the name of a function whose question an operator asks: cidrmatch, wildcard, match? */
bool eql_pattern_call_of(const struct eql_token *t, enum expr_op *ret);

/* Passes on what a constructor returned; "too large" becomes an error at byte @at. */
NODISCARD int eql_built(struct eql_parser *p, size_t at, int r);

/* The side of a comparison that is a field. */
struct eql_operand {
	struct field_ref field;
	bool length;	 /* length(field) */
	bool nothing;	 /* ?field that no event has: always null */
	bool is_element; /* field[element]: one value of a list */
	uint32_t element;
	size_t at;
};

/* The other side: literals with their places, or a field. */
struct eql_values {
	struct expr_literal *v;
	size_t *at;
	size_t n, cap;
	bool is_list, is_field;
	struct eql_operand field;
};

void eql_values_done(struct eql_values *v);
#define AUTO_VALUES __attribute__((cleanup(eql_values_done)))

/* The next token, as a term or operator. */
NODISCARD int eql_advance(struct eql_parser *p);

/* "expected @what instead of" the current token.  Returns -EINVAL. */
int eql_expected(struct eql_parser *p, const char *what);

/* The operator that @t is; false when it is none. */
bool eql_operator_of(const struct eql_token *t, enum expr_op *ret);

/* Takes a "[12]" off the end of @t and returns true; false when it has none (or a number that no
 * list can have: the name is then unknown). */
bool eql_take_element(struct eql_token *t, uint32_t *ret);

/* Does "?" stand before the name @t? */
bool eql_is_optional(const struct eql_token *t);

/* The field that @t names; unknown ones are errors unless "?" stands before them, or they are to be
 * noted. */
NODISCARD int eql_operand_of(struct eql_parser *p, const struct eql_token *t,
			     struct eql_operand *ret);
int eql_unknown_field(struct eql_parser *p, const struct eql_token *t);

/* "(" field ")" of the length() that began at byte @at. */
NODISCARD int eql_parse_length(struct eql_parser *p, size_t at, struct eql_operand *ret);

/* A number: 1 and *ret, 0 when @t is none, -EINVAL when it is too large. */
NODISCARD int eql_number_of(struct eql_parser *p, const struct eql_token *t,
			    struct expr_literal *ret);
/* true, false or null. */
bool eql_constant_of(const struct eql_token *t, struct expr_literal *ret);
/* A word with a dot in it. */
bool eql_is_dotted(const struct eql_token *t);

/* Appends one literal, which stands at byte @at. */
NODISCARD int eql_add_value(struct eql_values *v, const struct expr_literal *literal, size_t at);

/* What stands after the operator @op, written @op_text; and a list up to its ")", where "(" or the
 * "," after a function's field is the current token. */
NODISCARD int eql_parse_values(struct eql_parser *p, const struct eql_operand *left,
			       enum expr_op op, const char *op_text, struct eql_values *v);
NODISCARD int eql_parse_list(struct eql_parser *p, const struct eql_operand *left, enum expr_op op,
			     const char *op_text, struct eql_values *v);
