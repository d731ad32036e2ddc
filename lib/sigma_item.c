/* SPDX-License-Identifier: Apache-2.0 */
/* One entry of a detection: its values, through their modifiers, become comparisons. */
#include "lib/eql.h"
#include "lib/sigma_build.h"

enum { VALUES_MAX = 16384, WINDASH_MAX = 3 };

/* One thing to be equal to, out of a value. */
struct piece {
	enum expr_op op;
	struct expr_literal literal;
	const struct yaml_node *node;
	bool bare; /* a keyword without wildcards of its own: the literal is the word */
	bool done;
};

struct pieces {
	struct piece *v;
	size_t n, cap;
	struct sigma_build *b;
	const struct sigma_item *item;
	bool gap;
};

#define BIT(m) (UINT64_C(1) << MOD_##m)
static const uint64_t SHAPE = BIT(CONTAINS) | BIT(STARTSWITH) | BIT(ENDSWITH);
static const uint64_t ORDER = BIT(LT) | BIT(LTE) | BIT(GT) | BIT(GTE);
static const uint64_t UTF16 = BIT(UTF16) | BIT(UTF16LE) | BIT(UTF16BE) | BIT(WIDE);
static const uint64_t BASE64 = BIT(BASE64) | BIT(BASE64OFFSET);
static const uint64_t TIME =
	BIT(MINUTE) | BIT(HOUR) | BIT(DAY) | BIT(WEEK) | BIT(MONTH) | BIT(YEAR);
static const uint64_t FLAGS = BIT(I) | BIT(M) | BIT(S);
static const uint64_t ANYWHERE = BIT(ALL) | BIT(NEQ) | BIT(CASED);

/* ---- keys ---- */

static const char *const modifier_names[MOD_MAX] = {
	[MOD_CONTAINS] = "contains",
	[MOD_STARTSWITH] = "startswith",
	[MOD_ENDSWITH] = "endswith",
	[MOD_ALL] = "all",
	[MOD_EXISTS] = "exists",
	[MOD_CASED] = "cased",
	[MOD_RE] = "re",
	[MOD_I] = "i",
	[MOD_M] = "m",
	[MOD_S] = "s",
	[MOD_CIDR] = "cidr",
	[MOD_LT] = "lt",
	[MOD_LTE] = "lte",
	[MOD_GT] = "gt",
	[MOD_GTE] = "gte",
	[MOD_BASE64] = "base64",
	[MOD_BASE64OFFSET] = "base64offset",
	[MOD_UTF16] = "utf16",
	[MOD_UTF16LE] = "utf16le",
	[MOD_UTF16BE] = "utf16be",
	[MOD_WIDE] = "wide",
	[MOD_WINDASH] = "windash",
	[MOD_FIELDREF] = "fieldref",
	[MOD_EXPAND] = "expand",
	[MOD_NEQ] = "neq",
	[MOD_MINUTE] = "minute",
	[MOD_HOUR] = "hour",
	[MOD_DAY] = "day",
	[MOD_WEEK] = "week",
	[MOD_MONTH] = "month",
	[MOD_YEAR] = "year",
};

static int read_modifier(struct sigma_build *b, const struct yaml_node *key, size_t at, size_t n,
			 uint64_t *modifiers)
{
	for (unsigned m = 0; m < MOD_MAX; m++) {
		if (strlen(modifier_names[m]) != n ||
		    memcmp(modifier_names[m], key->text + at, n) != 0)
			continue;
		*modifiers |= UINT64_C(1) << m;
		return sigma_note(b, &b->rule->used_modifiers, modifier_names[m], n);
	}
	return sigma_wrong(b, key, at, "unknown modifier \"%.*s\"", (int)MIN(n, (size_t)40),
			   key->text + at);
}

