/* SPDX-License-Identifier: Apache-2.0 */
/* One entry of a detection: what its values ask becomes a tree. */
#include "lib/eql.h"
#include "lib/sigma_build.h"

/* ---- pieces to trees ---- */

static int guarded(const struct sigma_target *t, struct expr *leaf, struct expr **ret)
{
	AUTO(expr) *e = leaf;
	AUTO(expr) *guard = NULL;
	int r;

	if (!t->guard) {
		*ret = TAKE(e);
		return 0;
	}
	r = eql_parse(&guard, t->guard, strlen(t->guard), NULL);
	return r < 0 ? r : expr_new_and(ret, TAKE(guard), TAKE(e));
}

static int compare(const struct sigma_target *t, enum expr_op op, const struct expr_literal *v,
		   size_t n, struct diag *d, struct expr **ret)
{
	if (t->is_element)
		return expr_new_element(ret, t->field, t->element, op, v, n, d);
	return expr_new_compare(ret, t->field, op, v, n, d);
}

/* Under an odd number of NOTs a comparison must be true or false, never null. */
static int two_valued(const struct sigma_build *b, const struct sigma_target *t, struct expr *leaf,
		      struct expr **ret)
{
	const struct expr_literal nothing = { .type = LITERAL_NULL };
	AUTO(expr) *e = leaf;
	AUTO(expr) *there = NULL;
	int r;

	if (!b->odd) {
		*ret = TAKE(e);
		return 0;
	}
	r = compare(t, EXPR_NE, &nothing, 1, NULL, &there);
	return r < 0 ? r : expr_new_and(ret, TAKE(there), TAKE(e));
}

/* Text that no number of ours can be: the comparison would be false for ever. */
static bool is_never(const struct sigma_target *t, const struct sigma_piece *like,
		     const struct expr_literal *v)
{
	return t->field.info->type == TYPE_LONG && v->type == LITERAL_STRING &&
	       (like->op == EXPR_MATCH || like->op == EXPR_LIKE) &&
	       strspn(v->string, "0123456789*?") != v->n;
}

static int field_leaf(struct sigma_build *b, const struct sigma_target *t,
		      const struct sigma_piece *like, const struct expr_literal *v, size_t n,
		      struct expr **ret)
{
	AUTO(expr) *e = NULL;
	struct diag d = { 0 };
	int r;

	for (size_t i = 0; i < n; i++)
		if (is_never(t, like, &v[i]))
			return sigma_gap(b, like->node, "expected a number, not %.60s",
					 v[i].string);
	r = compare(t, like->op, v, n, &d, &e);

	if (r == -EINVAL && (like->op == EXPR_CIDR && t->field.info->type == TYPE_IP))
		return sigma_wrong(b, like->node, 0, "%s", d.text);
	if (r == -EINVAL)
		return sigma_gap(b, like->node, "%s", d.text);
	if (r == 0 && v[0].type != LITERAL_NULL)
		r = two_valued(b, t, TAKE(e), &e);
	return r < 0 ? r : guarded(t, TAKE(e), ret);
}

/* Any of the fields of a full text search. */
static int keyword_leaf(struct sigma_build *b, const struct sigma_piece *piece, struct expr **ret)
{
	static const enum field where[] = { FIELD_COMMAND_LINE, FIELD_NAME, FIELD_EXECUTABLE,
					    FIELD_FILE_PATH, FIELD_DEST_IP };
	AUTO(expr) *any = NULL;
	int r = 0;

	if (piece->bare)
		return expr_new_text(ret, piece->literal.string, piece->literal.n, NULL);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(where); i++) {
		const struct sigma_target t = { .type = TARGET_FIELD,
						.field = { field_info(where[i]), VIA_ACTOR } };
		struct expr *e = NULL;

		r = field_leaf(b, &t, piece, &piece->literal, 1, &e);
		if (r == 0)
			r = sigma_join(&any, e, false);
	}
	if (r == 0)
		*ret = TAKE(any);
	return r;
}

static int word_leaf(struct sigma_build *b, const struct sigma_item *i,
		     const struct sigma_piece *piece, struct expr **ret)
{
	const char *meaning = NULL;

	if (!piece->node->text || piece->literal.type != LITERAL_STRING ||
	    (i->modifiers & ~SIGMA_ANYWHERE))
		return sigma_gap(b, piece->node, "%s can only be asked for one of its values",
				 i->field);
	meaning = sigma_find_word(b->source, i->field, piece->node->text);
	if (!meaning)
		return sigma_gap(b, piece->node, "%s %.60s: our events do not carry it", i->field,
				 piece->node->text);
	return eql_parse(ret, meaning, strlen(meaning), NULL);
}

