/* SPDX-License-Identifier: Apache-2.0 */
/* One condition of EQL:
 *
 *   condition = operand operator value | value operator operand | function | "true" | "false"
 *             | "null" | word | string
 *   operand   = [ "?" ] field | "length" "(" field ")"
 *   value     = string | number | "true" | "false" | "null" | field | "(" value { "," value } ")" */
#include <math.h>

#include "lib/eql.h"
#include "lib/eql_parser.h"

/* The side of a comparison that is a field. */
struct operand {
	struct field_ref field;
	bool length;  /* length(field) */
	bool nothing; /* ?field that no event has: always null */
	size_t at;
};

/* The other side: literals with their places, or a field. */
struct values {
	struct expr_literal *v;
	size_t *at;
	size_t n, cap;
	bool is_list, is_field;
	struct operand field;
};

static void values_done(struct values *v)
{
	free(v->v);
	free(v->at);
}
#define AUTO_VALUES __attribute__((cleanup(values_done)))

static const char *const functions[] = { "cidrmatch", "startsWith", "endsWith", "stringContains",
					 "wildcard",  "match",	    "length",	NULL };

static const struct {
	const char *name; /* lower case */
	enum expr_op op, nocase;
} calls[] = {
	{ "cidrmatch", EXPR_CIDR, EXPR_CIDR },
	{ "startswith", EXPR_STARTS_WITH, EXPR_STARTS_WITH_NOCASE },
	{ "endswith", EXPR_ENDS_WITH, EXPR_ENDS_WITH_NOCASE },
	{ "stringcontains", EXPR_CONTAINS, EXPR_CONTAINS_NOCASE },
	{ "wildcard", EXPR_LIKE, EXPR_LIKE_NOCASE },
	{ "match", EXPR_REGEX, EXPR_REGEX_NOCASE },
};

static const struct {
	const char *text;
	enum expr_op op;
} operators[] = {
	{ "==", EXPR_EQ },	    { "!=", EXPR_NE },
	{ "<", EXPR_LT },	    { "<=", EXPR_LE },
	{ ">", EXPR_GT },	    { ">=", EXPR_GE },
	{ ":", EXPR_MATCH },	    { "in", EXPR_IN },
	{ "in~", EXPR_IN_NOCASE },  { "like", EXPR_LIKE },
	{ "like~", EXPR_LIKE_NOCASE }, { "regex", EXPR_REGEX },
	{ "regex~", EXPR_REGEX_NOCASE },
};

const char *const *eql_functions(void)
{
	return functions;
}

static int advance(struct eql_parser *p)
{
	return eql_next(&p->lex, EQL_TERM);
}

static int expected(struct eql_parser *p, const char *what)
{
	const struct eql_token *t = &p->lex.token;
	char shown[64];

	return eql_error(&p->lex, t->at, "expected %s instead of %s", what,
			 eql_show(&p->lex, t, shown, sizeof(shown)));
}

static bool operator_of(const struct eql_token *t, enum expr_op *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
		size_t n = strlen(operators[i].text);

		if (eql_is(t, operators[i].text) ||
		    (t->type == EQL_SYMBOL && t->n == n && memcmp(t->value, operators[i].text, n) == 0)) {
			*ret = operators[i].op;
			return true;
		}
	}
	return false;
}

/* ---- fields ---- */

static bool is_name(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') ||
		      (s[i] >= '0' && s[i] <= '9' && i) || s[i] == '_' || s[i] == '.' ||
		      (s[i] == '@' && i == 0)))
			return false;
	return n > 0;
}

static int unknown_field(struct eql_parser *p, const struct eql_token *t)
{
	char near[96], shown[64];

	eql_show(&p->lex, t, shown, sizeof(shown));
	if (eql_suggest_field(t->value, t->n_value, near, sizeof(near)))
		return eql_error(&p->lex, t->at, "unknown field %s; did you mean %s?", shown, near);
	return eql_error(&p->lex, t->at, "unknown field %s; ?%.*s allows fields that no event has",
			 shown, (int)MIN(t->n_value, 40), t->value);
}

