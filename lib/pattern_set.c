/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/pattern_set.h"

#include <hs.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "lib/expr_text.h"
#include "lib/slots.h"

struct pattern_set {
	char **texts; /* lowered */
	size_t *lengths;
	uint32_t n, cap;
	struct slots by_text;
	hs_database_t *database; /* NULL: not compiled, or empty */
};

struct pattern_scratch {
	hs_scratch_t *hs; /* NULL: of an empty set */
};

int pattern_set_new(struct pattern_set **ret)
{
	struct pattern_set *s = calloc(1, sizeof(*s));

	if (!s)
		return err_origin(-ENOMEM);
	*ret = s;
	return 0;
}

struct pattern_set *pattern_set_free(struct pattern_set *s)
{
	if (!s)
		return NULL;
	for (uint32_t i = 0; i < s->n; i++)
		free(s->texts[i]);
	free(s->texts);
	free(s->lengths);
	slots_done(&s->by_text);
	hs_free_database(s->database);
	free(s);
	return NULL;
}

static bool grow(struct pattern_set *s)
{
	uint32_t cap = s->cap ? s->cap * 2 : 64;
	char **texts = reallocarray(s->texts, cap, sizeof(*texts));
	size_t *lengths;

	if (texts)
		s->texts = texts;
	lengths = reallocarray(s->lengths, cap, sizeof(*lengths));
	if (lengths)
		s->lengths = lengths;
	if (!texts || !lengths)
		return false;
	s->cap = cap;
	return true;
}

int pattern_set_add(struct pattern_set *s, const char *text, size_t n, uint32_t *ret_number)
{
	char low[PATTERN_TEXT_BYTES];
	uint64_t key;
	uint32_t at, number;

	n = MIN(n, sizeof(low));
	for (size_t i = 0; i < n; i++)
		low[i] = expr_lower(text[i]);
	key = XXH3_64bits(low, n);
	if (!slots_room(&s->by_text))
		return err_origin(-ENOMEM);
	at = slots_first(&s->by_text, key);
	while ((number = slots_next(&s->by_text, key, &at)))
		if (s->lengths[number - 1] == n && memcmp(s->texts[number - 1], low, n) == 0)
			break;
	if (number == 0) {
		if (s->n == s->cap && !grow(s))
			return err_origin(-ENOMEM);
		s->texts[s->n] = malloc(n + 1);
		if (!s->texts[s->n])
			return err_origin(-ENOMEM);
		memcpy(s->texts[s->n], low, n);
		s->texts[s->n][n] = '\0';
		s->lengths[s->n] = n;
		number = ++s->n;
		slots_put(&s->by_text, key, number);
	}
	*ret_number = number - 1;
	return 0;
}

uint32_t pattern_set_count(const struct pattern_set *s)
{
	return s->n;
}

int pattern_set_compile(struct pattern_set *s)
{
	AUTO_MEM unsigned *flags = calloc((size_t)s->n + 1, sizeof(*flags));
	AUTO_MEM unsigned *ids = calloc((size_t)s->n + 1, sizeof(*ids));
	hs_compile_error_t *error = NULL;
	hs_error_t r;

	if (!flags || !ids)
		return err_origin(-ENOMEM);
	if (s->n == 0)
		return 0;
	for (uint32_t i = 0; i < s->n; i++) {
		flags[i] = HS_FLAG_CASELESS | HS_FLAG_SINGLEMATCH;
		ids[i] = i;
	}
	r = hs_compile_lit_multi((const char *const *)s->texts, flags, ids, s->lengths, s->n,
				 HS_MODE_BLOCK, NULL, &s->database, &error);
	hs_free_compile_error(error);
	return r == HS_SUCCESS ? 0 : err_origin(r == HS_NOMEM ? -ENOMEM : -EINVAL);
}

int pattern_scratch_new(struct pattern_scratch **ret, const struct pattern_set *s)
{
	AUTO(pattern_scratch) *p = calloc(1, sizeof(*p));

	if (!p)
		return err_origin(-ENOMEM);
	if (s->database && hs_alloc_scratch(s->database, &p->hs) != HS_SUCCESS)
		return err_origin(-ENOMEM);
	*ret = TAKE(p);
	return 0;
}

struct pattern_scratch *pattern_scratch_free(struct pattern_scratch *s)
{
	if (!s)
		return NULL;
	hs_free_scratch(s->hs);
	free(s);
	return NULL;
}

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
		    void *arg)
{
	uint64_t *found = arg;

	(void)from;
	(void)to;
	(void)flags;
	found[id / 64] |= UINT64_C(1) << (id % 64);
	return 0;
}

int pattern_set_scan(const struct pattern_set *s, struct pattern_scratch *scratch, const char *data,
		     size_t n, uint64_t *ret_found)
{
	if (!s->database || n == 0)
		return 0;
	return n <= UINT32_MAX && hs_scan(s->database, data, (unsigned)n, 0, scratch->hs, on_match,
					  ret_found) == HS_SUCCESS
		       ? 0
		       : err_origin(-EIO);
}
