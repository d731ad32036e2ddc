/* SPDX-License-Identifier: Apache-2.0 */
/* Which texts the strings of a block must hold for a tree to be true of some event: of a set of
 * them at least one, in any case of letters.  An over-estimate: other blocks cannot have a hit. */
#include "lib/expr_tree.h"

enum { LEAST_BYTES = 2, GOOD_BYTES = 12 };

/* How good a set of texts is: the longer the shortest and the fewer, the better; 0: there is none.
 */
struct worth {
	uint32_t n, shortest;
};

struct needs {
	void (*add)(const char *s, size_t n, void *arg); /* NULL: only weigh */
	void *arg;
};

static uint32_t rank(struct worth w)
{
	return w.n == 0 ? 0 : 1 + MIN(w.shortest, (uint32_t)GOOD_BYTES) * 1024 - MIN(w.n, 1000U);
}

/* No string of a dictionary holds a NUL, and vectorscan takes no text that begins with one. */
static bool is_between(char c, bool glob, bool joined)
{
	return c == '\0' || (glob && (c == '*' || c == '?')) || (joined && c == ' ');
}

/* The longest piece of a pattern that stands in one string as it is. */
static struct block_string piece_of(const struct expr_pattern *p, bool joined)
{
	struct block_string best = { 0 };
	bool glob = p->type == PATTERN_GLOB;

	for (size_t i = 0, len; i <= p->n; i += len + 1) {
		for (len = 0; i + len < p->n && !is_between(p->text[i + len], glob, joined);)
			len++;
		if (len > best.n)
			best = (struct block_string){ p->text + i, (uint32_t)len };
	}
	return best;
}

static bool is_literal(const struct expr_pattern *p)
{
	switch (p->type) {
	case PATTERN_EXACT:
	case PATTERN_PREFIX:
	case PATTERN_SUFFIX:
	case PATTERN_CONTAINS:
	case PATTERN_GLOB:
		return true;
	default:
		return false;
	}
}

/* Fields whose text is, or is part of, or is joined of strings of the dictionary. */
static bool is_of_dictionary(const struct field_info *f)
{
	return f->home != HOME_BATCH && expr_is_textual(f->type) && !expr_is_constant(f) &&
	       f->rule != RULE_COUNT;
}

static struct worth of_leaf(const struct expr_leaf *l, bool want, const struct needs *to)
{
	struct worth w = { .shortest = UINT32_MAX };
	bool joined = l->field.info->rule == RULE_JOIN;

	if (want == l->negated || l->numeric || l->length || !is_of_dictionary(l->field.info))
		return (struct worth){ 0 };
	for (size_t i = 0; i < l->text.n; i++) {
		const struct expr_pattern *p = &l->text.patterns[i];
		struct block_string s =
			is_literal(p) ? piece_of(p, joined) : (struct block_string){ 0 };

		if (s.n < LEAST_BYTES)
			return (struct worth){ 0 };
		w.shortest = MIN(w.shortest, s.n);
		w.n++;
		if (to->add)
			to->add(s.s, s.n, to->arg);
	}
	return w;
}

static struct worth of(const struct expr *e, bool want, const struct needs *to);

/* All children must be so: the best of them will do. */
static struct worth of_all(const struct expr *e, bool want, const struct needs *to)
{
	static const struct needs weigh;
	struct worth best = { 0 };
	uint32_t at = 0;

	for (uint32_t i = 0; i < e->n_children; i++) {
		struct worth w = of(e->child[i], want, &weigh);

		if (rank(w) <= rank(best))
			continue;
		best = w;
		at = i;
	}
	return best.n && to->add ? of(e->child[at], want, to) : best;
}

/* One child must be so: each must have its texts. */
static struct worth of_any(const struct expr *e, bool want, const struct needs *to)
{
	struct worth all = { .shortest = UINT32_MAX };

	for (uint32_t i = 0; i < e->n_children; i++) {
		struct worth w = of(e->child[i], want, to);

		if (w.n == 0)
			return w;
		all.n += w.n;
		all.shortest = MIN(all.shortest, w.shortest);
	}
	return all;
}

/* Recursion: the tree's depth.  Weighing again at each AND costs depth times nodes at most. */
static struct worth of(const struct expr *e, bool want, const struct needs *to)
{
	switch (e->type) {
	case NODE_NOT:
		return of(e->child[0], !want, to);
	case NODE_AND:
	case NODE_OR:
		return (e->type == NODE_AND) == want ? of_all(e, want, to) : of_any(e, want, to);
	case NODE_TEXT:
		return want ? of(e->child[0], true, to) : (struct worth){ 0 };
	case NODE_COMPARE:
		return of_leaf(&e->leaf, want, to);
	default:
		return (struct worth){ 0 };
	}
}

bool expr_needs(const struct expr *e, void (*add)(const char *s, size_t n, void *arg), void *arg)
{
	static const struct needs weigh;
	const struct needs to = { add, arg };

	if (of(e, true, &weigh).n == 0)
		return false;
	of(e, true, &to);
	return true;
}