/* The field that @t names. */
static int operand_of(struct eql_parser *p, const struct eql_token *t, struct operand *ret)
{
	struct eql_token name = *t;
	bool optional = t->type == EQL_WORD && t->n_value > 1 && *t->value == '?';

	*ret = (struct operand){ .at = t->at };
	if (optional) {
		name.value++;
		name.n_value--;
	}
	if (t->type != EQL_NAME && (t->type != EQL_WORD || !is_name(name.value, name.n_value))) {
		char shown[64];

		return eql_error(&p->lex, t->at, "expected a field name instead of %s",
				 eql_show(&p->lex, t, shown, sizeof(shown)));
	}
	if (field_find(name.value, name.n_value, &ret->field))
		return 0;
	if (!optional)
		return unknown_field(p, &name);
	ret->nothing = true;
	return 0;
}

/* After "length": "(" field ")". */
static int parse_length(struct eql_parser *p, size_t at, struct operand *ret)
{
	int r = advance(p);

	if (r == 0)
		r = operand_of(p, &p->lex.token, ret);
	if (r == 0)
		r = advance(p);
	if (r < 0)
		return r;
	if (p->lex.token.type != EQL_CLOSE)
		return expected(p, "')' after the field of length()");
	ret->length = true;
	ret->at = at;
	return advance(p);
}

/* ---- values ---- */

static bool all_digits(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] < '0' || s[i] > '9')
			return false;
	return n > 0;
}

static size_t digits(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && s[i] >= '0' && s[i] <= '9')
		i++;
	return i;
}

/* -12.5e-3; false for what is no decimal number. */
static bool is_real(const char *s, size_t n)
{
	size_t i = n && *s == '-', d = digits(s + i, n - i);

	if (d == 0)
		return false;
	i += d;
	if (i < n && s[i] == '.') {
		d = digits(s + i + 1, n - i - 1);
		if (d == 0)
			return false;
		i += d + 1;
	}
	if (i < n && (s[i] == 'e' || s[i] == 'E')) {
		i += i + 1 < n && (s[i + 1] == '-' || s[i + 1] == '+') ? 2 : 1;
		d = digits(s + i, n - i);
		if (d == 0)
			return false;
		i += d;
	}
	return i == n;
}

/* Reads a number.  Returns 1 when @t is one, 0 when not, -EINVAL when it is too large. */
static int number_of(struct eql_parser *p, const struct eql_token *t, struct expr_literal *ret)
{
	char text[64];
	bool negative = t->n_value && *t->value == '-';

	if (!is_real(t->value, t->n_value))
		return 0;
	if (t->n_value >= sizeof(text))
		return eql_error(&p->lex, t->at, "this number is too long");
	memcpy(text, t->value, t->n_value);
	text[t->n_value] = '\0';
	errno = 0;
	if (all_digits(text + negative, t->n_value - negative)) {
		ret->type = LITERAL_INT;
		ret->integer = strtoll(text, NULL, 10);
	} else {
		ret->type = LITERAL_FLOAT;
		ret->real = strtod(text, NULL);
	}
	if (errno == ERANGE && (ret->type == LITERAL_INT || isinf(ret->real)))
		return eql_error(&p->lex, t->at, "this number is too large");
	return 1;
}

static bool constant_of(const struct eql_token *t, struct expr_literal *ret)
{
	bool yes = eql_is(t, "true");

	if (yes || eql_is(t, "false"))
		*ret = (struct expr_literal){ .type = LITERAL_BOOL, .boolean = yes };
	else if (eql_is(t, "null"))
		*ret = (struct expr_literal){ .type = LITERAL_NULL };
	else
		return false;
	return true;
}

