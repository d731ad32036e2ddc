/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions over computed values:
 *
 *   condition = value operator value | value operator list | value
 *   value     = term { ("+" | "-") term }
 *   term      = factor { ("*" | "/" | "%") factor }
 *   factor    = "-" factor | "(" value ")" | literal | field | function "(" value { "," value } ")"
 *
 * These are tried first, and given back to lib/eql_condition.c when nothing is computed: a field
 * with literals is asked much faster, and words may be more than names there. */
#include "lib/eql.h"
#include "lib/eql_parser.h"
#include "lib/expr_value.h"
#include "lib/limits.h"

enum { MAX_ARGS = 32 };

/* What a value is made of, as far as lib/eql_condition.c could ask it. */
enum shape { SHAPE_FIELD, SHAPE_ELEMENT, SHAPE_LENGTH, SHAPE_LITERAL, SHAPE_COMPUTED };

struct value {
	struct expr_value *v;
	enum shape shape;
	bool dotted; /* a name with a dot */
	size_t at;
};

struct trial {
	struct eql_parser *p;
	unsigned depth;
	bool computes; /* what is wrong from here on is an error of a computed value */
	bool foreign;  /* this is something else after all */
	bool named;    /* a function was called */
};

static void value_done(struct value *v)
{
	v->v = expr_value_free(v->v);
}
#define AUTO_VALUE __attribute__((cleanup(value_done)))

static int next(struct trial *t)
{
	return eql_next(&t->p->lex, EQL_CALC);
}

static const struct eql_token *token(const struct trial *t)
{
	return &t->p->lex.token;
}

static int not_this(struct trial *t)
{
	t->foreign = true;
	return -EINVAL;
}

/* Puts a reason without place at byte @at. */
static int placed(struct trial *t, size_t at, int r)
{
	if (r == -EINVAL)
		diag_position(t->p->lex.text, at, &t->p->lex.diag->line, &t->p->lex.diag->column);
	return eql_built(t->p, at, r);
}

static int parse_value(struct trial *t, struct value *ret);
static int parse_factor(struct trial *t, struct value *ret);

/* ---- factors ---- */

static int parse_literal(struct trial *t, const struct expr_literal *v, struct value *ret)
{
	int r = expr_value_literal(&ret->v, v);

	ret->shape = SHAPE_LITERAL;
	return r < 0 ? r : next(t);
}

/* "(" is the current token. */
static int parse_arguments(struct trial *t, struct expr_value **args, size_t *n,
			   enum shape shapes[MAX_ARGS])
{
	do {
		AUTO_VALUE struct value v = { 0 };
		int r = next(t);

		if (r == 0)
			r = parse_value(t, &v);
		if (r < 0)
			return r;
		if (*n == MAX_ARGS)
			return eql_error(&t->p->lex, v.at, "too many arguments: at most %d",
					 MAX_ARGS);
		shapes[*n] = v.shape;
		args[(*n)++] = TAKE(v.v);
	} while (token(t)->type == EQL_COMMA);
	if (token(t)->type != EQL_CLOSE)
		return eql_expected(t->p, "',' or ')' after an argument");
	return next(t);
}

/* Would lib/eql_condition.c ask it? */
static enum shape shape_of_call(const struct eql_token *name, const enum shape *shapes, size_t n)
{
	struct eql_token bare = *name;

	if (bare.value[bare.n - 1] == '~')
		bare.n--;
	if (eql_is(&bare, "length"))
		return n == 1 && shapes[0] == SHAPE_FIELD ? SHAPE_LENGTH : SHAPE_COMPUTED;
	if (!eql_is(&bare, "startswith") && !eql_is(&bare, "endswith") &&
	    !eql_is(&bare, "stringcontains"))
		return SHAPE_COMPUTED;
	if (n == 0 || (shapes[0] != SHAPE_FIELD && shapes[0] != SHAPE_ELEMENT))
		return SHAPE_COMPUTED;
	for (size_t i = 1; i < n; i++)
		if (shapes[i] != SHAPE_LITERAL)
			return SHAPE_COMPUTED;
	return SHAPE_FIELD;
}

/* Those that nothing else can mean. */
static bool is_only_computed(const struct eql_token *name)
{
	static const char *const both[] = { "length", "startswith", "endswith", "stringcontains" };
	struct eql_token bare = *name;

	if (bare.value[bare.n - 1] == '~')
		bare.n--;
	for (size_t i = 0; i < ARRAY_SIZE(both); i++)
		if (eql_is(&bare, both[i]))
			return false;
	return true;
}

