/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles the rules in force into one set, beside the one that runs, and then changes over. */
#include "collector/detect_internal.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "lib/eql.h"

struct load {
	struct detect_member *members;
	uint32_t n, cap;
	struct expr_set *set;
	struct expr_set_runner *runner;
	uint64_t *skip, *idle;
};

static void member_done(struct detect_member *m)
{
	for (size_t i = 0; i < m->n_exceptions; i++)
		expr_free(m->exceptions[i].own);
	for (size_t i = 0; i < m->n_filters; i++)
		rule_free(m->filter_rules[i]);
	free(m->filters);
	free(m->filter_rules);
	for (size_t i = 0; i < m->n_links; i++)
		free(m->links[i].left);
	free(m->links);
	free(m->in_force);
	correlate_free(m->correlate);
	sequence_free(m->sequence);
	free(m->exceptions);
	rule_free(m->rule);
}

void detect_unload(struct detect_member *members, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		member_done(&members[i]);
	free(members);
}

static int add_exceptions(struct detect_member *m, const struct rulebook_entry *e)
{
	size_t n = e->rule->n_exceptions + e->n_exceptions;
	int r = 0;

	m->exceptions = calloc(n + 1, sizeof(*m->exceptions));
	m->in_force = calloc(n + 1, sizeof(*m->in_force));
	if (!m->exceptions || !m->in_force)
		return err_origin(-ENOMEM);
	for (size_t i = 0; i < e->rule->n_exceptions; i++)
		m->exceptions[m->n_exceptions++] = (struct detect_exception){
			.expr = e->rule->exceptions[i].expr,
			.expires_ns = e->rule->exceptions[i].expires_ns,
		};
	for (size_t i = 0; r == 0 && i < e->n_exceptions; i++) {
		struct detect_exception *x = &m->exceptions[m->n_exceptions];
		const char *text = e->exceptions[i].condition;

		r = eql_parse(&x->own, text, strlen(text), NULL);
		if (r == -EINVAL) { /* another version took it */
			r = 0;
			continue;
		}
		x->expr = x->own;
		x->expires_ns = e->exceptions[i].expires_ns;
		m->n_exceptions++;
	}
	return r;
}

static int take_entry(const struct rulebook_entry *e, void *arg)
{
	struct load *l = arg;
	struct detect_member *m;

	if (!e->enabled || !e->rule || (!e->rule->expr && !e->rule->correlation))
		return 0;
	if (l->n == l->cap) {
		uint32_t cap = l->cap ? l->cap * 2 : 64;
		struct detect_member *more = reallocarray(l->members, cap, sizeof(*more));

		if (!more)
			return err_origin(-ENOMEM);
		l->members = more;
		l->cap = cap;
	}
	m = &l->members[l->n++];
	*m = (struct detect_member){
		.rule = rule_ref(e->rule),
		.revision = e->revision,
		.id_hash = XXH3_64bits(e->id, strlen(e->id)),
	};
	return add_exceptions(m, e);
}

/* They are sorted by id, as the book is. */
struct detect_member *detect_find(struct detect *d, const char *id)
{
	uint32_t low = 0, high = d->n_members;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int order = strcmp(d->members[mid].rule->id, id);