/* Modifiers that cannot stand together; NULL: they can. */
static const char *conflict(uint64_t m)
{
	uint64_t alone = BIT(RE) | BIT(CIDR) | BIT(EXISTS) | ORDER;
	uint64_t texts = SHAPE | BASE64 | UTF16 | BIT(WINDASH) | BIT(EXPAND) | BIT(FIELDREF) | TIME;

	if (__builtin_popcountll(m & (SHAPE | alone)) > 1)
		return "only one of contains, startswith, endswith, re, cidr, exists, lt, lte, gt "
		       "and gte can stand here";
	if ((m & FLAGS) && !(m & BIT(RE)))
		return "i, m and s are flags of re and follow it";
	if ((m & alone & ~ORDER) && (m & texts))
		return "re, cidr and exists take no other modifiers of text";
	if ((m & ORDER) && (m & texts & ~TIME))
		return "lt, lte, gt and gte take no modifiers of text";
	if (__builtin_popcountll(m & UTF16) > 1 || __builtin_popcountll(m & BASE64) > 1)
		return "a value is encoded once";
	return NULL;
}

int sigma_read_key(struct sigma_build *b, const struct yaml_node *key, struct sigma_item *ret)
{
	size_t n = key ? strcspn(key->text, "|") : 0;
	const char *reason;
	int r = 0;

	*ret = (struct sigma_item){ .key = key };
	if (!key)
		return 0;
	if (n >= sizeof(ret->field) || strlen(key->text) != key->n)
		return sigma_wrong(b, key, 0, "this is not the name of a field");
	memcpy(ret->field, key->text, n);
	for (size_t at = n; r == 0 && key->text[at]; at += n) {
		at++;
		n = strcspn(key->text + at, "|");
		r = read_modifier(b, key, at, n, &ret->modifiers);
	}
	if (r < 0)
		return r;
	reason = conflict(ret->modifiers);
	if (reason)
		return sigma_wrong(b, key, 0, "%s", reason);
	if (!ret->field[0])
		return ret->modifiers ? 0 : sigma_wrong(b, key, 0, "the name of a field is empty");
	sigma_find_field(b->source, ret->field, &ret->target);
	return sigma_note(b, &b->rule->used_fields, ret->field, strlen(ret->field));
}

/* ---- values to pieces ---- */

static int add(struct pieces *p, const struct yaml_node *node, enum expr_op op,
	       const struct expr_literal *literal)
{
	struct piece *piece;

	if (p->n == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 8;
		struct piece *v = reallocarray(p->v, cap, sizeof(*v));

		if (!v)
			return err_origin(-ENOMEM);
		p->v = v;
		p->cap = cap;
	}
	if (p->n == VALUES_MAX)
		return sigma_wrong(p->b, node, 0, "too many values: at most %d", VALUES_MAX);
	piece = &p->v[p->n];
	*piece = (struct piece){ .op = op, .literal = *literal, .node = node };
	if (literal->type == LITERAL_STRING) {
		char *copy = arena_alloc(p->b->rule->arena, literal->n + 1);

		if (!copy)
			return err_origin(-ENOMEM);
		if (literal->n)
			memcpy(copy, literal->string, literal->n);
		copy[literal->n] = '\0';
		piece->literal.string = copy;
	}
	p->n++;
	return 0;
}

static int add_string(struct pieces *p, const struct yaml_node *node, enum expr_op op,
		      const struct buf *text)
{
	const struct expr_literal literal = { .type = LITERAL_STRING,
					      .string = (const char *)text->data,
					      .n = text->n };

	return buf_ok(text) ? add(p, node, op, &literal) : err_origin(-ENOMEM);
}

