/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a tree as text that lib/eql reads back. */
#include "lib/expr_calc.h"

#include "lib/timestamp.h"

static void print_string(struct buf *out, const char *s, size_t n)
{
	buf_byte(out, '"');
	for (size_t i = 0; i < n; i++) {
		uint8_t c = (uint8_t)s[i];

		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c == '\n' || c == '\r' || c == '\t')
			buf_printf(out, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
		else if (c < 0x20 || c == 0x7f)
			buf_printf(out, "\\u{%02x}", c);
		else
			buf_byte(out, c);
	}
	buf_byte(out, '"');
}

static void print_real(struct buf *out, double v)
{
	char text[40];

	snprintf(text, sizeof(text), "%.17g", v);
	buf_str(out, text);
	if (!strpbrk(text, ".en"))
		buf_str(out, ".0");
}

static void print_literal(struct buf *out, const struct expr_literal *v, enum field_type type)
{
	char time[TIMESTAMP_TEXT_BYTES];

	if (type == TYPE_DATE && v->type == LITERAL_INT) {
		timestamp_format((uint64_t)v->integer, time);
		print_string(out, time, strlen(time));
		return;
	}
	switch (v->type) {
	case LITERAL_NULL:
		buf_str(out, "null");
		break;
	case LITERAL_BOOL:
		buf_str(out, v->boolean ? "true" : "false");
		break;
	case LITERAL_INT:
		buf_printf(out, "%lld", (long long)v->integer);
		break;
	case LITERAL_FLOAT:
		print_real(out, v->real);
		break;
	case LITERAL_STRING:
		print_string(out, v->string, v->n);
		break;
	}
}

static void print_field(struct buf *out, struct field_ref f)
{
	char name[80];

	buf_str(out, field_name(f, name, sizeof(name)));
}

static void print_leaf_field(struct buf *out, const struct expr_leaf *l)
{
	print_field(out, l->field);
	if (l->element)
		buf_printf(out, "[%u]", l->element - 1);
}

static const struct {
	const char *text;
	bool call;
} ops[] = {
	[EXPR_EQ] = { "==", false },
	[EXPR_NE] = { "!=", false },
	[EXPR_LT] = { "<", false },
	[EXPR_LE] = { "<=", false },
	[EXPR_GT] = { ">", false },
	[EXPR_GE] = { ">=", false },
	[EXPR_MATCH] = { ":", false },
	[EXPR_LIKE] = { "like", false },
	[EXPR_LIKE_NOCASE] = { "like~", false },
	[EXPR_IN] = { "in", false },
	[EXPR_IN_NOCASE] = { "in~", false },
	[EXPR_REGEX] = { "regex", false },
	[EXPR_REGEX_NOCASE] = { "regex~", false },
	[EXPR_CIDR] = { "cidrmatch", true },
	[EXPR_STARTS_WITH] = { "startsWith", true },
	[EXPR_ENDS_WITH] = { "endsWith", true },
	[EXPR_CONTAINS] = { "stringContains", true },
	[EXPR_STARTS_WITH_NOCASE] = { "startsWith~", true },
	[EXPR_ENDS_WITH_NOCASE] = { "endsWith~", true },
	[EXPR_CONTAINS_NOCASE] = { "stringContains~", true },
};

static void print_literals(struct buf *out, const struct expr_literal *v, size_t n,
			   enum field_type type)
{
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_str(out, ", ");
		print_literal(out, &v[i], type);
	}
}

static void print_values(struct buf *out, const struct expr_leaf *l)
{
	print_literals(out, l->values, l->n_values, l->length ? TYPE_LONG : l->field.info->type);
}

static void print_leaf(struct buf *out, const struct expr_leaf *l)
{
	bool list = l->n_values > 1 || l->op == EXPR_IN || l->op == EXPR_IN_NOCASE;

	if (ops[l->op].call) {
		buf_printf(out, "%s(", ops[l->op].text);
		print_leaf_field(out, l);
		buf_str(out, ", ");
		print_values(out, l);
		buf_byte(out, ')');
		return;
	}
	if (l->length)
		buf_str(out, "length(");
	print_leaf_field(out, l);
	buf_printf(out, "%s %s %s", l->length ? ")" : "", ops[l->op].text, list ? "(" : "");
	print_values(out, l);
	if (list)
		buf_byte(out, ')');
}

