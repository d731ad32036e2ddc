/* SPDX-License-Identifier: Apache-2.0 */
/* What can be said of a tree without the events: which kinds, and which words a block must hold.
 * Both are over-estimates: "no" is certain, "yes" is not. */
#include "lib/expr_calc.h"

#include "lib/token.h"

/* ---- kinds ---- */

enum { MAY_FALSE = 1, MAY_TRUE = 2, MAY_NULL = 4, MAY_ANY = 7 };

static const char *kind_word(const struct kind_info *k, const struct field_info *f)
{
	switch (f->rule) {
	case RULE_KIND_CATEGORY:
		return k->category;
	case RULE_KIND_ACTION:
		return k->action;
	case RULE_KIND_TYPE:
		return k->type;
	default:
		return NULL;
	}
}

/* Patterns that need memory or PCRE2 to be asked are not asked here. */
static bool is_simple(const struct expr_leaf *l)
{
	return l->op != EXPR_REGEX && l->op != EXPR_REGEX_NOCASE;
}

static unsigned leaf_may(const struct expr *e, const struct kind_info *k)
{
	const char *word = kind_word(k, e->leaf.field.info);
	struct expr_text_scratch scratch = { 0 };
	enum expr_state state;

	if (e->leaf.field.info->home != HOME_EVENT || !expr_is_constant(e->leaf.field.info))
		return e->type == NODE_IS_NULL ? MAY_FALSE | MAY_TRUE : MAY_ANY;
	if (e->type == NODE_IS_NULL)
		return word ? MAY_FALSE : MAY_TRUE;
	if (!word || !is_simple(&e->leaf))
		return word ? MAY_ANY : MAY_NULL;
	state = expr_text_test(&e->leaf.text, &scratch, word, strlen(word));
	buf_done(&scratch.lowered);
	if (scratch.failed)
		return MAY_ANY;
	return (state == STATE_TRUE) != e->leaf.negated ? MAY_TRUE : MAY_FALSE;
}

/* Kleene's AND of sets of values; OR is the same with TRUE and FALSE changed. */
static unsigned both(unsigned a, unsigned b, unsigned weak, unsigned strong)
{
	unsigned r = (a | b) & strong;

	if ((a & weak) && (b & weak))
		r |= weak;
	if (((a & MAY_NULL) && (b & (MAY_NULL | weak))) || ((b & MAY_NULL) && (a & weak)))
		r |= MAY_NULL;
	return r;
}

static unsigned turned(unsigned a)
{
	return (a & MAY_NULL) | (a & MAY_TRUE ? MAY_FALSE : 0U) | (a & MAY_FALSE ? MAY_TRUE : 0U);
}

/* Values that @e may have for an event of kind @k.  Recursion: the tree's depth. */
static unsigned may(const struct expr *e, const struct kind_info *k)
{
	bool and = e->type == NODE_AND;
	unsigned r = and? MAY_TRUE : MAY_FALSE;

	switch (e->type) {
	case NODE_FALSE:
		return MAY_FALSE;
	case NODE_TRUE:
		return MAY_TRUE;
	case NODE_NULL:
		return MAY_NULL;
	case NODE_NOT:
		return turned(may(e->child[0], k));
	case NODE_AND:
	case NODE_OR:
		for (uint32_t i = 0; i < e->n_children; i++)
			r = both(r, may(e->child[i], k), and? MAY_TRUE : MAY_FALSE,
				 and? MAY_FALSE : MAY_TRUE);
		return r;
	case NODE_TEXT:
		return MAY_FALSE | MAY_TRUE;
	case NODE_IS_NULL:
	case NODE_COMPARE:
		return leaf_may(e, k);
	case NODE_CALC:
		return expr_calc_never(e->calc) ? MAY_NULL : MAY_ANY;
	case NODE_KIN:
		return MAY_FALSE | MAY_TRUE;
	case NODE_FIELDS:
		break;
	}
	return MAY_ANY;
}

