/* SPDX-License-Identifier: Apache-2.0 */
/* The condition is kept in reverse Polish notation and answered on a small stack; three values as
 * in conditions over events. */
#include "lib/pipe_where.h"

#include "lib/expr_test.h"

enum { ITEMS = 128, DEPTH = 32 };

struct item {
	enum { ITEM_TEST, ITEM_REAL, ITEM_IS_NULL, ITEM_NOT, ITEM_AND, ITEM_OR } type;
	uint32_t column;
	struct expr_test *test;
	enum expr_op op; /* REAL */
	double real;
	bool negated; /* IS_NULL */
};

struct pipe_where {
	struct item items[ITEMS];
	uint32_t n;
};

struct pipe_where *pipe_where_free(struct pipe_where *w)
{
	if (!w)
		return NULL;
	for (uint32_t i = 0; i < w->n; i++)
		expr_test_free(w->items[i].test);
	free(w);
	return NULL;
}

/* ---- parsed ---- */

struct reading {
	struct pipe_parser *p;
	struct pipe_where *w;
	unsigned depth;
};

static int add(struct reading *r, size_t at, const struct item *item)
{
	if (r->w->n == ITEMS) {
		expr_test_free(item->test);
		return eql_error(&r->p->eql.lex, at, "too many conditions behind stats: at most %d",
				 ITEMS / 2);
	}
	r->w->items[r->w->n++] = *item;
	return 0;
}

/* Of a column that is computed, or as its field. */
static enum field_type type_of(const struct pipe *pipe, uint32_t column, bool *ret_real)
{
	const struct pipe_column *c = &pipe->columns[column];
	bool is_key = column < pipe->n_keys;

	*ret_real = !is_key && (c->func == PIPE_AVG || c->func == PIPE_SUM);
	if (!is_key && (c->func == PIPE_COUNT || c->func == PIPE_COUNT_DISTINCT || *ret_real))
		return TYPE_LONG;
	return c->field.info->type == TYPE_KEYWORDS ? TYPE_KEYWORD : c->field.info->type;
}

static int build_real(struct reading *r, struct item *item, const struct eql_values *v,
		      enum expr_op op)
{
	if (v->n != 1 || op > EXPR_GE ||
	    (v->v[0].type != LITERAL_INT && v->v[0].type != LITERAL_FLOAT))
		return eql_error(&r->p->eql.lex, v->at[0],
				 "expected == != < <= > >= and a number for sum and avg");
	item->type = ITEM_REAL;
	item->op = op;
	item->real = v->v[0].type == LITERAL_INT ? (double)v->v[0].integer : v->v[0].real;
	return 0;
}

static int build(struct reading *r, struct item *item, const struct eql_values *v, enum expr_op op)
{
	const struct pipe *pipe = r->p->pipe;
	struct diag *d = r->p->eql.lex.diag;
	enum field_type type;
	bool is_real;
	int res;

	if (v->is_field)
		return eql_error(&r->p->eql.lex, v->field.at,
				 "a column is compared with values: expected one");
	if (v->n == 1 && v->v[0].type == LITERAL_NULL && (op == EXPR_EQ || op == EXPR_NE)) {
		item->type = ITEM_IS_NULL;
		item->negated = op == EXPR_NE;
		return 0;
	}
	type = type_of(pipe, item->column, &is_real);
	if (is_real)
		return build_real(r, item, v, op);
	item->type = ITEM_TEST;
	res = expr_test_new(&item->test, pipe->columns[item->column].name, type, op, v->v, v->n, d);
	if (res == -EINVAL)
		diag_position(r->p->eql.lex.text, v->n ? v->at[0] : 0, &d->line, &d->column);
	return res;
}

/* column operator value */
static int parse_comparison(struct reading *r)
{
	const struct eql_operand left = { .nothing = true };
	AUTO_VALUES struct eql_values v = { 0 };
	struct eql_parser *eql = &r->p->eql;
	struct item item = { .type = ITEM_TEST };
	size_t at = eql->lex.token.at;
	bool negated;
	enum expr_op op;
	char text[8];
	int res = pipe_parse_column(r->p, &item.column);

	if (res < 0)
		return res;
	negated = eql_is(&eql->lex.token, "not");
	if (negated)
		res = eql_advance(eql);
	if (res == 0 && !eql_operator_of(&eql->lex.token, &op))
		res = eql_expected(eql, "an operator");
	if (res < 0)
		return res;
	if (item.column >= r->p->pipe->n_keys &&
	    r->p->pipe->columns[item.column].func == PIPE_VALUES)
		return eql_error(&eql->lex, at, "a column of values() cannot be asked");
	snprintf(text, sizeof(text), "%.*s", (int)eql->lex.token.n, eql->lex.token.value);
	res = eql_next(&eql->lex, op == EXPR_MATCH ? EQL_VALUE : EQL_TERM);
	if (res == 0)
		res = eql_parse_values(eql, &left, op, text, &v);
	if (res == 0)
		res = build(r, &item, &v, op);
	if (res == 0)
		res = add(r, at, &item);
	if (res == 0 && negated)
		res = add(r, at, &(struct item){ .type = ITEM_NOT });
	return res;
}

