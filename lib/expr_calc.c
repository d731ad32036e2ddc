/* SPDX-License-Identifier: Apache-2.0 */
/* Builds values and conditions over them, and asks them event by event. */
#include "lib/expr_calc.h"

#include "lib/limits.h"

/* ---- building values ---- */

struct expr_value *expr_value_free(struct expr_value *v)
{
	if (!v)
		return NULL;
	for (size_t i = 0; i < v->n_args; i++)
		expr_value_free(v->args[i]);
	free(v->args);
	free((void *)(uintptr_t)v->literal.string);
	free(v);
	return NULL;
}

static struct expr_value *value_new(void)
{
	struct expr_value *v = calloc(1, sizeof(*v));

	if (v)
		v->n_nodes = v->depth = 1;
	return v;
}

static enum expr_value_type type_of_field(enum field_type t)
{
	return t == TYPE_BOOL	? EXPR_BOOL
	       : t == TYPE_LONG ? EXPR_NUMBER
	       : t == TYPE_DATE ? EXPR_DATE
				: EXPR_TEXT;
}

int expr_value_field(struct expr_value **ret, struct field_ref f)
{
	struct expr_value *v = value_new();

	if (!v)
		return err_origin(-ENOMEM);
	v->field = f;
	v->type = type_of_field(f.info->type);
	if (f.info->type == TYPE_KEYWORDS)
		v->list = f;
	*ret = v;
	return 0;
}

int expr_value_element(struct expr_value **ret, struct field_ref f, uint32_t element,
		       struct diag *d)
{
	char name[64];
	int r;

	if (f.info->type != TYPE_KEYWORDS || element >= LIMIT_LIST_VALUES)
		return diag_set(d, -EINVAL, 0, 0, "%s has no value number %u",
				field_name(f, name, sizeof(name)), element);
	r = expr_value_field(ret, f);
	if (r < 0)
		return r;
	(*ret)->element = element + 1;
	(*ret)->list.info = NULL;
	return 0;
}

static int set_text(struct expr_value *v, const char *s, size_t n)
{
	char *copy = malloc(n + 1);

	if (!copy)
		return err_origin(-ENOMEM);
	if (n)
		memcpy(copy, s, n);
	copy[n] = '\0';
	v->literal.string = copy;
	v->literal.n = n;
	return 0;
}

int expr_value_literal(struct expr_value **ret, const struct expr_literal *literal)
{
	static const enum expr_value_type types[] = { [LITERAL_NULL] = EXPR_NULL,
						      [LITERAL_BOOL] = EXPR_BOOL,
						      [LITERAL_INT] = EXPR_NUMBER,
						      [LITERAL_FLOAT] = EXPR_NUMBER,
						      [LITERAL_STRING] = EXPR_TEXT };
	AUTO(expr_value) *v = value_new();
	int r = 0;

	if (!v)
		return err_origin(-ENOMEM);
	v->kind = CALC_OF_LITERAL;
	v->type = types[literal->type];
	v->never = literal->type == LITERAL_NULL;
	v->literal = *literal;
	v->literal.string = NULL;
	if (literal->type == LITERAL_STRING)
		r = set_text(v, literal->string, literal->n);
	if (r == 0)
		*ret = TAKE(v);
	return r;
}

int expr_value_nothing(struct expr_value **ret, const char *name, size_t n)
{
	AUTO(expr_value) *v = value_new();
	int r;

	if (!v)
		return err_origin(-ENOMEM);
	v->kind = CALC_OF_NOTHING;
	v->never = true;
	r = set_text(v, name, n);
	if (r == 0)
		*ret = TAKE(v);
	return r;
}

enum expr_value_type expr_value_type(const struct expr_value *v)
{
	return v->type;
}

static bool name_is(const char *known, const char *name, size_t n)
{
	return strlen(known) == n && strncasecmp(known, name, n) == 0;
}

static const struct calc_function *find_function(const char *name, size_t n, bool *ret_nocase)
{
	bool nocase = n > 1 && name[n - 1] == '~';

	*ret_nocase = nocase;
	for (size_t i = 0; i < n_calc_functions; i++)
		if (name_is(calc_functions[i].name, name, n - nocase))
			return nocase && !calc_functions[i].has_nocase ? NULL : &calc_functions[i];
	return NULL;
}

