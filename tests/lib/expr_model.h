/* SPDX-License-Identifier: Apache-2.0 */
/* expr_model - a second, slow and plain meaning of expressions: one value of one event after the
 * other, by block_value() alone.  The engine must say the same. */
#pragma once
#include <arpa/inet.h>

#include "expr_random.h"
#include "lib/expr.h"

enum truth { NO, YES, NIL };

enum model_type {
	M_TRUE,
	M_FALSE,
	M_NULL,
	M_NOT,
	M_AND,
	M_OR,
	M_IS_NULL,
	M_COMPARE,
	M_LENGTH,
	M_FIELDS,
	M_TEXT,
	M_MAX
};

struct model {
	enum model_type type;
	struct model *a, *b;
	struct field_ref f, g;
	enum expr_op op;
	struct expr_literal values[4];
	size_t n;
	uint32_t element; /* of a list: only its n-th value, from 1 */
	bool textual;	  /* the digits of a number or id are asked, not its value */
	char text[4][96];
};

struct view {
	struct block *b;
	uint32_t table, row;
};

/* ---- strings ---- */

static inline int model_lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static inline bool model_same(const char *a, size_t n, const char *b, size_t m, bool nocase)
{
	if (n != m)
		return false;
	for (size_t i = 0; i < n; i++)
		if (nocase ? model_lower(a[i]) != model_lower(b[i]) : a[i] != b[i])
			return false;
	return true;
}

/* Bytes of one character, by the shape that RFC 3629 gives. */
static inline size_t model_char(const char *s, size_t n)
{
	uint32_t c = (uint8_t)s[0], least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = c >= 0xf0 && c < 0xf8 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;

	if (c >= 0xf8 || len > n || len == 1)
		return 1;
	c &= 0xffU >> (len + 1);
	for (size_t i = 1; i < len; i++) {
		if (((uint8_t)s[i] & 0xc0) != 0x80)
			return 1;
		c = c << 6 | ((uint8_t)s[i] & 0x3f);
	}
	return c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 1 : len;
}

static inline bool model_glob(const char *p, size_t m, const char *s, size_t n, bool nocase)
{
	size_t len;

	if (m == 0)
		return n == 0;
	if (*p == '*') {
		for (size_t i = 0; i < n; i += model_char(s + i, n - i))
			if (model_glob(p + 1, m - 1, s + i, n - i, nocase))
				return true;
		return model_glob(p + 1, m - 1, "", 0, nocase);
	}
	if (n == 0)
		return false;
	len = model_char(s, n);
	if (*p == '?')
		return model_glob(p + 1, m - 1, s + len, n - len, nocase);
	return m >= len && model_same(p, len, s, len, nocase) &&
	       model_glob(p + len, m - len, s + len, n - len, nocase);
}

/* Regular expressions whose meaning is told by hand. */
static inline bool regex_any(const char *s, size_t n, bool nocase)
{
	(void)s, (void)n, (void)nocase;
	return true;
}

static inline bool regex_letters(const char *s, size_t n, bool nocase)
{
	for (size_t i = 0; i < n; i++)
		if (!(s[i] >= 'a' && s[i] <= 'z') && !(nocase && s[i] >= 'A' && s[i] <= 'Z'))
			return false;
	return n > 0;
}

static inline bool regex_bash(const char *s, size_t n, bool nocase)
{
	return n >= 4 && model_same(s + n - 4, 4, "bash", 4, nocase);
}

static inline bool regex_one(const char *s, size_t n, bool nocase)
{
	(void)nocase;
	return n > 0 && model_char(s, n) == n;
}

static const struct {
	const char *pattern;
	bool (*is)(const char *s, size_t n, bool nocase);
} model_regexes[] = {
	{ ".*", regex_any },
	{ "[a-z]+", regex_letters },
	{ ".*bash", regex_bash },
	{ "(.|\n)", regex_one },
};

static inline bool model_address(const char *s, size_t n, uint8_t out[16])
{
	char text[64];
	uint8_t v4[4];

	if (n >= sizeof(text))
		return false;
	memcpy(text, s, n);
	text[n] = '\0';
	if (inet_pton(AF_INET6, text, out) == 1)
		return true;
	if (inet_pton(AF_INET, text, v4) != 1)
		return false;
	snprintf(text, sizeof(text), "::ffff:%u.%u.%u.%u", v4[0], v4[1], v4[2], v4[3]);
	return inet_pton(AF_INET6, text, out) == 1;
}

static inline bool model_in_net(const char *s, size_t n, const char *net)
{
	const char *slash = strchr(net, '/');
	size_t m = slash ? (size_t)(slash - net) : strlen(net);
	int bits = slash ? (int)strtol(slash + 1, NULL, 10) + (memchr(net, ':', m) ? 0 : 96) : 128;
	uint8_t a[16], b[16];

	if (!model_address(s, n, a) || !model_address(net, m, b))
		return false;
	for (int i = 0; i < bits; i++)
		if ((a[i / 8] ^ b[i / 8]) >> (7 - i % 8) & 1)
			return false;
	return true;
}

