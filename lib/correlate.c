/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/correlate.h"

#include <math.h>

#include "lib/slots.h"

enum { BUCKETS = 8192, CROWDED = 1000 };

/* Hits of one group by time, then id.  Groups lie in a list by when they were touched. */
struct group {
	uint64_t key;
	struct correlate_hit *hits;
	uint32_t first, n, cap; /* hits[first .. first + n) */
	uint32_t next;		/* in its bucket: number + 1; 0: the last */
	uint32_t older, newer;	/* number + 1 */
};

struct correlate {
	struct correlate_config config;
	struct group *groups;
	uint32_t n_groups, cap_groups, free; /* free: number + 1 of a list by next */
	uint32_t buckets[BUCKETS];	     /* number + 1 */
	uint32_t oldest, newest;	     /* number + 1 */
	uint32_t most;			     /* hits of one group */
	struct correlate_info info;
	double *numbers; /* scratch of percentiles */
	size_t cap_numbers;
	struct slots values; /* scratch of distinct values */
};

static uint32_t most_of(const struct correlate_config *c)
{
	double most = CORRELATE_GROUP_HITS;

	for (size_t i = 0; i < c->n_conditions; i++)
		most = fmax(most, 2 * c->conditions[i].number);
	return (uint32_t)fmin(most, CORRELATE_HITS);
}

int correlate_new(struct correlate **ret, const struct correlate_config *config)
{
	struct correlate *c = calloc(1, sizeof(*c));

	if (!c)
		return err_origin(-ENOMEM);
	c->config = *config;
	c->most = most_of(config);
	*ret = c;
	return 0;
}

struct correlate *correlate_free(struct correlate *c)
{
	if (!c)
		return NULL;
	for (uint32_t i = 0; i < c->n_groups; i++)
		free(c->groups[i].hits);
	free(c->groups);
	free(c->numbers);
	slots_done(&c->values);
	free(c);
	return NULL;
}

void correlate_info(const struct correlate *c, struct correlate_info *ret)
{
	*ret = c->info;
}

/* ---- groups ---- */

static void unlink_group(struct correlate *c, struct group *g)
{
	if (g->older)
		c->groups[g->older - 1].newer = g->newer;
	else
		c->oldest = g->newer;
	if (g->newer)
		c->groups[g->newer - 1].older = g->older;
	else
		c->newest = g->older;
}

static void link_newest(struct correlate *c, struct group *g)
{
	uint32_t number = (uint32_t)(g - c->groups) + 1;

	g->older = c->newest;
	g->newer = 0;
	if (c->newest)
		c->groups[c->newest - 1].newer = number;
	else
		c->oldest = number;
	c->newest = number;
}

static void drop_group(struct correlate *c, struct group *g, bool evicted)
{
	uint32_t number = (uint32_t)(g - c->groups) + 1;
	uint32_t *at = &c->buckets[g->key % BUCKETS];

	while (*at != number)
		at = &c->groups[*at - 1].next;
	*at = g->next;
	unlink_group(c, g);
	c->info.evicted += evicted ? g->n : 0;
	c->info.hits -= g->n;
	c->info.groups--;
	free(g->hits);
	*g = (struct group){ .next = c->free };
	c->free = number;
}

static struct group *new_slot(struct correlate *c)
{
	struct group *g;

	if (c->free) {
		g = &c->groups[c->free - 1];
		c->free = g->next;
		return g;
	}
	if (c->n_groups == c->cap_groups) {
		uint32_t cap = c->cap_groups ? c->cap_groups * 2 : 64;
		struct group *more = reallocarray(c->groups, cap, sizeof(*more));

		if (!more)
			return NULL;
		c->groups = more;
		c->cap_groups = cap;
	}
	return &c->groups[c->n_groups++];
}

static struct group *group_of(struct correlate *c, uint64_t key)
{
	uint32_t number = c->buckets[key % BUCKETS];
	struct group *g;

	while (number && c->groups[number - 1].key != key)
		number = c->groups[number - 1].next;
	if (number) {
		g = &c->groups[number - 1];
		unlink_group(c, g);
		link_newest(c, g);
		return g;
	}
	if (c->info.groups >= CORRELATE_GROUPS)
		drop_group(c, &c->groups[c->oldest - 1], true);
	g = new_slot(c);
	if (!g)
		return NULL;
	*g = (struct group){ .key = key, .next = c->buckets[key % BUCKETS] };
	c->buckets[key % BUCKETS] = (uint32_t)(g - c->groups) + 1;
	link_newest(c, g);
	c->info.groups++;
	return g;
}

