/* SPDX-License-Identifier: Apache-2.0 */
/* Builds conditions over values, and asks them event by event. */
#include "lib/expr_calc.h"

/* ---- building ---- */

void expr_calc_free(struct expr_calc *c)
{
	if (!c)
		return;
	expr_value_free(c->a);
	expr_value_free(c->b);
	expr_test_free(c->test);
	free(c);
}

static int calc_new(struct expr **ret, struct expr_calc *c)
{
	struct expr *e = expr_node_new(NODE_CALC);
	uint32_t below = c->b ? MAX(c->a->depth, c->b->depth) : c->a->depth;

	if (!e) {
		expr_calc_free(c);
		return err_origin(-ENOMEM);
	}
	e->calc = c;
	e->n_nodes = 1 + c->a->n_nodes + (c->b ? c->b->n_nodes : 0);
	e->depth = 1 + below;
	e->group = GROUP_EVENT;
	e->cost = 20;
	*ret = e;
	return 0;
}

/* NULL: no memory; the values are freed then. */
static struct expr_calc *calc_of(struct expr_value *a, struct expr_value *b)
{
	struct expr_calc *c = calloc(1, sizeof(*c));

	if (!c) {
		expr_value_free(a);
		expr_value_free(b);
		return NULL;
	}
	c->a = a;
	c->b = b;
	c->list = a->list.info || !b ? a->list : b->list;
	return c;
}

static bool is_null_word(const struct expr_value *v)
{
	return v->kind == CALC_OF_LITERAL && v->type == EXPR_NULL;
}

static int is_null(struct expr **ret, struct expr_value *a, bool negated)
{
	struct expr_calc *c = calc_of(a, NULL);

	if (!c)
		return err_origin(-ENOMEM);
	c->kind = CALC_IS_NULL;
	c->negated = negated;
	return calc_new(ret, c);
}

static const char *type_name(enum expr_value_type t)
{
	static const char *const names[] = { "null", "true or false", "a number", "text",
					     "a date" };

	return names[t];
}

static int check_types(const struct expr_value *a, enum expr_op op, const struct expr_value *b,
		       struct diag *d)
{
	int r = expr_value_one_list(a->list, b->list, d);

	if (r < 0)
		return r;
	if (a->type == EXPR_NULL || b->type == EXPR_NULL)
		return 0;
	if (a->type != b->type)
		return diag_set(d, -EINVAL, 0, 0, "%s cannot be compared with %s: expected %s",
				type_name(a->type), type_name(b->type), type_name(a->type));
	if (a->type == EXPR_BOOL && op != EXPR_EQ && op != EXPR_NE)
		return diag_set(d, -EINVAL, 0, 0, "expected == or != between true and false");
	return 0;
}

int expr_new_values(struct expr **ret, struct expr_value *a_, enum expr_op op,
		    struct expr_value *b_, struct diag *d)
{
	AUTO(expr_value) *a = a_;
	AUTO(expr_value) *b = b_;
	struct expr_calc *c;
	int r;

	if (op == EXPR_EQ || op == EXPR_NE) {
		if (is_null_word(b))
			return is_null(ret, TAKE(a), op == EXPR_NE);
		if (is_null_word(a))
			return is_null(ret, TAKE(b), op == EXPR_NE);
	}
	if (op > EXPR_GE)
		return diag_set(d, -EINVAL, 0, 0, "two values are compared by == != < <= > >=");
	r = check_types(a, op, b, d);
	if (r < 0)
		return r;
	c = calc_of(TAKE(a), TAKE(b));
	if (!c)
		return err_origin(-ENOMEM);
	c->op = op == EXPR_NE ? EXPR_EQ : op;
	c->negated = op == EXPR_NE;
	return calc_new(ret, c);
}

int expr_new_value_true(struct expr **ret, struct expr_value *a_, struct diag *d)
{
	AUTO(expr_value) *a = a_;
	struct expr_calc *c;

	if (a->type != EXPR_BOOL && a->type != EXPR_NULL)
		return diag_set(d, -EINVAL, 0, 0,
				"%s is no condition: expected a comparison such as == after it",
				type_name(a->type));
	c = calc_of(TAKE(a), NULL);
	if (!c)
		return err_origin(-ENOMEM);
	c->kind = CALC_IS_TRUE;
	return calc_new(ret, c);
}

