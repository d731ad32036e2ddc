/* SPDX-License-Identifier: Apache-2.0 */
/* rule - one detection rule out of one YAML document, whatever language it is written in.
 *
 *   query:        our own envelope around EQL (docs/rules.md, "EQL rules")
 *   detection:    a Sigma rule              correlation:, filter: Sigma's other documents
 *
 * A rule is immutable once parsed and shared by counted references: the rule book, the live engine
 * and requests hold the same one.
 * Thread: any; the count is atomic.  Memory: a rule owns its source and all that came of it. */
#pragma once
#include "lib/arena.h"
#include "lib/eql_statement.h"
#include "lib/sigma.h"

enum rule_language { RULE_EQL, RULE_SIGMA, RULE_SIGMA_CORRELATION, RULE_SIGMA_FILTER };
enum rule_level {
	RULE_INFORMATIONAL,
	RULE_LOW,
	RULE_MEDIUM,
	RULE_HIGH,
	RULE_CRITICAL,
	RULE_LEVELS
};

enum {
	RULE_ID_BYTES = 129, /* with the NUL */
	RULE_GAPS = SIGMA_GAPS,
	RULE_TESTS = 64,
	RULE_EXCEPTIONS = 64,
};

/* Events of a rule's own, and whether it must fire on them. */
struct rule_test {
	const char *name;
	bool fires;
	const struct yaml_node *events; /* a list of maps; see lib/sample.h */
};

/* What a rule leaves out although it matches. */
struct rule_exception {
	const char *reason, *owner; /* NULL: not told */
	const char *condition;
	struct expr *expr;
	uint64_t expires_ns; /* 0: never */
};

struct rule {
	enum rule_language language;
	enum rule_level level;
	const char *id;	  /* as it says, else made of its title; at most RULE_ID_BYTES - 1 */
	const char *name; /* Sigma's name, by which correlations refer to it; NULL: none */
	const char *title, *description, *author; /* but for the title NULL: not told */
	const char *bypass;			  /* how it can be got around */
	struct sigma_list references, techniques, false_positives, tags;
	struct sigma_list used_fields, used_modifiers; /* Sigma's */
	/* what an event must be; NULL: it has gaps, or is none of events */
	const struct expr *expr;
	const char *query; /* EQL as written; NULL: Sigma */
	/* a sequence or sample; expr is what its events must be */
	const struct eql_statement *statement;
	const struct sigma_correlation *correlation; /* NULL: it is none */
	const struct expr *filter; /* of a filter: what an event of its rules must be, too */
	const struct sigma_list *filtered; /* ids or names of these; "any": all */
	int log_source; /* for sigma_field(); below 0: EQL, whose fields have our names */
	struct diag gaps[RULE_GAPS]; /* why it, or a part of it, cannot be asked of our events */
	size_t n_gaps;
	struct rule_test tests[RULE_TESTS];
	size_t n_tests;
	struct rule_exception exceptions[RULE_EXCEPTIONS];
	size_t n_exceptions;
	const char *source; /* the document's text, @n_source bytes and a NUL */
	size_t n_source;
	struct rule_own *own; /* lib/rule.c's */
};

/* Parses one document.  Returns 0 (look at n_gaps, too), -EINVAL (no rule; @d has the place in
 * @text) or -ENOMEM; *ret is the caller's reference, given back with rule_free(). */
NODISCARD int rule_parse(struct rule **ret, const char *text, size_t n, struct diag *d);
struct rule *rule_ref(struct rule *r);
struct rule *rule_free(struct rule *r); /* gives a reference back; NULL: no-op */
DEFINE_FREEP(rule)

const char *rule_level_name(enum rule_level level);
/* Returns false for a word that names no level. */
NODISCARD bool rule_level_parse(const char *s, enum rule_level *ret);
const char *rule_language_name(enum rule_language language); /* "eql", "sigma", ... */
/* ok; partial: a part of it cannot be asked; unmapped: it cannot be asked; wrong: @r is NULL. */
const char *rule_status_name(const struct rule *r);
/* It cannot be asked of our events. */
bool rule_is_unmapped(const struct rule *r);

/* Goes through the documents of a YAML text without parsing them.  *at starts as 0; *ret and *ret_n
 * are the next one, *ret_line the lines before it.  Documents of blanks and comments alone are left
 * out.  Returns false after the last. */
NODISCARD bool rule_next_document(const char *text, size_t n, size_t *at, const char **ret,
				  size_t *ret_n, uint32_t *ret_line);

/* Appends the query that finds what the rule finds; nothing when there is none. */
void rule_print_query(const struct rule *r, struct buf *out);
