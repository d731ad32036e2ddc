/* SPDX-License-Identifier: Apache-2.0 */
/* eql_statement - a whole statement of EQL: events, a sequence or a sample.
 *
 *   sequence [by KEY, ..] [with maxspan=T]
 *     [ category where condition ] [by KEY, ..] [with runs=N]
 *     ![ category where condition ] ...
 *     [until [ category where condition ] [by KEY, ..]]
 *   sample by KEY, .. [ category where condition ] [by KEY, ..] ...
 *
 * What it means is told in docs/query.md; lib/sequence.h runs it.
 * Thread: any; a statement is immutable.  Memory: one malloc and the expression. */
#pragma once
#include "lib/expr.h"

enum {
	EQL_TERMS = 32,	  /* [..] of one statement, until not counted */
	EQL_STAGES = 128, /* the same with runs counted out */
	EQL_KEYS = 8,	  /* keys of one [..] */
};

enum eql_statement_type { EQL_EVENTS, EQL_SEQUENCE, EQL_SAMPLE };

/* What events of a sequence have in common. */
struct eql_key {
	struct field_ref field;
	bool optional; /* ?name: null is a value like any other */
	bool nothing;  /* ?name of a field that no event has */
};

/* The keys of one or more terms, those of the whole statement first. */
struct eql_key_set {
	struct eql_key keys[EQL_KEYS];
};

struct eql_term {
	const struct expr *expr; /* part of the statement's */
	bool missing;		 /* ![..] */
	uint32_t runs;		 /* so many in a row */
	uint32_t set;		 /* number of its eql_key_set */
};

struct eql_statement {
	enum eql_statement_type type;
	struct expr *expr; /* of EQL_EVENTS: the condition; else the terms' with or between */
	struct eql_term terms[EQL_TERMS + 1]; /* n_terms of them, and until if there is one */
	uint32_t n_terms, n_stages;	      /* stages: runs counted out, ![..] not counted */
	bool has_until, has_missing;
	uint64_t maxspan_ns; /* 0: not said */
	struct eql_key_set sets[EQL_TERMS + 1];
	uint32_t n_sets, n_keys; /* keys of each set */
};

/* Fields that a rule asks for and no event has, each once. */
enum { EQL_UNKNOWN = 64 };
struct eql_unknown {
	char names[EQL_UNKNOWN][80]; /* cut where longer */
	uint32_t n;		     /* kept in names */
	bool more;		     /* there were others */
};

/* Parses @text (@n bytes, UTF-8, at most LIMIT_QUERY_BYTES), without pipes.  *ret is the caller's,
 * freed with eql_statement_free().  Returns 0, -ENOMEM, or -EINVAL: @d has line, column (1-based,
 * bytes) and what was expected there. */
NODISCARD int eql_statement_parse(struct eql_statement **ret, const char *text, size_t n,
				  struct diag *d);
/* The same for rules of other products: a field that no event has is null with or without "?", and
 * named in @unknown. */
NODISCARD int eql_statement_parse_rule(struct eql_statement **ret, const char *text, size_t n,
				       struct eql_unknown *unknown, struct diag *d);

/* False when no event, or for a sequence no event of some step, can ever be a hit: such as where
 * the fields that a rule asks for are not there. */
bool eql_statement_can_match(const struct eql_statement *s);

struct eql_statement *eql_statement_free(struct eql_statement *s);
DEFINE_FREEP(eql_statement)
