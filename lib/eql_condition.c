/* SPDX-License-Identifier: Apache-2.0 */
/* One condition of EQL:
 *
 *   condition = operand operator value | value operator operand | function | "true" | "false"
 *             | "null" | word | string
 *   operand   = [ "?" ] field | "length" "(" field ")"
 *   value     = string | number | "true" | "false" | "null" | field | "(" value { "," value } ")"
 *
 * Those over computed values are in lib/eql_calc.c. */
#include "lib/eql.h"
#include "lib/eql_parser.h"

static const char *const functions[] = {
	"arrayContains", "cidrmatch", "startsWith", "endsWith",	 "stringContains",
	"wildcard",	 "match",     "length",	    "add",	 "subtract",
	"multiply",	 "divide",    "modulo",	    "between",	 "concat",
	"indexOf",	 "number",    "string",	    "substring", NULL
};

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
	{ "arraycontains", EXPR_IN, EXPR_IN_NOCASE },
};

const char *const *eql_functions(void)
{
	return functions;
}

/* ---- building ---- */

static int build_one(struct eql_parser *p, const struct eql_operand *left, enum expr_op op,
		     const struct expr_literal *v, size_t n, struct expr **ret)
{
	if (left->is_element)
		return expr_new_element(ret, left->field, left->element, op, v, n, p->lex.diag);
	if (left->length)
		return expr_new_length(ret, left->field, op, v, n, p->lex.diag);
	return expr_new_compare(ret, left->field, op, v, n, p->lex.diag);
}

/* The reason is about one of several values: finds which, and tells its place. */
static int blame(struct eql_parser *p, const struct eql_operand *left, enum expr_op op,
		 const struct eql_values *v)
{
	size_t at = v->n ? v->at[0] : left->at;

	for (size_t i = 0; i < v->n && v->n > 1; i++) {
		AUTO(expr) *e = NULL;
		int r = build_one(p, left, op, &v->v[i], 1, &e);

		if (r == -EINVAL || v->v[i].type == LITERAL_NULL) {
			at = v->at[i];
			break;
		}
	}
	diag_position(p->lex.text, at, &p->lex.diag->line, &p->lex.diag->column);
	return err_origin(-EINVAL);
}

static bool is_null(const struct eql_values *v)
{
	return v->n == 1 && !v->is_list && v->v[0].type == LITERAL_NULL;
}

/* A comparison with a field that no event has. */
static int build_nothing(enum expr_op op, const struct eql_values *v, struct expr **ret)
{
	if (is_null(v) && (op == EXPR_EQ || op == EXPR_MATCH || op == EXPR_NE))
		return expr_new_const(ret, op != EXPR_NE);
	return expr_new_null(ret);
}

static int build_fields(struct eql_parser *p, const struct eql_operand *left, enum expr_op op,
			const struct eql_operand *right, struct expr **ret)
{
	int r;

	if (left->length || right->length)
		return eql_error(&p->lex, right->at, "length() is compared with a number");
	if (left->is_element || right->is_element)
		return eql_error(&p->lex, right->at, "field[n] is compared with a value");
	r = expr_new_compare_fields(ret, left->field, op, right->field, p->lex.diag);
	if (r == -EINVAL)
		diag_position(p->lex.text, right->at, &p->lex.diag->line, &p->lex.diag->column);
	return r;
}

/* Words that other sensors have for what rtsec calls by Elastic Defend's name. */
static const struct {
	const char *theirs, *ours;
} actions[] = {
	{ "executed", "exec" },
	{ "exec_event", "exec" },
	{ "process_started", "exec" },
	{ "start", "exec" },
	{ "connected-to", "connection_attempted" },
	{ "accepted-connection-from", "connection_accepted" },
	{ "opened-file", "open" },
	{ "created", "creation" },
	{ "deleted", "deletion" },
	{ "renamed", "rename" },
};

static void translate_actions(const struct eql_operand *left, struct eql_values *v)
{
	bool is_action = !left->nothing && left->field.info->field == FIELD_ACTION;

	for (size_t i = 0; is_action && i < v->n; i++)
		for (size_t k = 0; v->v[i].type == LITERAL_STRING && k < ARRAY_SIZE(actions); k++)
			if (v->v[i].n == strlen(actions[k].theirs) &&
			    memcmp(v->v[i].string, actions[k].theirs, v->v[i].n) == 0) {
				v->v[i].string = actions[k].ours;
				v->v[i].n = strlen(actions[k].ours);
			}
}

