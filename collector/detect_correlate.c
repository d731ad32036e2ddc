/* SPDX-License-Identifier: Apache-2.0 */
/* Sigma's correlations of what rules find. */

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "collector/detect_internal.h"

/* ---- who refers to whom ---- */

static bool is_named(const struct rule *r, const char *name)
{
	return strcmp(r->id, name) == 0 || (r->name && strcmp(r->name, name) == 0);
}

/* Sigma's name of key @name in the rule @of: an alias, or itself. */
static const char *aliased(const struct sigma_correlation *c, const struct rule *of,
			   const char *name)
{
	for (size_t i = 0; i < c->n_aliases; i++)
		if (strcmp(c->aliases[i].name, name) == 0 && is_named(of, c->aliases[i].rule))
			return c->aliases[i].field;
	return name;
}

static void find_keys(const struct sigma_correlation *c, const struct rule *of,
		      struct detect_link *l)
{
	for (size_t k = 0; k < c->group_by.n && k < DETECT_KEYS; k++) {
		const char *name = aliased(c, of, c->group_by.v[k]);

		l->n_keys++;
		l->from[k] = UINT32_MAX;
		if (!of->correlation) {
			if (!sigma_field(of->log_source, name, &l->keys[k]))
				l->keys[k].info = NULL;
			continue;
		}
		for (uint32_t i = 0; i < of->correlation->group_by.n && i < DETECT_KEYS; i++)
			if (strcmp(of->correlation->group_by.v[i], name) == 0)
				l->from[k] = i;
	}
	if (c->field && !of->correlation &&
	    !sigma_field(of->log_source, aliased(c, of, c->field), &l->value))
		l->value.info = NULL;
}

static int add_link(struct detect_member *of, uint32_t to, uint32_t position,
		    const struct sigma_correlation *c)
{
	struct detect_link *more = reallocarray(of->links, of->n_links + 1, sizeof(*more));

	if (!more)
		return err_origin(-ENOMEM);
	of->links = more;
	more[of->n_links] = (struct detect_link){ .to = to, .position = position };
	find_keys(c, of->rule, &more[of->n_links++]);
	return 0;
}

static int link_correlation(struct detect_member *members, uint32_t n, uint32_t at)
{
	const struct sigma_correlation *c = members[at].rule->correlation;
	int r = 0;

	for (uint32_t p = 0; r == 0 && p < c->rules.n; p++)
		for (uint32_t i = 0; r == 0 && i < n; i++) {
			if (i == at || !is_named(members[i].rule, c->rules.v[p]))
				continue;
			r = add_link(&members[i], at, p, c);
		}
	return r;
}

/* A rule that only correlations ask for, none of which says generate, makes no alerts itself. */
static void find_quiet(struct detect_member *members, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct detect_member *m = &members[i];

		m->quiet = m->n_links > 0;
		for (size_t l = 0; l < m->n_links; l++)
			if (members[m->links[l].to].rule->correlation->generate)
				m->quiet = false;
	}
}

int detect_link(struct detect_member *members, uint32_t n)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < n; i++)
		if (members[i].rule->correlation)
			r = link_correlation(members, n, i);
	if (r == 0)
		find_quiet(members, n);
	return r;
}

/* ---- correlations ---- */

/* What is handed on from a hit to the correlations above it. */
struct occurrence {
	struct detect *d;
	const struct detect_hit *hit;
	struct detect_member *member; /* whose hit it is */
	uint64_t time_ns, id;
	uint64_t values[DETECT_KEYS]; /* of a correlation: hashes of its keys */
	char text[256];		      /* and in words */
	uint64_t added; /* id of the hit that is added; a window may end with another one */
	unsigned depth;
};

static int feed(const struct occurrence *o);

/* Hash of a field's value, and the value in words; 0: null. */
static uint64_t value_of(const struct detect_hit *h, struct field_ref f, char *text, size_t n,
			 double *ret_number)
{
	struct block_value v = block_value(h->block, h->table, h->row, f);
	struct block_string s = v.string;

	if (v.type == VALUE_STRINGS)
		s = v.n_strings ? block_string(h->block, v.strings[0]) : (struct block_string){ 0 };
	if (v.type == VALUE_NULL || (v.type == VALUE_STRINGS && v.n_strings == 0))
		return 0;
	if (v.type == VALUE_STRING || v.type == VALUE_STRINGS) {
		snprintf(text, n, "%.*s", (int)MIN(s.n, 100U), s.s);
		return XXH3_64bits(s.s, s.n) | 1;
	}
	if (ret_number)
		*ret_number = (double)v.number;
	snprintf(text, n, v.type == VALUE_ID ? "%016llx" : "%llu", (unsigned long long)v.number);
	return XXH3_64bits(&v.number, sizeof(v.number)) | 1;
}

