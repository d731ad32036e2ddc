/* SPDX-License-Identifier: Apache-2.0 */
/* eql_lex - words of EQL text.  What a run of characters means depends on where it stands, so the
 * parser says what it expects: a term or operator, or a value after ":".
 * Thread: any.  Memory: an arena for strings, freed with the lexer. */
#pragma once
#include "lib/arena.h"
#include "lib/diag.h"

enum eql_type {
	EQL_END,
	EQL_STRING, /* quoted; value, n_value */
	EQL_WORD,   /* a run: number, name, keyword or plain text; value is the text itself */
	EQL_NAME,   /* a field name with backticks, whole or parts; value, n_value without them */
	EQL_OPEN,
	EQL_CLOSE,
	EQL_COMMA,
	EQL_SYMBOL, /* == != < <= > >= = : and what else stands there */
};

struct eql_token {
	enum eql_type type;
	size_t at, n; /* where it stands in the text */
	const char *value;
	size_t n_value;
	bool optional; /* of EQL_NAME: "?" stands before it */
};

enum eql_mode {
	EQL_TERM,  /* a run ends at blanks, ( ) [ ] | , " ` and = ! < > : */
	EQL_VALUE, /* after ":": a run ends at blanks and ( ) [ ] | , " */
	EQL_CALC,  /* a name, a number or one symbol */
};

struct eql_lexer {
	const char *text;
	size_t n, at;
	struct eql_token token; /* the current one */
	struct arena arena;
	struct diag *diag;
};

/* Reads the next token.  Returns 0, -EINVAL with the diag, or -ENOMEM. */
NODISCARD int eql_next(struct eql_lexer *l, enum eql_mode mode);

/* Sets the diag to the position of byte @at.  Returns -EINVAL. */
int eql_error(struct eql_lexer *l, size_t at, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The current token is the word @word; case does not matter. */
bool eql_is(const struct eql_token *t, const char *word);

/* A token as an error message shows it; cut when long. */
const char *eql_show(const struct eql_lexer *l, const struct eql_token *t, char *buf, size_t n);