/* "(" is the current token. */
static int parse_call(struct trial *t, const struct eql_token *name, struct value *ret)
{
	struct expr_value *args[MAX_ARGS];
	enum shape shapes[MAX_ARGS];
	size_t n = 0;
	int r;

	t->named = true;
	t->computes |= is_only_computed(name);
	r = parse_arguments(t, args, &n, shapes);
	if (r < 0) {
		while (n)
			expr_value_free(args[--n]);
		return r;
	}
	ret->shape = shape_of_call(name, shapes, n);
	t->computes |= ret->shape == SHAPE_COMPUTED;
	r = expr_value_call(&ret->v, name->value, name->n_value, args, n, t->p->lex.diag);
	return placed(t, name->at, r);
}

/* A word that is no field is a bare word, most likely: what it could have been is not looked for.
 */
static bool is_other_word(const struct trial *t, const struct eql_token *name)
{
	struct eql_token bare = *name;
	struct field_ref f;
	uint32_t element;
	enum expr_op op;

	eql_take_element(&bare, &element);
	if (t->computes || t->named || eql_is_optional(name) ||
	    field_find(bare.value, bare.n_value, &f))
		return false;
	return !t->p->unknown || (!eql_operator_of(token(t), &op) && token(t)->type != EQL_SYMBOL);
}

static int parse_field(struct trial *t, const struct eql_token *name, struct value *ret)
{
	size_t skip = name->type == EQL_WORD && *name->value == '?';
	struct diag *d = t->p->lex.diag;
	struct eql_operand f;
	int r;

	if (is_other_word(t, name))
		return not_this(t);
	r = eql_operand_of(t->p, name, &f);
	if (r < 0)
		return r;
	ret->shape = f.is_element ? SHAPE_ELEMENT : SHAPE_FIELD;
	ret->dotted = eql_is_dotted(name) || name->type == EQL_NAME;
	if (f.nothing)
		r = expr_value_nothing(&ret->v, name->value + skip, name->n_value - skip);
	else if (f.is_element)
		r = expr_value_element(&ret->v, f.field, f.element, d);
	else
		r = expr_value_field(&ret->v, f.field);
	return placed(t, name->at, r);
}

/* A word: number, truth, null, function or field. */
static int parse_word(struct trial *t, struct value *ret)
{
	struct eql_token name = *token(t);
	struct expr_literal v = { .type = LITERAL_NULL };
	int r = name.type == EQL_WORD ? eql_number_of(t->p, &name, &v) : 0;

	if (r < 0)
		return r;
	if (r > 0 || (name.type == EQL_WORD && eql_constant_of(&name, &v)))
		return parse_literal(t, &v, ret);
	r = next(t);
	if (r < 0)
		return r;
	if (name.type == EQL_WORD && token(t)->type == EQL_OPEN) {
		if (!expr_is_function(name.value, name.n_value))
			return not_this(t);
		return parse_call(t, &name, ret);
	}
	return parse_field(t, &name, ret);
}

/* "(" is the current token. */
static int parse_group(struct trial *t, struct value *ret)
{
	int r = next(t);

	if (r == 0)
		r = parse_value(t, ret);
	if (r < 0)
		return r;
	if (token(t)->type != EQL_CLOSE) /* a condition in parentheses */
		return not_this(t);
	if (ret->shape == SHAPE_FIELD && !ret->dotted)
		return not_this(t);
	return next(t);
}

static int binary(struct trial *t, const char *function, size_t at, struct value *a,
		  struct value *b)
{
	struct expr_value *args[] = { TAKE(a->v), TAKE(b->v) };
	int r = expr_value_call(&a->v, function, strlen(function), args, 2, t->p->lex.diag);

	a->shape = SHAPE_COMPUTED;
	return placed(t, at, r);
}

static int parse_negative(struct trial *t, struct value *ret)
{
	const struct expr_literal zero = { .type = LITERAL_INT };
	AUTO_VALUE struct value b = { 0 };
	struct expr_literal v = { .type = LITERAL_NULL };
	size_t at = token(t)->at;
	int r = next(t);

	if (r == 0 && token(t)->type == EQL_WORD)
		r = eql_number_of(t->p, token(t), &v);
	if (r > 0) { /* a number of its own */
		v.integer = -v.integer;
		v.real = -v.real;
		return parse_literal(t, &v, ret);
	}
	if (r == 0 && t->depth == LIMIT_QUERY_DEPTH)
		r = not_this(t);
	t->depth++;
	if (r == 0)
		r = parse_factor(t, &b);
	t->depth--;
	if (r == 0)
		r = expr_value_literal(&ret->v, &zero);
	if (r == 0)
		r = binary(t, "subtract", at, ret, &b);
	return r;
}