bool expr_is_function(const char *name, size_t n)
{
	bool nocase;

	return find_function(name, n, &nocase) != NULL;
}

static bool fits(enum expr_value_type type, char takes)
{
	switch (takes) {
	case 'n':
		return type == EXPR_NUMBER || type == EXPR_NULL;
	case 's':
		return type == EXPR_TEXT || type == EXPR_NULL;
	case 'b':
		return type == EXPR_BOOL || type == EXPR_NULL;
	case 'd':
		return type == EXPR_DATE || type == EXPR_NULL;
	default:
		return type != EXPR_DATE;
	}
}

static int check_args(const struct calc_function *f, struct expr_value **args, size_t n,
		      struct diag *d)
{
	size_t last = strlen(f->takes) - 1;

	if (n < f->min || n > f->max)
		return diag_set(d, -EINVAL, 0, 0, "%s() expected %s%u argument%s, not %zu", f->name,
				f->max == f->min ? ""
				: n < f->min	 ? "at least "
						 : "at most ",
				n < f->min ? f->min : f->max,
				(n < f->min ? f->min : f->max) == 1 ? "" : "s", n);
	for (size_t i = 0; i < n; i++) {
		char takes = f->takes[MIN(i, last)];

		if (!fits(args[i]->type, takes))
			return diag_set(d, -EINVAL, 0, 0, "%s() expected %s as argument %zu",
					f->name,
					takes == 'n'   ? "a number"
					: takes == 's' ? "text"
					: takes == 'b' ? "true or false"
					: takes == 'd' ? "a date"
						       : "a number or text",
					i + 1);
	}
	return 0;
}

static bool same_list(struct field_ref a, struct field_ref b)
{
	return !a.info || !b.info || (a.info == b.info && a.via == b.via);
}

static int two_lists(struct diag *d)
{
	return diag_set(d, -EINVAL, 0, 0,
			"expected at most one field of several values in a comparison: name[0] is "
			"one of them");
}

/* Takes the arguments over. */
static int adopt(struct expr_value *v, struct expr_value **args, size_t n, struct diag *d)
{
	v->args = calloc(n ? n : 1, sizeof(struct expr_value *));
	for (size_t i = 0; i < n; i++) {
		if (v->args)
			v->args[v->n_args++] = TAKE(args[i]);
		else
			args[i] = expr_value_free(args[i]);
	}
	if (!v->args)
		return err_origin(-ENOMEM);
	for (size_t i = 0; i < n; i++) {
		const struct expr_value *a = v->args[i];

		if (!same_list(v->list, a->list))
			return two_lists(d);
		if (a->list.info)
			v->list = a->list;
		v->n_nodes += a->n_nodes;
		v->depth = MAX(v->depth, a->depth + 1);
	}
	if (v->n_nodes > LIMIT_QUERY_NODES || v->depth >= LIMIT_QUERY_DEPTH)
		return err_origin(-E2BIG);
	return 0;
}

int expr_value_call(struct expr_value **ret, const char *name, size_t n, struct expr_value **args,
		    size_t n_args, struct diag *d)
{
	AUTO(expr_value) *v = value_new();
	bool nocase = false;
	int r;

	if (!v) {
		for (size_t i = 0; i < n_args; i++)
			args[i] = expr_value_free(args[i]);
		return err_origin(-ENOMEM);
	}
	v->kind = CALC_OF_CALL;
	v->function = find_function(name, n, &nocase);
	v->nocase = nocase;
	r = adopt(v, args, n_args, d);
	if (r < 0)
		return r;
	if (!v->function)
		return diag_set(d, -EINVAL, 0, 0, "unknown function '%.*s'",
				(int)MIN(n, (size_t)40), name);
	r = check_args(v->function, v->args, v->n_args, d);
	if (r < 0)
		return r;
	v->type = v->function->type;
	for (size_t i = 0; i < v->n_args; i++)
		v->never |= v->args[i]->never;
	*ret = TAKE(v);
	return 0;
}

/* ---- building conditions ---- */

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
	if (!same_list(a->list, b->list))
		return two_lists(d);
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