static int add_value(struct values *v, const struct expr_literal *literal, size_t at)
{
	if (v->n == v->cap) {
		size_t cap = v->cap ? v->cap * 2 : 4;
		struct expr_literal *values = reallocarray(v->v, cap, sizeof(*values));
		size_t *places;

		if (values)
			v->v = values;
		places = reallocarray(v->at, cap, sizeof(*places));
		if (places)
			v->at = places;
		if (!values || !places)
			return err_origin(-ENOMEM);
		v->cap = cap;
	}
	v->v[v->n] = *literal;
	v->at[v->n++] = at;
	return 0;
}

static int no_value(struct eql_parser *p, const struct eql_token *t, const char *op)
{
	char what[48], shown[64];

	snprintf(what, sizeof(what), "a value after '%s'", op);
	if (t->type != EQL_WORD)
		return expected(p, what);
	return eql_error(&p->lex, t->at, "expected %s; text needs quotes: \"%.*s\", not %s", what,
			 (int)MIN(t->n_value, 40), t->value,
			 eql_show(&p->lex, t, shown, sizeof(shown)));
}

/* Is an unquoted word after ":" a number or a truth, or text? */
static bool wants_text(const struct operand *left)
{
	enum field_type type = left->nothing ? TYPE_KEYWORD : left->field.info->type;

	return type != TYPE_LONG && type != TYPE_BOOL;
}

static bool is_dotted(const struct eql_token *t)
{
	return t->type == EQL_WORD && memchr(t->value, '.', t->n_value) != NULL;
}

/* A field on the right: in backticks; optional; known, and after ":" with a dot in its name. */
static bool is_field(const struct eql_token *t, enum expr_op op)
{
	struct field_ref f;

	if (t->type == EQL_NAME)
		return true;
	if (t->type != EQL_WORD || (op == EXPR_MATCH && !is_dotted(t)))
		return false;
	if (*t->value == '?' && op != EXPR_MATCH)
		return is_name(t->value + 1, t->n_value - 1);
	return field_find(t->value, t->n_value, &f);
}

/* One literal, the current token; the next becomes current. */
static int parse_literal(struct eql_parser *p, const struct operand *left, enum expr_op op,
			 const char *op_text, struct values *v)
{
	struct eql_token t = p->lex.token;
	struct expr_literal literal = { .type = LITERAL_STRING, .string = t.value, .n = t.n_value };
	bool unquoted = op == EXPR_MATCH && t.type == EQL_WORD;
	int r;

	if (t.type != EQL_STRING) {
		if (t.type != EQL_WORD)
			return no_value(p, &t, op_text);
		if (unquoted && wants_text(left)) {
			if (eql_is(&t, "null"))
				literal = (struct expr_literal){ .type = LITERAL_NULL };
		} else if (!constant_of(&t, &literal)) {
			r = number_of(p, &t, &literal);
			if (r < 0)
				return r;
			if (r == 0 && !unquoted)
				return no_value(p, &t, op_text);
		}
	}
	r = add_value(v, &literal, t.at);
	return r < 0 ? r : advance(p);
}

static int parse_list(struct eql_parser *p, const struct operand *left, enum expr_op op,
		      const char *op_text, struct values *v)
{
	enum eql_mode mode = op == EXPR_MATCH ? EQL_VALUE : EQL_TERM;

	v->is_list = true;
	for (;;) {
		int r = eql_next(&p->lex, mode);

		if (r == 0)
			r = parse_literal(p, left, op, op_text, v);
		if (r < 0)
			return r;
		if (p->lex.token.type == EQL_CLOSE)
			return advance(p);
		if (p->lex.token.type != EQL_COMMA)
			return expected(p, "',' or ')' in the list");
	}
}

static bool takes_list(enum expr_op op)
{
	return op >= EXPR_MATCH;
}

