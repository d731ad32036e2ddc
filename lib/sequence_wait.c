/* SPDX-License-Identifier: Apache-2.0 */
/* Matches that are complete but for something that must not happen until their time is over: a heap
 * by that time.  One that is disappointed becomes an orphan, and is swept out with others. */
#include "lib/sequence_internal.h"

enum { FEW_ORPHANS = 1024 };

static void waiter_swap(struct sequence *s, uint32_t i, uint32_t j)
{
	struct seq_waiter *w = s->waiters[i];

	s->waiters[i] = s->waiters[j];
	s->waiters[j] = w;
}

static bool is_sooner(const struct sequence *s, uint32_t i, uint32_t j)
{
	return s->waiters[i]->deadline_ns < s->waiters[j]->deadline_ns;
}

static void sink(struct sequence *s, uint32_t i)
{
	for (uint32_t child; (child = 2 * i + 1) < s->n_waiters; i = child) {
		if (child + 1 < s->n_waiters && is_sooner(s, child + 1, child))
			child++;
		if (!is_sooner(s, child, i))
			return;
		waiter_swap(s, i, child);
	}
}

static struct seq_waiter *pop_waiter(struct sequence *s)
{
	struct seq_waiter *w = s->waiters[0];

	waiter_swap(s, 0, --s->n_waiters);
	sink(s, 0);
	return w;
}

static bool room_for_waiter(struct sequence *s)
{
	uint32_t cap = s->cap_waiters ? s->cap_waiters * 2 : 64;
	struct seq_waiter **waiters;

	if (s->n_waiters < s->cap_waiters)
		return true;
	waiters = reallocarray(s->waiters, cap, sizeof(struct seq_waiter *));
	if (!waiters)
		return false;
	s->node_bytes += (cap - s->cap_waiters) * sizeof(struct seq_waiter *);
	s->waiters = waiters;
	s->cap_waiters = cap;
	return true;
}

/* Takes @p over. */
int seq_wait(struct sequence *s, struct seq_node *node, struct seq_partial *p)
{
	struct seq_waiter *w = room_for_waiter(s) ? calloc(1, sizeof(*w)) : NULL;
	uint32_t i = s->n_waiters;

	if (!w) {
		seq_partial_free(s, p);
		return err_origin(-ENOMEM);
	}
	if (__builtin_add_overflow(p->events[0].time_ns, s->st->maxspan_ns, &w->deadline_ns) ||
	    w->deadline_ns == UINT64_MAX)
		w->deadline_ns = UINT64_MAX - 1; /* sequence_finish() tells it */
	w->node = node;
	w->partial = p;
	w->next = node->waiters;
	if (w->next)
		w->next->previous = w;
	node->waiters = w;
	s->node_bytes += sizeof(*w);
	s->waiters[s->n_waiters++] = w;
	for (; i && is_sooner(s, i, (i - 1) / 2); i = (i - 1) / 2)
		waiter_swap(s, i, (i - 1) / 2);
	return 0;
}

/* Takes it off its node's list. */
static void unlink_waiter(struct seq_waiter *w)
{
	if (w->previous)
		w->previous->next = w->next;
	else if (w->node)
		w->node->waiters = w->next;
	if (w->next)
		w->next->previous = w->previous;
	w->node = NULL;
	w->next = w->previous = NULL;
}

void seq_waiter_free(struct sequence *s, struct seq_waiter *w)
{
	if (w->node)
		unlink_waiter(w);
	else
		s->n_orphans--;
	seq_partial_free(s, w->partial);
	s->node_bytes -= sizeof(*w);
	free(w);
}

void seq_waiter_orphan(struct sequence *s, struct seq_waiter *w)
{
	unlink_waiter(w);
	s->n_orphans++;
}

void seq_sweep_orphans(struct sequence *s)
{
	uint32_t n = 0;

	if (s->n_orphans < FEW_ORPHANS || s->n_orphans < s->n_waiters / 2)
		return;
	for (uint32_t i = 0; i < s->n_waiters; i++) {
		if (s->waiters[i]->node)
			s->waiters[n++] = s->waiters[i];
		else
			seq_waiter_free(s, s->waiters[i]);
	}
	s->n_waiters = n;
	for (uint32_t i = n / 2; i-- > 0;)
		sink(s, i);
}

int seq_tell_waiters(struct sequence *s, uint64_t now_ns)
{
	int r = 0;

	while (r == 0 && s->n_waiters && s->waiters[0]->deadline_ns < now_ns) {
		struct seq_waiter *w = pop_waiter(s);
		struct seq_node *node = w->node;

		if (node)
			r = seq_tell(s, node, w->partial->events, w->deadline_ns);
		seq_waiter_free(s, w);
		if (node)
			seq_touch(s, node);
	}
	return r;
}