static inline bool model_ordered(enum expr_op op, int order)
{
	return op == EXPR_LT   ? order < 0
	       : op == EXPR_LE ? order <= 0
	       : op == EXPR_GT ? order > 0
	       : op == EXPR_GE ? order >= 0
			       : order == 0;
}

static inline int model_order(const char *a, size_t n, const char *b, size_t m)
{
	for (size_t i = 0; i < n && i < m; i++)
		if (a[i] != b[i])
			return (uint8_t)a[i] < (uint8_t)b[i] ? -1 : 1;
	return n < m ? -1 : n > m;
}

static inline bool model_find(const char *s, size_t n, const char *p, size_t m, bool nocase)
{
	for (size_t i = 0; i + m <= n; i++)
		if (model_same(s + i, m, p, m, nocase))
			return true;
	return false;
}

static inline bool model_regex(const char *p, const char *s, size_t n, bool nocase)
{
	for (size_t i = 0; i < ARRAY_SIZE(model_regexes); i++)
		if (strcmp(p, model_regexes[i].pattern) == 0)
			return model_regexes[i].is(s, n, nocase);
	fail_msg("no meaning of %s", p);
	return false;
}

static inline bool model_ip(const struct model *m, const char *s, size_t n, const char *p)
{
	uint8_t a[16], b[16];

	if (m->op == EXPR_MATCH && strpbrk(p, "*?"))
		return model_glob(p, strlen(p), s, n, true);
	if (m->op >= EXPR_LT && m->op <= EXPR_GE)
		return model_address(s, n, a) && model_address(p, strlen(p), b) &&
		       model_ordered(m->op, memcmp(a, b, 16));
	return model_in_net(s, n, p);
}

static inline bool model_string(const struct model *m, const char *s, size_t n, const char *p)
{
	size_t k = strlen(p);

	if (m->f.info->type == TYPE_IP && (m->op <= EXPR_MATCH || m->op == EXPR_IN ||
					   m->op == EXPR_IN_NOCASE || m->op == EXPR_CIDR))
		return model_ip(m, s, n, p);
	switch (m->op) {
	case EXPR_MATCH:
	case EXPR_LIKE_NOCASE:
		return model_glob(p, k, s, n, true);
	case EXPR_LIKE:
		return model_glob(p, k, s, n, false);
	case EXPR_IN_NOCASE:
		return model_same(s, n, p, k, true);
	case EXPR_REGEX:
	case EXPR_REGEX_NOCASE:
		return model_regex(p, s, n, m->op == EXPR_REGEX_NOCASE);
	case EXPR_STARTS_WITH:
	case EXPR_STARTS_WITH_NOCASE:
		return n >= k && model_same(s, k, p, k, m->op == EXPR_STARTS_WITH_NOCASE);
	case EXPR_ENDS_WITH:
	case EXPR_ENDS_WITH_NOCASE:
		return n >= k && model_same(s + n - k, k, p, k, m->op == EXPR_ENDS_WITH_NOCASE);
	case EXPR_CONTAINS:
	case EXPR_CONTAINS_NOCASE:
		return model_find(s, n, p, k, m->op == EXPR_CONTAINS_NOCASE);
	default:
		return model_ordered(m->op, model_order(s, n, p, k));
	}
}

/* ---- leaves ---- */

static inline bool model_number(const struct model *m, uint64_t v, const struct expr_literal *l)
{
	__extension__ typedef __int128 wide;

	if (l->type == LITERAL_FLOAT)
		return model_ordered(m->op, (long double)v < (long double)l->real
						    ? -1
						    : (long double)v > (long double)l->real);
	return model_ordered(m->op, (wide)v < (wide)l->integer ? -1 : (wide)v > (wide)l->integer);
}

static inline bool model_value(const struct model *m, const char *s, size_t n)
{
	uint64_t length = 0;

	for (size_t i = 0; i < n; i += model_char(s + i, n - i))
		length++;
	for (size_t i = 0; i < m->n; i++)
		if (m->type == M_LENGTH ? model_number(m, length, &m->values[i])
					: model_string(m, s, n, m->values[i].string))
			return true;
	return false;
}

static inline bool model_digits(const struct model *m, const struct block_value *v,
				const struct expr_literal *l)
{
	char digits[32], number[32];

	snprintf(digits, sizeof(digits), v->type == VALUE_ID ? "%016llx" : "%llu",
		 (unsigned long long)v->number);
	snprintf(number, sizeof(number), "%lld", (long long)l->integer);
	return model_string(m, digits, strlen(digits), l->type == LITERAL_INT ? number : l->string);
}

static inline bool model_scalar(const struct model *m, const struct block_value *v)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct expr_literal *l = &m->values[i];

		if (m->textual		    ? model_digits(m, v, l)
		    : v->type == VALUE_BOOL ? (v->number != 0) == l->boolean
		    : v->type == VALUE_ID   ? v->number == strtoull(l->string, NULL, 16)
					    : model_number(m, v->number, l))
			return true;
	}
	return false;
}