/* What stands after the operator. */
static int parse_values(struct eql_parser *p, const struct operand *left, enum expr_op op,
			const char *op_text, struct values *v)
{
	const struct eql_token *t = &p->lex.token;
	int r;

	if (t->type == EQL_OPEN && takes_list(op))
		return parse_list(p, left, op, op_text, v);
	if (t->type == EQL_OPEN)
		return eql_error(&p->lex, t->at,
				 "expected one value after '%s'; lists stand after : in like regex",
				 op_text);
	if (op == EXPR_IN || op == EXPR_IN_NOCASE)
		return expected(p, "'(' and a list");
	if (!is_field(t, op))
		return parse_literal(p, left, op, op_text, v);
	v->is_field = true;
	r = operand_of(p, t, &v->field);
	return r < 0 ? r : advance(p);
}

/* ---- building ---- */

/* The reason is about one of several values: finds which, and tells its place. */
static int blame(struct eql_parser *p, const struct operand *left, enum expr_op op,
		 const struct values *v)
{
	size_t at = v->n ? v->at[0] : left->at;

	for (size_t i = 0; i < v->n && v->n > 1; i++) {
		AUTO(expr) *e = NULL;
		int r = left->length ? expr_new_length(&e, left->field, op, &v->v[i], 1, p->lex.diag)
				     : expr_new_compare(&e, left->field, op, &v->v[i], 1, p->lex.diag);

		if (r == -EINVAL || v->v[i].type == LITERAL_NULL) {
			at = v->at[i];
			break;
		}
	}
	diag_position(p->lex.text, at, &p->lex.diag->line, &p->lex.diag->column);
	return err_origin(-EINVAL);
}

static bool is_null(const struct values *v)
{
	return v->n == 1 && !v->is_list && v->v[0].type == LITERAL_NULL;
}

/* A comparison with a field that no event has. */
static int build_nothing(enum expr_op op, const struct values *v, struct expr **ret)
{
	if (is_null(v) && (op == EXPR_EQ || op == EXPR_MATCH || op == EXPR_NE))
		return expr_new_const(ret, op != EXPR_NE);
	return expr_new_null(ret);
}

static int build_fields(struct eql_parser *p, const struct operand *left, enum expr_op op,
			const struct operand *right, struct expr **ret)
{
	int r;

	if (left->length || right->length)
		return eql_error(&p->lex, right->at, "length() is compared with a number");
	r = expr_new_compare_fields(ret, left->field, op, right->field, p->lex.diag);
	if (r == -EINVAL)
		diag_position(p->lex.text, right->at, &p->lex.diag->line, &p->lex.diag->column);
	return r;
}

static int build(struct eql_parser *p, const struct operand *left, enum expr_op op,
		 const struct values *v, struct expr **ret)
{
	int r;

	if (left->nothing || (v->is_field && v->field.nothing))
		return build_nothing(op, v, ret);
	if (v->is_field)
		return build_fields(p, left, op, &v->field, ret);
	if (is_null(v) && left->length && (op == EXPR_EQ || op == EXPR_NE))
		r = expr_new_compare(ret, left->field, op, v->v, v->n, p->lex.diag);
	else if (left->length)
		r = expr_new_length(ret, left->field, op, v->v, v->n, p->lex.diag);
	else
		r = expr_new_compare(ret, left->field, op, v->v, v->n, p->lex.diag);
	return r == -EINVAL ? blame(p, left, op, v) : eql_built(p, left->at, r);
}

/* The operator is the current token. */
static int parse_comparison(struct eql_parser *p, const struct operand *left, struct expr **ret)
{
	AUTO_VALUES struct values v = { 0 };
	AUTO(expr) *e = NULL;
	struct eql_token t = p->lex.token;
	bool negated = eql_is(&t, "not");
	char text[8];
	enum expr_op op;
	int r = 0;

	if (negated)
		r = advance(p);
	t = p->lex.token;
	if (r < 0)
		return r;
	if (!operator_of(&t, &op) || (negated && t.type != EQL_WORD))
		return expected(p, negated ? "'in', 'like' or 'regex' after 'not'" : "an operator");
	snprintf(text, sizeof(text), "%.*s", (int)t.n, t.value);
	r = eql_next(&p->lex, op == EXPR_MATCH ? EQL_VALUE : EQL_TERM);
	if (r == 0)
		r = parse_values(p, left, op, text, &v);
	if (r == 0)
		r = build(p, left, op, &v, negated ? &e : ret);
	if (r < 0 || !negated)
		return r;
	return eql_built(p, t.at, expr_new_not(ret, TAKE(e)));
}