/* Numbers are asked as their digits. */
int expr_new_value_in(struct expr **ret, struct expr_value *a, enum expr_op op,
		      const struct expr_literal *values, size_t n, struct diag *d)
{
	struct expr_calc *c = calc_of(a, NULL);
	int r;

	if (!c)
		return err_origin(-ENOMEM);
	c->kind = CALC_ASKS;
	c->op = op;
	if (a->type == EXPR_BOOL)
		r = diag_set(d, -EINVAL, 0, 0, "true or false: expected == or !=");
	else
		r = expr_test_new(&c->test, "the value", op == EXPR_CIDR ? TYPE_IP : TYPE_KEYWORD,
				  op, values, n, d);
	if (r == 0)
		return calc_new(ret, c);
	expr_calc_free(c);
	return r;
}

/* ---- asking ---- */

static struct calc of_number(uint64_t v)
{
	if (v <= INT64_MAX)
		return (struct calc){ .type = CALC_INT, .integer = (int64_t)v };
	return (struct calc){ .type = CALC_REAL, .real = (double)v };
}

static struct calc of_string(struct block_string s)
{
	if (!s.s)
		return (struct calc){ .type = CALC_NULL };
	return (struct calc){ .type = CALC_TEXT, .s = s.s, .n = s.n };
}

static struct calc kept(struct calc_run *run, struct calc v)
{
	char *copy = arena_alloc(&run->scratch->calc, v.n + 1);

	if (!copy)
		return (struct calc){ .type = CALC_NULL };
	if (v.n)
		memcpy(copy, v.s, v.n);
	v.s = copy;
	return v;
}

static struct calc id_text(struct calc_run *run, uint64_t id)
{
	char *text = arena_alloc(&run->scratch->calc, 20);

	if (!text)
		return (struct calc){ .type = CALC_NULL };
	snprintf(text, 20, "%016llx", (unsigned long long)id);
	return (struct calc){ .type = CALC_TEXT, .s = text, .n = 16 };
}

static struct calc of_field(struct calc_run *run, const struct expr_value *v)
{
	struct block *b = run->scratch->block;
	struct block_value value = block_value(b, run->table, run->row, v->field);
	uint32_t i = v->element ? v->element - 1 : run->element;
	struct calc text;

	switch (value.type) {
	case VALUE_LONG:
	case VALUE_DATE:
		return of_number(value.number);
	case VALUE_BOOL:
		return (struct calc){ .type = CALC_BOOL, .boolean = value.number != 0 };
	case VALUE_ID:
		return id_text(run, value.number);
	case VALUE_STRING:
		text = of_string(value.string);
		return v->field.info->rule == RULE_JOIN ? kept(run, text) : text;
	case VALUE_STRINGS:
		if (i < value.n_strings)
			return of_string(block_string(b, value.strings[i]));
		break;
	case VALUE_NULL:
		break;
	}
	return (struct calc){ .type = CALC_NULL };
}

static struct calc of_literal(const struct expr_literal *v)
{
	switch (v->type) {
	case LITERAL_BOOL:
		return (struct calc){ .type = CALC_BOOL, .boolean = v->boolean };
	case LITERAL_INT:
		return (struct calc){ .type = CALC_INT, .integer = v->integer };
	case LITERAL_FLOAT:
		return (struct calc){ .type = CALC_REAL, .real = v->real };
	case LITERAL_STRING:
		return (struct calc){ .type = CALC_TEXT, .s = v->string, .n = v->n };
	case LITERAL_NULL:
		break;
	}
	return (struct calc){ .type = CALC_NULL };
}

/* Recursion: the value's depth, which is bounded. */
static struct calc compute(struct calc_run *run, const struct expr_value *v)
{
	struct calc args[CALC_ARGS];

	switch (v->kind) {
	case CALC_OF_FIELD:
		return of_field(run, v);
	case CALC_OF_LITERAL:
		return of_literal(&v->literal);
	case CALC_OF_NOTHING:
		return (struct calc){ .type = CALC_NULL };
	case CALC_OF_CALL:
		break;
	}
	for (size_t i = 0; i < v->n_args; i++) {
		args[i] = compute(run, v->args[i]);
		if (args[i].type == CALC_NULL)
			return args[i];
	}
	return v->function->call(run, args, v->n_args, v->nocase);
}