static int build(struct eql_parser *p, const struct eql_operand *left, enum expr_op op,
		 struct eql_values *v, struct expr **ret)
{
	int r;

	translate_actions(left, v);

	if (left->nothing || (v->is_field && v->field.nothing))
		return build_nothing(op, v, ret);
	if (v->is_field)
		return build_fields(p, left, op, &v->field, ret);
	if (is_null(v) && left->length && (op == EXPR_EQ || op == EXPR_NE))
		r = expr_new_compare(ret, left->field, op, v->v, v->n, p->lex.diag);
	else
		r = build_one(p, left, op, v->v, v->n, ret);
	return r == -EINVAL ? blame(p, left, op, v) : eql_built(p, left->at, r);
}

/* The operator is the current token. */
static int parse_comparison(struct eql_parser *p, const struct eql_operand *left, struct expr **ret)
{
	AUTO_VALUES struct eql_values v = { 0 };
	AUTO(expr) *e = NULL;
	struct eql_token t = p->lex.token;
	bool negated = eql_is(&t, "not");
	char text[8];
	enum expr_op op;
	int r = 0;

	if (negated)
		r = eql_advance(p);
	t = p->lex.token;
	if (r < 0)
		return r;
	if (!eql_operator_of(&t, &op) || (negated && t.type != EQL_WORD))
		return eql_expected(p, negated ? "'in', 'like' or 'regex' after 'not'"
					       : "an operator");
	snprintf(text, sizeof(text), "%.*s", (int)t.n, t.value);
	r = eql_next(&p->lex, op == EXPR_MATCH ? EQL_VALUE : EQL_TERM);
	if (r == 0)
		r = eql_parse_values(p, left, op, text, &v);
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

bool eql_pattern_call_of(const struct eql_token *t, enum expr_op *ret)
{
	return call_of(t, ret) &&
	       (*ret == EXPR_CIDR || *ret == EXPR_LIKE || *ret == EXPR_LIKE_NOCASE ||
		*ret == EXPR_REGEX || *ret == EXPR_REGEX_NOCASE);
}

/* Functions that EQL had once. */
static const struct {
	const char *name; /* lower case */
	const char *instead;
} legacy[] = {
	{ "arraycount", "a comparison, which is asked of each value of a list" },
	{ "arraysearch", "a comparison, which is asked of each value of a list" },
	{ "safe", "a function alone: what goes wrong is null" },
};

static int unknown_function(struct eql_parser *p, const struct eql_token *t)
{
	const char *near = eql_suggest(functions, t->value, t->n_value);
	char shown[64];

	eql_show(&p->lex, t, shown, sizeof(shown));
	if (near)
		return eql_error(&p->lex, t->at, "unknown function %s; did you mean %s?", shown,
				 near);
	for (size_t i = 0; i < ARRAY_SIZE(legacy); i++)
		if (eql_is(t, legacy[i].name))
			return eql_error(&p->lex, t->at, "unknown function %s: expected %s", shown,
					 legacy[i].instead);
	return eql_error(&p->lex, t->at,
			 "unknown function %s: expected one such as length, concat or cidrmatch",
			 shown);
}

/* == true, == false, != true, != false after a function. */
static int parse_truth(struct eql_parser *p, struct expr **e)
{
	struct expr_literal value = { .type = LITERAL_NULL };
	enum expr_op op;
	int r;

	if (!eql_operator_of(&p->lex.token, &op) || (op != EXPR_EQ && op != EXPR_NE))
		return 0;
	r = eql_advance(p);
	if (r < 0)
		return r;
	if (!eql_constant_of(&p->lex.token, &value) || value.type != LITERAL_BOOL)
		return eql_expected(p, "true or false");
	if (value.boolean == (op == EXPR_NE)) {
		r = eql_built(p, p->lex.token.at, expr_new_not(e, TAKE(*e)));
		if (r < 0)
			return r;
	}
	return eql_advance(p);
}

/* "(" is the current token. */
static int parse_call(struct eql_parser *p, const struct eql_token *name, struct expr **ret)
{
	AUTO_VALUES struct eql_values v = { 0 };
	AUTO(expr) *e = NULL;
	struct eql_operand left;
	enum expr_op op;
	char text[24];
	int r;

	if (!call_of(name, &op))
		return unknown_function(p, name);
	snprintf(text, sizeof(text), "%.*s", (int)name->n, name->value);
	r = eql_advance(p);
	if (r == 0)
		r = eql_operand_of(p, &p->lex.token, &left);
	if (r == 0)
		r = eql_advance(p);
	if (r < 0)
		return r;
	if (p->lex.token.type != EQL_COMMA)
		return eql_expected(p, "',' and a value after the field");
	r = eql_parse_list(p, &left, op, text, &v);
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
	AUTO_VALUES struct eql_values v = { 0 };
	struct eql_operand left;
	struct eql_token name;
	enum expr_op op;
	int r;

	if (!eql_operator_of(&p->lex.token, &op) || !turn(op, &op))
		return eql_expected(p, "one of == != < <= > >=");
	r = eql_advance(p);
	if (r < 0)
		return r;
	name = p->lex.token;
	r = eql_advance(p);
	if (r < 0)
		return r;
	if (eql_is(&name, "length") && p->lex.token.type == EQL_OPEN)
		r = eql_parse_length(p, name.at, &left);
	else
		r = eql_operand_of(p, &name, &left);
	if (r == 0)
		r = eql_add_value(&v, literal, at);
	return r < 0 ? r : build(p, &left, op, &v, ret);
}

static bool at_operator(const struct eql_parser *p)
{
	const struct eql_token *t = &p->lex.token;
	enum expr_op op;

	return eql_operator_of(t, &op) || eql_is(t, "not");
}

static int bare_word(struct eql_parser *p, const struct eql_token *t, struct expr **ret)
{
	struct expr_literal yes = { .type = LITERAL_BOOL, .boolean = true };
	struct eql_token name = *t;
	struct field_ref f;
	uint32_t element;
	int r;

	eql_take_element(&name, &element);
	if ((eql_is_dotted(t) || t->type == EQL_NAME) && field_find(name.value, name.n_value, &f)) {
		if (f.info->type != TYPE_BOOL)
			return eql_expected(p, "a comparison such as == after the field");
		return expr_new_compare(ret, f, EXPR_EQ, &yes, 1, p->lex.diag);
	}
	if (t->type == EQL_NAME)
		return eql_unknown_field(p, t);
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
	struct expr_literal literal = { .type = LITERAL_STRING,
					.string = t->value,
					.n = t->n_value };
	const struct eql_token *next = &p->lex.token;
	struct eql_operand left;
	int r;

	if (t->type == EQL_STRING)
		return at_operator(p) ? parse_turned(p, &literal, t->at, ret)
				      : bare_word(p, t, ret);
	if (t->type == EQL_WORD && eql_constant_of(t, &literal))
		return at_operator(p) ? parse_turned(p, &literal, t->at, ret)
				      : constant(&literal, ret);
	if (next->type == EQL_OPEN && eql_is(t, "length")) {
		r = eql_parse_length(p, t->at, &left);
		return r < 0 ? r : parse_comparison(p, &left, ret);
	}
	if (next->type == EQL_OPEN && t->type == EQL_WORD)
		return parse_call(p, t, ret);
	if (next->type == EQL_SYMBOL && next->n == 1 && *next->value == '=')
		return eql_expected(p, "'==' or ':'");
	if (!at_operator(p))
		return bare_word(p, t, ret);
	r = t->type == EQL_WORD ? eql_number_of(p, t, &literal) : 0;
	if (r > 0)
		return parse_turned(p, &literal, t->at, ret);
	if (r == 0)
		r = eql_operand_of(p, t, &left);
	return r < 0 ? r : parse_comparison(p, &left, ret);
}

int eql_parse_condition(struct eql_parser *p, struct expr **ret)
{
	struct eql_token t = p->lex.token;
	bool symbol = t.type != EQL_WORD && t.type != EQL_NAME && t.type != EQL_STRING;
	int r = eql_try_computed(p, ret);

	if (r)
		return MIN(r, 0);
	if (symbol || eql_is(&t, "and") || eql_is(&t, "or") || eql_is(&t, "where"))
		return eql_expected(p, "a condition, such as process.name == \"bash\",");
	r = eql_advance(p);
	return r < 0 ? r : parse_word(p, &t, ret);
}
