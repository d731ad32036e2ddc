/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions of a detection:
 *
 *   or    = and { "or" and }
 *   and   = not { "and" not }
 *   not   = "not" not | "(" or ")" | ( "1" | "any" | "all" ) "of" ( "them" | pattern ) | name
 */
#include "lib/sigma_build.h"

#include <strings.h>

enum { DEPTH_MAX = 64, USES_MAX = 1000 };

struct parser {
	struct sigma_build *b;
	const struct yaml_node *node;
	size_t at, n, next; /* the current word and where the one after it begins */
	unsigned depth;
};

/* ---- words ---- */

static void advance(struct parser *p)
{
	const char *s = p->node->text;

	p->at = p->next + strspn(s + p->next, " \t\r\n");
	p->n = s[p->at] && strchr("()|", s[p->at]) ? 1 : strcspn(s + p->at, " \t\r\n()|");
	p->next = p->at + p->n;
}

static bool at_word(const struct parser *p, const char *word)
{
	return strlen(word) == p->n && strncasecmp(p->node->text + p->at, word, p->n) == 0;
}

static int expected(struct parser *p, const char *what)
{
	if (p->n == 0)
		return sigma_wrong(p->b, p->node, p->at, "the condition ends, expected %s", what);
	return sigma_wrong(p->b, p->node, p->at, "expected %s instead of \"%.*s\"", what,
			   (int)MIN(p->n, (size_t)60), p->node->text + p->at);
}

/* ---- selections ---- */

/* * is any number of characters; a mismatch gives the last one more. */
static bool fits(const char *pattern, const char *name)
{
	const char *star = NULL, *back = NULL;

	while (*name) {
		if (*pattern == '*') {
			star = ++pattern;
			back = name;
		} else if (*pattern == *name) {
			pattern++;
			name++;
		} else if (star) {
			pattern = star;
			name = ++back;
		} else {
			return false;
		}
	}
	return pattern[strspn(pattern, "*")] == '\0';
}

static int use(struct parser *p, const struct yaml_node *selection, struct expr **ret)
{
	if (++p->b->n_uses > USES_MAX)
		return sigma_wrong(p->b, p->node, p->at,
				   "the condition names too many selections: at most %d", USES_MAX);
	return sigma_build_selection(p->b, selection, ret);
}

/* "them" or a pattern such as selection_*; the current word. */
static int parse_group(struct parser *p, bool and, struct expr **ret)
{
	AUTO_JOINT struct sigma_joint all = { .and = and};
	bool them = at_word(p, "them"), any = false;
	char pattern[128];
	int r = 0;

	if (p->n == 0 || strchr("()|", p->node->text[p->at]))
		return expected(p, "them or a pattern such as selection_*");
	snprintf(pattern, sizeof(pattern), "%.*s", (int)p->n, p->node->text + p->at);
	for (const struct yaml_node *i = p->b->detection->first; r == 0 && i; i = i->next) {
		struct expr *e = NULL;

		if (!sigma_is_selection(p->b, i) ||
		    (them ? *i->key->text == '_' : !fits(pattern, i->key->text)))
			continue;
		any = true;
		r = use(p, i, &e);
		r = sigma_joint_add(&all, e, r);
	}
	if (r < 0)
		return r;
	if (!any)
		return sigma_wrong(p->b, p->node, p->at, "no selection is called %s", pattern);
	advance(p);
	return sigma_joint_end(p->b, &all, ret);
}

static int parse_of(struct parser *p, struct expr **ret)
{
	bool all = at_word(p, "all");

	advance(p);
	if (!at_word(p, "of"))
		return expected(p, "of");
	advance(p);
	return parse_group(p, all, ret);
}

static int parse_name(struct parser *p, struct expr **ret)
{
	const struct yaml_node *selection = NULL;
	int r;

	for (const struct yaml_node *i = p->b->detection->first; i; i = i->next)
		if (sigma_is_selection(p->b, i) && i->key->n == p->n &&
		    memcmp(i->key->text, p->node->text + p->at, p->n) == 0)
			selection = i;
	if (!selection)
		return sigma_wrong(p->b, p->node, p->at, "no selection is called %.*s",
				   (int)MIN(p->n, (size_t)60), p->node->text + p->at);
	r = use(p, selection, ret);
	advance(p);
	return r;
}