/* The modifiers of shape, and the operator. */
static int add_shaped(struct pieces *p, const struct yaml_node *node, const struct buf *text)
{
	const struct sigma_item *i = p->item;
	AUTO_BUF struct buf shaped = { 0 }, out = { 0 };
	bool keyword = !i->field[0], cased = sigma_has(i, MOD_CASED);
	enum expr_op op = sigma_text_question(text, cased, &out);
	int r;

	if (keyword && op == EXPR_MATCH) {
		r = add_string(p, node, op, &out);
		if (r == 0)
			p->v[p->n - 1].bare = true;
		return r;
	}
	if (keyword || sigma_has(i, MOD_CONTAINS) || sigma_has(i, MOD_ENDSWITH))
		buf_byte(&shaped, MARK_MANY);
	buf_add(&shaped, text->data, text->n);
	if (keyword || sigma_has(i, MOD_CONTAINS) || sigma_has(i, MOD_STARTSWITH))
		buf_byte(&shaped, MARK_MANY);
	if (!buf_ok(&shaped))
		return err_origin(-ENOMEM);
	buf_clear(&out);
	op = sigma_text_question(&shaped, cased, &out);
	return add_string(p, node, op, &out);
}

static int add_base64(struct pieces *p, const struct yaml_node *node, const struct buf *text)
{
	bool offsets = sigma_has(p->item, MOD_BASE64OFFSET);
	int r = 0;

	for (int offset = offsets ? 0 : -1; r == 0 && offset < (offsets ? 3 : 0); offset++) {
		AUTO_BUF struct buf out = { 0 };

		sigma_text_base64(text, offset, &out);
		if (!buf_ok(&out))
			return err_origin(-ENOMEM);
		if (out.n == 0)
			return sigma_wrong(p->b, node, 0, "too short a text for base64offset");
		r = add_shaped(p, node, &out);
	}
	return r;
}

static int add_encoded(struct pieces *p, const struct yaml_node *node, const struct buf *text)
{
	const struct sigma_item *i = p->item;
	AUTO_BUF struct buf wide = { 0 };
	bool big = sigma_has(i, MOD_UTF16BE);

	if (!(i->modifiers & (UTF16 | BASE64)))
		return add_shaped(p, node, text);
	if (!sigma_text_is_plain(text))
		return sigma_wrong(p->b, node, 0,
				   "a text with wildcards cannot be encoded (\\* is a plain *)");
	if (!(i->modifiers & BASE64)) {
		p->gap = true;
		return MIN(0, sigma_gap(p->b, node,
					"texts of our events end at a NUL byte: UTF-16 can be "
					"found inside Base64 only"));
	}
	if (!(i->modifiers & UTF16))
		return add_base64(p, node, text);
	if (sigma_has(i, MOD_UTF16))
		buf_str(&wide, "\xff\xfe");
	sigma_text_utf16(text, big, &wide);
	return buf_ok(&wide) ? add_base64(p, node, &wide) : err_origin(-ENOMEM);
}

/* Every way to write the dashes of options from byte @at on.  Recursion: @left deep. */
static int add_dashes(struct pieces *p, const struct yaml_node *node, const struct buf *text,
		      size_t at, unsigned left)
{
	static const char *const dashes[] = { "-", "/", "\xe2\x80\x93", "\xe2\x80\x94",
					      "\xe2\x80\x95" };
	size_t dash = sigma_text_dash(text, at);
	int r = 0;

	if (dash == text->n)
		return add_encoded(p, node, text);
	if (left == 0)
		return sigma_wrong(p->b, node, 0, "more than %d dashes under windash", WINDASH_MAX);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(dashes); i++) {
		AUTO_BUF struct buf other = { 0 };

		buf_add(&other, text->data, dash);
		buf_str(&other, dashes[i]);
		buf_add(&other, text->data + dash + 1, text->n - dash - 1);
		if (!buf_ok(&other))
			return err_origin(-ENOMEM);
		r = add_dashes(p, node, &other, dash + strlen(dashes[i]), left - 1);
	}
	return r;
}

/* A %name% that someone has to fill in. */
static bool has_placeholder(const struct yaml_node *node)
{
	const char *first = memchr(node->text, '%', node->n);
	size_t left = first ? node->n - (size_t)(first - node->text) - 1 : 0;
	const char *second = left ? memchr(first + 1, '%', left) : NULL;

	return second && second > first + 1;
}