uint64_t expr_kinds(const struct expr *e)
{
	uint64_t mask = 0;

	for (uint32_t k = 0; k < KIND_MAX; k++) {
		static const struct kind_info unknown;
		const struct kind_info *info = kind_info(k);

		/* kinds that this version lacks may come from newer sensors */
		if (k && may(e, info ? info : &unknown) & MAY_TRUE)
			mask |= UINT64_C(1) << k;
	}
	return mask;
}

/* ---- words ---- */

struct asker {
	bool (*has)(uint64_t token, void *arg);
	void *arg;
	bool prefixes; /* it knows how words begin */
};

/* Are all tokens of a literal there?  Where more text may stand before it, the token at that edge
 * is not whole and not asked for; where it may stand after it, how the token begins is. */
static bool words_there(const struct asker *a, const char *s, size_t n, bool open_start,
			bool open_end)
{
	for (size_t i = 0, len; i < n; i += len + 1) {
		for (len = 0; i + len < n && token_byte((uint8_t)s[i + len]);)
			len++;
		bool begins = i + len == n && open_end; /* of the word no more is known */

		if (len < 2 || (i == 0 && open_start))
			continue;
		if (begins && (!a->prefixes || !token_has_prefix(s + i, len)))
			continue;
		if (begins && !a->has(token_prefix_hash(s + i), a->arg))
			return false;
		if (begins)
			continue;
		if (!a->has(token_hash(s + i, len), a->arg))
			return false;
	}
	return true;
}

/* The pieces of a pattern between its wildcards. */
static bool pieces_there(const struct asker *a, const struct expr_pattern *p)
{
	for (size_t i = 0, len; i <= p->n; i += len + 1) {
		for (len = 0; i + len < p->n && p->text[i + len] != '*' && p->text[i + len] != '?';)
			len++;
		if (!words_there(a, p->text + i, len, i > 0, i + len < p->n))
			return false;
	}
	return true;
}

/* A group of an IPv6 address as anyone may write it: 1 to 4 hex digits.  One digit is no token. */
static bool group_there(const struct asker *a, unsigned group)
{
	char text[8];

	if (group < 0x10)
		return true;
	for (int width = 2; width <= 4; width++) {
		int n = snprintf(text, sizeof(text), "%0*x", width, group);

		if (a->has(token_hash(text, (size_t)n), a->arg))
			return true;
	}
	return false;
}

static bool octets_there(const struct asker *a, const uint8_t octets[4])
{
	for (int i = 0; i < 4; i++) {
		char text[8];
		int n = snprintf(text, sizeof(text), "%u", octets[i]);

		if (n >= 2 && !a->has(token_hash(text, (size_t)n), a->arg))
			return false;
	}
	return true;
}

/* Is some way to write the address there?  An IPv4 address may stand alone, or at the end of an
 * IPv6 address, where its octets may be two groups. */
static bool address_there(const struct asker *a, const uint8_t *address)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	bool octets = octets_there(a, address + 12);

	if (memcmp(address, mapped, sizeof(mapped)) == 0 && octets)
		return true;
	for (int i = 0; i < 6; i++)
		if (!group_there(a, (unsigned)address[2 * i] << 8 | address[2 * i + 1]))
			return false;
	return octets || (group_there(a, (unsigned)address[12] << 8 | address[13]) &&
			  group_there(a, (unsigned)address[14] << 8 | address[15]));
}

static bool pattern_there(const struct asker *a, const struct expr_pattern *p)
{
	switch (p->type) {
	case PATTERN_EXACT:
		return words_there(a, p->text, p->n, false, false);
	case PATTERN_PREFIX:
		return words_there(a, p->text, p->n, false, true);
	case PATTERN_SUFFIX:
		return words_there(a, p->text, p->n, true, false);
	case PATTERN_CONTAINS:
		return words_there(a, p->text, p->n, true, true);
	case PATTERN_GLOB:
		return pieces_there(a, p);
	case PATTERN_NET:
		return p->net.bits < 128 || address_there(a, p->net.address);
	default:
		return true;
	}
}