/* Keys of @l for what occurred, to @next; false: it lacks one. */
static bool read_keys(const struct occurrence *o, const struct detect_link *l,
		      const struct sigma_correlation *c, struct occurrence *next)
{
	size_t at = 0;

	for (uint32_t k = 0; k < l->n_keys; k++) {
		char text[128] = "";

		if (o->member->rule->correlation) {
			next->values[k] = l->from[k] == UINT32_MAX ? 0 : o->values[l->from[k]];
			snprintf(next->text, sizeof(next->text), "%s", o->text);
		} else {
			next->values[k] = l->keys[k].info ? value_of(o->hit, l->keys[k], text,
								     sizeof(text), NULL)
							  : 0;
			at += (size_t)snprintf(next->text + at, sizeof(next->text) - at, "%s%s=%s",
					       k ? ", " : "", c->group_by.v[k], text);
			at = MIN(at, sizeof(next->text) - 1);
		}
		if (next->values[k] == 0)
			return false;
	}
	return true;
}

static int on_told(const struct correlate_hit *hits, size_t n, void *arg)
{
	struct occurrence *o = arg; /* of the correlation */
	struct detect_hit h = *o->hit;
	int r = 0;

	h.member = o->member;
	h.time_ns = hits[n - 1].time_ns;
	h.group = XXH3_64bits(o->values, sizeof(o->values)) | 1;
	h.object = o->text[0] ? o->text : NULL;
	h.window = hits;
	h.n_window = n;
	h.folded = false;
	if (hits[n - 1].id != o->added)
		h.block = NULL; /* what it tells is that of the window's last event */
	o->time_ns = h.time_ns;
	o->id = XXH3_64bits_withSeed(&hits[n - 1].id, sizeof(hits[n - 1].id), o->member->id_hash);
	detect_count(o->d, o->member, 1);
	if (!o->member->quiet)
		r = detect_take_hit(o->d, &h);
	return r < 0 || o->member->n_links == 0 ? r : feed(o);
}

/* Adds a hit, and keeps one that came too late for its window, to look at that again. */
static int add_hit(struct occurrence *to, uint64_t key, const struct correlate_hit *hit)
{
	struct detect_late late = { .to = (uint32_t)(to->member - to->d->members), .hit = *hit };
	struct correlate *c = to->member->correlate;
	struct correlate_info before, after;
	int r;

	if (to->d->only && detect_is_late_hit(to->d, late.to, hit->id))
		return 0;
	to->added = hit->id;
	correlate_info(c, &before);
	r = correlate_add(c, key, hit, on_told, to);
	correlate_info(c, &after);
	if (r < 0 || after.late == before.late || to->d->muted || to->d->only)
		return r;
	late.key = key;
	memcpy(late.values, to->values, sizeof(late.values));
	memcpy(late.text, to->text, sizeof(late.text));
	return detect_late_hit(to->d, &late);
}

int detect_correlate_late(struct detect *d, const struct detect_late *late)
{
	const struct detect_hit nothing = { .member = &d->members[late->to] };
	struct occurrence to = { .d = d, .hit = &nothing, .member = &d->members[late->to] };

	to.added = late->hit.id;
	memcpy(to.values, late->values, sizeof(to.values));
	memcpy(to.text, late->text, sizeof(to.text));
	return correlate_add(to.member->correlate, late->key, &late->hit, on_told, &to);
}

static int feed_link(const struct occurrence *o, const struct detect_link *l)
{
	struct occurrence next = { .d = o->d, .hit = o->hit, .depth = o->depth + 1 };
	const struct sigma_correlation *c;
	struct correlate_hit hit = { .time_ns = o->time_ns, .id = o->id, .rule = l->position };
	const uint64_t *seq;
	char text[128];

	next.member = &o->d->members[l->to];
	c = next.member->rule->correlation;
	if (l->left && o->depth == 0 && !(l->left[o->hit->row / 64] >> (o->hit->row % 64) & 1))
		return 0; /* an exception of the correlation */
	if (!next.member->correlate || (o->d->only && o->d->only != next.member) ||
	    !read_keys(o, l, c, &next))
		return 0;
	if (l->value.info) {
		hit.value = value_of(o->hit, l->value, text, sizeof(text), &hit.number);
		if (hit.value == 0)
			return 0;
	} else if (c->field) {
		hit.value = o->id;
	}
	seq = o->hit->block ? block_column(o->hit->block, o->hit->table, FIELD_SEQ) : NULL;
	hit.seq = seq ? seq[o->hit->row] - 1 : 0;
	return add_hit(&next, XXH3_64bits(next.values, sizeof(next.values)), &hit);
}

/* Recursion: DETECT_CHAIN. */
static int feed(const struct occurrence *o)
{
	int r = 0;

	for (size_t i = 0; r == 0 && o->depth < DETECT_CHAIN && i < o->member->n_links; i++)
		r = feed_link(o, &o->member->links[i]);
	return r;
}

int detect_correlate(struct detect *d, struct detect_member *m, const struct detect_hit *h)
{
	const struct block_info *i = block_info(h->block);
	const uint64_t *seq = block_column(h->block, h->table, FIELD_SEQ);
	struct occurrence o = { .d = d, .hit = h, .member = m, .time_ns = h->time_ns };

	o.id = XXH3_64bits_withSeed(i->boot_id, sizeof(i->boot_id),
				    (seq ? seq[h->row] : 0) ^ m->id_hash);
	return feed(&o);
}
