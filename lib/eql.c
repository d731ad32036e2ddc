/* SPDX-License-Identifier: Apache-2.0 */
/* A recursive descent over the tokens of lib/eql_lex.h:
 *
 *   filter   = [ category "where" ] or
 *   or       = and { "or" and }
 *   and      = not { "and" not }
 *   not      = "not" not | "(" or ")" | ("child" | "descendant" | "event") "of" "[" filter "]" |
 * condition
 *
 * What a condition is lies in lib/eql_condition.c, sequences of them in lib/eql_statement.c, what
 * may follow a "|" in lib/pipe.c.  Nesting is bounded by LIMIT_QUERY_DEPTH. */
#include "lib/eql.h"

#include "lib/eql_parser.h"
#include "lib/eql_statement.h"
#include "lib/expr_kin.h"
#include "lib/limits.h"

static const char *const keywords[] = { "and",	"or",	 "not",	  "where", "in",
					"in~",	"like",	 "like~", "regex", "regex~",
					"true", "false", "null",  NULL };

/* Categories of ECS, and ours. */
static const char *const categories[] = { "any",
					  "process",
					  "file",
					  "network",
					  "driver",
					  "rtsec",
					  "api",
					  "authentication",
					  "configuration",
					  "container",
					  "database",
					  "dns",
					  "email",
					  "hook",
					  "host",
					  "iam",
					  "intrusion_detection",
					  "library",
					  "malware",
					  "package",
					  "registry",
					  "session",
					  "threat",
					  "vulnerability",
					  "web",
					  NULL };

const char *const *eql_keywords(void)
{
	return keywords;
}

const char *const *eql_categories(void)
{
	return categories;
}

int eql_built(struct eql_parser *p, size_t at, int r)
{
	if (r == -E2BIG)
		return eql_error(&p->lex, at,
				 "the query is too large: at most %d conditions, nested %d deep",
				 LIMIT_QUERY_NODES, LIMIT_QUERY_DEPTH);
	return r;
}

static const struct {
	const char *word;
	enum expr_kin_type type;
} kins[] = {
	{ "child", EXPR_KIN_CHILD },
	{ "descendant", EXPR_KIN_DESCENDANT },
	{ "event", EXPR_KIN_EVENT },
};

/* "of" was read: "[" condition "]". */
static int parse_kin(struct eql_parser *p, enum expr_kin_type type, size_t at, struct expr **ret)
{
	AUTO(expr) *e = NULL;
	int r = eql_next(&p->lex, EQL_TERM);

	if (r == 0 && ++p->n_kins > EXPR_KINS)
		return eql_error(&p->lex, at, "too many of [..]: at most %d", EXPR_KINS);
	if (r == 0 && !eql_is_symbol(&p->lex.token, '['))
		r = eql_expected(p, "'[' and a condition");
	if (r == 0)
		r = eql_next(&p->lex, EQL_TERM);
	if (r == 0)
		r = eql_parse_filter(p, &e);
	if (r == 0 && !eql_is_symbol(&p->lex.token, ']'))
		r = eql_expected(p, "'and', 'or' or ']'");
	if (r == 0)
		r = eql_next(&p->lex, EQL_TERM);
	return r < 0 ? r : eql_built(p, at, expr_new_kin(ret, type, TAKE(e)));
}

/* child of [..]; 1 when that was it, 0 when nothing was used. */
static int try_kin(struct eql_parser *p, struct expr **ret)
{
	struct eql_token first = p->lex.token;
	size_t after = p->lex.at;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(kins); i++) {
		if (!eql_is(&first, kins[i].word))
			continue;
		r = eql_next(&p->lex, EQL_TERM);
		if (r == 0 && eql_is(&p->lex.token, "of")) {
			r = parse_kin(p, kins[i].type, first.at, ret);
			return r < 0 ? r : 1;
		}
		p->lex.at = after;
		p->lex.token = first;
	}
	return 0;
}

static int parse_not(struct eql_parser *p, struct expr **ret);

static int parse_not_inside(struct eql_parser *p, struct expr **ret)
{
	const struct eql_token *t = &p->lex.token;
	size_t at = t->at;
	char shown[64];
	int r;

	if (eql_is(t, "not")) {
		AUTO(expr) *a = NULL;

		r = eql_next(&p->lex, EQL_TERM);
		if (r == 0)
			r = parse_not(p, &a);
		return r < 0 ? r : eql_built(p, at, expr_new_not(ret, TAKE(a)));
	}
	r = try_kin(p, ret);
	if (r)
		return MIN(r, 0);
	if (t->type != EQL_OPEN)
		return eql_parse_condition(p, ret);
	r = eql_try_computed(p, ret);
	if (r)
		return MIN(r, 0);
	r = eql_next(&p->lex, EQL_TERM);
	if (r == 0)
		r = eql_parse_or(p, ret);
	if (r < 0)
		return r;
	if (t->type != EQL_CLOSE)
		return eql_error(&p->lex, t->at, "expected 'and', 'or' or ')' instead of %s",
				 eql_show(&p->lex, t, shown, sizeof(shown)));
	return eql_next(&p->lex, EQL_TERM);
}

