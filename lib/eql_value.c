/* SPDX-License-Identifier: Apache-2.0 */
/* The two sides of a comparison: fields, operators, literals and lists. */
#include <math.h>

#include "lib/eql_parser.h"
#include "lib/eql_statement.h"

static const struct {
	const char *text;
	enum expr_op op;
} operators[] = {
	{ "==", EXPR_EQ },
	{ "!=", EXPR_NE },
	{ "<", EXPR_LT },
	{ "<=", EXPR_LE },
	{ ">", EXPR_GT },
	{ ">=", EXPR_GE },
	{ ":", EXPR_MATCH },
	{ "in", EXPR_IN },
	{ "in~", EXPR_IN_NOCASE },
	{ "like", EXPR_LIKE },
	{ "like~", EXPR_LIKE_NOCASE },
	{ "regex", EXPR_REGEX },
	{ "regex~", EXPR_REGEX_NOCASE },
};

int eql_advance(struct eql_parser *p)
{
	return eql_next(&p->lex, EQL_TERM);
}

int eql_expected(struct eql_parser *p, const char *what)
{
	const struct eql_token *t = &p->lex.token;
	char shown[64];

	return eql_error(&p->lex, t->at, "expected %s instead of %s", what,
			 eql_show(&p->lex, t, shown, sizeof(shown)));
}

bool eql_operator_of(const struct eql_token *t, enum expr_op *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
		size_t n = strlen(operators[i].text);

		if (eql_is(t, operators[i].text) || (t->type == EQL_SYMBOL && t->n == n &&
						     memcmp(t->value, operators[i].text, n) == 0)) {
			*ret = operators[i].op;
			return true;
		}
	}
	return false;
}

static bool is_name(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') ||
		      (s[i] >= '0' && s[i] <= '9' && i) || s[i] == '_' || s[i] == '.' ||
		      (s[i] == '@' && i == 0)))
			return false;
	return n > 0;
}

int eql_unknown_field(struct eql_parser *p, const struct eql_token *t)
{
	char near[96], shown[64];

	eql_show(&p->lex, t, shown, sizeof(shown));
	if (eql_suggest_field(t->value, t->n_value, near, sizeof(near)))
		return eql_error(&p->lex, t->at, "unknown field %s; did you mean %s?", shown, near);
	return eql_error(&p->lex, t->at, "unknown field %s; ?%.*s allows fields that no event has",
			 shown, (int)MIN(t->n_value, 40), t->value);
}

bool eql_take_element(struct eql_token *t, uint32_t *ret)
{
	const char *open = t->type == EQL_WORD ? memchr(t->value, '[', t->n_value) : NULL;
	size_t n = open ? (size_t)(open - t->value) : 0;
	uint32_t v = 0;

	if (!open || t->n_value - n < 3 || t->n_value - n > 10)
		return false;
	for (const char *c = open + 1; c < t->value + t->n_value - 1; c++)
		v = v * 10 + (uint32_t)(*c - '0');
	t->n_value = n;
	*ret = v;
	return true;
}

static void note_unknown(struct eql_unknown *u, const struct eql_token *name)
{
	size_t n = MIN(name->n_value, sizeof(u->names[0]) - 1);

	for (uint32_t i = 0; i < u->n; i++)
		if (strlen(u->names[i]) == n && memcmp(u->names[i], name->value, n) == 0)
			return;
	if (u->n == EQL_UNKNOWN) {
		u->more = true;
		return;
	}
	memcpy(u->names[u->n++], name->value, n);
}

bool eql_is_optional(const struct eql_token *t)
{
	return t->type == EQL_WORD ? t->n_value > 1 && *t->value == '?' : t->optional;
}

