/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/expr_set.h"

#include <time.h>

#include "lib/monotonic.h"
#include "lib/pattern_set.h"

struct entry {
	const struct expr *expr;
	uint64_t kinds;
	uint32_t first, n; /* its texts in numbers[]; n 0: asked whatever the strings are */
};

struct expr_set {
	struct entry *entries;
	uint32_t n, n_always;
	uint32_t *numbers; /* of texts */
	uint32_t n_numbers, cap_numbers;
	struct pattern_set *patterns;
};

struct expr_set_runner {
	const struct expr_set *set;
	struct expr_scratch *scratch;
	struct pattern_scratch *patterns;
	uint64_t *found; /* a bit a text */
	struct expr_set_cost *costs;
};

static uint32_t words_of(uint32_t bits)
{
	return bits / 64 + 1;
}

/* ---- making ---- */

struct adder {
	struct expr_set *set;
	int r;
};

static void add_text(const char *text, size_t n, void *arg)
{
	struct adder *a = arg;
	struct expr_set *s = a->set;

	if (a->r < 0)
		return;
	if (s->n_numbers == s->cap_numbers) {
		uint32_t cap = s->cap_numbers ? s->cap_numbers * 2 : 256;
		uint32_t *more = reallocarray(s->numbers, cap, sizeof(*more));

		if (!more) {
			a->r = err_origin(-ENOMEM);
			return;
		}
		s->numbers = more;
		s->cap_numbers = cap;
	}
	a->r = pattern_set_add(s->patterns, text, n, &s->numbers[s->n_numbers]);
	s->n_numbers += a->r == 0;
}

static int add_entry(struct expr_set *s, struct entry *e, const struct expr *expr)
{
	struct adder a = { .set = s };

	*e = (struct entry){ .expr = expr, .first = s->n_numbers };
	if (!expr)
		return 0; /* no kind: never asked */
	e->kinds = expr_kinds(expr);
	if (!expr_needs(expr, add_text, &a))
		s->n_always++;
	e->n = s->n_numbers - e->first;
	return a.r;
}

int expr_set_new(struct expr_set **ret, const struct expr *const *exprs, uint32_t n)
{
	AUTO(expr_set) *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return err_origin(-ENOMEM);
	s->entries = calloc((size_t)n + 1, sizeof(*s->entries));
	if (!s->entries)
		return err_origin(-ENOMEM);
	s->n = n;
	r = pattern_set_new(&s->patterns);
	for (uint32_t i = 0; r == 0 && i < n; i++)
		r = add_entry(s, &s->entries[i], exprs[i]);
	if (r == 0)
		r = pattern_set_compile(s->patterns);
	if (r == 0)
		*ret = TAKE(s);
	return r;
}

struct expr_set *expr_set_free(struct expr_set *s)
{
	if (!s)
		return NULL;
	pattern_set_free(s->patterns);
	free(s->entries);
	free(s->numbers);
	free(s);
	return NULL;
}

void expr_set_info(const struct expr_set *s, struct expr_set_info *ret)
{
	*ret = (struct expr_set_info){ .n = s->n,
				       .n_always = s->n_always,
				       .n_literals = pattern_set_count(s->patterns) };
}

/* ---- running ---- */

int expr_set_runner_new(struct expr_set_runner **ret, const struct expr_set *s)
{
	AUTO(expr_set_runner) *r = calloc(1, sizeof(*r));
	int e;

	if (!r)
		return err_origin(-ENOMEM);
	r->set = s;
	r->found = calloc(words_of(pattern_set_count(s->patterns)), sizeof(*r->found));
	r->costs = calloc((size_t)s->n + 1, sizeof(*r->costs));
	if (!r->found || !r->costs)
		return err_origin(-ENOMEM);
	e = expr_scratch_new(&r->scratch);
	if (e == 0)
		e = pattern_scratch_new(&r->patterns, s->patterns);
	if (e == 0)
		*ret = TAKE(r);
	return e;
}

struct expr_set_runner *expr_set_runner_free(struct expr_set_runner *r)
{
	if (!r)
		return NULL;
	expr_scratch_free(r->scratch);
	pattern_scratch_free(r->patterns);
	free(r->found);
	free(r->costs);
	free(r);
	return NULL;
}

const struct expr_set_cost *expr_set_cost(const struct expr_set_runner *r, uint32_t i)
{
	return &r->costs[i];
}

static bool may_hit(const struct expr_set_runner *r, const struct entry *e, uint64_t kinds)
{
	const struct expr_set *s = r->set;
	bool found = e->n == 0;

	if (!(e->kinds & kinds))
		return false;
	for (uint32_t i = 0; i < e->n && !found; i++) {
		uint32_t number = s->numbers[e->first + i];

		found = r->found[number / 64] >> (number % 64) & 1;
	}
	return found;
}

static uint64_t count_bits(const uint64_t *bits, uint32_t rows)
{
	uint64_t n = 0;

	for (uint32_t w = 0; w * 64 < rows; w++)
		n += (uint64_t)__builtin_popcountll(bits[w]);
	return n;
}

static int ask(struct expr_set_runner *r, uint32_t i, struct block *b, expr_set_fn each, void *arg)
{
	const struct entry *e = &r->set->entries[i];
	struct expr_set_cost *cost = &r->costs[i];
	int x = expr_begin_next(r->scratch, e->expr);

	for (uint32_t t = 0; x == 0 && t < block_info(b)->n_tables; t++) {
		uint32_t rows = block_rows(b, t);
		const uint64_t *hits;
		uint64_t n;

		if (!(e->kinds >> block_kind(b, t) & 1))
			continue;
		x = expr_eval(r->scratch, t, &hits);
		n = x == 0 ? count_bits(hits, rows) : 0;
		cost->hits += n;
		if (n)
			x = each(i, b, t, hits, arg);
	}
	cost->asked++;
	return x;
}

int expr_set_run(struct expr_set_runner *r, struct block *b, const uint64_t *skip, expr_set_fn each,
		 void *arg)
{
	const struct expr_set *s = r->set;
	uint64_t kinds = block_info(b)->kinds, before, after;
	AUTO(expr) *nothing = NULL;
	const char *strings;
	size_t n;
	int x;

	strings = block_strings(b, &n);
	memset(r->found, 0, words_of(pattern_set_count(s->patterns)) * sizeof(*r->found));
	x = pattern_set_scan(s->patterns, r->patterns, strings, n, r->found);
	if (x == 0)
		x = expr_new_const(&nothing, false);
	if (x == 0)
		x = expr_begin(r->scratch, nothing, b);
	before = monotonic_ns();
	for (uint32_t i = 0; x == 0 && i < s->n; i++) {
		if (!may_hit(r, &s->entries[i], kinds) || (skip && (skip[i / 64] >> (i % 64) & 1)))
			continue;
		x = ask(r, i, b, each, arg);
		after = monotonic_ns();
		r->costs[i].ns += after - before;
		before = after;
	}
	return x;
}