/* May the leaf, not negated, be true?  What is in a filter: every string of the dictionary, and the
 * ids of processes.  The parts of paths and the joined arguments end where no token goes on.
 */
static bool leaf_there(const struct asker *a, const struct expr_leaf *l)
{
	const struct field_info *f = l->field.info;

	if (expr_is_constant(f))
		return true;
	if (l->numeric) {
		if (f->type != TYPE_ID)
			return true;
		for (size_t i = 0; i < l->n_ranges; i++)
			if (a->has(token_of_id(l->ranges[i].lo), a->arg))
				return true;
		return false;
	}
	if (!expr_is_textual(f->type))
		return true;
	for (size_t i = 0; i < l->text.n; i++)
		if (pattern_there(a, &l->text.patterns[i]))
			return true;
	return false;
}

/* May @e be @want?  Recursion: the tree's depth. */
static bool there(const struct asker *a, const struct expr *e, bool want)
{
	bool all = (e->type == NODE_AND) == want;

	switch (e->type) {
	case NODE_FALSE:
	case NODE_TRUE:
		return (e->type == NODE_TRUE) == want;
	case NODE_NULL:
		return false;
	case NODE_NOT:
		return there(a, e->child[0], !want);
	case NODE_AND:
	case NODE_OR:
		for (uint32_t i = 0; i < e->n_children; i++)
			if (there(a, e->child[i], want) != all)
				return !all;
		return all;
	case NODE_TEXT:
		return want ? there(a, e->child[0], true) : true;
	case NODE_COMPARE:
		return want == e->leaf.negated || leaf_there(a, &e->leaf);
	case NODE_IS_NULL:
	case NODE_FIELDS:
	case NODE_CALC:
	case NODE_KIN:
		break;
	}
	return true;
}

bool expr_may_match(const struct expr *e, bool (*has)(uint64_t token, void *arg), void *arg)
{
	struct asker a = { has, arg, true };

	return there(&a, e, true);
}

bool expr_may_match_words(const struct expr *e, bool (*has)(uint64_t token, void *arg), void *arg)
{
	struct asker a = { has, arg, false };

	return there(&a, e, true);
}

/* ---- fields ---- */

struct naming {
	void (*each)(struct field_ref f, void *arg);
	void *arg;
	struct field_ref seen[64]; /* told already; further ones may be told again */
	uint32_t n_seen;
};

static void tell_field(struct naming *n, struct field_ref f)
{
	for (uint32_t i = 0; i < n->n_seen; i++)
		if (n->seen[i].info == f.info && n->seen[i].via == f.via)
			return;
	if (n->n_seen < ARRAY_SIZE(n->seen))
		n->seen[n->n_seen++] = f;
	n->each(f, n->arg);
}

/* Recursion: the value's depth. */
static void tell_value(struct naming *n, const struct expr_value *v)
{
	if (v->kind == CALC_OF_FIELD)
		tell_field(n, v->field);
	for (size_t i = 0; i < v->n_args; i++)
		tell_value(n, v->args[i]);
}

/* Recursion: the tree's depth. */
static void tell_fields(struct naming *n, const struct expr *e)
{
	switch (e->type) {
	case NODE_NOT:
	case NODE_AND:
	case NODE_OR:
	case NODE_TEXT:
		for (uint32_t i = 0; i < e->n_children; i++)
			tell_fields(n, e->child[i]);
		break;
	case NODE_COMPARE:
	case NODE_IS_NULL:
		tell_field(n, e->leaf.field);
		break;
	case NODE_FIELDS:
		tell_field(n, e->a);
		tell_field(n, e->b);
		break;
	case NODE_CALC:
		tell_value(n, e->calc->a);
		if (e->calc->b)
			tell_value(n, e->calc->b);
		break;
	case NODE_KIN:
	case NODE_FALSE:
	case NODE_TRUE:
	case NODE_NULL:
		break;
	}
}

void expr_fields(const struct expr *e, void (*each)(struct field_ref f, void *arg), void *arg)
{
	struct naming n = { .each = each, .arg = arg };

	tell_fields(&n, e);
}
