/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and what waits under each: a hash table, and a list in the order of the last touch, from
 * whose old end room is made. */
#include "lib/sequence_internal.h"

enum { FIRST_BUCKETS = 256, PARTIAL_EVENTS = 2 };

uint64_t seq_hash(const uint8_t *data, size_t n)
{
	uint64_t h = UINT64_C(0x9e3779b97f4a7c15) ^ n;

	for (size_t i = 0; i < n; i++)
		h = (h ^ data[i]) * UINT64_C(0x100000001b3);
	h ^= h >> 32;
	return h * UINT64_C(0xd6e8feb86659fd93);
}

/* ---- partial matches ---- */

static size_t partial_bytes(uint32_t cap)
{
	return sizeof(struct seq_partial) + cap * sizeof(struct sequence_event);
}

void seq_partial_free(struct sequence *s, struct seq_partial *p)
{
	if (!p)
		return;
	s->node_bytes -= partial_bytes(p->cap);
	free(p);
}

bool seq_partial_room(struct sequence *s, struct seq_partial **at)
{
	struct seq_partial *p = *at;
	uint32_t cap = p ? p->cap * 2 : PARTIAL_EVENTS;

	if (p && p->n < p->cap)
		return true;
	p = realloc(*at, partial_bytes(cap));
	if (!p)
		return false;
	if (!*at)
		*p = (struct seq_partial){ .n = 0 };
	s->node_bytes += partial_bytes(cap) - (*at ? partial_bytes(p->cap) : 0);
	p->cap = cap;
	*at = p;
	return true;
}

/* ---- nodes ---- */

static size_t node_bytes(const struct sequence *s, uint32_t n_key)
{
	return sizeof(struct seq_node) + s->n_slots * sizeof(struct seq_partial *) + n_key;
}

struct seq_node *seq_find(const struct sequence *s, const struct seq_key *k)
{
	struct seq_node *n = s->n_buckets ? s->buckets[k->hash & (s->n_buckets - 1)] : NULL;

	while (n && (n->hash != k->hash || n->n_key != k->n ||
		     (k->n && memcmp(n->key, k->data, k->n) != 0)))
		n = n->chain;
	return n;
}

static bool grow(struct sequence *s)
{
	uint32_t n = s->n_buckets ? s->n_buckets * 2 : FIRST_BUCKETS;
	struct seq_node **buckets;

	if (s->n_nodes < s->n_buckets)
		return true;
	buckets = calloc(n, sizeof(struct seq_node *));
	if (!buckets)
		return false;
	for (struct seq_node *at = s->oldest; at; at = at->newer) {
		struct seq_node **to = &buckets[at->hash & (n - 1)];

		at->chain = *to;
		*to = at;
	}
	s->node_bytes += (n - s->n_buckets) * sizeof(struct seq_node *);
	free(s->buckets);
	s->buckets = buckets;
	s->n_buckets = n;
	return true;
}

static void enlist(struct sequence *s, struct seq_node *node)
{
	node->older = s->newest;
	node->newer = NULL;
	if (s->newest)
		s->newest->newer = node;
	else
		s->oldest = node;
	s->newest = node;
	node->touched_ns = s->now_ns;
}

static void delist(struct sequence *s, struct seq_node *node)
{
	if (node->older)
		node->older->newer = node->newer;
	else
		s->oldest = node->newer;
	if (node->newer)
		node->newer->older = node->older;
	else
		s->newest = node->older;
}

struct seq_node *seq_get(struct sequence *s, const struct seq_key *k)
{
	struct seq_node *node = seq_find(s, k), **bucket;

	if (node)
		return node;
	if (!grow(s))
		return NULL;
	node = calloc(1, node_bytes(s, k->n));
	if (!node)
		return NULL;
	node->hash = k->hash;
	node->n_key = k->n;
	node->key = (uint8_t *)&node->pending[s->n_slots];
	if (k->n)
		memcpy(node->key, k->data, k->n);
	bucket = &s->buckets[k->hash & (s->n_buckets - 1)];
	node->chain = *bucket;
	*bucket = node;
	enlist(s, node);
	s->n_nodes++;
	s->node_bytes += node_bytes(s, k->n);
	return node;
}

void seq_node_drop(struct sequence *s, struct seq_node *node)
{
	struct seq_node **at = &s->buckets[node->hash & (s->n_buckets - 1)];

	while (*at != node)
		at = &(*at)->chain;
	*at = node->chain;
	delist(s, node);
	while (node->waiters)
		seq_waiter_orphan(s, node->waiters);
	for (uint32_t i = 0; i < s->n_slots; i++)
		seq_partial_free(s, node->pending[i]);
	s->node_bytes -= node_bytes(s, node->n_key);
	s->n_nodes--;
	free(node);
}

static bool is_empty(const struct sequence *s, const struct seq_node *node)
{
	for (uint32_t i = 0; i < s->n_slots; i++)
		if (node->pending[i])
			return false;
	return !node->waiters && !node->lead && !node->done;
}

void seq_touch(struct sequence *s, struct seq_node *node)
{
	if (is_empty(s, node)) {
		seq_node_drop(s, node);
		return;
	}
	delist(s, node);
	enlist(s, node);
}

static uint32_t n_waiting(const struct sequence *s, const struct seq_node *node)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->n_slots; i++)
		n += node->pending[i] != NULL;
	for (const struct seq_waiter *w = node->waiters; w; w = w->next)
		n++;
	return n;
}

static bool is_over(const struct sequence *s, const struct seq_node *node)
{
	uint64_t span = s->st->maxspan_ns;

	return span && s->now_ns > span && node->touched_ns < s->now_ns - span && !node->waiters;
}

void seq_trim(struct sequence *s)
{
	seq_sweep_orphans(s);
	while (s->oldest && is_over(s, s->oldest))
		seq_node_drop(s, s->oldest);
	while (s->oldest && s->node_bytes > s->node_limit) {
		s->info.n_evicted += n_waiting(s, s->oldest);
		seq_node_drop(s, s->oldest);
		seq_sweep_orphans(s);
	}
}
