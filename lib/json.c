/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/json.h"

#include <math.h>

static void before(struct json *j)
{
	if (j->comma)
		buf_byte(j->out, ',');
	j->comma = true;
}

static void begin(struct json *j, uint8_t bracket)
{
	before(j);
	buf_byte(j->out, bracket);
	j->comma = false;
}

static void end(struct json *j, uint8_t bracket)
{
	buf_byte(j->out, bracket);
	j->comma = true;
}

void json_begin_object(struct json *j)
{
	begin(j, '{');
}

void json_end_object(struct json *j)
{
	end(j, '}');
}

void json_begin_array(struct json *j)
{
	begin(j, '[');
}

void json_end_array(struct json *j)
{
	end(j, ']');
}

/* ---- strings ---- */

/* Bytes that stand for themselves: printable ASCII but quote and backslash. */
static bool plain(uint8_t c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static bool continues(const uint8_t *s, size_t n, size_t i)
{
	return i < n && (s[i] & 0xc0) == 0x80;
}

/* Length of the UTF-8 sequence at @s (RFC 3629: shortest form, no surrogates, up to U+10FFFF);
 * 0 when there is none. */
static size_t utf8_sequence(const uint8_t *s, size_t n)
{
	uint8_t c = s[0], second = n > 1 ? s[1] : 0;

	if (c < 0x80)
		return 1;
	if (c < 0xc2 || !continues(s, n, 1))
		return 0;
	if (c < 0xe0)
		return 2;
	if ((c == 0xe0 && second < 0xa0) || (c == 0xed && second >= 0xa0) || !continues(s, n, 2))
		return 0;
	if (c < 0xf0)
		return 3;
	if ((c == 0xf0 && second < 0x90) || (c == 0xf4 && second >= 0x90) || c > 0xf4 ||
	    !continues(s, n, 3))
		return 0;
	return 4;
}

static void escape(struct buf *out, uint8_t c)
{
	static const char hex[] = "0123456789abcdef";
	static const char shorts[0x20] = {
		['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'
	};
	char text[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

	if (c == '"' || c == '\\' || (c < 0x20 && shorts[c])) {
		text[1] = c < 0x20 ? shorts[c] : (char)c;
		buf_add(out, text, 2);
	} else {
		buf_add(out, text, sizeof(text));
	}
}

static void add_string(struct buf *out, const uint8_t *s, size_t n)
{
	size_t run, used;

	for (size_t i = 0; i < n; i += used) {
		for (run = i; run < n && plain(s[run]); run++)
			;
		buf_add(out, s + i, run - i);
		i = run;
		used = 1;
		if (i >= n)
			break;
		if (s[i] < 0x80) {
			escape(out, s[i]);
			continue;
		}
		used = utf8_sequence(s + i, n - i);
		if (used)
			buf_add(out, s + i, used);
		else
			buf_add(out, "\xef\xbf\xbd", 3);
		used += used == 0;
	}
}

void json_text_n(struct json *j, const char *s, size_t n)
{
	before(j);
	buf_byte(j->out, '"');
	add_string(j->out, (const uint8_t *)s, n);
	buf_byte(j->out, '"');
}

void json_key_n(struct json *j, const char *key, size_t n)
{
	json_text_n(j, key, n);
	buf_byte(j->out, ':');
	j->comma = false;
}

void json_key(struct json *j, const char *key)
{
	json_key_n(j, key, strlen(key));
}

void json_text(struct json *j, const char *s)
{
	if (s)
		json_text_n(j, s, strlen(s));
	else
		json_nil(j);
}

/* ---- other values ---- */

void json_raw(struct json *j, const void *value, size_t n)
{
	before(j);
	buf_add(j->out, value, n);
}

static void add_uint(struct buf *out, uint64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	buf_add(out, digits + at, sizeof(digits) - at);
}

void json_uint(struct json *j, uint64_t v)
{
	before(j);
	add_uint(j->out, v);
}

void json_int(struct json *j, int64_t v)
{
	before(j);
	if (v < 0)
		buf_byte(j->out, '-');
	add_uint(j->out, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void json_double(struct json *j, double v)
{
	char text[40];
	int n;

	if (!isfinite(v)) {
		json_nil(j);
		return;
	}
	n = snprintf(text, sizeof(text), "%.17g", v);
	json_raw(j, text, (size_t)n);
}

void json_bool(struct json *j, bool v)
{
	json_raw(j, v ? "true" : "false", v ? 4 : 5);
}

void json_nil(struct json *j)
{
	json_raw(j, "null", 4);
}

static void put_digits(char *to, uint64_t v, size_t n)
{
	for (; n; v /= 10)
		to[--n] = (char)('0' + v % 10);
}

/* timestamp_format() without the C library's calendar, which costs as much as the rest of a
 * document: the proleptic Gregorian date of a day, counted in eras of 400 years from 1 March 0000.
 */
static void put_date(char *to, uint64_t days)
{
	uint64_t day = days + 719468, era = day / 146097, of_era = day % 146097;
	uint64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	uint64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	uint64_t month = (5 * of_year + 2) / 153; /* 0: March */

	put_digits(to + 8, of_year - (153 * month + 2) / 5 + 1, 2);
	put_digits(to + 5, month < 10 ? month + 3 : month - 9, 2);
	put_digits(to, year + era * 400 + (month >= 10), 4);
}

void json_time(struct json *j, uint64_t ns)
{
	char text[] = "\"0000-00-00T00:00:00.000000000Z\"";
	uint64_t s = ns / 1000000000, of_day = s % 86400;

	put_date(text + 1, s / 86400);
	put_digits(text + 12, of_day / 3600, 2);
	put_digits(text + 15, of_day / 60 % 60, 2);
	put_digits(text + 18, of_day % 60, 2);
	put_digits(text + 21, ns % 1000000000, 9);
	json_raw(j, text, sizeof(text) - 1);
}

void json_key_text(struct json *j, const char *key, const char *s)
{
	json_key(j, key);
	json_text(j, s);
}

void json_key_uint(struct json *j, const char *key, uint64_t v)
{
	json_key(j, key);
	json_uint(j, v);
}

void json_key_bool(struct json *j, const char *key, bool v)
{
	json_key(j, key);
	json_bool(j, v);
}

void json_key_time(struct json *j, const char *key, uint64_t ns)
{
	json_key(j, key);
	json_time(j, ns);
}