static int parse_or(struct reading *r);

static int parse_not(struct reading *r)
{
	struct eql_parser *eql = &r->p->eql;
	size_t at = eql->lex.token.at;
	bool negated = eql_is(&eql->lex.token, "not");
	int res;

	if (r->depth == DEPTH)
		return eql_error(&eql->lex, at, "nested too deeply: at most %d levels", DEPTH);
	if (!negated && eql->lex.token.type != EQL_OPEN)
		return parse_comparison(r);
	r->depth++;
	res = eql_advance(eql);
	if (res == 0)
		res = negated ? parse_not(r) : parse_or(r);
	r->depth--;
	if (res < 0)
		return res;
	if (negated)
		return add(r, at, &(struct item){ .type = ITEM_NOT });
	return pipe_pass(r->p, EQL_CLOSE, "'and', 'or' or ')'");
}

static int parse_and(struct reading *r)
{
	int res = parse_not(r);

	while (res == 0 && eql_is(pipe_token(r->p), "and")) {
		size_t at = pipe_token(r->p)->at;

		res = eql_advance(&r->p->eql);
		if (res == 0)
			res = parse_not(r);
		if (res == 0)
			res = add(r, at, &(struct item){ .type = ITEM_AND });
	}
	return res;
}

static int parse_or(struct reading *r)
{
	int res = parse_and(r);

	while (res == 0 && eql_is(pipe_token(r->p), "or")) {
		size_t at = pipe_token(r->p)->at;

		res = eql_advance(&r->p->eql);
		if (res == 0)
			res = parse_and(r);
		if (res == 0)
			res = add(r, at, &(struct item){ .type = ITEM_OR });
	}
	return res;
}

int pipe_where_parse(struct pipe_parser *p, struct pipe_where **ret)
{
	struct reading r = { .p = p, .w = calloc(1, sizeof(*r.w)) };
	int res;

	if (!r.w)
		return err_origin(-ENOMEM);
	res = parse_or(&r);
	if (res < 0) {
		pipe_where_free(r.w);
		return res;
	}
	*ret = r.w;
	return 0;
}

/* ---- asked ---- */

static enum expr_state state_of(bool yes)
{
	return yes ? STATE_TRUE : STATE_FALSE;
}

static enum expr_state ask_real(const struct item *item, const struct pipe_where_cell *c)
{
	double v = c->type == PIPE_CELL_RAW ? (double)(c->raw - 1) : c->real;

	switch (item->op) {
	case EXPR_LT:
		return state_of(v < item->real);
	case EXPR_LE:
		return state_of(v <= item->real);
	case EXPR_GT:
		return state_of(v > item->real);
	case EXPR_GE:
		return state_of(v >= item->real);
	case EXPR_NE:
		return state_of(v < item->real || v > item->real);
	default:
		return state_of(v >= item->real && v <= item->real);
	}
}

static enum expr_state ask_cell(const struct item *item, struct expr_text_scratch *s,
				const struct pipe_where_cell *c)
{
	if (item->type == ITEM_IS_NULL)
		return state_of((c->type == PIPE_CELL_NULL) != item->negated);
	if (c->type == PIPE_CELL_NULL)
		return STATE_NULL;
	if (item->type == ITEM_REAL)
		return ask_real(item, c);
	if (c->type == PIPE_CELL_TEXT)
		return expr_test_string(item->test, s, c->s, c->n);
	return expr_test_raw(item->test, s, c->raw);
}

static enum expr_state join(enum expr_state a, enum expr_state b, enum expr_state strong)
{
	if (a == strong || b == strong)
		return strong;
	return a == STATE_NULL || b == STATE_NULL ? STATE_NULL : a;
}

bool pipe_where_is(const struct pipe_where *w, struct expr_text_scratch *s,
		   struct pipe_where_cell (*cell)(uint32_t column, void *arg), void *arg)
{
	enum expr_state stack[ITEMS];
	uint32_t n = 0;

	for (uint32_t i = 0; i < w->n; i++) {
		const struct item *item = &w->items[i];
		struct pipe_where_cell c;

		switch (item->type) {
		case ITEM_NOT:
			if (stack[n - 1] != STATE_NULL)
				stack[n - 1] = state_of(stack[n - 1] == STATE_FALSE);
			break;
		case ITEM_AND:
		case ITEM_OR:
			n--;
			stack[n - 1] = join(stack[n - 1], stack[n],
					    item->type == ITEM_AND ? STATE_FALSE : STATE_TRUE);
			break;
		default:
			c = cell(item->column, arg);
			stack[n++] = ask_cell(item, s, &c);
		}
	}
	return n == 1 && stack[0] == STATE_TRUE;
}