static int parse_positive(struct trial *t, struct value *ret)
{
	int r = t->depth == LIMIT_QUERY_DEPTH ? not_this(t) : next(t);

	t->depth++;
	if (r == 0)
		r = parse_factor(t, ret);
	t->depth--;
	return r;
}

static int parse_factor(struct trial *t, struct value *ret)
{
	const struct eql_token *tok = token(t);
	struct expr_literal text = { .type = LITERAL_STRING,
				     .string = tok->value,
				     .n = tok->n_value };

	ret->at = tok->at;
	switch (tok->type) {
	case EQL_STRING:
		return parse_literal(t, &text, ret);
	case EQL_WORD:
	case EQL_NAME:
		return parse_word(t, ret);
	case EQL_OPEN:
		return parse_group(t, ret);
	case EQL_SYMBOL:
		if (eql_is_symbol(tok, '-'))
			return parse_negative(t, ret);
		if (eql_is_symbol(tok, '+'))
			return parse_positive(t, ret);
		break;
	default:
		break;
	}
	return eql_expected(t->p, "a value");
}

/* ---- arithmetic ---- */

static const struct {
	char symbol;
	bool strong;
	const char *function;
} arithmetic[] = {
	{ '+', false, "add" },	 { '-', false, "subtract" }, { '*', true, "multiply" },
	{ '/', true, "divide" }, { '%', true, "modulo" },
};

/* The function that the current token stands for; NULL: none.  Behind a plain word a blank is
 * needed: "node-1" is one. */
static const char *arithmetic_of(const struct trial *t, bool strong, const struct value *left)
{
	const struct eql_lexer *l = &t->p->lex;
	char before = token(t)->at ? l->text[token(t)->at - 1] : ' ';

	if (left->shape == SHAPE_FIELD && !left->dotted && before != ' ' && before != '\t' &&
	    before != '\n')
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(arithmetic); i++)
		if (arithmetic[i].strong == strong && eql_is_symbol(token(t), arithmetic[i].symbol))
			return arithmetic[i].function;
	return NULL;
}

typedef int (*operand_fn)(struct trial *t, struct value *ret);

static int parse_chain(struct trial *t, bool strong, operand_fn operand, struct value *ret)
{
	AUTO_VALUE struct value a = { 0 };
	const char *function;
	int r = operand(t, &a);

	while (r == 0 && (function = arithmetic_of(t, strong, &a))) {
		AUTO_VALUE struct value b = { 0 };
		size_t at = token(t)->at;

		t->computes |= a.shape != SHAPE_LITERAL;
		r = next(t);
		if (r == 0)
			r = operand(t, &b);
		if (r == 0)
			r = binary(t, function, at, &a, &b);
	}
	if (r < 0)
		return r;
	*ret = a;
	a.v = NULL;
	return 0;
}

static int parse_strong(struct trial *t, struct value *ret)
{
	return parse_chain(t, true, parse_factor, ret);
}

static int parse_value(struct trial *t, struct value *ret)
{
	int r;

	if (t->depth == LIMIT_QUERY_DEPTH)
		return not_this(t);
	t->depth++;
	r = parse_chain(t, false, parse_strong, ret);
	t->depth--;
	return r;
}

/* ---- conditions ---- */

static bool is_simple(const struct value *v)
{
	return v->shape != SHAPE_COMPUTED;
}

/* Is it what lib/eql_condition.c asks? */
static bool is_simple_pair(const struct value *a, const struct value *b)
{
	if (!is_simple(a) || !is_simple(b))
		return false;
	if (a->shape == SHAPE_LITERAL || b->shape == SHAPE_LITERAL)
		return a->shape != b->shape;
	return a->shape == SHAPE_FIELD && b->shape == SHAPE_FIELD;
}