static inline enum truth model_leaf(const struct model *m, struct view at)
{
	struct block_value v = block_value(at.b, at.table, at.row, m->f);
	bool yes = false;

	if (v.type == VALUE_NULL)
		return NIL;
	if (v.type == VALUE_STRING)
		yes = model_value(m, v.string.s, v.string.n);
	else if (v.type != VALUE_STRINGS)
		yes = model_scalar(m, &v);
	if (v.type == VALUE_STRINGS && m->element > v.n_strings)
		return NIL;
	for (uint32_t i = 0; v.type == VALUE_STRINGS && i < v.n_strings && !yes; i++) {
		struct block_string s = block_string(at.b, v.strings[i]);

		if (m->element && i != m->element - 1)
			continue;
		yes = model_value(m, s.s, s.n);
	}
	return yes != (m->op == EXPR_NE) ? YES : NO;
}

/* All strings of a value, copied. */
struct copies {
	char *s[8];
	size_t len[8], n;
};

static inline struct copies model_copies(struct block *b, const struct block_value *v)
{
	struct copies c = { .n = v->type == VALUE_STRINGS ? v->n_strings : 1 };

	for (size_t i = 0; i < c.n; i++) {
		struct block_string s =
			v->type == VALUE_STRINGS ? block_string(b, v->strings[i]) : v->string;

		c.s[i] = malloc(s.n + 1);
		memcpy(c.s[i], s.s, s.n);
		c.len[i] = s.n;
	}
	return c;
}

static inline bool model_pair(const struct model *m, const char *a, size_t n, const char *b,
			      size_t k)
{
	uint8_t x[16], y[16];

	if (m->f.info->type == TYPE_IP && m->g.info->type == TYPE_IP)
		return model_address(a, n, x) && model_address(b, k, y) &&
		       model_ordered(m->op, memcmp(x, y, 16));
	if (m->op == EXPR_MATCH)
		return model_same(a, n, b, k, true);
	return model_ordered(m->op, model_order(a, n, b, k));
}

static inline enum truth model_fields(const struct model *m, struct view at)
{
	struct block_value v = block_value(at.b, at.table, at.row, m->f), w;
	struct copies a, b;
	bool yes = false;

	if (v.type == VALUE_NULL)
		return NIL;
	if (v.type != VALUE_STRING && v.type != VALUE_STRINGS) {
		w = block_value(at.b, at.table, at.row, m->g);
		if (w.type == VALUE_NULL)
			return NIL;
		yes = model_ordered(m->op, v.number < w.number ? -1 : v.number > w.number);
		return yes != (m->op == EXPR_NE) ? YES : NO;
	}
	a = model_copies(at.b, &v);
	w = block_value(at.b, at.table, at.row, m->g);
	b = w.type == VALUE_NULL ? (struct copies){ 0 } : model_copies(at.b, &w);
	for (size_t i = 0; i < a.n; i++)
		for (size_t j = 0; j < b.n; j++)
			yes |= model_pair(m, a.s[i], a.len[i], b.s[j], b.len[j]);
	for (size_t i = 0; i < a.n; i++)
		free(a.s[i]);
	for (size_t j = 0; j < b.n; j++)
		free(b.s[j]);
	if (w.type == VALUE_NULL)
		return NIL;
	return yes != (m->op == EXPR_NE) ? YES : NO;
}

static inline enum truth model_text(const struct model *m, struct view at)
{
	static const char *const names[] = { "process.command_line", "process.name",
					     "process.executable", "file.path", "destination.ip" };
	char pattern[128];

	snprintf(pattern, sizeof(pattern), "*%s*", m->text[0]);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct field_ref f;
		struct block_value v;

		assert_true(field_find(names[i], strlen(names[i]), &f));
		v = block_value(at.b, at.table, at.row, f);
		if (v.type == VALUE_STRING &&
		    model_glob(pattern, strlen(pattern), v.string.s, v.string.n, true))
			return YES;
	}
	return NO;
}

static inline enum truth model_is_null(const struct model *m, struct view at)
{
	struct block_value v = block_value(at.b, at.table, at.row, m->f);

	return v.type == VALUE_NULL || (m->element && m->element > v.n_strings) ? YES : NO;
}

static inline enum truth model_eval(const struct model *m, struct view at)
{
	enum truth a, b;

	switch (m->type) {
	case M_TRUE:
		return YES;
	case M_FALSE:
		return NO;
	case M_NOT:
		a = model_eval(m->a, at);
		return a == NIL ? NIL : a == YES ? NO : YES;
	case M_AND:
		a = model_eval(m->a, at);
		b = model_eval(m->b, at);
		return a == NO || b == NO ? NO : a == NIL || b == NIL ? NIL : YES;
	case M_OR:
		a = model_eval(m->a, at);
		b = model_eval(m->b, at);
		return a == YES || b == YES ? YES : a == NIL || b == NIL ? NIL : NO;
	case M_IS_NULL:
		return model_is_null(m, at);
	case M_COMPARE:
	case M_LENGTH:
		return model_leaf(m, at);
	case M_FIELDS:
		return model_fields(m, at);
	case M_TEXT:
		return model_text(m, at);
	default:
		return NIL;
	}
}