/* ---- functions ---- */

/* Name with or without "~": which function? */
static bool call_of(const struct eql_token *t, enum expr_op *ret)
{
	struct eql_token name = *t;
	bool nocase = t->n > 1 && t->value[t->n - 1] == '~';

	name.n -= nocase;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		if (!eql_is(&name, calls[i].name))
			continue;
		*ret = nocase ? calls[i].nocase : calls[i].op;
		return true;
	}
	return false;
}

static int unknown_function(struct eql_parser *p, const struct eql_token *t)
{
	const char *near = eql_suggest(functions, t->value, t->n_value);
	char shown[64];

	eql_show(&p->lex, t, shown, sizeof(shown));
	if (near)
		return eql_error(&p->lex, t->at, "unknown function %s; did you mean %s?", shown, near);
	return eql_error(&p->lex, t->at,
			 "unknown function %s: expected cidrmatch, startsWith, endsWith, "
			 "stringContains, wildcard, match or length",
			 shown);
}

/* == true, == false, != true, != false after a function. */
static int parse_truth(struct eql_parser *p, struct expr **e)
{
	struct expr_literal value = { .type = LITERAL_NULL };
	enum expr_op op;
	int r;

	if (!operator_of(&p->lex.token, &op) || (op != EXPR_EQ && op != EXPR_NE))
		return 0;
	r = advance(p);
	if (r < 0)
		return r;
	if (!constant_of(&p->lex.token, &value) || value.type != LITERAL_BOOL)
		return expected(p, "true or false");
	if (value.boolean == (op == EXPR_NE)) {
		r = eql_built(p, p->lex.token.at, expr_new_not(e, TAKE(*e)));
		if (r < 0)
			return r;
	}
	return advance(p);
}

/* "(" is the current token. */
static int parse_call(struct eql_parser *p, const struct eql_token *name, struct expr **ret)
{
	AUTO_VALUES struct values v = { 0 };
	AUTO(expr) *e = NULL;
	struct operand left;
	enum expr_op op;
	char text[24];
	int r;

	if (!call_of(name, &op))
		return unknown_function(p, name);
	snprintf(text, sizeof(text), "%.*s", (int)name->n, name->value);
	r = advance(p);
	if (r == 0)
		r = operand_of(p, &p->lex.token, &left);
	if (r == 0)
		r = advance(p);
	if (r < 0)
		return r;
	if (p->lex.token.type != EQL_COMMA)
		return expected(p, "',' and a value after the field");
	r = parse_list(p, &left, op, text, &v);
	if (r == 0)
		r = build(p, &left, op, &v, &e);
	if (r == 0)
		r = parse_truth(p, &e);
	if (r == 0)
		*ret = TAKE(e);
	return r;
}

/* ---- conditions ---- */

static bool turn(enum expr_op op, enum expr_op *ret)
{
	static const enum expr_op turned[] = {
		[EXPR_EQ] = EXPR_EQ, [EXPR_NE] = EXPR_NE, [EXPR_LT] = EXPR_GT,
		[EXPR_LE] = EXPR_GE, [EXPR_GT] = EXPR_LT, [EXPR_GE] = EXPR_LE,
	};

	if (op > EXPR_GE)
		return false;
	*ret = turned[op];
	return true;
}