		if (order == 0)
			return &d->members[mid];
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/* A rule that ran before goes on counting. */
static void carry_over(struct detect *d, struct load *l)
{
	uint32_t at = 0; /* both are sorted by id */

	for (uint32_t i = 0; i < l->n; i++) {
		struct detect_member *m = &l->members[i];

		while (at < d->n_members && strcmp(d->members[at].rule->id, m->rule->id) < 0)
			at++;
		if (at == d->n_members || strcmp(d->members[at].rule->id, m->rule->id) != 0)
			continue;
		m->stats = d->members[at].stats;
		m->hour = d->members[at].hour;
		m->made = d->members[at].made;
		if (m->revision != d->members[at].revision) { /* its state begins anew */
			m->stats.dear = false;
			m->evicted = m->stats.evicted;
			m->late = m->stats.late;
			continue;
		}
		m->evicted = d->members[at].evicted;
		m->late = d->members[at].late;
		m->recent_ns = d->members[at].recent_ns;
		correlate_free(m->correlate);
		m->correlate = TAKE(d->members[at].correlate);
		if (m->sequence && d->members[at].sequence) {
			sequence_free(m->sequence);
			m->sequence = TAKE(d->members[at].sequence);
			sequence_keep(m->sequence, m->rule->statement);
		}
	}
}

/* ---- filters ---- */

static bool is_for(const struct rule *filter, const struct rule *r)
{
	if (!sigma_source_covers(filter->log_source, r->log_source))
		return false;
	for (size_t i = 0; i < filter->filtered->n; i++) {
		const char *name = filter->filtered->v[i];

		if (strcmp(name, "any") == 0 || strcmp(name, r->id) == 0 ||
		    (r->name && strcmp(name, r->name) == 0))
			return true;
	}
	return false;
}

static int add_filter(struct detect_member *m, struct rule *filter)
{
	const struct expr **more = reallocarray(m->filters, m->n_filters + 1, sizeof(*more));
	struct rule **rules;

	if (more)
		m->filters = more;
	rules = reallocarray(m->filter_rules, m->n_filters + 1, sizeof(*rules));
	if (rules)
		m->filter_rules = rules;
	if (!more || !rules)
		return err_origin(-ENOMEM);
	more[m->n_filters] = filter->filter;
	rules[m->n_filters++] = rule_ref(filter);
	return 0;
}

static int take_filter(const struct rulebook_entry *e, void *arg)
{
	struct load *l = arg;
	int r = 0;

	if (!e->enabled || !e->rule || !e->rule->filter)
		return 0;
	for (uint32_t i = 0; r == 0 && i < l->n; i++)
		if (l->members[i].rule->language == RULE_SIGMA &&
		    is_for(e->rule, l->members[i].rule))
			r = add_filter(&l->members[i], e->rule);
	return r;
}

/* State of rules over several events. */
static int make_states(struct detect *d, struct load *l)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < l->n; i++) {
		struct detect_member *m = &l->members[i];

		if (m->rule->correlation)
			r = correlate_new(&m->correlate, &m->rule->correlation->config);
		else if (m->rule->statement)
			r = detect_sequence_new(d, m, &m->sequence);
	}
	return r;
}

static int compile(struct load *l)
{
	AUTO_MEM const struct expr **exprs = calloc((size_t)l->n + 1, sizeof(struct expr *));
	int r;

	l->skip = calloc(l->n / 64 + 1, sizeof(*l->skip));
	l->idle = calloc(l->n / 64 + 1, sizeof(*l->idle));
	if (!exprs || !l->skip || !l->idle)
		return err_origin(-ENOMEM);
	for (uint32_t i = 0; i < l->n; i++)
		exprs[i] = l->members[i].rule->expr;
	r = expr_set_new(&l->set, exprs, l->n);
	return r == 0 ? expr_set_runner_new(&l->runner, l->set) : r;
}

static void load_done(struct load *l)
{
	expr_set_runner_free(l->runner);
	expr_set_free(l->set);
	free(l->skip);
	free(l->idle);
	detect_unload(l->members, l->n);
}

/* What ran is in @l afterwards. */
static void change_over(struct detect *d, struct load *l)
{
	struct load old = { .members = d->members,
			    .n = d->n_members,
			    .set = d->set,
			    .runner = d->runner,
			    .skip = d->skip,
			    .idle = d->idle };

	carry_over(d, l);
	pthread_mutex_lock(&d->mutex);
	d->members = l->members;
	d->n_members = l->n;
	d->stats.rules = l->n;
	d->stats.reloads++;
	pthread_mutex_unlock(&d->mutex);
	d->set = l->set;
	d->runner = l->runner;
	d->skip = l->skip;
	d->idle = l->idle;
	*l = old;
}

int detect_load(struct detect *d)
{
	uint64_t generation = rulebook_generation(d->rules);
	struct load l = { 0 };
	int r;

	if (d->loaded && generation == d->generation)
		return 0;
	r = detect_relook(d); /* what is late is late for the rules of before */
	if (r == 0)
		r = rulebook_each(d->rules, NULL, take_entry, &l);
	if (r == 0)
		r = rulebook_each(d->rules, NULL, take_filter, &l);
	if (r == 0)
		r = detect_link(l.members, l.n);
	if (r == 0)
		r = make_states(d, &l);
	if (r == 0)
		r = compile(&l);
	if (r == 0) {
		change_over(d, &l);
		d->generation = generation;
		d->loaded = true;
	}
	load_done(&l);
	return r;
}
