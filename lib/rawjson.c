/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rawjson.h"

enum { SAFE_DIGITS = 18 /* every integer of so many digits fits 63 bits */ };

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_blanks(struct slice t, size_t at)
{
	while (at < t.n && is_blank(t.s[at]))
		at++;
	return at;
}

/* Past the string that begins at @at with a quote. */
static size_t skip_string(struct slice t, size_t at)
{
	for (at++; at < t.n && t.s[at] != '"'; at++)
		if (t.s[at] == '\\')
			at++;
	return MIN(at + 1, t.n);
}

/* Past the value that begins at @at. */
static size_t skip_value(struct slice t, size_t at)
{
	size_t depth = 0;

	while (at < t.n) {
		char c = t.s[at];

		if (depth == 0 && (c == ',' || c == ']' || c == '}' || c == ':'))
			break;
		if (c == '"') {
			at = skip_string(t, at);
			continue;
		}
		if (c == '[' || c == '{')
			depth++;
		if (c == ']' || c == '}')
			depth--;
		at++;
	}
	while (at > 0 && at <= t.n && is_blank(t.s[at - 1]))
		at--;
	return at;
}

bool rawjson_next(struct slice t, size_t *at, struct slice *ret_key, struct slice *ret_value)
{
	size_t i = skip_blanks(t, *at), begin = skip_blanks(t, 0), end;
	bool object = begin < t.n && t.s[begin] == '{';

	if (*at == 0) {
		if (i >= t.n || (t.s[i] != '{' && t.s[i] != '['))
			return false;
		i = skip_blanks(t, i + 1);
	} else if (i < t.n && t.s[i] == ',') {
		i = skip_blanks(t, i + 1);
	}
	*ret_key = (struct slice){ t.s + i, 0 };
	if (object && i < t.n && t.s[i] == '"') {
		end = skip_string(t, i);
		*ret_key = (struct slice){ t.s + i + 1, end - i >= 2 ? end - i - 2 : 0 };
		i = skip_blanks(t, end);
		if (i >= t.n || t.s[i] != ':')
			return false;
		i = skip_blanks(t, i + 1);
	}
	end = skip_value(t, i);
	if (end <= i)
		return false;
	*ret_value = (struct slice){ t.s + i, end - i };
	*at = end;
	return true;
}

bool rawjson_is_object(struct slice t)
{
	size_t begin = skip_blanks(t, 0), end = t.n;

	while (end > begin && is_blank(t.s[end - 1]))
		end--;
	return end - begin >= 2 && t.s[begin] == '{' && t.s[end - 1] == '}';
}

bool rawjson_member(struct slice object, const char *key, struct slice *ret)
{
	struct slice k, v;
	size_t at = 0, n = strlen(key);

	while (rawjson_next(object, &at, &k, &v)) {
		if (k.n != n || memcmp(k.s, key, n) != 0)
			continue;
		*ret = v;
		return true;
	}
	return false;
}

/* Copies @t, each integer of more than SAFE_DIGITS digits between quotes. */
static void quote_big(struct slice t, struct buf *out)
{
	size_t i = 0;

	while (i < t.n) {
		size_t end = i, digits = 0;
		bool integer = true;

		if (t.s[i] == '"')
			end = skip_string(t, i);
		for (; t.s[i] != '"' && end < t.n && strchr("+-.eE0123456789", t.s[end]); end++) {
			digits += t.s[end] >= '0' && t.s[end] <= '9';
			integer = integer && (digits > 0 || t.s[end] == '-') && t.s[end] != '.' &&
				  t.s[end] != 'e' && t.s[end] != 'E';
		}
		end = MAX(end, i + 1);
		integer = integer && digits > SAFE_DIGITS;
		buf_str(out, integer ? "\"" : "");
		buf_add(out, t.s + i, end - i);
		buf_str(out, integer ? "\"" : "");
		i = end;
	}
}

json_t *rawjson_load(struct slice text)
{
	const size_t flags = JSON_ALLOW_NUL;
	AUTO_BUF struct buf quoted = { 0 };
	json_error_t error;
	json_t *doc = json_loadb(text.s, text.n, flags, &error);

	if (doc || json_error_code(&error) != json_error_numeric_overflow)
		return doc;
	quote_big(text, &quoted);
	if (!buf_ok(&quoted))
		return NULL;
	return json_loadb((const char *)quoted.data, quoted.n, flags, NULL);
}