/* value operator operand; the operator is the current token. */
static int parse_turned(struct eql_parser *p, const struct expr_literal *literal, size_t at,
			struct expr **ret)
{
	AUTO_VALUES struct values v = { 0 };
	struct operand left;
	struct eql_token name;
	enum expr_op op;
	int r;

	if (!operator_of(&p->lex.token, &op) || !turn(op, &op))
		return expected(p, "one of == != < <= > >=");
	r = advance(p);
	if (r < 0)
		return r;
	name = p->lex.token;
	r = advance(p);
	if (r < 0)
		return r;
	if (eql_is(&name, "length") && p->lex.token.type == EQL_OPEN)
		r = parse_length(p, name.at, &left);
	else
		r = operand_of(p, &name, &left);
	if (r == 0)
		r = add_value(&v, literal, at);
	return r < 0 ? r : build(p, &left, op, &v, ret);
}

static bool at_operator(const struct eql_parser *p)
{
	const struct eql_token *t = &p->lex.token;
	enum expr_op op;

	return operator_of(t, &op) || eql_is(t, "not");
}

static int bare_word(struct eql_parser *p, const struct eql_token *t, struct expr **ret)
{
	struct expr_literal yes = { .type = LITERAL_BOOL, .boolean = true };
	struct field_ref f;
	int r;

	if ((is_dotted(t) || t->type == EQL_NAME) && field_find(t->value, t->n_value, &f)) {
		if (f.info->type != TYPE_BOOL)
			return expected(p, "a comparison such as == after the field");
		return expr_new_compare(ret, f, EXPR_EQ, &yes, 1, p->lex.diag);
	}
	if (t->type == EQL_NAME)
		return unknown_field(p, t);
	r = expr_new_text(ret, t->value, t->n_value, p->lex.diag);
	return eql_built(p, t->at, r);
}

/* true, false and null, alone. */
static int constant(const struct expr_literal *v, struct expr **ret)
{
	return v->type == LITERAL_NULL ? expr_new_null(ret) : expr_new_const(ret, v->boolean);
}

static int parse_word(struct eql_parser *p, const struct eql_token *t, struct expr **ret)
{
	struct expr_literal literal = { .type = LITERAL_STRING, .string = t->value, .n = t->n_value };
	const struct eql_token *next = &p->lex.token;
	struct operand left;
	int r;

	if (t->type == EQL_STRING)
		return at_operator(p) ? parse_turned(p, &literal, t->at, ret) : bare_word(p, t, ret);
	if (t->type == EQL_WORD && constant_of(t, &literal))
		return at_operator(p) ? parse_turned(p, &literal, t->at, ret)
				      : constant(&literal, ret);
	if (next->type == EQL_OPEN && eql_is(t, "length")) {
		r = parse_length(p, t->at, &left);
		return r < 0 ? r : parse_comparison(p, &left, ret);
	}
	if (next->type == EQL_OPEN && t->type == EQL_WORD)
		return parse_call(p, t, ret);
	if (next->type == EQL_SYMBOL && next->n == 1 && *next->value == '=')
		return expected(p, "'==' or ':'");
	if (!at_operator(p))
		return bare_word(p, t, ret);
	r = t->type == EQL_WORD ? number_of(p, t, &literal) : 0;
	if (r > 0)
		return parse_turned(p, &literal, t->at, ret);
	if (r == 0)
		r = operand_of(p, t, &left);
	return r < 0 ? r : parse_comparison(p, &left, ret);
}

int eql_parse_condition(struct eql_parser *p, struct expr **ret)
{
	struct eql_token t = p->lex.token;
	bool symbol = t.type != EQL_WORD && t.type != EQL_NAME && t.type != EQL_STRING;
	int r;

	if (symbol || eql_is(&t, "and") || eql_is(&t, "or") || eql_is(&t, "where"))
		return expected(p, "a condition, such as process.name == \"bash\",");
	r = advance(p);
	return r < 0 ? r : parse_word(p, &t, ret);
}
