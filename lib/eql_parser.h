/* SPDX-License-Identifier: Apache-2.0 */
/* eql_parser - what lib/eql.c and lib/eql_condition.c share.  Between calls the lexer's current
 * token is the first that is not yet used. */
#pragma once
#include "lib/eql_lex.h"
#include "lib/eql_suggest.h"
#include "lib/expr.h"

struct eql_parser {
	struct eql_lexer lex;
	unsigned depth;
};

/* An expression that "not" may stand before.  *ret is untouched unless 0. */
NODISCARD int eql_parse_not(struct eql_parser *p, struct expr **ret);

/* A comparison, a function, a constant or a bare word. */
NODISCARD int eql_parse_condition(struct eql_parser *p, struct expr **ret);

/* Passes on what a constructor returned; "too large" becomes an error at byte @at. */
NODISCARD int eql_built(struct eql_parser *p, size_t at, int r);
