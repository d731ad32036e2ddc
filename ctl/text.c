/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/text.h"

#include <locale.h>
#include <wchar.h>

void text_init(void)
{
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		setlocale(LC_CTYPE, "");
}

/* Printable to wcwidth(), but able to hide or to turn around what stands beside them. */
static bool is_deceiving(wchar_t c)
{
	return (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0x061c || c == 0x00ad || c == 0xfeff ||
	       (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe0fff);
}

/* Takes one character off @s.  *ret_n bytes were taken; returns its code point, or -1 for a byte
 * that is no UTF-8. */
static int32_t take(const char *s, size_t n, size_t *ret_n)
{
	unsigned char first = (unsigned char)s[0];
	mbstate_t state = { 0 };
	wchar_t c = 0;
	size_t r;

	*ret_n = 1;
	if (first < 0x80)
		return first;
	r = mbrtowc(&c, s, n, &state);
	if (r == 0 || r > n)
		return -1;
	*ret_n = r;
	return (int32_t)c;
}

static bool is_safe(int32_t c)
{
	if (c >= 0x20 && c < 0x7f)
		return true;
	return c >= 0xa0 && !is_deceiving((wchar_t)c) && wcwidth((wchar_t)c) >= 0;
}

static void escape_one(int32_t c, unsigned char byte, struct buf *out)
{
	if (c == '\n')
		buf_str(out, "\\n");
	else if (c == '\t')
		buf_str(out, "\\t");
	else if (c == '\r')
		buf_str(out, "\\r");
	else if (c > 0xffff)
		buf_printf(out, "\\U%08x", (unsigned)c);
	else if (c > 0x7f)
		buf_printf(out, "\\u%04x", (unsigned)c);
	else
		buf_printf(out, "\\x%02x", byte);
}

void text_escape(const char *s, size_t n, struct buf *out)
{
	size_t len;

	for (size_t i = 0; i < n; i += len) {
		int32_t c = take(s + i, n - i, &len);

		if (is_safe(c))
			buf_add(out, s + i, len);
		else
			escape_one(c, (unsigned char)s[i], out);
	}
}

void text_escape_json(const char *s, size_t n, struct buf *out)
{
	size_t len;

	for (size_t i = 0; i < n; i += len) {
		int32_t c = take(s + i, n - i, &len);

		if (is_safe(c) || c == '\n' || c == '\t' || c == '\r')
			buf_add(out, s + i, len);
		else if (c > 0xffff)
			buf_printf(out, "\\u%04x\\u%04x", 0xd800 + (unsigned)((c - 0x10000) >> 10),
				   0xdc00 + (unsigned)((c - 0x10000) & 0x3ff));
		else
			buf_printf(out, "\\u%04x", c < 0 ? 0xfffd : (unsigned)c);
	}
}

static size_t columns_of(int32_t c)
{
	int w = c < 0 ? 1 : wcwidth((wchar_t)c);

	return w < 0 ? 1 : (size_t)w;
}

size_t text_width(const char *s, size_t n)
{
	size_t len, columns = 0;

	for (size_t i = 0; i < n; i += len)
		columns += columns_of(take(s + i, n - i, &len));
	return columns;
}

size_t text_fit(const char *s, size_t n, size_t columns)
{
	size_t len, used = 0, i;

	for (i = 0; i < n; i += len) {
		used += columns_of(take(s + i, n - i, &len));
		if (used > columns)
			break;
	}
	return i;
}

void text_bytes(uint64_t bytes, struct buf *out)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB" };
	double v = (double)bytes;
	size_t i = 0;

	for (; v >= 999.5 && i + 1 < ARRAY_SIZE(units); i++)
		v /= 1000;
	buf_printf(out, i && v < 9.95 ? "%.1f %s" : "%.0f %s", v, units[i]);
}

void text_wrap(FILE *out, const char *s, size_t indent, size_t width)
{
	size_t at = indent;

	for (bool first = true; *s; first = false) {
		size_t blanks = strspn(s, " "), n = strcspn(s + blanks, " ");
		size_t columns = text_width(s + blanks, n);

		if (!first && width && at + blanks + columns > width) {
			fprintf(out, "\n%*s", (int)indent, "");
			at = indent;
			blanks = 0;
			s += strspn(s, " ");
		}
		fprintf(out, "%.*s", (int)(blanks + n), s);
		at += blanks + columns;
		s += blanks + n;
	}
}
