/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/eql_suggest.h"

enum { NAME_BYTES = 64 };

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* Levenshtein's distance of two names without case, one row at a time; both below NAME_BYTES. */
static unsigned distance(const char *a, size_t n, const char *b, size_t m)
{
	unsigned row[NAME_BYTES + 1];

	for (size_t j = 0; j <= m; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			unsigned change = diagonal + (lower(a[i - 1]) != lower(b[j - 1]));

			diagonal = row[j];
			row[j] = MIN(change, MIN(row[j], row[j - 1]) + 1);
		}
	}
	return row[m];
}

static unsigned most_errors(size_t n)
{
	return n < 6 ? 1 : n < 12 ? 2 : 3;
}

struct search {
	const char *name;
	size_t n;
	char *best;
	size_t n_best;
	unsigned score; /* of the best; smaller is better */
};

static bool ends_in(const char *known, size_t m, const char *name, size_t n)
{
	return m > n && known[m - n - 1] == '.' && memcmp(known + m - n, name, n) == 0;
}

static void consider(struct search *s, const char *known)
{
	size_t m = strlen(known);
	unsigned score;

	if (m >= NAME_BYTES || s->n >= NAME_BYTES)
		return;
	score = distance(s->name, s->n, known, m) * 100;
	if (ends_in(known, m, s->name, s->n)) /* process.name before file.name, else the shortest */
		score = MIN(score, (strncmp(known, "process.", 8) == 0 ? 100 : 120) + (unsigned)m);
	else if (score > most_errors(s->n) * 100)
		return;
	if (score >= s->score)
		return;
	s->score = score;
	snprintf(s->best, s->n_best, "%s", known);
}

static int consider_field(struct field_ref ref, void *arg)
{
	char known[NAME_BYTES + 16];

	consider(arg, field_name(ref, known, sizeof(known)));
	return 0;
}

bool eql_suggest_field(const char *name, size_t n, char *ret, size_t n_ret)
{
	struct search s = { .name = name, .n = n, .best = ret, .n_best = n_ret, .score = 1000 };
	const char *alias, *real;

	if (n == 0)
		return false;
	field_each(consider_field, &s);
	for (size_t i = 0; field_alias(i, &alias, &real); i++)
		consider(&s, alias);
	return s.score < 1000;
}

const char *eql_suggest(const char *const *words, const char *name, size_t n)
{
	char best[NAME_BYTES] = "";
	struct search s = {
		.name = name, .n = n, .best = best, .n_best = sizeof(best), .score = 1000
	};

	for (size_t i = 0; words[i]; i++) {
		unsigned before = s.score;

		consider(&s, words[i]);
		if (s.score < before && s.score == 0)
			return words[i];
	}
	for (size_t i = 0; words[i]; i++)
		if (best[0] && strcmp(words[i], best) == 0)
			return words[i];
	return NULL;
}
