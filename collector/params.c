/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/params.h"

#include <jansson.h>

static const struct param_info params[PARAM_MAX] = {
#define X(id, name_, type_, fallback_, help_)                                              \
	[PARAM_##id] = {                                                                   \
		.name = (name_), .type = (type_), .fallback = (fallback_), .help = (help_) \
	},
	PARAMS(X)
#undef X
};

const struct param_info *param_info(enum param p)
{
	return &params[p];
}

void params_done(struct params *p)
{
	free(p->bytes);
	memset(p, 0, sizeof(*p));
}

/* Which parameter @name is; what is wrong with it goes to @d. */
static int find(const struct params *p, uint64_t allowed, const char *name, size_t n,
		enum param *ret, struct diag *d)
{
	for (enum param i = 0; i < PARAM_MAX; i++) {
		if (strlen(params[i].name) != n || memcmp(params[i].name, name, n) != 0)
			continue;
		if (!(allowed >> i & 1))
			break;
		if (p->value[i].s)
			return diag_set(d, -EINVAL, 0, 0, "parameter '%s' is given twice",
					params[i].name);
		*ret = i;
		return 0;
	}
	return diag_set(d, -EINVAL, 0, 0, "unknown parameter '%.*s'", (int)MIN(n, (size_t)64),
			name);
}

/* ---- query string ---- */

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes @n bytes at @s to @to (as many fit) and ends them by NUL.  Returns how many, or -EINVAL.
 */
static ssize_t decode(const char *s, size_t n, char *to, struct diag *d)
{
	size_t out = 0;

	for (size_t i = 0; i < n; i++) {
		char c = s[i];

		if (c == '%') {
			int high = n - i > 2 ? hex(s[i + 1]) : -1;
			int low = n - i > 2 ? hex(s[i + 2]) : -1;

			if (high < 0 || low < 0)
				return diag_set(d, -EINVAL, 0, 0,
						"'%%' without two hexadecimal digits after it");
			c = (char)(high << 4 | low);
			i += 2;
		} else if (c == '+') {
			c = ' ';
		}
		if (c == 0)
			return diag_set(d, -EINVAL, 0, 0, "a NUL byte is not allowed");
		to[out++] = c;
	}
	to[out] = 0;
	return (ssize_t)out;
}

/* One name=value at @s, decoded to @to; *ret_used bytes of it were needed. */
static int parse_pair(struct params *p, uint64_t allowed, const char *s, size_t n, char *to,
		      struct diag *d)
{
	const char *equals = memchr(s, '=', n);
	size_t n_name = equals ? (size_t)(equals - s) : n;
	enum param which;
	ssize_t used = decode(s, n_name, to, d);
	int r;

	if (used < 0)
		return (int)used;
	r = find(p, allowed, to, (size_t)used, &which, d);
	if (r < 0)
		return r;
	if (equals)
		used = decode(equals + 1, n - n_name - 1, to, d);
	else
		to[used = 0] = 0;
	if (used < 0)
		return (int)used;
	p->value[which].s = to;
	p->value[which].n = (size_t)used;
	return 0;
}

int params_parse_query(struct params *ret, uint64_t allowed, const char *s, size_t n,
		       struct diag *d)
{
	/* decoding never makes longer, and each '&' leaves room for a NUL */
	ret->bytes = malloc(n + 1);
	if (!ret->bytes)
		return err_origin(-ENOMEM);
	for (size_t at = 0; at < n;) {
		const char *amp = memchr(s + at, '&', n - at);
		size_t len = amp ? (size_t)(amp - s) - at : n - at;
		int r = len ? parse_pair(ret, allowed, s + at, len, ret->bytes + at, d) : 0;

		if (r < 0)
			return r;
		at += len + 1;
	}
	return 0;
}

/* ---- JSON ---- */

/* Text of @value in @out, NUL-terminated. */
static int json_to_text(const json_t *value, struct buf *out)
{
	const json_t *item;
	size_t i;

	if (json_is_string(value)) {
		buf_add(out, json_string_value(value), json_string_length(value));
	} else if (json_is_integer(value)) {
		buf_printf(out, "%lld", (long long)json_integer_value(value));
	} else if (json_is_array(value)) {
		json_array_foreach(value, i, item)
		{
			if (!json_is_string(item))
				return err_origin(-EINVAL);
			if (i)
				buf_byte(out, ',');
			buf_add(out, json_string_value(item), json_string_length(item));
		}
	} else {
		return err_origin(-EINVAL);
	}
	buf_byte(out, 0);
	return 0;
}

static int take_member(struct params *p, uint64_t allowed, const char *key, const json_t *value,
		       struct buf *out, struct diag *d)
{
	size_t at = out->n;
	enum param which;
	int r = find(p, allowed, key, strlen(key), &which, d);

	if (r < 0 || json_is_null(value))
		return r;
	if (json_is_array(value) && which != PARAM_FIELDS && which != PARAM_FIELD)
		r = -EINVAL;
	else
		r = json_to_text(value, out);
	if (r < 0)
		return diag_set(d, r, 0, 0, "parameter '%s': a JSON value of another type expected",
				key);
	/* the offset for now: the bytes may still move; 1 more, for NULL means not given */
	p->value[which].s = (const char *)(uintptr_t)(at + 1);
	p->value[which].n = out->n - at - 1;
	return 0;
}

static int take_members(struct params *p, uint64_t allowed, json_t *object, struct buf *out,
			struct diag *d)
{
	const char *key;
	json_t *value;
	int r = 0;

	json_object_foreach(object, key, value)
	{
		r = take_member(p, allowed, key, value, out, d);
		if (r < 0)
			break;
	}
	p->bytes = (char *)out->data;
	for (enum param i = 0; i < PARAM_MAX; i++)
		if (p->value[i].s)
			p->value[i].s = p->bytes + ((uintptr_t)p->value[i].s - 1);
	return buf_ok(out) ? r : err_origin(-ENOMEM);
}

int params_parse_json(struct params *ret, uint64_t allowed, const char *s, size_t n, struct diag *d)
{
	struct buf out = { 0 }; /* becomes ret->bytes */
	json_error_t error;
	json_t *object = json_loadb(s, n, JSON_REJECT_DUPLICATES, &error);
	int r;

	if (!object)
		return diag_set(d, -EINVAL, (uint32_t)MAX(error.line, 0),
				(uint32_t)MAX(error.column, 0), "body: %s", error.text);
	if (json_is_object(object))
		r = take_members(ret, allowed, object, &out, d);
	else
		r = diag_set(d, -EINVAL, 1, 1, "body: a JSON object expected");
	json_decref(object);
	return r;
}

/* ---- values ---- */

const char *params_text(const struct params *p, enum param which, size_t *ret_n)
{
	const char *s = p->value[which].n ? p->value[which].s : params[which].fallback;

	*ret_n = strlen(s);
	return s;
}

int params_number(const struct params *p, enum param which, uint64_t min, uint64_t max,
		  uint64_t *ret, struct diag *d)
{
	size_t n;
	const char *s = params_text(p, which, &n);
	uint64_t v = 0;
	bool ok = n > 0;

	for (size_t i = 0; i < n && ok; i++)
		ok = s[i] >= '0' && s[i] <= '9' && !__builtin_mul_overflow(v, 10, &v) &&
		     !__builtin_add_overflow(v, (uint64_t)(s[i] - '0'), &v);
	if (!ok || v < min || v > max)
		return diag_set(d, -EINVAL, 0, 0, "expected a number from %llu to %llu",
				(unsigned long long)min, (unsigned long long)max);
	*ret = v;
	return 0;
}