static int parse_not(struct eql_parser *p, struct expr **ret)
{
	AUTO(expr) *e = NULL;
	int r;

	if (p->depth == LIMIT_QUERY_DEPTH)
		return eql_error(&p->lex, p->lex.token.at, "nested too deeply: at most %d levels",
				 LIMIT_QUERY_DEPTH);
	p->depth++;
	r = parse_not_inside(p, &e);
	p->depth--;
	if (r == 0)
		*ret = TAKE(e);
	return r;
}

typedef int (*join_fn)(struct expr **ret, struct expr *a, struct expr *b);
typedef int (*parse_fn)(struct eql_parser *p, struct expr **ret);

static int parse_chain(struct eql_parser *p, const char *word, parse_fn part, join_fn join,
		       struct expr **ret)
{
	AUTO(expr) *all = NULL;
	int r = part(p, &all);

	while (r == 0 && eql_is(&p->lex.token, word)) {
		AUTO(expr) *next = NULL;
		size_t at = p->lex.token.at;

		r = eql_next(&p->lex, EQL_TERM);
		if (r == 0)
			r = part(p, &next);
		if (r == 0)
			r = eql_built(p, at, join(&all, TAKE(all), TAKE(next)));
	}
	if (r == 0)
		*ret = TAKE(all);
	return r;
}

static int parse_and(struct eql_parser *p, struct expr **ret)
{
	return parse_chain(p, "and", parse_not, expr_new_and, ret);
}

int eql_parse_or(struct eql_parser *p, struct expr **ret)
{
	return parse_chain(p, "or", parse_and, expr_new_or, ret);
}

static bool known_category(const struct eql_token *t)
{
	for (size_t i = 0; categories[i]; i++)
		if (strlen(categories[i]) == t->n_value &&
		    memcmp(categories[i], t->value, t->n_value) == 0)
			return true;
	return false;
}

static int unknown_category(struct eql_parser *p, const struct eql_token *t)
{
	const char *near = eql_suggest(categories, t->value, t->n_value);
	char shown[64];

	eql_show(&p->lex, t, shown, sizeof(shown));
	if (near)
		return eql_error(&p->lex, t->at, "unknown event category %s; did you mean %s?",
				 shown, near);
	return eql_error(
		&p->lex, t->at,
		"unknown event category %s: expected any, process, file, network, driver or "
		"rtsec",
		shown);
}

/* The condition after "category where". */
static int parse_of_category(struct eql_parser *p, const struct eql_token *category,
			     struct expr **ret)
{
	struct field_ref f = { field_info(FIELD_CATEGORY), VIA_ACTOR };
	struct expr_literal value = { .type = LITERAL_STRING,
				      .string = category->value,
				      .n = category->n_value };
	AUTO(expr) *is = NULL;
	AUTO(expr) *e = NULL;
	int r;

	/* a rule may be about what others have: it is null there, as their fields are */
	if (category->type == EQL_WORD && !p->unknown && !known_category(category))
		return unknown_category(p, category);
	r = eql_next(&p->lex, EQL_TERM);
	if (r == 0)
		r = eql_parse_or(p, &e);
	if (r < 0)
		return r;
	if (eql_is(category, "any")) {
		*ret = TAKE(e);
		return 0;
	}
	r = expr_new_compare(&is, f, EXPR_EQ, &value, 1, p->lex.diag);
	return r < 0 ? r : eql_built(p, category->at, expr_new_and(ret, TAKE(is), TAKE(e)));
}

bool eql_is_symbol(const struct eql_token *t, char c)
{
	return t->type == EQL_SYMBOL && t->n == 1 && *t->value == c;
}

bool eql_at_pipe(const struct eql_parser *p)
{
	return eql_is_symbol(&p->lex.token, '|');
}

int eql_parse_filter(struct eql_parser *p, struct expr **ret)
{
	struct eql_token first = p->lex.token;
	size_t after = p->lex.at;
	int r;

	if (first.type == EQL_WORD || first.type == EQL_STRING) {
		r = eql_next(&p->lex, EQL_TERM);
		if (r == 0 && eql_is(&p->lex.token, "where"))
			return parse_of_category(p, &first, ret);
		p->lex.at = after;
		p->lex.token = first;
	}
	return eql_parse_or(p, ret);
}

int eql_not_the_end(struct eql_parser *p)
{
	const struct eql_token *t = &p->lex.token;
	char shown[64];

	if (eql_at_pipe(p))
		return eql_error(&p->lex, t->at, "no pipes are taken here: expected the end");
	if (t->type == EQL_CLOSE)
		return eql_error(&p->lex, t->at, "this ')' closes nothing");
	if (t->n == 2 && (memcmp(t->value, "&&", 2) == 0 || memcmp(t->value, "||", 2) == 0))
		return eql_error(&p->lex, t->at, "expected '%s' instead of '%.2s'",
				 *t->value == '&' ? "and" : "or", t->value);
	return eql_error(&p->lex, t->at, "expected 'and', 'or' or the end instead of %s",
			 eql_show(&p->lex, t, shown, sizeof(shown)));
}

int eql_parse(struct expr **ret, const char *text, size_t n, struct diag *d)
{
	AUTO(eql_statement) *s = NULL;
	int r = eql_statement_parse(&s, text, n, d);

	if (r < 0)
		return r;
	if (s->type != EQL_EVENTS)
		return diag_set(d, -EINVAL, 1, 1,
				"expected one condition, not a sequence or sample");
	*ret = TAKE(s->expr);
	return 0;
}