/* The pieces from..to-1 that are asked like the first of them, which are marked as done. */
static int like_first(struct sigma_pieces *p, size_t from, size_t to, struct expr **ret)
{
	struct sigma_piece *first = &p->v[from];
	AUTO_MEM struct expr_literal *v = reallocarray(NULL, to - from, sizeof(*v));
	size_t n = 0;

	if (!v)
		return err_origin(-ENOMEM);
	first->done = true;
	if (!p->item->field[0])
		return keyword_leaf(p->b, first, ret);
	if (p->item->target.type == TARGET_WORDS)
		return word_leaf(p->b, p->item, first, ret);
	v[n++] = first->literal;
	for (size_t i = from + 1; first->literal.type != LITERAL_NULL && i < to; i++) {
		struct sigma_piece *q = &p->v[i];

		if (q->done || q->op != first->op || q->literal.type == LITERAL_NULL)
			continue;
		v[n++] = q->literal;
		q->done = true;
	}
	return field_leaf(p->b, &p->item->target, first, v, n, ret);
}

static int any_of(struct sigma_pieces *p, size_t from, size_t to, struct expr **ret)
{
	AUTO_JOINT struct sigma_joint any = { 0 };

	for (size_t i = from; i < to; i++) {
		struct expr *e = NULL;
		int r = p->v[i].done ? 0 : like_first(p, i, to, &e);

		r = sigma_joint_add(&any, e, r);
		if (r < 0)
			return r;
	}
	return sigma_joint_end(p->b, &any, ret);
}

static int all_of(struct sigma_pieces *p, struct expr **ret)
{
	AUTO_JOINT struct sigma_joint all = { .and = true };

	for (size_t from = 0, to; from < p->n; from = to) {
		struct expr *e = NULL;
		int r;

		for (to = from + 1; to < p->n && p->v[to].node == p->v[from].node;)
			to++;
		r = any_of(p, from, to, &e);
		r = sigma_joint_add(&all, e, r);
		if (r < 0)
			return r;
	}
	return sigma_joint_end(p->b, &all, ret);
}

/* ---- fieldref ---- */

/* startsWith(a, b) and so on: what the query language says with two fields. */
static int refer_part(struct sigma_build *b, const struct sigma_item *i, struct field_ref other,
		      struct expr **ret)
{
	const char *function = sigma_has(i, MOD_CONTAINS)     ? "stringContains"
			       : sigma_has(i, MOD_STARTSWITH) ? "startsWith"
							      : "endsWith";
	char text[256], one[64], two[64];
	struct diag d = { 0 };
	int n = snprintf(
		text, sizeof(text), "%s%s(%s, %s)", function, sigma_has(i, MOD_CASED) ? "" : "~",
		field_name(i->target.field, one, sizeof(one)), field_name(other, two, sizeof(two)));
	int r = eql_parse(ret, text, (size_t)n, &d);

	return r == -EINVAL ? sigma_gap(b, i->key, "%s", d.text) : r;
}

static int refer_whole(struct sigma_build *b, const struct sigma_item *i, struct field_ref other,
		       struct expr **ret)
{
	bool text = i->target.field.info->type == TYPE_KEYWORD;
	struct diag d = { 0 };
	int r = expr_new_compare_fields(ret, i->target.field,
					text && !sigma_has(i, MOD_CASED) ? EXPR_MATCH : EXPR_EQ,
					other, &d);

	return r == -EINVAL ? sigma_gap(b, i->key, "%s", d.text) : r;
}

static int refer(struct sigma_build *b, const struct sigma_item *i, const struct yaml_node *node,
		 struct expr **ret)
{
	struct sigma_target other;
	AUTO(expr) *e = NULL;
	int r;

	if (!node->text || node->type != YAML_STRING)
		return sigma_wrong(b, node, 0, "fieldref takes the name of a field");
	sigma_find_field(b->source, node->text, &other);
	if (i->modifiers & ~(SIGMA_ANYWHERE | SIGMA_SHAPE | SIGMA_BIT(FIELDREF)))
		return sigma_wrong(b, i->key, 0,
				   "fieldref takes only contains, startswith, endswith, cased, "
				   "neq and all beside it");
	if (i->target.type != TARGET_FIELD || i->target.is_element || i->target.guard)
		return sigma_gap(b, i->key, "%s cannot be compared with another field", i->field);
	if (other.type != TARGET_FIELD || other.is_element || other.guard)
		return sigma_gap(b, node, "%.60s is not a field of our events%s%s", node->text,
				 other.reason ? ": " : "", other.reason ? other.reason : "");
	r = i->modifiers & SIGMA_SHAPE ? refer_part(b, i, other.field, &e)
				       : refer_whole(b, i, other.field, &e);
	if (r == 0)
		r = two_valued(b, &i->target, TAKE(e), &e);
	return r ? r : two_valued(b, &other, TAKE(e), ret);
}

