/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and values of a detection: what the modifiers of a key make of each value. */
#include "lib/sigma_build.h"

#include <strings.h>

enum {
	VALUES_MAX = 16384,
	WINDASH_MAX = 3, /* dashes of a text whose every writing is a text; over it, one pattern */
};

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
	uint64_t alone = SIGMA_BIT(RE) | SIGMA_BIT(CIDR) | SIGMA_BIT(EXISTS) | SIGMA_ORDER;
	uint64_t texts = SIGMA_SHAPE | SIGMA_BASE64 | SIGMA_UTF16 | SIGMA_BIT(WINDASH) |
			 SIGMA_BIT(EXPAND) | SIGMA_BIT(FIELDREF) | SIGMA_TIME;
	uint64_t of_time = SIGMA_TIME | SIGMA_ORDER | SIGMA_BIT(ALL) | SIGMA_BIT(NEQ);

	if (__builtin_popcountll(m & (SIGMA_SHAPE | alone)) > 1)
		return "only one of contains, startswith, endswith, re, cidr, exists, lt, lte, gt "
		       "and gte can stand here";
	if ((m & SIGMA_FLAGS) && !(m & SIGMA_BIT(RE)))
		return "i, m and s are flags of re and follow it";
	if ((m & alone & ~SIGMA_ORDER) && (m & texts))
		return "re, cidr and exists take no other modifiers of text";
	if ((m & SIGMA_ORDER) && (m & texts & ~SIGMA_TIME))
		return "lt, lte, gt and gte take no modifiers of text";
	if ((m & SIGMA_TIME) && ((m & ~of_time) || __builtin_popcountll(m & SIGMA_TIME) > 1))
		return "one of minute, hour, day, week, month and year stands alone, or with lt, "
		       "lte, gt, gte, neq or all";
	if (__builtin_popcountll(m & SIGMA_UTF16) > 1 || __builtin_popcountll(m & SIGMA_BASE64) > 1)
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
		return ret->modifiers & ~(SIGMA_TIME | SIGMA_ORDER | SIGMA_BIT(FIELDREF) |
					  SIGMA_BIT(CIDR) | SIGMA_BIT(EXISTS))
			       ? 0
			       : sigma_wrong(b, key, 0, "the name of a field is empty");
	sigma_find_field(b->source, ret->field, &ret->target);
	b->asks_hash |=
		ret->target.type == TARGET_FIELD && ret->target.field.info->field == FIELD_SHA256;
	return sigma_note(b, &b->rule->used_fields, ret->field, strlen(ret->field));
}

/* ---- values to pieces ---- */