static int compare_numbers(const struct calc *a, const struct calc *b)
{
	long double x = a->type == CALC_INT ? (long double)a->integer : (long double)a->real;
	long double y = b->type == CALC_INT ? (long double)b->integer : (long double)b->real;

	return (x > y) - (x < y);
}

static int compare_texts(const struct calc *a, const struct calc *b)
{
	size_t n = MIN(a->n, b->n);
	int r = n ? memcmp(a->s, b->s, n) : 0;

	return r ? r : (a->n > b->n) - (a->n < b->n);
}

static enum expr_state state_of(bool yes)
{
	return yes ? STATE_TRUE : STATE_FALSE;
}

static enum expr_state compares(struct calc_run *run, const struct expr_calc *c)
{
	struct calc a = compute(run, c->a), b = compute(run, c->b);
	int order;

	if (a.type == CALC_NULL || b.type == CALC_NULL)
		return STATE_NULL;
	if (a.type == CALC_TEXT)
		order = compare_texts(&a, &b);
	else if (a.type == CALC_BOOL)
		order = a.boolean - b.boolean;
	else
		order = compare_numbers(&a, &b);
	switch (c->op) {
	case EXPR_LT:
		return state_of(order < 0);
	case EXPR_LE:
		return state_of(order <= 0);
	case EXPR_GT:
		return state_of(order > 0);
	case EXPR_GE:
		return state_of(order >= 0);
	default:
		return state_of(order == 0);
	}
}

static enum expr_state asks(struct calc_run *run, const struct expr_calc *c)
{
	struct calc a = compute(run, c->a);
	char digits[40];
	int n;

	switch (a.type) {
	case CALC_INT:
		n = snprintf(digits, sizeof(digits), "%lld", (long long)a.integer);
		return expr_test_string(c->test, &run->scratch->text, digits, (size_t)n);
	case CALC_REAL:
		n = snprintf(digits, sizeof(digits), "%.15g", a.real);
		return expr_test_string(c->test, &run->scratch->text, digits, (size_t)n);
	case CALC_TEXT:
		return expr_test_string(c->test, &run->scratch->text, a.s, a.n);
	default:
		return STATE_NULL;
	}
}

static enum expr_state ask_once(struct calc_run *run, const struct expr_calc *c)
{
	struct calc a;

	switch (c->kind) {
	case CALC_COMPARES:
		return compares(run, c);
	case CALC_ASKS:
		return asks(run, c);
	case CALC_IS_NULL:
		return state_of(compute(run, c->a).type == CALC_NULL);
	case CALC_IS_TRUE:
		a = compute(run, c->a);
		return a.type == CALC_BOOL ? state_of(a.boolean) : STATE_NULL;
	}
	return STATE_NULL;
}

static uint32_t n_elements(const struct calc_run *run, struct field_ref list)
{
	struct block_value v;

	if (!list.info)
		return 1;
	v = block_value(run->scratch->block, run->table, run->row, list);
	return v.type == VALUE_STRINGS ? v.n_strings : 1; /* null once */
}

/* Any value of the list may be it. */
static enum expr_state ask(struct calc_run *run, const struct expr_calc *c)
{
	enum expr_state all = STATE_FALSE;

	arena_clear(&run->scratch->calc);
	for (uint32_t i = 0, n = n_elements(run, c->list); i < n; i++) {
		enum expr_state one;

		run->element = i;
		one = ask_once(run, c);
		if (one == STATE_TRUE) {
			all = one;
			break;
		}
		if (one == STATE_NULL)
			all = one;
	}
	if (all == STATE_NULL || !c->negated)
		return all;
	return state_of(all == STATE_FALSE);
}

void expr_calc_rows(const struct expr_rows *r, const struct expr_calc *c, bool want,
		    const uint64_t *mask, uint64_t *out)
{
	struct calc_run run = { .scratch = r->s, .table = r->table };
	enum expr_state wanted = state_of(want);

	for (uint32_t w = 0; w < r->words; w++) {
		uint64_t bits = 0;

		for (uint64_t m = mask[w]; m; m &= m - 1) {
			unsigned j = (unsigned)__builtin_ctzll(m);

			run.row = w * 64 + j;
			bits |= (uint64_t)(ask(&run, c) == wanted) << j;
		}
		out[w] = bits;
	}
}

bool expr_calc_never(const struct expr_calc *c)
{
	return c->kind != CALC_IS_NULL && (c->a->never || (c->b && c->b->never));
}