/* ---- parts of a time ---- */

static int time_part(struct sigma_build *b, const struct sigma_item *i,
		     const struct yaml_node *node, struct expr **ret)
{
	static const char *const functions[] = { "minuteOf", "hourOf",	"dayOf",
						 "weekOf",   "monthOf", "yearOf" };
	unsigned part = (unsigned)__builtin_ctzll(i->modifiers & SIGMA_TIME) - MOD_MINUTE;
	char text[160], name[64];
	AUTO(expr) *e = NULL;
	int n, r;

	if (node->type != YAML_INT)
		return sigma_wrong(b, node, 0, "expected a number, not %s", yaml_type_name(node));
	if (i->target.type != TARGET_FIELD || i->target.field.info->type != TYPE_DATE)
		return sigma_gap(b, i->key, "%s is not a time here", i->field);
	n = snprintf(text, sizeof(text), "%s(%s) %s %lld", functions[part],
		     field_name(i->target.field, name, sizeof(name)),
		     sigma_has(i, MOD_LT)    ? "<"
		     : sigma_has(i, MOD_LTE) ? "<="
		     : sigma_has(i, MOD_GT)  ? ">"
		     : sigma_has(i, MOD_GTE) ? ">="
					     : "==",
		     (long long)node->integer);
	r = eql_parse(&e, text, (size_t)n, NULL);
	return r < 0 ? r : two_valued(b, &i->target, TAKE(e), ret);
}

/* ---- what is asked value by value ---- */

typedef int (*value_fn)(struct sigma_build *b, const struct sigma_item *i,
			const struct yaml_node *node, struct expr **ret);

static int build_each(struct sigma_build *b, const struct sigma_item *i,
		      const struct yaml_node *values, value_fn build, struct expr **ret)
{
	AUTO_JOINT struct sigma_joint all = { .and = sigma_has(i, MOD_ALL) };
	bool list = values->type == YAML_LIST;

	for (const struct yaml_node *v = list ? values->first : values; v;
	     v = list ? v->next : NULL) {
		struct expr *e = NULL;
		int r = build(b, i, v, &e);

		r = sigma_joint_add(&all, e, r);
		if (r < 0)
			return r;
	}
	return sigma_joint_end(b, &all, ret);
}

/* ---- items ---- */

/* Is there anything on our events that the item could ask? */
static int check_target(struct sigma_build *b, const struct sigma_item *i)
{
	const struct sigma_target *t = &i->target;

	if (!i->field[0])
		return b->source == SOURCE_NONE ? GAP : 0;
	if (t->type == TARGET_ABSENT && t->reason)
		return sigma_gap(b, i->key, "field %s: %s", i->field, t->reason);
	if (t->type == TARGET_ABSENT)
		return GAP;
	if ((i->modifiers & SIGMA_ORDER) && !(i->modifiers & SIGMA_TIME) &&
	    (t->type != TARGET_FIELD || t->field.info->type != TYPE_LONG))
		return sigma_gap(b, i->key, "%s is not a number here", i->field);
	return 0;
}

static int build_values(struct sigma_build *b, const struct sigma_item *i,
			const struct yaml_node *values, struct expr **ret)
{
	struct sigma_pieces p = { .b = b, .item = i };
	bool list = values->type == YAML_LIST;
	int r = 0;

	for (const struct yaml_node *v = list ? values->first : values; r == 0 && v;
	     v = list ? v->next : NULL)
		r = sigma_add_value(&p, v);
	if (r == 0)
		r = check_target(b, i);
	if (r == 0 && p.gap && (sigma_has(i, MOD_ALL) || b->odd || b->whole || p.n == 0))
		r = GAP;
	if (r == 0)
		r = sigma_has(i, MOD_ALL) ? all_of(&p, ret) : any_of(&p, 0, p.n, ret);
	free(p.v);
	return r;
}

int sigma_build_item(struct sigma_build *b, struct sigma_item *item, const struct yaml_node *values,
		     struct expr **ret)
{
	bool neq = sigma_has(item, MOD_NEQ);
	AUTO(expr) *e = NULL;
	int r;

	if (values->type == YAML_LIST && !values->first)
		return sigma_wrong(b, values, 0, "the list of values is empty");
	b->odd ^= neq;
	if (item->modifiers & (SIGMA_BIT(FIELDREF) | SIGMA_TIME)) {
		r = check_target(b, item);
		if (r == 0)
			r = build_each(b, item, values,
				       sigma_has(item, MOD_FIELDREF) ? refer : time_part, &e);
	} else {
		r = build_values(b, item, values, &e);
	}
	b->odd ^= neq;
	if (r == 0 && neq)
		return expr_new_not(ret, TAKE(e));
	if (r == 0)
		*ret = TAKE(e);
	return r;
}
