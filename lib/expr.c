/* SPDX-License-Identifier: Apache-2.0 */
/* Builds and frees trees. */
#include "lib/expr_calc.h"

#include "lib/limits.h"

enum { REGEX_NODES = 20 }; /* what a regular expression counts for in LIMIT_QUERY_NODES */

static bool has_children(const struct expr *e)
{
	return e->type == NODE_NOT || e->type == NODE_AND || e->type == NODE_OR ||
	       e->type == NODE_TEXT;
}

/* Recursion is bounded: no tree is deeper than LIMIT_QUERY_DEPTH. */
struct expr *expr_free(struct expr *e)
{
	if (!e)
		return NULL;
	if (has_children(e)) {
		for (uint32_t i = 0; i < e->n_children; i++)
			expr_free(e->child[i]);
		free(e->child);
		free(e->offset);
		free(e->order);
	} else if (e->type == NODE_COMPARE || e->type == NODE_IS_NULL) {
		expr_leaf_done(&e->leaf);
	} else if (e->type == NODE_CALC) {
		expr_calc_free(e->calc);
	} else if (e->type == NODE_KIN) {
		expr_kin_free(e->kin);
	}
	free(e->word);
	free(e);
	return NULL;
}

struct expr *expr_node_new(enum expr_node type)
{
	struct expr *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->type = type;
	e->depth = 1;
	e->n_nodes = 1;
	return e;
}

static int leaf_node(struct expr **ret, enum expr_node type)
{
	struct expr *e = expr_node_new(type);

	if (!e)
		return err_origin(-ENOMEM);
	*ret = e;
	return 0;
}

int expr_new_const(struct expr **ret, bool value)
{
	return leaf_node(ret, value ? NODE_TRUE : NODE_FALSE);
}

int expr_new_null(struct expr **ret)
{
	return leaf_node(ret, NODE_NULL);
}

static enum expr_group group_of(struct field_ref f)
{
	if (f.info->home != HOME_PROCESS)
		return GROUP_EVENT;
	return f.via == VIA_TARGET ? GROUP_TARGET : GROUP_ACTOR;
}

static enum expr_group group_join(enum expr_group a, enum expr_group b)
{
	if (a == GROUP_NONE || a == b)
		return b;
	return b == GROUP_NONE ? a : GROUP_EVENT;
}

static uint32_t leaf_cost(const struct expr_leaf *l)
{
	const struct field_info *f = l->field.info;

	if (expr_is_constant(f))
		return 1;
	return (l->numeric ? 2U : 4U) + (f->home == HOME_PROCESS ? 1U : 0U) +
	       (f->rule == RULE_JOIN ? 4U : 0U) +
	       (l->op == EXPR_REGEX || l->op == EXPR_REGEX_NOCASE ? 8U : 0U);
}

static bool grow(struct expr *e)
{
	uint32_t cap = e->cap ? e->cap * 2 : 2;
	struct expr **child = reallocarray(e->child, cap, sizeof(*child));
	uint32_t *offset, *order;

	if (child)
		e->child = child;
	offset = reallocarray(e->offset, cap, sizeof(*offset));
	if (offset)
		e->offset = offset;
	order = reallocarray(e->order, cap, sizeof(*order));
	if (order)
		e->order = order;
	if (!child || !offset || !order)
		return false;
	e->cap = cap;
	return true;
}

/* Takes @c over, also when it fails. */
static int append(struct expr *e, struct expr *c)
{
	AUTO(expr) *child = c;
	uint32_t at = e->n_children;

	if (e->n_nodes + c->n_nodes > LIMIT_QUERY_NODES || c->depth >= LIMIT_QUERY_DEPTH)
		return err_origin(-E2BIG);
	if (e->n_children == e->cap && !grow(e))
		return err_origin(-ENOMEM);
	for (; at > 0 && e->child[e->order[at - 1]]->cost > c->cost; at--)
		e->order[at] = e->order[at - 1];
	e->order[at] = e->n_children;
	e->offset[e->n_children] = e->n_nodes;
	e->group = e->n_children ? group_join(e->group, c->group) : c->group;
	e->cost = MAX(e->cost, c->cost + 1);
	e->depth = MAX(e->depth, c->depth + 1);
	e->n_nodes += c->n_nodes;
	e->child[e->n_children++] = TAKE(child);
	return 0;
}

/* Takes over @c; the children of a node of the same type are taken out of it. */
static int append_flat(struct expr *e, struct expr *c)
{
	AUTO(expr) *child = c;

	if (c->type != e->type)
		return append(e, TAKE(child));
	for (uint32_t i = 0; i < c->n_children; i++) {
		int r = append(e, TAKE(c->child[i]));

		if (r < 0)
			return r;
	}
	return 0;
}

