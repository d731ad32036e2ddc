/* SPDX-License-Identifier: Apache-2.0 */
/* sigma - front end of lib/expr for Sigma rules (Sigma rules specification 2.1.0).  What they mean
 * on our events: docs/rules.md.
 *
 * A rule's detection becomes one tree that holds its log source, too.  Sigma's logic has two
 * values: a field that is not there is simply not equal.  Ours has three.  So under an odd number
 * of NOTs each comparison is joined by "and field != null", which makes it two-valued where that
 * matters; elsewhere null and false are the same, for only a true rule is a hit.
 *
 * What a rule asks of things that our events do not carry is a gap, told with its place.  It is
 * never taken for true; a branch of an OR that has one is left out where that makes fewer hits and
 * not more, so that the rule is asked in part.  Else the rule has no tree.
 *
 * Thread: any.  Memory: a rule owns all of its own. */
#pragma once
#include "lib/correlate.h"
#include "lib/expr.h"
#include "lib/yaml.h"

enum {
	SIGMA_E_UNMAPPED = 1, /* a well-formed rule with gaps */
	SIGMA_GAPS = 16,      /* most that are kept of one rule */
};

struct sigma_list {
	const char **v;
	size_t n;
};

/* A name that stands for a field of one of the correlation's rules. */
struct sigma_alias {
	const char *name, *rule, *field;
};

/* What a correlation document asks for. */
struct sigma_correlation {
	struct correlate_config config;
	struct sigma_list rules; /* ids or names */
	struct sigma_list group_by;
	const char *field; /* whose values are counted; NULL: none */
	bool generate;	   /* its rules make alerts of their own, too */
	struct sigma_alias aliases[64];
	size_t n_aliases;
};

struct sigma_rule {
	/* as the rule says them; NULL: it does not */
	const char *id, *name, *title, *status, *description, *author, *date, *modified, *level;
	const char *bypass;			  /* ours, among what Sigma lets rules add */
	const char *category, *product, *service; /* of its log source */
	struct sigma_list references, tags, falsepositives, fields;
	struct sigma_list techniques; /* MITRE ATT&CK ids out of its tags, such as T1059.004 */
	struct sigma_list used_fields, used_modifiers; /* each once, in order of appearance */
	uint32_t line;				       /* at which it begins in its file */
	struct expr *expr;			       /* NULL: it has gaps, or is a correlation */
	const struct sigma_correlation *correlation;   /* NULL: it is none */
	/* of a filter: the rules that it is for; expr: what they must be, too */
	struct sigma_list filtered;
	bool is_filter;
	int source;		      /* of its log source, for sigma_field() */
	struct diag gaps[SIGMA_GAPS]; /* why it, or with expr a part of it, cannot be asked */
	size_t n_gaps;
	struct arena *arena; /* of all of the above */
};

/* Reads one document of a YAML text as a rule.
 * Returns 0, SIGMA_E_UNMAPPED (expr is NULL, gaps tell why), -EINVAL (it is no valid rule; place
 * and reason are in @d) or -ENOMEM; *ret is set for 0 and SIGMA_E_UNMAPPED and freed with
 * sigma_rule_free(). */
NODISCARD int sigma_rule_new(struct sigma_rule **ret, const struct yaml_node *document,
			     struct diag *d);
struct sigma_rule *sigma_rule_free(struct sigma_rule *r);
DEFINE_FREEP(sigma_rule)

/* The field of our events that @name is in a rule of the log source @source (sigma_rule.source;
 * below 0: none).  Returns false when there is none. */
NODISCARD bool sigma_field(int source, const char *name, struct field_ref *ret);

/* Does a filter of the log source @filter hold for rules of @rule? */
bool sigma_source_covers(int filter, int rule);

/* Checks that every entry of lib/sigma_fields.def names what there is.  Returns 0 or -EINVAL with
 * @d; a test asks it. */
NODISCARD int sigma_check_table(struct diag *d);
