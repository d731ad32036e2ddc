/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sigma_build.h"

#include "lib/expr_text.h"

void sigma_text_parse(const char *s, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		char next = i + 1 < n ? s[i + 1] : '\0';

		if (s[i] == '\\' && (next == '*' || next == '?' || next == '\\'))
			buf_byte(out, (uint8_t)s[++i]);
		else if (s[i] == '*' || s[i] == '?')
			buf_byte(out, s[i] == '*' ? MARK_MANY : MARK_ONE);
		else
			buf_byte(out, (uint8_t)s[i]);
	}
}

static bool is_mark(uint8_t c)
{
	return c == MARK_MANY || c == MARK_ONE || c == MARK_DASH;
}

bool sigma_text_is_plain(const struct buf *text)
{
	for (size_t i = 0; i < text->n; i++)
		if (is_mark(text->data[i]))
			return false;
	return true;
}

/* Code point of the well-formed UTF-8 sequence at @u. */
static uint32_t code_point(const uint8_t *u, size_t len)
{
	uint32_t c = len == 1 ? u[0] : u[0] & (0xffU >> (len + 1));

	for (size_t i = 1; i < len; i++)
		c = c << 6 | (u[i] & 0x3f);
	return c;
}

static void add_unit(struct buf *out, uint32_t unit, bool big_endian)
{
	buf_byte(out, (uint8_t)(big_endian ? unit >> 8 : unit));
	buf_byte(out, (uint8_t)(big_endian ? unit : unit >> 8));
}

void sigma_text_utf16(const struct buf *text, bool big_endian, struct buf *out)
{
	for (size_t i = 0, len; i < text->n; i += len) {
		uint32_t c;

		len = expr_character((const char *)text->data + i, text->n - i);
		c = code_point(text->data + i, len);
		if (c >= 0x10000) {
			add_unit(out, 0xd800 + ((c - 0x10000) >> 10), big_endian);
			c = 0xdc00 + ((c - 0x10000) & 0x3ff);
		}
		add_unit(out, c, big_endian);
	}
}

/* RFC 4648, 4. */
static void encode(const uint8_t *s, size_t n, struct buf *out)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < n; i += 3) {
		uint32_t v = (uint32_t)s[i] << 16;

		if (i + 1 < n)
			v |= (uint32_t)s[i + 1] << 8;
		if (i + 2 < n)
			v |= s[i + 2];
		buf_byte(out, (uint8_t)digits[v >> 18]);
		buf_byte(out, (uint8_t)digits[v >> 12 & 63]);
		buf_byte(out, (uint8_t)(i + 1 < n ? digits[v >> 6 & 63] : '='));
		buf_byte(out, (uint8_t)(i + 2 < n ? digits[v & 63] : '='));
	}
}

void sigma_text_base64(const struct buf *text, int offset, struct buf *out)
{
	/* digits at the begin and end that hold bits of neighbours */
	static const size_t begin[] = { 0, 2, 3 }, end[] = { 0, 3, 2 };
	AUTO_BUF struct buf shifted = { 0 }, whole = { 0 };
	size_t from, to;

	if (offset < 0) {
		encode(text->data, text->n, out);
		return;
	}
	buf_add(&shifted, "  ", (size_t)offset);
	buf_add(&shifted, text->data, text->n);
	encode(shifted.data, shifted.n, &whole);
	out->failed |= shifted.failed || whole.failed;
	from = begin[offset];
	to = end[(text->n + (size_t)offset) % 3];
	if (whole.n > from + to)
		buf_add(out, whole.data + from, whole.n - from - to);
}

static bool is_word(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_' || (c >= 0x80 && !is_mark(c));
}

size_t sigma_text_dash(const struct buf *text, size_t at)
{
	const uint8_t *s = text->data;

	for (; at < text->n; at++)
		if ((s[at] == '-' || s[at] == '/') && (at == 0 || !is_word(s[at - 1])) &&
		    at + 1 < text->n && is_word(s[at + 1]))
			break;
	return at;
}

static void add_regex(const struct buf *text, struct buf *out)
{
	for (size_t i = 0; i < text->n; i++) {
		uint8_t c = text->data[i];

		if (is_mark(c)) {
			buf_str(out, c == MARK_MANY ? ".*"
				     : c == MARK_ONE
					     ? "."
					     : "(?:-|/|\xe2\x80\x93|\xe2\x80\x94|\xe2\x80\x95)");
			continue;
		}
		if (strchr("\\^$.[]|()?*+{}-#", c))
			buf_byte(out, '\\');
		buf_byte(out, c);
	}
}

static void add_glob(const struct buf *text, struct buf *out)
{
	for (size_t i = 0; i < text->n; i++) {
		uint8_t c = text->data[i];

		buf_byte(out, c == MARK_MANY ? '*' : c == MARK_ONE ? '?' : c);
	}
}

/* @text holds a * or ? that stands for itself, or any dash: none of our wildcard operators can say
 * that. */
static enum expr_op literal_question(const struct buf *text, bool cased, struct buf *out)
{
	bool head = text->data[0] == MARK_MANY, tail = text->data[text->n - 1] == MARK_MANY;
	struct buf inner = { .data = text->data + head, .n = text->n - head - tail };

	if (!sigma_text_is_plain(&inner)) {
		add_regex(text, out);
		return cased ? EXPR_REGEX : EXPR_REGEX_NOCASE;
	}
	buf_add(out, inner.data, inner.n);
	if (head && tail)
		return cased ? EXPR_CONTAINS : EXPR_CONTAINS_NOCASE;
	if (head)
		return cased ? EXPR_ENDS_WITH : EXPR_ENDS_WITH_NOCASE;
	if (tail)
		return cased ? EXPR_STARTS_WITH : EXPR_STARTS_WITH_NOCASE;
	return cased ? EXPR_IN : EXPR_IN_NOCASE;
}

enum expr_op sigma_text_question(const struct buf *text, bool cased, struct buf *out)
{
	if (text->n && (memchr(text->data, '*', text->n) || memchr(text->data, '?', text->n) ||
			memchr(text->data, MARK_DASH, text->n)))
		return literal_question(text, cased, out);
	add_glob(text, out);
	return cased ? EXPR_LIKE : EXPR_MATCH;
}