/* The field that @t names. */
int eql_operand_of(struct eql_parser *p, const struct eql_token *t, struct eql_operand *ret)
{
	struct eql_token name = *t;
	bool optional = eql_is_optional(t);

	*ret = (struct eql_operand){ .at = t->at };
	ret->is_element = eql_take_element(&name, &ret->element);
	if (optional && t->type == EQL_WORD) {
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
	if (p->unknown)
		note_unknown(p->unknown, &name);
	else if (!optional)
		return eql_unknown_field(p, &name);
	ret->nothing = true;
	return 0;
}

/* After "length": "(" field ")". */
int eql_parse_length(struct eql_parser *p, size_t at, struct eql_operand *ret)
{
	int r = eql_advance(p);

	if (r == 0)
		r = eql_operand_of(p, &p->lex.token, ret);
	if (r == 0)
		r = eql_advance(p);
	if (r < 0)
		return r;
	if (ret->is_element)
		return eql_error(&p->lex, ret->at, "length() takes a field without [n]");
	if (p->lex.token.type != EQL_CLOSE)
		return eql_expected(p, "')' after the field of length()");
	ret->length = true;
	ret->at = at;
	return eql_advance(p);
}

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

/* -12.5e-3, 5. and .5; false for what is no decimal number. */
static bool is_real(const char *s, size_t n)
{
	size_t i = n && (*s == '-' || *s == '+'), d = digits(s + i, n - i);

	i += d;
	if (i < n && s[i] == '.') {
		size_t after = digits(s + i + 1, n - i - 1);

		d += after;
		i += after + 1;
	}
	if (d == 0)
		return false;
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
int eql_number_of(struct eql_parser *p, const struct eql_token *t, struct expr_literal *ret)
{
	char text[64];
	bool sign = t->n_value && (*t->value == '-' || *t->value == '+');

	if (!is_real(t->value, t->n_value))
		return 0;
	if (t->n_value >= sizeof(text))
		return eql_error(&p->lex, t->at, "this number is too long");
	memcpy(text, t->value, t->n_value);
	text[t->n_value] = '\0';
	errno = 0;
	if (all_digits(text + sign, t->n_value - sign)) {
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

bool eql_constant_of(const struct eql_token *t, struct expr_literal *ret)
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

int eql_add_value(struct eql_values *v, const struct expr_literal *literal, size_t at)
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
		return eql_expected(p, what);
	return eql_error(&p->lex, t->at, "expected %s; text needs quotes: \"%.*s\", not %s", what,
			 (int)MIN(t->n_value, 40), t->value,
			 eql_show(&p->lex, t, shown, sizeof(shown)));
}

/* Is an unquoted word after ":" a number or a truth, or text? */
static bool wants_text(const struct eql_operand *left)
{
	enum field_type type = left->nothing ? TYPE_KEYWORD : left->field.info->type;

	return type != TYPE_LONG && type != TYPE_BOOL;
}

bool eql_is_dotted(const struct eql_token *t)
{
	return t->type == EQL_WORD && memchr(t->value, '.', t->n_value) != NULL;
}

/* A field on the right: in backticks; optional; known, and after ":" with a dot in its name. */
static bool is_field(const struct eql_token *t, enum expr_op op)
{
	struct field_ref f;

	if (t->type == EQL_NAME)
		return true;
	if (t->type != EQL_WORD || (op == EXPR_MATCH && !eql_is_dotted(t)))
		return false;
	if (*t->value == '?' && op != EXPR_MATCH)
		return is_name(t->value + 1, t->n_value - 1);
	return field_find(t->value, t->n_value, &f);
}

/* One literal, the current token; the next becomes current. */
static int parse_literal(struct eql_parser *p, const struct eql_operand *left, enum expr_op op,
			 const char *op_text, struct eql_values *v)
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
		} else if (!eql_constant_of(&t, &literal)) {
			r = eql_number_of(p, &t, &literal);
			if (r < 0)
				return r;
			if (r == 0 && !unquoted)
				return no_value(p, &t, op_text);
		}
	}
	r = eql_add_value(v, &literal, t.at);
	return r < 0 ? r : eql_advance(p);
}

int eql_parse_list(struct eql_parser *p, const struct eql_operand *left, enum expr_op op,
		   const char *op_text, struct eql_values *v)
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
			return eql_advance(p);
		if (p->lex.token.type != EQL_COMMA)
			return eql_expected(p, "',' or ')' in the list");
	}
}

static bool takes_list(enum expr_op op)
{
	return op >= EXPR_MATCH;
}

/* What stands after the operator. */
int eql_parse_values(struct eql_parser *p, const struct eql_operand *left, enum expr_op op,
		     const char *op_text, struct eql_values *v)
{
	const struct eql_token *t = &p->lex.token;
	int r;

	if (t->type == EQL_OPEN && takes_list(op))
		return eql_parse_list(p, left, op, op_text, v);
	if (t->type == EQL_OPEN)
		return eql_error(&p->lex, t->at,
				 "expected one value after '%s'; lists stand after : in like regex",
				 op_text);
	if (op == EXPR_IN || op == EXPR_IN_NOCASE)
		return eql_expected(p, "'(' and a list");
	if (!is_field(t, op))
		return parse_literal(p, left, op, op_text, v);
	v->is_field = true;
	r = eql_operand_of(p, t, &v->field);
	return r < 0 ? r : eql_advance(p);
}

void eql_values_done(struct eql_values *v)
{
	free(v->v);
	free(v->at);
}
