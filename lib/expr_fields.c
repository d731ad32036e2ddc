/* SPDX-License-Identifier: Apache-2.0 */
/* Compares a field with a field, row by row (once per process row where both are of processes). */
#include "lib/expr_scratch.h"

/* The value of a field in one row. */
struct cell {
	enum { CELL_NULL, CELL_NUMBER, CELL_TEXT, CELL_LIST } type;
	uint64_t raw;
	struct block_string text;
	const uint32_t *list;
	uint32_t n;
};

static struct cell text_cell(struct block_string s)
{
	return (struct cell){ .type = s.s ? CELL_TEXT : CELL_NULL, .text = s };
}

static struct cell list_cell(struct expr_scratch *s, const struct field_info *f, uint32_t table,
			     uint32_t row)
{
	enum field source = f->rule == RULE_COUNT ? f->source : f->field;
	struct cell c = { .type = CELL_NULL };
	struct block_list list;

	if (!block_list(s->block, table, source, &list))
		return c;
	c.list = list.values + list.starts[row];
	c.n = list.starts[row + 1] - list.starts[row];
	c.raw = (uint64_t)c.n + 1;
	if (c.n)
		c.type = f->rule == RULE_COUNT ? CELL_NUMBER : CELL_LIST;
	return c;
}

static struct cell column_cell(struct expr_scratch *s, const struct field_info *f, uint32_t table,
			       uint32_t row)
{
	bool derives = f->rule != RULE_STORED;
	const uint64_t *column = block_column(s->block, table, derives ? f->source : f->field);
	struct block_string text;

	if (!column || !column[row])
		return (struct cell){ .type = CELL_NULL };
	if (!expr_is_textual(f->type))
		return (struct cell){ .type = CELL_NUMBER, .raw = column[row] };
	text = block_string(s->block, (uint32_t)column[row]);
	return text_cell(derives ? block_derive(f->rule, text) : text);
}

/* Constants of kind and batch are asked of the block itself: these have no fast way. */
static struct cell constant_cell(struct expr_scratch *s, struct field_ref ref, uint32_t table)
{
	struct block_value v = block_value(s->block, table, 0, ref);

	if (v.type == VALUE_STRING)
		return text_cell(v.string);
	if (v.type == VALUE_DATE)
		return (struct cell){ .type = CELL_NUMBER, .raw = v.number + 1 };
	return (struct cell){ .type = CELL_NULL };
}

static struct cell cell_of(const struct expr_rows *r, struct field_ref ref, uint32_t row,
			   unsigned side)
{
	const struct field_info *f = ref.info;
	uint32_t table = r->table, process = row;

	if (expr_is_constant(f))
		return constant_cell(r->s, ref, table);
	if (f->home == HOME_PROCESS) {
		if (table != BLOCK_PROCESSES) {
			const uint64_t *refs =
				block_column(r->s->block, table,
					     ref.via == VIA_TARGET ? FIELD_TARGET : FIELD_PROCESS);

			process = refs ? (uint32_t)refs[row] : 0;
		}
		process = expr_hop(r->s, ref.via, process);
		if (process == 0)
			return (struct cell){ .type = CELL_NULL };
		table = BLOCK_PROCESSES;
		row = process - 1;
	}
	if (f->rule == RULE_JOIN)
		return text_cell(expr_join(r->s, row, side));
	if (f->rule == RULE_COUNT || f->type == TYPE_KEYWORDS)
		return list_cell(r->s, f, table, row);
	return column_cell(r->s, f, table, row);
}

static bool same_nocase(struct block_string a, struct block_string b)
{
	if (a.n != b.n)
		return false;
	for (uint32_t i = 0; i < a.n; i++)
		if (expr_lower(a.s[i]) != expr_lower(b.s[i]))
			return false;
	return true;
}

static bool holds(enum expr_op op, int order)
{
	switch (op) {
	case EXPR_LT:
		return order < 0;
	case EXPR_LE:
		return order <= 0;
	case EXPR_GT:
		return order > 0;
	case EXPR_GE:
		return order >= 0;
	default:
		return order == 0;
	}
}

static int compare_bytes(struct block_string a, struct block_string b)
{
	int order = memcmp(a.s, b.s, MIN(a.n, b.n));

	if (order)
		return order;
	return a.n == b.n ? 0 : a.n < b.n ? -1 : 1;
}

static bool text_holds(const struct expr *e, struct block_string a, struct block_string b)
{
	uint8_t x[16], y[16];

	if (e->a.info->type == TYPE_IP && e->b.info->type == TYPE_IP)
		return expr_ip_parse(a.s, a.n, x) && expr_ip_parse(b.s, b.n, y) &&
		       holds(e->fields_op, memcmp(x, y, sizeof(x)));
	if (e->fields_op == EXPR_MATCH)
		return same_nocase(a, b);
	return holds(e->fields_op, compare_bytes(a, b));
}

static struct block_string value_of(struct block *b, const struct cell *c, uint32_t i)
{
	return c->type == CELL_LIST ? block_string(b, c->list[i]) : c->text;
}

static bool any_holds(struct block *b, const struct expr *e, const struct cell *x,
		      const struct cell *y)
{
	uint32_t n_x = x->type == CELL_LIST ? x->n : 1, n_y = y->type == CELL_LIST ? y->n : 1;

	for (uint32_t i = 0; i < n_x; i++)
		for (uint32_t j = 0; j < n_y; j++)
			if (text_holds(e, value_of(b, x, i), value_of(b, y, j)))
				return true;
	return false;
}

static bool row_is(const struct expr_rows *r, const struct expr *e, uint32_t row, bool want)
{
	struct cell x = cell_of(r, e->a, row, 0), y = cell_of(r, e->b, row, 1);
	bool yes;

	if (x.type == CELL_NULL || y.type == CELL_NULL)
		return false;
	if (x.type == CELL_NUMBER)
		yes = holds(e->fields_op, x.raw == y.raw ? 0 : x.raw < y.raw ? -1 : 1);
	else
		yes = any_holds(r->s->block, e, &x, &y);
	return (yes != e->fields_negated) == want;
}

void expr_fields_rows(const struct expr_rows *r, const struct expr *e, bool want,
		      const uint64_t *mask, uint64_t *out)
{
	for (uint32_t w = 0; w < r->words; w++) {
		uint64_t bits = 0;

		for (uint64_t m = mask[w]; m; m &= m - 1) {
			uint32_t row = w * 64 + (uint32_t)__builtin_ctzll(m);

			bits |= (uint64_t)row_is(r, e, row, want) << (row % 64);
		}
		out[w] = bits;
	}
}