/* ---- hits of a group ---- */

static struct correlate_hit *hit_at(const struct group *g, uint32_t i)
{
	return &g->hits[g->first + i];
}

static void drop_first(struct correlate *c, struct group *g, uint32_t n)
{
	g->first += n;
	g->n -= n;
	c->info.hits -= n;
}

/* First of the hits that are not before (@time_ns, @id). */
static uint32_t place_of(const struct group *g, uint64_t time_ns, uint64_t id)
{
	uint32_t low = 0, high = g->n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		const struct correlate_hit *h = hit_at(g, mid);

		if (h->time_ns < time_ns || (h->time_ns == time_ns && h->id < id))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool make_room(struct group *g)
{
	uint32_t cap = g->cap ? g->cap * 2 : 4;
	struct correlate_hit *more;

	if (g->first && g->first >= g->n) { /* half of it is free in front */
		memmove(g->hits, g->hits + g->first, g->n * sizeof(*g->hits));
		g->first = 0;
	}
	if (g->first + g->n < g->cap)
		return true;
	more = reallocarray(g->hits, cap, sizeof(*more));
	if (!more)
		return false;
	g->hits = more;
	g->cap = cap;
	return true;
}

static void expire(struct correlate *c, struct group *g)
{
	uint64_t newest = hit_at(g, g->n - 1)->time_ns;
	uint64_t keep = c->config.timespan_ns + CORRELATE_LATE_NS;
	uint32_t n = newest > keep ? place_of(g, newest - keep, 0) : 0;

	if (n)
		drop_first(c, g, n);
	if (g->n > c->most) {
		c->info.evicted += g->n - c->most;
		drop_first(c, g, g->n - c->most);
	}
	while (c->info.hits > CORRELATE_HITS && c->oldest != c->newest)
		drop_group(c, &c->groups[c->oldest - 1], true);
}

/* Where many hits of a group say the same, one after the other, the newest is as good as all: what
 * is asked is which values or rules there are. */
static bool says_the_same(const struct correlate *c, const struct group *g,
			  const struct correlate_hit *h)
{
	const struct correlate_hit *last = g->n > CROWDED ? hit_at(g, g->n - 1) : NULL;

	if (!last || last->time_ns > h->time_ns || last->rule != h->rule)
		return false;
	if (c->config.type == CORRELATE_VALUE_COUNT)
		return last->value == h->value;
	return c->config.type == CORRELATE_TEMPORAL || c->config.type == CORRELATE_TEMPORAL_ORDERED;
}

/* ---- conditions ---- */

static bool compare(enum correlate_op op, double a, double b)
{
	switch (op) {
	case CORRELATE_GT:
		return a > b;
	case CORRELATE_GTE:
		return a >= b;
	case CORRELATE_LT:
		return a < b;
	case CORRELATE_LTE:
		return a <= b;
	case CORRELATE_NEQ:
		return a < b || a > b;
	default:
		return !(a < b) && !(a > b);
	}
}

static bool conditions_hold(const struct correlate_config *c, double v)
{
	for (size_t i = 0; i < c->n_conditions; i++)
		if (!compare(c->conditions[i].op, v, c->conditions[i].number))
			return false;
	return true;
}

/* Distinct values of the window; below 0: no memory. */
static double distinct(struct correlate *c, const struct correlate_hit *w, size_t n)
{
	uint32_t found = 0;

	slots_clear(&c->values);
	for (size_t i = 0; i < n; i++) {
		uint32_t at;

		if (!slots_room(&c->values))
			return -1;
		at = slots_first(&c->values, w[i].value);
		if (slots_next(&c->values, w[i].value, &at) == 0)
			slots_put(&c->values, w[i].value, ++found);
	}
	return found;
}

static double sum(const struct correlate_hit *w, size_t n)
{
	double total = 0;

	for (size_t i = 0; i < n; i++)
		total += w[i].number;
	return total;
}

static int by_number(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double percentile(struct correlate *c, const struct correlate_hit *w, size_t n)
{
	double rank = ceil(c->config.percentile / 100 * (double)n);

	if (n > c->cap_numbers) {
		double *more = reallocarray(c->numbers, n, sizeof(*more));

		if (!more)
			return NAN;
		c->numbers = more;
		c->cap_numbers = n;
	}
	for (size_t i = 0; i < n; i++)
		c->numbers[i] = w[i].number;
	qsort(c->numbers, n, sizeof(*c->numbers), by_number);
	return c->numbers[rank < 1 ? 0 : (size_t)rank - 1];
}

static bool has_all_rules(const struct correlate *c, const struct correlate_hit *w, size_t n)
{
	uint64_t all = (UINT64_C(1) << c->config.n_rules) - 1, seen = 0;

	for (size_t i = n; i-- > 0 && seen != all;)
		seen |= UINT64_C(1) << w[i].rule;
	return seen == all;
}

/* Rules 0, 1, 2 ... one after the other, not necessarily next to each other; the last one ends the
 * window. */
static bool has_rules_in_order(const struct correlate *c, const struct correlate_hit *w, size_t n)
{
	uint32_t wanted = c->config.n_rules;

	if (w[n - 1].rule != wanted - 1)
		return false;
	for (size_t i = n; i-- > 0 && wanted;)
		if (w[i].rule == wanted - 1)
			wanted--;
	return wanted == 0;
}

static bool holds(struct correlate *c, const struct correlate_hit *w, size_t n)
{
	switch (c->config.type) {
	case CORRELATE_EVENT_COUNT:
		return conditions_hold(&c->config, (double)n);
	case CORRELATE_VALUE_COUNT:
		return conditions_hold(&c->config, distinct(c, w, n));
	case CORRELATE_TEMPORAL:
		return has_all_rules(c, w, n);
	case CORRELATE_TEMPORAL_ORDERED:
		return has_rules_in_order(c, w, n);
	case CORRELATE_VALUE_SUM:
		return conditions_hold(&c->config, sum(w, n));
	case CORRELATE_VALUE_AVG:
		return conditions_hold(&c->config, sum(w, n) / (double)n);
	default:
		return conditions_hold(&c->config, percentile(c, w, n));
	}
}

/* Looks at the window that ends at hit @i. */
static int look(struct correlate *c, struct group *g, uint32_t i, bool again, correlate_fn told,
		void *arg)
{
	struct correlate_hit *h = hit_at(g, i);
	uint64_t begin =
		h->time_ns > c->config.timespan_ns ? h->time_ns - c->config.timespan_ns : 0;
	uint32_t low = place_of(g, begin, 0);

	if (h->told && !again)
		return 0;
	if (!h->told && !holds(c, hit_at(g, low), i - low + 1))
		return 0;
	h->told = true;
	return told(hit_at(g, low), i - low + 1, arg);
}

/* Enters @hit at its place.  Returns its number, or UINT32_MAX without memory. */
static uint32_t enter(struct correlate *c, struct group *g, uint32_t at,
		      const struct correlate_hit *hit)
{
	if (says_the_same(c, g, hit)) {
		*hit_at(g, g->n - 1) = *hit;
		return g->n - 1;
	}
	if (!make_room(g))
		return UINT32_MAX;
	memmove(hit_at(g, at + 1), hit_at(g, at), (g->n - at) * sizeof(*hit));
	*hit_at(g, at) = *hit;
	g->n++;
	c->info.hits++;
	return at;
}

int correlate_add(struct correlate *c, uint64_t key, const struct correlate_hit *hit,
		  correlate_fn told, void *arg)
{
	struct group *g = group_of(c, key);
	uint64_t newest = g && g->n ? hit_at(g, g->n - 1)->time_ns : 0;
	uint32_t at;
	int r = 0;

	if (!g)
		return err_origin(-ENOMEM);
	if (newest > hit->time_ns + c->config.timespan_ns + CORRELATE_LATE_NS) {
		c->info.late++;
		return 0;
	}
	at = place_of(g, hit->time_ns, hit->id);
	if (at < g->n && hit_at(g, at)->time_ns == hit->time_ns && hit_at(g, at)->id == hit->id &&
	    hit_at(g, at)->rule == hit->rule)
		return hit_at(g, at)->told ? look(c, g, at, true, told, arg) : 0;
	at = enter(c, g, at, hit);
	if (at == UINT32_MAX)
		return err_origin(-ENOMEM);
	hit_at(g, at)->told = false;
	for (uint32_t i = at; r == 0 && i < g->n; i++) {
		if (hit_at(g, i)->time_ns - hit->time_ns > c->config.timespan_ns)
			break;
		r = look(c, g, i, false, told, arg);
	}
	expire(c, g);
	return r;
}
