/* SPDX-License-Identifier: Apache-2.0 */
/* What rules have done and cost, for who asks. */
#include "collector/detect_internal.h"

bool detect_rule_stats(struct detect *d, const char *rule_id, struct detect_rule_stats *ret)
{
	struct detect_member *m;

	pthread_mutex_lock(&d->mutex);
	m = detect_find(d, rule_id);
	if (m)
		*ret = m->stats;
	pthread_mutex_unlock(&d->mutex);
	return m != NULL;
}

void detect_stats(struct detect *d, struct detect_stats *ret)
{
	pthread_mutex_lock(&d->mutex);
	*ret = d->stats;
	for (uint32_t i = 0; i < d->n_members; i++) {
		const struct detect_rule_stats *s = &d->members[i].stats;

		ret->dear += s->dear;
		ret->skipped += s->skipped;
		ret->evicted += s->evicted;
		ret->late += s->late;
		ret->state_bytes += s->state_bytes;
	}
	pthread_mutex_unlock(&d->mutex);
}

void detect_count(struct detect *d, struct detect_member *m, uint64_t n)
{
	if (d->muted)
		return;
	pthread_mutex_lock(&d->mutex);
	m->stats.hits += n;
	d->stats.hits += n;
	pthread_mutex_unlock(&d->mutex);
}

static int by_cost(const void *a, const void *b)
{
	const struct detect_member *x = *(const struct detect_member *const *)a;
	const struct detect_member *y = *(const struct detect_member *const *)b;

	if (x->stats.ns != y->stats.ns)
		return x->stats.ns < y->stats.ns ? 1 : -1;
	return strcmp(x->rule->id, y->rule->id);
}

void detect_dearest(struct detect *d, size_t most,
		    void (*each)(const char *id, const struct detect_rule_stats *s, void *arg),
		    void *arg)
{
	const struct detect_member **all;
	size_t n = 0;

	pthread_mutex_lock(&d->mutex);
	all = calloc((size_t)d->n_members + 1, sizeof(*all));
	for (uint32_t i = 0; all && i < d->n_members; i++)
		if (d->members[i].stats.asked || d->members[i].stats.hits)
			all[n++] = &d->members[i];
	if (n)
		qsort(all, n, sizeof(*all), by_cost);
	for (size_t i = 0; i < n && i < most; i++)
		each(all[i]->rule->id, &all[i]->stats, arg);
	pthread_mutex_unlock(&d->mutex);
	free(all);
}