/* ---- conditions ---- */

static int parse_or(struct parser *p, struct expr **ret);

/* Is the current word the beginning of "1 of ..."?  A selection may be called "all", too. */
static bool at_of(const struct parser *p)
{
	struct parser after = *p;

	if (!at_word(p, "1") && !at_word(p, "any") && !at_word(p, "all"))
		return false;
	advance(&after);
	return at_word(&after, "of");
}

static int parse_parentheses(struct parser *p, struct expr **ret)
{
	AUTO(expr) *e = NULL;
	int r;

	if (p->depth == DEPTH_MAX)
		return expected(p, "less nesting");
	advance(p);
	p->depth++;
	r = parse_or(p, &e);
	p->depth--;
	if (r < 0)
		return r;
	if (!at_word(p, ")"))
		return expected(p, "and, or or )");
	advance(p);
	if (r == 0)
		*ret = TAKE(e);
	return r;
}

static int parse_inside(struct parser *p, struct expr **ret)
{
	int r;

	if (at_word(p, "not")) {
		AUTO(expr) *e = NULL;

		advance(p);
		p->b->odd = !p->b->odd;
		r = p->depth < DEPTH_MAX ? 0 : expected(p, "less nesting");
		p->depth++;
		if (r == 0)
			r = parse_inside(p, &e);
		p->depth--;
		p->b->odd = !p->b->odd;
		return r ? r : expr_new_not(ret, TAKE(e));
	}
	if (at_word(p, "("))
		return parse_parentheses(p, ret);
	if (at_of(p))
		return parse_of(p, ret);
	if (p->n == 0 || at_word(p, ")") || at_word(p, "|") || at_word(p, "and") ||
	    at_word(p, "or"))
		return expected(p, "the name of a selection");
	return parse_name(p, ret);
}

static int parse_chain(struct parser *p, bool and, struct expr **ret)
{
	AUTO_JOINT struct sigma_joint all = { .and = and};
	int r;

	for (;;) {
		struct expr *e = NULL;

		r = and? parse_inside(p, &e) : parse_chain(p, true, &e);
		r = sigma_joint_add(&all, e, r);
		if (r < 0)
			return r;
		if (!at_word(p, and? "and" : "or"))
			return sigma_joint_end(p->b, &all, ret);
		advance(p);
	}
}

static int parse_or(struct parser *p, struct expr **ret)
{
	return parse_chain(p, false, ret);
}

static int build_one(struct sigma_build *b, const struct yaml_node *node, struct expr **ret)
{
	struct parser p = { .b = b, .node = node };
	AUTO(expr) *e = NULL;
	int r;

	if (!node->text || node->type == YAML_NULL)
		return sigma_wrong(b, node, 0, "a condition must be a text, not %s",
				   yaml_type_name(node));
	if (strlen(node->text) != node->n)
		return sigma_wrong(b, node, 0, "a condition cannot hold a NUL");
	advance(&p);
	r = parse_or(&p, &e);
	if (r < 0)
		return r;
	if (at_word(&p, "|"))
		return sigma_gap(b, node,
				 "aggregations (| in a condition) are not supported: Sigma has "
				 "replaced them by correlation rules");
	if (p.n)
		return expected(&p, "and, or or the end");
	if (r == 0)
		*ret = TAKE(e);
	return r;
}

int sigma_build_condition(struct sigma_build *b, const struct yaml_node *condition,
			  struct expr **ret)
{
	AUTO_JOINT struct sigma_joint all = { 0 };

	if (condition->type != YAML_LIST)
		return build_one(b, condition, ret);
	for (const struct yaml_node *i = condition->first; i; i = i->next) {
		struct expr *e = NULL;
		int r = build_one(b, i, &e);

		r = sigma_joint_add(&all, e, r);
		if (r < 0)
			return r;
	}
	if (!all.all && !all.gap)
		return sigma_wrong(b, condition, 0, "the list of conditions is empty");
	return sigma_joint_end(b, &all, ret);
}
