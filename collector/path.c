/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/path.h"

#include <string.h>

struct part {
	const char *s;
	size_t n;
};

static size_t until_slash(const char *s, size_t n)
{
	const char *slash = n ? memchr(s, '/', n) : NULL;

	return slash ? (size_t)(slash - s) : n;
}

/* Walks both at once; the part for @name (NULL: none is wanted) goes to *ret. */
static bool walk(const char *pattern, struct part path, const char *name, struct part *ret)
{
	while (*pattern) {
		size_t n = strcspn(pattern, "{");
		size_t n_name = pattern[n] ? strcspn(pattern + n + 1, "}") : 0;
		const char *this = pattern + n + 1;
		size_t n_value;

		if (path.n < n || memcmp(path.s, pattern, n) != 0)
			return false;
		path = (struct part){ path.s + n, path.n - n };
		if (!pattern[n])
			break;
		n_value = until_slash(path.s, path.n);
		if (n_value == 0)
			return false;
		if (name && strlen(name) == n_name && memcmp(this, name, n_name) == 0)
			*ret = (struct part){ path.s, n_value };
		path = (struct part){ path.s + n_value, path.n - n_value };
		pattern = this + n_name + 1;
	}
	return path.n == 0;
}

bool path_fits(const char *pattern, const char *path, size_t n)
{
	return walk(pattern, (struct part){ path, n }, NULL, NULL);
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool path_value(const char *pattern, const char *path, size_t n, const char *name,
		char buf[PATH_VALUE_BYTES])
{
	struct part part = { 0 };
	size_t out = 0;

	if (!walk(pattern, (struct part){ path, n }, name, &part) || part.n == 0)
		return false;
	for (size_t i = 0; i < part.n; i++) {
		char c = part.s[i];

		if (c == '%') {
			int high = part.n - i > 2 ? hex(part.s[i + 1]) : -1;
			int low = part.n - i > 2 ? hex(part.s[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if (c == 0 || out + 1 == PATH_VALUE_BYTES)
			return false;
		buf[out++] = c;
	}
	buf[out] = 0;
	return true;
}
