/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/scope.h"

static bool starts(const char *s, size_t n, const char *prefix, size_t *ret_n)
{
	*ret_n = strlen(prefix);
	return n > *ret_n && memcmp(s, prefix, *ret_n) == 0;
}

static int parse_term(struct scope_term *t, const char *s, size_t n, struct diag *d)
{
	const char *equals;
	size_t skip;

	if (starts(s, n, "node:", &skip)) {
		*t = (struct scope_term){ .value = { s + skip, (uint32_t)(n - skip) } };
		return 0;
	}
	equals = starts(s, n, "label:", &skip) ? memchr(s + skip, '=', n - skip) : NULL;
	if (!equals || equals == s + skip)
		return diag_set(d, err_origin(-EINVAL), 0, 0,
				"'%.*s': expected node:ID or label:KEY=VALUE, commas between",
				(int)MIN(n, (size_t)64), s);
	t->key = (struct block_string){ s + skip, (uint32_t)(equals - s - (ptrdiff_t)skip) };
	t->value = (struct block_string){ equals + 1, (uint32_t)(s + n - equals - 1) };
	return 0;
}

int scope_parse(struct scope *ret, const char *text, struct diag *d)
{
	int r = 0;

	ret->n = 0;
	while (*text && r == 0) {
		size_t n = strcspn(text, ",");

		if (ret->n == SCOPE_TERMS)
			return diag_set(d, err_origin(-EINVAL), 0, 0, "expected at most %d terms",
					SCOPE_TERMS);
		r = parse_term(&ret->terms[ret->n++], text, n, d);
		text += n + (text[n] == ',');
	}
	return r;
}

static bool same(struct block_string a, struct block_string b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.s, b.s, a.n) == 0);
}

static bool term_has(const struct scope_term *t, const struct block_info *i)
{
	if (!t->key.s)
		return same(t->value, i->node_id);
	for (uint32_t l = 0; l < i->n_labels; l++)
		if (same(t->key, i->labels[l].key) && same(t->value, i->labels[l].value))
			return true;
	return false;
}

bool scope_has(const struct scope *s, const struct block_info *i)
{
	if (!s || s->n == 0)
		return true;
	for (size_t k = 0; k < s->n; k++)
		if (term_has(&s->terms[k], i))
			return true;
	return false;
}