static int add_text(struct pieces *p, const struct yaml_node *node)
{
	AUTO_BUF struct buf text = { 0 };

	if (memchr(node->text, '\0', node->n))
		return sigma_wrong(p->b, node, 0, "a value cannot hold a NUL");
	if (sigma_has(p->item, MOD_EXPAND) && has_placeholder(node)) {
		p->gap = true;
		return MIN(0, sigma_gap(p->b, node, "nothing here says what %.60s stands for",
					node->text));
	}
	sigma_text_parse(node->text, node->n, &text);
	if (!buf_ok(&text))
		return err_origin(-ENOMEM);
	if (sigma_has(p->item, MOD_WINDASH))
		return add_dashes(p, node, &text, 0, WINDASH_MAX);
	return add_encoded(p, node, &text);
}

/* Our regular expressions fit whole texts, Sigma's any part; ours let the dot be a newline. */
static int add_regex(struct pieces *p, const struct yaml_node *node)
{
	struct field_ref any = { field_info(FIELD_NAME), VIA_ACTOR };
	const struct expr_literal raw = { .type = LITERAL_STRING,
					  .string = node->text,
					  .n = node->n };
	bool s = sigma_has(p->item, MOD_S), m = sigma_has(p->item, MOD_M);
	enum expr_op op = sigma_has(p->item, MOD_I) ? EXPR_REGEX_NOCASE : EXPR_REGEX;
	AUTO_BUF struct buf text = { 0 };
	AUTO(expr) *e = NULL;
	struct diag d = { 0 };
	int r = expr_new_compare(&e, any, op, &raw, 1, &d);

	if (r == -EINVAL)
		return sigma_wrong(p->b, node, 0, "%s", d.text);
	if (r < 0)
		return r;
	buf_printf(&text, "(?s:.*?)(?%s%s%s%s:", s ? "s" : "", m ? "m" : "", s ? "" : "-",
		   s ? "" : "s");
	buf_add(&text, node->text, node->n);
	buf_str(&text, ")(?s:.*)");
	return add_string(p, node, op, &text);
}

static enum expr_op order_op(const struct sigma_item *i)
{
	return sigma_has(i, MOD_LT)    ? EXPR_LT
	       : sigma_has(i, MOD_LTE) ? EXPR_LE
	       : sigma_has(i, MOD_GT)  ? EXPR_GT
				       : EXPR_GE;
}

static int add_number(struct pieces *p, const struct yaml_node *node, enum expr_op op)
{
	const struct expr_literal literal = { .type = node->type == YAML_INT ? LITERAL_INT
									     : LITERAL_FLOAT,
					      .integer = node->integer,
					      .real = node->real };

	return add(p, node, op, &literal);
}

static int add_null(struct pieces *p, const struct yaml_node *node, bool is_null)
{
	const struct expr_literal literal = { .type = LITERAL_NULL };

	return add(p, node, is_null ? EXPR_EQ : EXPR_NE, &literal);
}

