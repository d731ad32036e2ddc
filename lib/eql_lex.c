/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/eql_lex.h"

#include <stdarg.h>

#include "lib/buf.h"

int eql_error(struct eql_lexer *l, size_t at, const char *fmt, ...)
{
	char text[sizeof(l->diag->text)];
	uint32_t line, column;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	diag_position(l->text, MIN(at, l->n), &line, &column);
	return diag_set(l->diag, -EINVAL, line, column, "%s", text);
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool eql_is(const struct eql_token *t, const char *word)
{
	size_t n = strlen(word);

	if (t->type != EQL_WORD || t->n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (lower(t->value[i]) != word[i])
			return false;
	return true;
}

const char *eql_show(const struct eql_lexer *l, const struct eql_token *t, char *buf, size_t n)
{
	int most = 40;

	if (t->type == EQL_END)
		snprintf(buf, n, "the end of the query");
	else
		snprintf(buf, n, "'%.*s%s'", (int)MIN(t->n, (size_t)most), l->text + t->at,
			 t->n > (size_t)most ? "..." : "");
	return buf;
}

static bool looking_at(const struct eql_lexer *l, const char *s)
{
	size_t n = strlen(s);

	return l->n - l->at >= n && memcmp(l->text + l->at, s, n) == 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int skip_blanks(struct eql_lexer *l)
{
	for (;;) {
		const char *end;

		while (l->at < l->n && is_blank(l->text[l->at]))
			l->at++;
		if (looking_at(l, "//")) {
			end = memchr(l->text + l->at, '\n', l->n - l->at);
			l->at = end ? (size_t)(end - l->text) : l->n;
		} else if (looking_at(l, "/*")) {
			end = memmem(l->text + l->at + 2, l->n - l->at - 2, "*/", 2);
			if (!end)
				return eql_error(
					l, l->at,
					"expected */ at the end of this comment; a path that "
					"begins so needs quotes");
			l->at = (size_t)(end - l->text) + 2;
		} else {
			return 0;
		}
	}
}

static bool ends_run(char c, enum eql_mode mode)
{
	if (is_blank(c) || c == '\0')
		return true;
	return strchr(mode == EQL_VALUE ? "()[]|,\"" : "()[]|,\"`=!<>:", c) != NULL;
}

static void take(struct eql_lexer *l, enum eql_type type, size_t n)
{
	l->token = (struct eql_token){
		.type = type, .at = l->at, .n = n, .value = l->text + l->at, .n_value = n
	};
	l->at += n;
}

/* Gives the current token a text of its own. */
static int keep(struct eql_lexer *l, const struct buf *value)
{
	char *copy;

	if (!buf_ok(value))
		return err_origin(-ENOMEM);
	copy = arena_alloc(&l->arena, value->n + 1);
	if (!copy)
		return err_origin(-ENOMEM);
	if (value->n)
		memcpy(copy, value->data, value->n);
	l->token.value = copy;
	l->token.n_value = value->n;
	return 0;
}

static void add_utf8(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_byte(out, (uint8_t)c);
	} else if (c < 0x800) {
		buf_byte(out, (uint8_t)(0xc0 | c >> 6));
		buf_byte(out, (uint8_t)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_byte(out, (uint8_t)(0xe0 | c >> 12));
		buf_byte(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		buf_byte(out, (uint8_t)(0x80 | (c & 0x3f)));
	} else {
		buf_byte(out, (uint8_t)(0xf0 | c >> 18));
		buf_byte(out, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
		buf_byte(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		buf_byte(out, (uint8_t)(0x80 | (c & 0x3f)));
	}
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* {20ac} after \u; @at stands on the brace.  *at is moved behind it. */
static int unicode_escape(struct eql_lexer *l, size_t *at, struct buf *out)
{
	size_t start = *at - 2, i = *at + 1;
	uint32_t c = 0;

	if (*at >= l->n || l->text[*at] != '{')
		return eql_error(l, start, "expected \\u{...} with 2 to 8 hex digits");
	for (; i < l->n && hex_digit(l->text[i]) >= 0 && i - *at <= 8; i++)
		c = c << 4 | (uint32_t)hex_digit(l->text[i]);
	if (i >= l->n || l->text[i] != '}' || i - *at < 3)
		return eql_error(l, start, "expected \\u{...} with 2 to 8 hex digits");
	if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return eql_error(l, start, "this is not a Unicode character");
	add_utf8(out, c);
	*at = i + 1;
	return 0;
}

/* One escape; @at stands behind the backslash. */
static int escape(struct eql_lexer *l, size_t *at, struct buf *out)
{
	static const char names[] = "bfnrt\\\"'", values[] = "\b\f\n\r\t\\\"'";
	char c = *at < l->n ? l->text[*at] : '\0';
	const char *known = c ? strchr(names, c) : NULL;

	(*at)++;
	if (c == 'u')
		return unicode_escape(l, at, out);
	if (!known)
		return eql_error(l, *at - 2,
				 "expected one of \\b \\f \\n \\r \\t \\\\ \\\" \\u{...}; "
				 "\"\"\"...\"\"\" takes "
				 "backslashes as they are");
	buf_byte(out, (uint8_t)values[known - names]);
	return 0;
}

static int unclosed(struct eql_lexer *l, const char *quote)
{
	return eql_error(l, l->at, "expected %s at the end of this string", quote);
}

static int raw_string(struct eql_lexer *l)
{
	const char *from = l->text + l->at + 3;
	const char *end = memmem(from, l->n - l->at - 3, "\"\"\"", 3);

	if (!end)
		return unclosed(l, "\"\"\"");
	while (end + 3 < l->text + l->n && end[3] == '"') /* a quote before the last three */
		end++;
	take(l, EQL_STRING, (size_t)(end - from) + 6);
	l->token.value = from;
	l->token.n_value = (size_t)(end - from);
	return 0;
}

static int string(struct eql_lexer *l)
{
	AUTO_BUF struct buf value = { 0 };
	size_t at = l->at + 1;
	int r;

	while (at < l->n && l->text[at] != '"') {
		if (l->text[at] != '\\') {
			buf_byte(&value, (uint8_t)l->text[at++]);
			continue;
		}
		at++;
		r = escape(l, &at, &value);
		if (r < 0)
			return r;
	}
	if (at >= l->n)
		return unclosed(l, "\"");
	take(l, EQL_STRING, at + 1 - l->at);
	return keep(l, &value);
}

static bool is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.' || c == '@' || c == '?' || c == '~' || (c & 0x80);
}

/* A part of a name in backticks, the first of which stands at *@at; two inside stand for one.
 * False: the end is missing. */
static bool ticked(const struct eql_lexer *l, size_t *at, struct buf *out)
{
	for (++*at; *at < l->n; ++*at) {
		bool tick = l->text[*at] == '`';

		if (tick && (*at + 1 >= l->n || l->text[*at + 1] != '`'))
			break;
		*at += tick;
		buf_byte(out, (uint8_t)l->text[*at]);
	}
	return *at < l->n && ++*at;
}

/* A field name with backticks: `a`, ?`a`, a.`b-c`.d */
static int name(struct eql_lexer *l)
{
	AUTO_BUF struct buf value = { 0 };
	bool optional = l->text[l->at] == '?';
	size_t at = l->at + optional;
	bool more = true;

	while (more) {
		if (l->text[at] == '`' && !ticked(l, &at, &value))
			return unclosed(l, "`");
		while (at < l->n && is_name_byte(l->text[at]))
			buf_byte(&value, (uint8_t)l->text[at++]);
		more = at < l->n && l->text[at] == '`' && l->text[at - 1] == '.';
	}
	take(l, EQL_NAME, at - l->at);
	l->token.optional = optional;
	return keep(l, &value);
}

/* A name, or a number, which may have a sign inside: 1e-5. */
static size_t name_or_number(const struct eql_lexer *l)
{
	const char *s = l->text + l->at;
	size_t n = 0;

	while (l->at + n < l->n &&
	       (is_name_byte(s[n]) || (n && (s[n] == '-' || s[n] == '+') && *s >= '0' &&
				       *s <= '9' && lower(s[n - 1]) == 'e')))
		n++;
	return n;
}

static size_t run(const struct eql_lexer *l, enum eql_mode mode)
{
	size_t n = 0;

	if (mode == EQL_CALC)
		return name_or_number(l);
	while (l->at + n < l->n && !ends_run(l->text[l->at + n], mode))
		n++;
	return n;
}

static size_t symbol(const struct eql_lexer *l)
{
	static const char *const known[] = { "==", "!=", "<=", ">=", "||", "=~" };

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (looking_at(l, known[i]))
			return 2;
	return 1;
}

/* Bytes of a "[12]" that follows a run of @n bytes at once. */
static size_t subscript(const struct eql_lexer *l, size_t n)
{
	size_t at = l->at + n, i = at + 1;

	if (at >= l->n || l->text[at] != '[')
		return 0;
	while (i < l->n && l->text[i] >= '0' && l->text[i] <= '9')
		i++;
	return i > at + 1 && i < l->n && l->text[i] == ']' ? i + 1 - at : 0;
}

/* Does the run of @n bytes go on in backticks? */
static bool goes_on_ticked(const struct eql_lexer *l, size_t n)
{
	const char *s = l->text + l->at;

	if (l->at + n >= l->n || s[n] != '`')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_name_byte(s[i]))
			return false;
	return s[n - 1] == '.' || (n == 1 && *s == '?');
}

static int word_or_symbol(struct eql_lexer *l, enum eql_mode mode)
{
	size_t n = run(l, mode);

	if (n && mode != EQL_VALUE) {
		if (goes_on_ticked(l, n))
			return name(l);
		n += subscript(l, n);
	}
	if (n)
		take(l, EQL_WORD, n);
	else
		take(l, EQL_SYMBOL, symbol(l));
	return 0;
}

int eql_next(struct eql_lexer *l, enum eql_mode mode)
{
	int r = skip_blanks(l);

	if (r < 0)
		return r;
	if (l->at == l->n) {
		take(l, EQL_END, 0);
		return 0;
	}
	switch (l->text[l->at]) {
	case '(':
		take(l, EQL_OPEN, 1);
		return 0;
	case ')':
		take(l, EQL_CLOSE, 1);
		return 0;
	case ',':
		take(l, EQL_COMMA, 1);
		return 0;
	case '"':
		return looking_at(l, "\"\"\"") ? raw_string(l) : string(l);
	case '`':
		return name(l);
	case '\'':
		if (mode == EQL_VALUE)
			break;
		return eql_error(l, l->at,
				 "text stands in double quotes: expected \" instead of '");
	case '?':
		if (!looking_at(l, "?\"") && !looking_at(l, "?'"))
			break;
		return eql_error(l, l->at,
				 "?\"...\" was a raw string once: expected \"\"\"...\"\"\"");
	case '\0':
		return eql_error(l, l->at, "a query cannot hold a NUL byte");
	default:
		break;
	}
	return word_or_symbol(l, mode);
}
