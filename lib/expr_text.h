/* SPDX-License-Identifier: Apache-2.0 */
/* expr_text - what a query asks of one string: a set of patterns, any of which may match.
 *
 * Wildcards: * is any number of characters, ? is one; a character is one UTF-8 sequence, or one
 * byte where the text is not UTF-8.  Case-insensitive means ASCII letters; a regular expression
 * without case folds as Unicode does.  Regular expressions are of PCRE2 and hold for the whole
 * string; text that is not UTF-8 is matched byte by byte, so that a broken byte hides nothing.
 *
 * Thread: the set is immutable once built; each thread has an expr_text_scratch of its own.
 * Memory: malloc per pattern. */
#pragma once
#include "lib/buf.h"
#include "lib/diag.h"
#include "lib/expr_ip.h"

enum expr_pattern_type {
	PATTERN_EXACT,
	PATTERN_PREFIX,
	PATTERN_SUFFIX,
	PATTERN_CONTAINS,
	PATTERN_GLOB, /* wildcards in other places */
	PATTERN_ANY,  /* whatever is there */
	PATTERN_REGEX,
	PATTERN_NET,	  /* an address in a network */
	PATTERN_BELOW,	  /* bytewise order: string < literal, or <= */
	PATTERN_ABOVE,	  /* string > literal, or >= */
	PATTERN_IP_BELOW, /* the same of addresses */
	PATTERN_IP_ABOVE,
	PATTERN_LENGTH, /* characters within low..high */
};

struct expr_pattern {
	enum expr_pattern_type type;
	char *text; /* lowered in a set without case */
	size_t n;
	bool or_equal; /* BELOW, ABOVE */
	bool has_one;  /* GLOB with a ? */
	struct expr_net net;
	uint64_t low, high;
	void *code_utf, *code_bytes; /* pcre2_code; code_utf NULL: the pattern is not UTF-8 */
};

struct expr_text {
	struct expr_pattern *patterns; /* the exact ones first, once finished: sorted */
	size_t n, n_exact;
	bool nocase;
};

enum expr_state { STATE_UNKNOWN, STATE_FALSE, STATE_TRUE, STATE_NULL };

struct expr_text_scratch {
	struct buf lowered;
	void *match_data, *match_context, *jit_stack; /* PCRE2's */
	uint64_t gave_up,
		most_gave_up; /* from the latter on regular expressions are null; 0: never */
	bool failed;	      /* out of memory */
};

NODISCARD int expr_text_scratch_init(struct expr_text_scratch *s);
void expr_text_scratch_done(struct expr_text_scratch *s);

void expr_text_done(struct expr_text *t);

/* Add one pattern; the text is copied.  Return 0, -EINVAL with @d, or -ENOMEM. */
NODISCARD int expr_text_add(struct expr_text *t, enum expr_pattern_type type, const char *s,
			    size_t n);
NODISCARD int expr_text_add_wildcard(struct expr_text *t, const char *s, size_t n);
NODISCARD int expr_text_add_regex(struct expr_text *t, const char *s, size_t n, struct diag *d);
NODISCARD int expr_text_add_net(struct expr_text *t, enum expr_pattern_type type,
				const struct expr_net *net);
NODISCARD int expr_text_add_length(struct expr_text *t, uint64_t low, uint64_t high);

/* No pattern comes any more; sorts the exact ones. */
void expr_text_finish(struct expr_text *t);

/* STATE_TRUE, STATE_FALSE, or STATE_NULL where a regular expression gave up. */
enum expr_state expr_text_test(const struct expr_text *t, struct expr_text_scratch *s,
			       const char *text, size_t n);

/* Bytes of the character at @s (@n > 0 bytes are there). */
size_t expr_character(const char *s, size_t n);

/* a-z for A-Z, the rest as it is. */
static inline UNUSED char expr_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}