static int join(struct expr **ret, enum expr_node type, struct expr *a_, struct expr *b_)
{
	AUTO(expr) *a = a_;
	AUTO(expr) *b = b_;
	AUTO(expr) *e = NULL;
	int r;

	if (a->type == type) {
		e = TAKE(a);
	} else {
		e = expr_node_new(type);
		if (!e)
			return err_origin(-ENOMEM);
		r = append(e, TAKE(a));
		if (r < 0)
			return r;
	}
	r = append_flat(e, TAKE(b));
	if (r < 0)
		return r;
	*ret = TAKE(e);
	return 0;
}

int expr_new_and(struct expr **ret, struct expr *a, struct expr *b)
{
	return join(ret, NODE_AND, a, b);
}

int expr_new_or(struct expr **ret, struct expr *a, struct expr *b)
{
	return join(ret, NODE_OR, a, b);
}

static int wrap(struct expr **ret, enum expr_node type, struct expr *a_)
{
	AUTO(expr) *a = a_;
	AUTO(expr) *e = expr_node_new(type);
	int r;

	if (!e)
		return err_origin(-ENOMEM);
	r = append(e, TAKE(a));
	if (r < 0)
		return r;
	*ret = TAKE(e);
	return 0;
}

int expr_new_not(struct expr **ret, struct expr *a)
{
	return wrap(ret, NODE_NOT, a);
}

static int is_null_node(struct expr **ret, struct field_ref f, uint32_t element)
{
	AUTO(expr) *e = expr_node_new(NODE_IS_NULL);
	int r;

	if (!e)
		return err_origin(-ENOMEM);
	e->leaf.field = f;
	e->leaf.element = element;
	r = expr_leaf_compile_any(&e->leaf);
	if (r < 0)
		return r;
	e->group = group_of(f);
	e->cost = leaf_cost(&e->leaf);
	*ret = TAKE(e);
	return 0;
}

int expr_new_is_null(struct expr **ret, struct field_ref f)
{
	return is_null_node(ret, f, 0);
}

int expr_leaf_copy_values(struct expr_leaf *l, const struct expr_literal *values, size_t n)
{
	l->values = calloc(n ? n : 1, sizeof(*values));
	if (!l->values)
		return err_origin(-ENOMEM);
	for (size_t i = 0; i < n; i++) {
		char *copy;

		l->values[i] = values[i];
		l->values[i].string = NULL;
		l->n_values = i + 1;
		if (values[i].type != LITERAL_STRING)
			continue;
		copy = malloc(values[i].n + 1);
		if (!copy)
			return err_origin(-ENOMEM);
		if (values[i].n)
			memcpy(copy, values[i].string, values[i].n);
		copy[values[i].n] = '\0';
		l->values[i].string = copy;
	}
	return 0;
}

void expr_leaf_done(struct expr_leaf *l)
{
	for (size_t i = 0; i < l->n_values; i++)
		free((void *)(uintptr_t)l->values[i].string);
	free(l->values);
	free(l->ranges);
	expr_text_done(&l->text);
}

static int compare(struct expr **ret, const struct expr_leaf *what,
		   const struct expr_literal *values, size_t n_values, struct diag *d)
{
	AUTO(expr) *e = expr_node_new(NODE_COMPARE);
	int r;

	if (!e)
		return err_origin(-ENOMEM);
	e->leaf = *what;
	r = expr_leaf_copy_values(&e->leaf, values, n_values);
	if (r == 0)
		r = expr_leaf_compile(&e->leaf, d);
	if (r < 0)
		return r;
	if (what->op == EXPR_REGEX || what->op == EXPR_REGEX_NOCASE)
		e->n_nodes = (uint32_t)MIN(n_values * REGEX_NODES, (size_t)UINT32_MAX);
	if (e->n_nodes > LIMIT_QUERY_NODES)
		return err_origin(-E2BIG);
	e->group = group_of(what->field);
	e->cost = leaf_cost(&e->leaf);
	*ret = TAKE(e);
	return 0;
}

/* A comparison, or with null the question whether there is a value. */
static int compare_or_null(struct expr **ret, const struct expr_leaf *what,
			   const struct expr_literal *values, size_t n_values, struct diag *d)
{
	enum expr_op op = what->op;
	struct expr *e = NULL;
	int r;

	if (n_values != 1 || values[0].type != LITERAL_NULL ||
	    (op != EXPR_EQ && op != EXPR_NE && op != EXPR_MATCH))
		return compare(ret, what, values, n_values, d);
	r = is_null_node(&e, what->field, what->element);
	if (r == 0 && op == EXPR_NE)
		r = expr_new_not(&e, e);
	if (r == 0)
		*ret = e;
	return r;
}