static int add(struct sigma_pieces *p, const struct yaml_node *node, enum expr_op op,
	       const struct expr_literal *literal)
{
	struct sigma_piece *piece;

	if (p->n == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 8;
		struct sigma_piece *v = reallocarray(p->v, cap, sizeof(*v));

		if (!v)
			return err_origin(-ENOMEM);
		p->v = v;
		p->cap = cap;
	}
	if (p->n == VALUES_MAX)
		return sigma_wrong(p->b, node, 0, "too many values: at most %d", VALUES_MAX);
	piece = &p->v[p->n];
	*piece = (struct sigma_piece){ .op = op, .literal = *literal, .node = node };
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

static int add_string(struct sigma_pieces *p, const struct yaml_node *node, enum expr_op op,
		      const struct buf *text)
{
	const struct expr_literal literal = { .type = LITERAL_STRING,
					      .string = (const char *)text->data,
					      .n = text->n };

	return buf_ok(text) ? add(p, node, op, &literal) : err_origin(-ENOMEM);
}

/* The modifiers of shape, and the operator. */
static int add_shaped(struct sigma_pieces *p, const struct yaml_node *node, const struct buf *text)
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

static int add_base64(struct sigma_pieces *p, const struct yaml_node *node, const struct buf *text)
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

static int add_encoded(struct sigma_pieces *p, const struct yaml_node *node, const struct buf *text)
{
	const struct sigma_item *i = p->item;
	AUTO_BUF struct buf wide = { 0 };
	bool big = sigma_has(i, MOD_UTF16BE);

	if (!(i->modifiers & (SIGMA_UTF16 | SIGMA_BASE64)))
		return add_shaped(p, node, text);
	if (!sigma_text_is_plain(text))
		return sigma_wrong(p->b, node, 0,
				   "a text with wildcards cannot be encoded (\\* is a plain *)");
	if (!(i->modifiers & SIGMA_BASE64)) {
		p->gap = true;
		return MIN(0, sigma_gap(p->b, node,
					"texts of our events end at a NUL byte: UTF-16 can be "
					"found inside Base64 only"));
	}
	if (!(i->modifiers & SIGMA_UTF16))
		return add_base64(p, node, text);
	if (sigma_has(i, MOD_UTF16))
		buf_str(&wide, "\xff\xfe");
	sigma_text_utf16(text, big, &wide);
	return buf_ok(&wide) ? add_base64(p, node, &wide) : err_origin(-ENOMEM);
}

/* One pattern for all that the dashes may be. */
static int add_any_dash(struct sigma_pieces *p, const struct yaml_node *node,
			const struct buf *text)
{
	AUTO_BUF struct buf marked = { 0 };

	buf_add(&marked, text->data, text->n);
	if (!buf_ok(&marked))
		return err_origin(-ENOMEM);
	for (size_t at = 0; (at = sigma_text_dash(&marked, at)) < marked.n; at++)
		marked.data[at] = MARK_DASH;
	return add_encoded(p, node, &marked);
}

static unsigned count_dashes(const struct buf *text)
{
	unsigned n = 0;

	for (size_t at = 0; (at = sigma_text_dash(text, at)) < text->n; at++)
		n++;
	return n;
}

/* Every way to write the dashes of options from byte @at on.  Recursion: @left deep. */
static int add_dashes(struct sigma_pieces *p, const struct yaml_node *node, const struct buf *text,
		      size_t at, unsigned left)
{
	static const char *const dashes[] = { "-", "/", "\xe2\x80\x93", "\xe2\x80\x94",
					      "\xe2\x80\x95" };
	size_t dash = sigma_text_dash(text, at);
	int r = 0;

	if (dash == text->n)
		return add_encoded(p, node, text);
	if (left == 0)
		return err_origin(-E2BIG); /* they were counted */
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

/* ---- texts, by the form of the field's values ---- */

static int add_parsed(struct sigma_pieces *p, const struct yaml_node *node, const char *s, size_t n)
{
	AUTO_BUF struct buf text = { 0 };

	sigma_text_parse(s, n, &text);
	if (!buf_ok(&text))
		return err_origin(-ENOMEM);
	if (!sigma_has(p->item, MOD_WINDASH))
		return add_encoded(p, node, &text);
	if (count_dashes(&text) > WINDASH_MAX)
		return add_any_dash(p, node, &text);
	return add_dashes(p, node, &text, 0, WINDASH_MAX);
}

/* SHA256=..., or the digits alone; that is the whole of the field, whatever the modifiers say. */
static int add_hash(struct sigma_pieces *p, const struct yaml_node *node, const char *s, size_t n)
{
	static const char name[] = "SHA256=";
	struct expr_literal digits = { .type = LITERAL_STRING };

	while (n && (*s == '*' || *s == ','))
		s++, n--;
	while (n && (s[n - 1] == '*' || s[n - 1] == ','))
		n--;
	if (n > strlen(name) && strncasecmp(s, name, strlen(name)) == 0)
		s += strlen(name), n -= strlen(name);
	if (n != 64 || strspn(s, "0123456789abcdefABCDEF") < n) {
		p->gap = true;
		return MIN(0, sigma_gap(p->b, node, "of hashes only the SHA-256 is known"));
	}
	digits.string = s;
	digits.n = n;
	return add(p, node, EXPR_MATCH, &digits);
}

/* firewalld is firewalld.service. */
static int add_unit(struct sigma_pieces *p, const struct yaml_node *node, const char *s, size_t n)
{
	AUTO_BUF struct buf service = { 0 };
	int r = add_parsed(p, node, s, n);

	if (r < 0 || (p->item->modifiers & SIGMA_SHAPE) || memchr(s, '.', n))
		return r;
	buf_add(&service, s, n);
	buf_str(&service, ".service");
	if (!buf_ok(&service))
		return err_origin(-ENOMEM);
	return add_parsed(p, node, (const char *)service.data, service.n);
}

int sigma_add_plain(struct sigma_pieces *p, const struct yaml_node *node, const char *s, size_t n)
{
	switch (p->item->target.form) {
	case FORM_HASHES:
		return add_hash(p, node, s, n);
	case FORM_UNIT:
		return add_unit(p, node, s, n);
	default:
		return add_parsed(p, node, s, n);
	}
}

static int add_text(struct sigma_pieces *p, const struct yaml_node *node)
{
	if (memchr(node->text, '\0', node->n))
		return sigma_wrong(p->b, node, 0, "a value cannot hold a NUL");
	return sigma_has(p->item, MOD_EXPAND) ? sigma_add_expanded(p, node)
					      : sigma_add_plain(p, node, node->text, node->n);
}

/* Our regular expressions fit whole texts, Sigma's any part; ours let the dot be a newline. */
static int add_regex(struct sigma_pieces *p, const struct yaml_node *node)
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

static int add_number(struct sigma_pieces *p, const struct yaml_node *node, enum expr_op op)
{
	const struct expr_literal literal = { .type = node->type == YAML_INT ? LITERAL_INT
									     : LITERAL_FLOAT,
					      .integer = node->integer,
					      .real = node->real };

	return add(p, node, op, &literal);
}

static int add_null(struct sigma_pieces *p, const struct yaml_node *node, bool is_null)
{
	const struct expr_literal literal = { .type = LITERAL_NULL };

	return add(p, node, is_null ? EXPR_EQ : EXPR_NE, &literal);
}

int sigma_add_value(struct sigma_pieces *p, const struct yaml_node *node)
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
	if (i->modifiers & (SIGMA_ORDER | SIGMA_TIME))
		return number ? add_number(p, node, order_op(i))
			      : sigma_wrong(p->b, node, 0, "expected a number, not %s",
					    yaml_type_name(node));
	if (node->type == YAML_NULL && (!i->field[0] || (i->modifiers & ~SIGMA_ANYWHERE)))
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
	if (number && ours_number && !(i->modifiers & ~SIGMA_ANYWHERE))
		return add_number(p, node, EXPR_MATCH);
	return add_text(p, node);
}