static void print_value(const struct expr_value *v, struct buf *out)
{
	switch (v->kind) {
	case CALC_OF_FIELD:
		print_field(out, v->field);
		if (v->element)
			buf_printf(out, "[%u]", v->element - 1);
		break;
	case CALC_OF_LITERAL:
		print_literal(out, &v->literal, TYPE_KEYWORD);
		break;
	case CALC_OF_NOTHING:
		buf_byte(out, '?');
		buf_add(out, v->literal.string, v->literal.n);
		break;
	case CALC_OF_CALL:
		buf_printf(out, "%s%s(", v->function->name, v->nocase ? "~" : "");
		for (size_t i = 0; i < v->n_args; i++) {
			buf_str(out, i ? ", " : "");
			print_value(v->args[i], out);
		}
		buf_byte(out, ')');
		break;
	}
}

static void print_calc(const struct expr_calc *c, struct buf *out)
{
	size_t n = 0;
	const struct expr_literal *v = c->test ? expr_test_values(c->test, &n) : NULL;
	bool list = n > 1 || c->op == EXPR_IN || c->op == EXPR_IN_NOCASE;

	if (c->kind == CALC_ASKS && ops[c->op].call)
		buf_printf(out, "%s(", ops[c->op].text);
	print_value(c->a, out);
	switch (c->kind) {
	case CALC_COMPARES:
		buf_printf(out, " %s ", c->negated ? "!=" : ops[c->op].text);
		print_value(c->b, out);
		break;
	case CALC_ASKS:
		if (ops[c->op].call)
			buf_str(out, ", ");
		else
			buf_printf(out, " %s %s", ops[c->op].text, list ? "(" : "");
		print_literals(out, v, n, TYPE_KEYWORD);
		buf_str(out, list || ops[c->op].call ? ")" : "");
		break;
	case CALC_IS_NULL:
		buf_str(out, c->negated ? " != null" : " == null");
		break;
	case CALC_IS_TRUE:
		break;
	}
}

static void print_child(const struct expr *e, struct buf *out)
{
	bool parentheses = e->type == NODE_AND || e->type == NODE_OR;

	if (parentheses)
		buf_byte(out, '(');
	expr_print(e, out);
	if (parentheses)
		buf_byte(out, ')');
}

static void print_not(const struct expr *e, struct buf *out)
{
	if (e->type == NODE_IS_NULL) {
		print_leaf_field(out, &e->leaf);
		buf_str(out, " != null");
		return;
	}
	buf_str(out, "not ");
	print_child(e, out);
}

/* Recursion: the tree's depth. */
void expr_print(const struct expr *e, struct buf *out)
{
	switch (e->type) {
	case NODE_FALSE:
	case NODE_TRUE:
		buf_str(out, e->type == NODE_TRUE ? "true" : "false");
		break;
	case NODE_NULL:
		buf_str(out, "null");
		break;
	case NODE_NOT:
		print_not(e->child[0], out);
		break;
	case NODE_AND:
	case NODE_OR:
		for (uint32_t i = 0; i < e->n_children; i++) {
			if (i)
				buf_str(out, e->type == NODE_AND ? " and " : " or ");
			print_child(e->child[i], out);
		}
		break;
	case NODE_TEXT:
		print_string(out, e->word, e->n_word);
		break;
	case NODE_IS_NULL:
		print_leaf_field(out, &e->leaf);
		buf_str(out, " == null");
		break;
	case NODE_COMPARE:
		print_leaf(out, &e->leaf);
		break;
	case NODE_FIELDS:
		print_field(out, e->a);
		buf_printf(out, " %s `", e->fields_negated ? "!=" : ops[e->fields_op].text);
		print_field(out, e->b);
		buf_byte(out, '`'); /* after ":" a plain word would be a string */
		break;
	case NODE_CALC:
		print_calc(e->calc, out);
		break;
	case NODE_KIN:
		expr_kin_print(e->kin, out);
		break;
	}
}