int expr_new_compare(struct expr **ret, struct field_ref f, enum expr_op op,
		     const struct expr_literal *values, size_t n_values, struct diag *d)
{
	struct expr_leaf what = { .field = f, .op = op, .negated = op == EXPR_NE };

	return compare_or_null(ret, &what, values, n_values, d);
}

int expr_new_element(struct expr **ret, struct field_ref f, uint32_t element, enum expr_op op,
		     const struct expr_literal *values, size_t n_values, struct diag *d)
{
	struct expr_leaf what = { .field = f, .op = op, .negated = op == EXPR_NE };
	char name[64];

	if (f.info->type != TYPE_KEYWORDS || element >= LIMIT_LIST_VALUES)
		return diag_set(d, -EINVAL, 0, 0, "%s has no value number %u",
				field_name(f, name, sizeof(name)), element);
	what.element = element + 1;
	return compare_or_null(ret, &what, values, n_values, d);
}

int expr_new_length(struct expr **ret, struct field_ref f, enum expr_op op,
		    const struct expr_literal *values, size_t n_values, struct diag *d)
{
	struct expr_leaf what = { .field = f, .op = op, .negated = op == EXPR_NE, .length = true };

	return compare(ret, &what, values, n_values, d);
}

static bool fields_fit(enum field_type a, enum field_type b, enum expr_op op)
{
	bool ordered = op == EXPR_LT || op == EXPR_LE || op == EXPR_GT || op == EXPR_GE;

	if (expr_is_textual(a) && expr_is_textual(b))
		return true;
	return a == b && op != EXPR_MATCH && !(ordered && (a == TYPE_BOOL || a == TYPE_ID));
}

int expr_new_compare_fields(struct expr **ret, struct field_ref a, enum expr_op op,
			    struct field_ref b, struct diag *d)
{
	char name_a[64], name_b[64];
	AUTO(expr) *e = NULL;

	if (op > EXPR_MATCH)
		return diag_set(d, -EINVAL, 0, 0,
				"two fields are compared by == != < <= > >= or :");
	if (!fields_fit(a.info->type, b.info->type, op))
		return diag_set(
			d, -EINVAL, 0, 0, "%s (%s) cannot be compared with %s (%s) this way",
			field_name(a, name_a, sizeof(name_a)), field_type_name(a.info->type),
			field_name(b, name_b, sizeof(name_b)), field_type_name(b.info->type));
	e = expr_node_new(NODE_FIELDS);
	if (!e)
		return err_origin(-ENOMEM);
	e->a = a;
	e->b = b;
	e->fields_op = op == EXPR_NE ? EXPR_EQ : op;
	e->fields_negated = op == EXPR_NE;
	e->group = group_join(group_of(a), group_of(b));
	e->cost = 12;
	*ret = TAKE(e);
	return 0;
}

static int text_pattern(const char *word, size_t n, struct buf *out)
{
	buf_byte(out, '*');
	buf_add(out, word, n);
	buf_byte(out, '*');
	return buf_ok(out) ? 0 : err_origin(-ENOMEM);
}

static int text_leaves(struct expr **ret, const struct buf *pattern, struct diag *d)
{
	static const enum field where[] = { FIELD_COMMAND_LINE, FIELD_NAME, FIELD_EXECUTABLE,
					    FIELD_FILE_PATH, FIELD_DEST_IP };
	struct expr_literal value = { .type = LITERAL_STRING,
				      .string = (const char *)pattern->data,
				      .n = pattern->n };
	AUTO(expr) *any = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(where); i++) {
		struct field_ref f = { field_info(where[i]), VIA_ACTOR };
		struct expr *leaf = NULL;
		int r = expr_new_compare(&leaf, f, EXPR_MATCH, &value, 1, d);

		if (r < 0)
			return r;
		if (!any) {
			any = leaf;
			continue;
		}
		r = expr_new_or(&any, TAKE(any), leaf);
		if (r < 0)
			return r;
	}
	*ret = TAKE(any);
	return 0;
}

int expr_new_text(struct expr **ret, const char *word, size_t n, struct diag *d)
{
	AUTO_BUF struct buf pattern = { 0 };
	AUTO_MEM char *copy = malloc(n + 1);
	struct expr *e = NULL;
	int r;

	if (!copy)
		return err_origin(-ENOMEM);
	if (n)
		memcpy(copy, word, n);
	copy[n] = '\0';
	r = text_pattern(word, n, &pattern);
	if (r == 0)
		r = text_leaves(&e, &pattern, d);
	if (r == 0)
		r = wrap(&e, NODE_TEXT, e);
	if (r < 0)
		return r;
	e->word = TAKE(copy);
	e->n_word = n;
	*ret = e;
	return 0;
}