static int add_value(struct pieces *p, const struct yaml_node *node)
{
	const struct sigma_item *i = p->item;
	bool number = node->type == YAML_INT || node->type == YAML_FLOAT;
	bool ours_number =
		i->target.type == TARGET_FIELD && i->target.field.info->type == TYPE_LONG;

	if (node->type == YAML_LIST || node->type == YAML_MAP)
		return sigma_wrong(p->b, node, 0, "expected a value, not %s", yaml_type_name(node));
	if (sigma_has(i, MOD_EXISTS))
		return node->type == YAML_BOOL
			       ? add_null(p, node, !node->boolean)
			       : sigma_wrong(p->b, node, 0, "exists takes true or false");
	if (i->modifiers & (ORDER | TIME))
		return number ? add_number(p, node, order_op(i))
			      : sigma_wrong(p->b, node, 0, "expected a number, not %s",
					    yaml_type_name(node));
	if (node->type == YAML_NULL && (!i->field[0] || (i->modifiers & ~ANYWHERE)))
		return sigma_wrong(p->b, node, 0, "expected a value, not nothing");
	if (node->type == YAML_NULL)
		return add_null(p, node, true);
	if (sigma_has(i, MOD_RE))
		return add_regex(p, node);
	if (sigma_has(i, MOD_CIDR)) {
		const struct expr_literal net = { .type = LITERAL_STRING,
						  .string = node->text,
						  .n = node->n };

		return add(p, node, EXPR_CIDR, &net);
	}
	if (number && ours_number && !(i->modifiers & ~ANYWHERE))
		return add_number(p, node, EXPR_MATCH);
	return add_text(p, node);
}

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
static bool is_never(const struct sigma_target *t, const struct piece *like,
		     const struct expr_literal *v)
{
	return t->field.info->type == TYPE_LONG && v->type == LITERAL_STRING &&
	       (like->op == EXPR_MATCH || like->op == EXPR_LIKE) &&
	       strspn(v->string, "0123456789*?") != v->n;
}

static int field_leaf(struct sigma_build *b, const struct sigma_target *t, const struct piece *like,
		      const struct expr_literal *v, size_t n, struct expr **ret)
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
static int keyword_leaf(struct sigma_build *b, const struct piece *piece, struct expr **ret)
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

static int word_leaf(struct sigma_build *b, const struct sigma_item *i, const struct piece *piece,
		     struct expr **ret)
{
	const char *meaning = NULL;

	if (!piece->node->text || piece->literal.type != LITERAL_STRING ||
	    (i->modifiers & ~ANYWHERE))
		return sigma_gap(b, piece->node, "%s can only be asked for one of its values",
				 i->field);
	meaning = sigma_find_word(b->source, i->field, piece->node->text);
	if (!meaning)
		return sigma_gap(b, piece->node, "%s %.60s: our events do not carry it", i->field,
				 piece->node->text);
	return eql_parse(ret, meaning, strlen(meaning), NULL);
}

/* The pieces from..to-1 that are asked like the first of them, which are marked as done. */
static int like_first(struct pieces *p, size_t from, size_t to, struct expr **ret)
{
	struct piece *first = &p->v[from];
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
		struct piece *q = &p->v[i];

		if (q->done || q->op != first->op || q->literal.type == LITERAL_NULL)
			continue;
		v[n++] = q->literal;
		q->done = true;
	}
	return field_leaf(p->b, &p->item->target, first, v, n, ret);
}

static int any_of(struct pieces *p, size_t from, size_t to, struct expr **ret)
{
	AUTO(expr) *any = NULL;
	bool gap = false;

	for (size_t i = from; i < to; i++) {
		struct expr *e = NULL;
		int r = p->v[i].done ? 0 : like_first(p, i, to, &e);

		gap |= r == GAP;
		if (r == 0 && e)
			r = sigma_join(&any, e, false);
		if (r < 0)
			return r;
	}
	if (gap)
		return GAP;
	*ret = TAKE(any);
	return 0;
}

static int all_of(struct pieces *p, struct expr **ret)
{
	AUTO(expr) *all = NULL;
	bool gap = false;

	for (size_t from = 0, to; from < p->n; from = to) {
		struct expr *e = NULL;
		int r;

		for (to = from + 1; to < p->n && p->v[to].node == p->v[from].node;)
			to++;
		r = any_of(p, from, to, &e);
		gap |= r == GAP;
		if (r == 0)
			r = sigma_join(&all, e, true);
		if (r < 0)
			return r;
	}
	if (gap)
		return GAP;
	*ret = TAKE(all);
	return 0;
}

/* ---- fieldref ---- */