static int compare(struct trial *t, struct value *a, enum expr_op op, struct expr **ret)
{
	AUTO_VALUE struct value b = { 0 };
	size_t at;
	int r = next(t);

	at = token(t)->at;
	if (r == 0)
		r = parse_value(t, &b);
	if (r < 0)
		return r;
	if (is_simple_pair(a, &b))
		return not_this(t);
	t->computes = true;
	r = expr_new_values(ret, TAKE(a->v), op, TAKE(b.v), t->p->lex.diag);
	return placed(t, at, r);
}

/* Literals follow the operator @op, the current token, or of a function the ",". */
static int ask(struct trial *t, struct value *a, enum expr_op op, bool is_call, struct expr **ret)
{
	const struct eql_operand left = { .nothing = true };
	AUTO_VALUES struct eql_values v = { 0 };
	struct eql_token operator= * token(t);
	char text[24];
	int r = 0;

	t->computes = true;
	snprintf(text, sizeof(text), "%.*s", (int)MIN(operator.n, (size_t)20), operator.value);
	if (!is_call)
		r = eql_next(&t->p->lex, op == EXPR_MATCH ? EQL_VALUE : EQL_TERM);
	if (r == 0)
		r = is_call ? eql_parse_list(t->p, &left, op, text, &v)
			    : eql_parse_values(t->p, &left, op, text, &v);
	if (r == 0 && v.is_field)
		r = eql_error(&t->p->lex, v.field.at, "expected text in quotes after '%s'", text);
	if (r < 0)
		return r;
	r = expr_new_value_in(ret, TAKE(a->v), op, v.v, v.n, t->p->lex.diag);
	return placed(t, v.n ? v.at[0] : operator.at, r);
}

static int parse_operator(struct trial *t, struct value *a, struct expr **ret)
{
	AUTO(expr) *e = NULL;
	struct eql_token operator= * token(t);
	bool negated = eql_is(&operator, "not");
	enum expr_op op;
	int r = negated ? next(t) : 0;

	if (r < 0)
		return r;
	if (!eql_operator_of(token(t), &op)) {
		if (negated || a->shape != SHAPE_COMPUTED || !t->named)
			return not_this(t);
		return placed(t, a->at, expr_new_value_true(ret, TAKE(a->v), t->p->lex.diag));
	}
	if (op <= EXPR_GE)
		return negated ? not_this(t) : compare(t, a, op, ret);
	if (is_simple(a))
		return not_this(t);
	r = ask(t, a, op, false, negated ? &e : ret);
	if (r == 0 && negated)
		r = eql_built(t->p, operator.at, expr_new_not(ret, TAKE(e)));
	return r;
}

/* cidrmatch, wildcard or match of a computed value; "(" is the current token. */
static int parse_pattern_call(struct trial *t, enum expr_op op, struct expr **ret)
{
	AUTO_VALUE struct value a = { 0 };
	int r = next(t);

	if (r == 0)
		r = parse_value(t, &a);
	if (r < 0)
		return r;
	if (is_simple(&a) && a.shape != SHAPE_LENGTH)
		return not_this(t);
	t->computes = true;
	if (token(t)->type != EQL_COMMA)
		return eql_expected(t->p, "',' and a pattern after the value");
	return ask(t, &a, op, true, ret);
}

static int try_condition(struct trial *t, struct expr **ret)
{
	AUTO_VALUE struct value a = { 0 };
	enum expr_op op;
	struct eql_token first;
	int r = next(t);

	if (r < 0)
		return r;
	first = *token(t);
	if (first.type == EQL_WORD && eql_pattern_call_of(&first, &op)) {
		r = next(t);
		if (r == 0 && token(t)->type != EQL_OPEN)
			return not_this(t);
		return r < 0 ? r : parse_pattern_call(t, op, ret);
	}
	r = parse_value(t, &a);
	return r < 0 ? r : parse_operator(t, &a, ret);
}

int eql_try_computed(struct eql_parser *p, struct expr **ret)
{
	struct trial t = { .p = p };
	struct eql_token first = p->lex.token;
	size_t after = p->lex.at;
	AUTO(expr) *e = NULL;
	int r;

	p->lex.at = first.at;
	r = try_condition(&t, &e);
	if (r == 0) { /* what follows is a term again */
		p->lex.at = p->lex.token.at;
		r = eql_advance(p);
		if (r == 0)
			*ret = TAKE(e);
		return r < 0 ? r : 1;
	}
	if (r != -EINVAL || (t.computes && !t.foreign))
		return r;
	p->lex.at = after;
	p->lex.token = first;
	return 0;
}
