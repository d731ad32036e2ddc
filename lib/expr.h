/* SPDX-License-Identifier: Apache-2.0 */
/* expr - the one expression engine: a typed tree over the fields of lib/fields.def, evaluated on
 * whole tables of a block at a time.
 *
 * Logic has three values: a comparison with null is null, AND/OR/NOT are Kleene's; an event is a
 * hit when the whole is true.  A field of several values matches when any of them does.  What is
 * asked of a string is asked once per distinct string of the block, what is asked of a process once
 * per process row, and only the rest per event.
 *
 * Front ends (lib/eql.h) build trees with the expr_new_*() calls; the tree is then immutable and
 * may be shared by threads.  Each evaluating thread has an expr_scratch of its own.
 * Memory: malloc per tree node; a tree owns its children and literals. */
#pragma once
#include "lib/block.h"
#include "lib/diag.h"
#include "lib/fields.h"

struct expr;

enum expr_op {
	EXPR_EQ,
	EXPR_NE,
	EXPR_LT,
	EXPR_LE,
	EXPR_GT,
	EXPR_GE,
	EXPR_MATCH,	  /* EQL ":"  case-insensitive (ASCII letters), wildcards * and ? */
	EXPR_LIKE,	  /* case-sensitive, wildcards */
	EXPR_LIKE_NOCASE, /* like~ */
	EXPR_IN,	  /* any of a list, equal */
	EXPR_IN_NOCASE,	  /* in~ */
	EXPR_REGEX,	  /* whole string, PCRE2; null where PCRE2 gives up at its limits */
	EXPR_REGEX_NOCASE,
	EXPR_CIDR, /* cidrmatch(field, "10.0.0.0/8", ...) */
	EXPR_STARTS_WITH,
	EXPR_ENDS_WITH,
	EXPR_CONTAINS,
	EXPR_STARTS_WITH_NOCASE,
	EXPR_ENDS_WITH_NOCASE,
	EXPR_CONTAINS_NOCASE,
};

/* A literal of a query. */
struct expr_literal {
	enum { LITERAL_NULL, LITERAL_BOOL, LITERAL_INT, LITERAL_FLOAT, LITERAL_STRING } type;
	bool boolean;
	int64_t integer;
	double real;
	const char *string; /* @n bytes, may hold NUL */
	size_t n;
};

/* Constructors.  They take over the expr arguments also when they fail; literals are copied.
 * Each returns 0, -EINVAL (a literal does not fit the field or operator: the reason is in @d
 * without position), -E2BIG (over LIMIT_QUERY_NODES or LIMIT_QUERY_DEPTH) or -ENOMEM; *ret is
 * untouched unless 0.  AND of ANDs and OR of ORs become one node of many children.
 * EXPR_NE is the exact negation of EXPR_EQ: of a field of several values it is true when none of
 * them is equal.  EQ and NE with null ask expr_new_is_null(). */
NODISCARD int expr_new_const(struct expr **ret, bool value);
NODISCARD int expr_new_null(struct expr **ret); /* a comparison with what is not there */
NODISCARD int expr_new_not(struct expr **ret, struct expr *a);
NODISCARD int expr_new_and(struct expr **ret, struct expr *a, struct expr *b);
NODISCARD int expr_new_or(struct expr **ret, struct expr *a, struct expr *b);
NODISCARD int expr_new_is_null(struct expr **ret,
			       struct field_ref f); /* true or false, never null */
NODISCARD int expr_new_compare(struct expr **ret, struct field_ref f, enum expr_op op,
			       const struct expr_literal *values, size_t n_values, struct diag *d);
/* The same of one value of a list such as process.args, 0 the first; null where the list is
 * shorter.  -EINVAL for a field that is no list. */
NODISCARD int expr_new_element(struct expr **ret, struct field_ref f, uint32_t element,
			       enum expr_op op, const struct expr_literal *values, size_t n_values,
			       struct diag *d);
/* The length of a text field in characters (bytes where it is not UTF-8), compared with integers:
 * EQ NE LT LE GT GE IN. */
NODISCARD int expr_new_length(struct expr **ret, struct field_ref f, enum expr_op op,
			      const struct expr_literal *values, size_t n_values, struct diag *d);
/* EQ NE LT LE GT GE, or MATCH for equal but for case. */
NODISCARD int expr_new_compare_fields(struct expr **ret, struct field_ref a, enum expr_op op,
				      struct field_ref b, struct diag *d);
/* A bare word: found in the command line, process name, executable, file path or destination
 * address; case-insensitive, wildcards.  True or false, never null. */
NODISCARD int expr_new_text(struct expr **ret, const char *word, size_t n, struct diag *d);
struct expr *expr_free(struct expr *e);
DEFINE_FREEP(expr)

/* Per-thread memory of evaluation, kept between calls. */
struct expr_scratch;
NODISCARD int expr_scratch_new(struct expr_scratch **ret);
struct expr_scratch *expr_scratch_free(struct expr_scratch *s);
DEFINE_FREEP(expr_scratch)

/* Evaluates @e on every row of event table @table of @b.  *ret_hits has one bit a row, bit r of
 * word r / 64, set where the whole is true; it lives in @s until the next call.
 * expr_begin() must have been called with @s for this block.  Returns 0 or -ENOMEM. */
NODISCARD int expr_begin(struct expr_scratch *s, const struct expr *e, struct block *b);
NODISCARD int expr_eval(struct expr_scratch *s, uint32_t table, const uint64_t **ret_hits);
/* As expr_begin() with the block of the last expr_begin(): what does not depend on the tree is
 * kept, so that many trees cost less on one block. */
NODISCARD int expr_begin_next(struct expr_scratch *s, const struct expr *e);

/* Strings since expr_scratch_new() on which a regular expression gave up at PCRE2's limits; their
 * comparison was null. */
uint64_t expr_gave_up(const struct expr_scratch *s);
/* From now on, after @n more of them, regular expressions are null at once: they cost too much. */
void expr_give_up_after(struct expr_scratch *s, uint64_t n);

/* Kinds (bit mask as block_info.kinds) of which an event could be a hit: asked of event.category,
 * event.action and event.type alone.  Safe over-estimate. */
uint64_t expr_kinds(const struct expr *e);

/* Asks @has(token, arg) for words that must occur in a block's strings for a hit to be possible;
 * see lib/token.h.  Returns false only when no event of such a block can be a hit. */
bool expr_may_match(const struct expr *e, bool (*has)(uint64_t token, void *arg), void *arg);
/* The same without asking how words begin (token_prefix_hash()), for who does not know that. */
bool expr_may_match_words(const struct expr *e, bool (*has)(uint64_t token, void *arg), void *arg);

/* Calls @each for the fields that the tree asks, each once. */
void expr_fields(const struct expr *e, void (*each)(struct field_ref f, void *arg), void *arg);

/* Writes the tree as text that lib/eql parses to an equal tree: for logs, explain and tests. */
void expr_print(const struct expr *e, struct buf *out);

/* Tells texts of which at least one must occur, in any case of ASCII letters, in a string of a
 * block's dictionary for some event of it to be a hit.  Returns false, and tells none, when there
 * is no such set. */
bool expr_needs(const struct expr *e, void (*add)(const char *s, size_t n, void *arg), void *arg);