static int refer(struct sigma_build *b, const struct sigma_item *i, const struct yaml_node *node,
		 struct expr **ret)
{
	enum expr_op op = EXPR_EQ;
	struct sigma_target other;
	AUTO(expr) *e = NULL;
	struct diag d = { 0 };
	int r;

	if (!node->text || node->type != YAML_STRING)
		return sigma_wrong(b, node, 0, "fieldref takes the name of a field");
	sigma_find_field(b->source, node->text, &other);
	if (i->modifiers & ~(ANYWHERE | BIT(FIELDREF)))
		return sigma_gap(b, node, "fieldref with other modifiers is not supported");
	if (i->target.type != TARGET_FIELD || i->target.is_element || i->target.guard)
		return sigma_gap(b, i->key, "%s cannot be compared with another field", i->field);
	if (other.type != TARGET_FIELD || other.is_element || other.guard)
		return sigma_gap(b, node, "%.60s is not a field of our events%s%s", node->text,
				 other.reason ? ": " : "", other.reason ? other.reason : "");
	if (i->target.field.info->type == TYPE_KEYWORD && !sigma_has(i, MOD_CASED))
		op = EXPR_MATCH;
	r = expr_new_compare_fields(&e, i->target.field, op, other.field, &d);
	if (r == -EINVAL)
		return sigma_gap(b, node, "%s", d.text);
	if (r == 0)
		r = two_valued(b, &i->target, TAKE(e), &e);
	return r < 0 ? r : two_valued(b, &other, TAKE(e), ret);
}

static int build_references(struct sigma_build *b, const struct sigma_item *i,
			    const struct yaml_node *values, struct expr **ret)
{
	AUTO(expr) *all = NULL;
	bool list = values->type == YAML_LIST, gap = false;

	for (const struct yaml_node *v = list ? values->first : values; v;
	     v = list ? v->next : NULL) {
		struct expr *e = NULL;
		int r = refer(b, i, v, &e);

		gap |= r == GAP;
		if (r == 0)
			r = sigma_join(&all, e, sigma_has(i, MOD_ALL));
		if (r < 0)
			return r;
	}
	if (gap)
		return GAP;
	*ret = TAKE(all);
	return 0;
}

/* ---- items ---- */

/* Is there anything on our events that the item could ask? */
static int check_target(struct sigma_build *b, const struct sigma_item *i)
{
	const struct sigma_target *t = &i->target;

	if (i->modifiers & TIME)
		return sigma_gap(b, i->key, "parts of a time are not supported yet");
	if (!i->field[0])
		return b->source == SOURCE_NONE ? GAP : 0;
	if (t->type == TARGET_ABSENT && t->reason)
		return sigma_gap(b, i->key, "field %s: %s", i->field, t->reason);
	if (t->type == TARGET_ABSENT)
		return GAP;
	if ((i->modifiers & ORDER) && (t->type != TARGET_FIELD || t->field.info->type != TYPE_LONG))
		return sigma_gap(b, i->key, "%s is not a number here", i->field);
	return 0;
}

static int build_values(struct sigma_build *b, const struct sigma_item *i,
			const struct yaml_node *values, struct expr **ret)
{
	struct pieces p = { .b = b, .item = i };
	bool list = values->type == YAML_LIST;
	int r = 0;

	for (const struct yaml_node *v = list ? values->first : values; r == 0 && v;
	     v = list ? v->next : NULL)
		r = add_value(&p, v);
	if (r == 0)
		r = check_target(b, i);
	if (r == 0 && p.gap)
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
	if (sigma_has(item, MOD_FIELDREF))
		r = b->source == SOURCE_NONE ? GAP : build_references(b, item, values, &e);
	else
		r = build_values(b, item, values, &e);
	b->odd ^= neq;
	if (r == 0 && neq)
		return expr_new_not(ret, TAKE(e));
	if (r == 0)
		*ret = TAKE(e);
	return r;
}
