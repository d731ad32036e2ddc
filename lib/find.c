/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/find.h"

#include <string.h>

enum { LANES = 16 };
typedef uint8_t bytes_v __attribute__((vector_size(LANES)));
typedef uint64_t words_v __attribute__((vector_size(LANES)));

static bytes_v splat(char c)
{
	return (bytes_v){ 0 } + (uint8_t)c;
}

static bytes_v load(const char *s)
{
	bytes_v v;

	memcpy(&v, s, sizeof(v));
	return v;
}

static bool is_at(const char *s, const char *what, size_t m)
{
	return *s == *what && s[m - 1] == what[m - 1] &&
	       (m < 3 || memcmp(s + 1, what + 1, m - 2) == 0);
}

static const char *find_slowly(const char *s, size_t places, const char *what, size_t m)
{
	for (const char *end = s + places; s < end; s++)
		if (is_at(s, what, m))
			return s;
	return NULL;
}

const char *find_text(const char *s, size_t n, const char *what, size_t m)
{
	bytes_v first, last;
	size_t places;

	if (m == 0)
		return s;
	if (m > n)
		return NULL;
	if (m == 1)
		return memchr(s, *what, n);
	first = splat(*what);
	last = splat(what[m - 1]);
	places = n - m + 1;
	for (; places >= LANES; s += LANES, places -= LANES) {
		words_v both = (words_v)((load(s) == first) & (load(s + m - 1) == last));
		const char *hit;

		if (!(both[0] | both[1]))
			continue;
		hit = find_slowly(s, LANES, what, m);
		if (hit)
			return hit;
	}
	return find_slowly(s, places, what, m);
}
