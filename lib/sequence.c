/* SPDX-License-Identifier: Apache-2.0 */
/* The state machine.  An event is asked about the stages from the last to the first, so that it
 * cannot follow itself; then what must not happen, then what ends. */
#include "lib/sequence_internal.h"

enum { RUN_SHARE = 4 }; /* of the memory a quarter for events that wait for their turn */

/* ---- making ---- */

static void count_stages(struct sequence *s)
{
	uint32_t stage = 0;

	for (uint32_t t = 0; t < s->st->n_terms; t++) {
		const struct eql_term *term = &s->st->terms[t];

		s->gap_of[t] = (uint8_t)stage;
		for (uint32_t i = 0; !term->missing && i < term->runs; i++)
			s->stage_term[stage++] = (uint8_t)t;
	}
	for (uint32_t t = 0; t < s->st->n_terms + s->st->has_until; t++)
		s->set_terms[s->st->terms[t].set] |= UINT64_C(1) << t;
	s->n_slots = s->st->type == EQL_SAMPLE ? s->st->n_terms : s->st->n_stages;
}

int sequence_new(struct sequence **ret, const struct sequence_config *config)
{
	struct sequence *s = calloc(1, sizeof(*s));
	size_t bytes = config->memory_bytes ? config->memory_bytes : SEQUENCE_MEMORY_BYTES;

	if (!s)
		return err_origin(-ENOMEM);
	s->config = *config;
	s->st = config->statement;
	s->run_limit = bytes / RUN_SHARE;
	s->node_limit = bytes - s->run_limit;
	count_stages(s);
	*ret = s;
	return 0;
}

struct sequence *sequence_free(struct sequence *s)
{
	if (!s)
		return NULL;
	while (s->oldest)
		seq_node_drop(s, s->oldest);
	for (uint32_t i = 0; i < s->n_waiters; i++)
		seq_waiter_free(s, s->waiters[i]);
	for (uint32_t i = 0; i < s->n_runs; i++) {
		buf_done(&s->runs[i]->keys);
		free(s->runs[i]);
	}
	for (uint32_t i = 0; i < s->n_origins; i++)
		free(s->origins[i]);
	free(s->origins);
	free(s->buckets);
	free(s->runs);
	free(s->masks);
	free(s->waiters);
	free(s);
	return NULL;
}

void sequence_keep(struct sequence *s, const struct eql_statement *statement)
{
	s->st = s->config.statement = statement;
}

void sequence_from(struct sequence *s, uint64_t from_ns)
{
	s->config.from_ns = from_ns;
}

void sequence_except(struct sequence *s, const struct expr *const *conditions, uint32_t n)
{
	s->exceptions = conditions;
	s->n_exceptions = n;
}

bool sequence_waits(const struct sequence *s)
{
	return s->n_runs || s->n_waiters;
}

void sequence_info(const struct sequence *s, struct sequence_info *ret)
{
	*ret = s->info;
	ret->bytes = s->node_bytes + s->run_bytes;
}

/* ---- telling ---- */

static bool same_event(const struct sequence_event *a, const struct sequence_event *b)
{
	return a->ref == b->ref && a->table == b->table && a->row == b->row;
}

static bool is_last(const struct seq_partial *p, const struct sequence_event *e)
{
	return same_event(&p->events[p->n - 1], e);
}

/* The events with those that are missing between them. */
int seq_tell(struct sequence *s, const struct seq_node *node, const struct sequence_event *events,
	     uint64_t time_ns)
{
	struct sequence_event all[EQL_STAGES + EQL_TERMS];
	struct sequence_match m = { .events = all, .keys = node->key, .n_keys_bytes = node->n_key };
	uint32_t stage = 0;

	for (uint32_t t = 0; t < s->st->n_terms; t++) {
		const struct eql_term *term = &s->st->terms[t];

		if (term->missing)
			all[m.n_events++] = (struct sequence_event){ .missing = true };
		for (uint32_t i = 0; !term->missing && i < term->runs; i++)
			all[m.n_events++] = events[stage++];
	}
	m.time_ns = time_ns;
	s->info.n_matches++;
	return s->config.match(&m, s->config.arg);
}

/* ---- what must not happen ---- */

/* It happened after all, by @event. */
static void disappoint(struct sequence *s, struct seq_node *node,
		       const struct sequence_event *event)
{
	struct seq_waiter **at = &node->waiters;

	(void)s;
	while (*at) {
		struct seq_waiter *w = *at;
		const struct sequence_event *last = &w->partial->events[w->partial->n - 1];
		bool itself = last->ref == event->ref && last->table == event->table &&
			      last->row == event->row;

		if (itself || event->time_ns > w->deadline_ns) {
			at = &w->next;
			continue;
		}
		*at = w->next; /* freed when its time has come */
		w->node = NULL;
	}
}

/* ---- one event ---- */

struct taking {
	struct sequence *s;
	const struct seq_entry *entry;
	struct sequence_event event;
	struct seq_key keys[SEQUENCE_SETS];
};

static const struct seq_key *key_of(const struct taking *t, uint32_t term)
{
	return &t->keys[t->s->st->terms[term].set];
}

static bool asks(const struct taking *t, uint32_t term)
{
	return t->entry->terms >> term & 1;
}

static void read_keys(struct taking *t, const struct seq_run *run)
{
	const uint8_t *at = run->keys.data + t->entry->keys;

	for (uint32_t i = 0; i < t->s->st->n_sets; i++) {
		uint32_t n;

		if (!(t->entry->terms & t->s->set_terms[i]))
			continue;
		memcpy(&n, at, sizeof(n));
		at += sizeof(n);
		t->keys[i] = (struct seq_key){ at, n, seq_hash(at, n) };
		at += n;
	}
}

/* Did an event of a leading ![..] come within the time before the first? */
static bool is_led(const struct sequence *s, const struct seq_partial *p)
{
	uint64_t last = p->events[p->n - 1].time_ns, span = s->st->maxspan_ns;

	return p->lead && p->lead - 1 >= (last > span ? last - span : 0);
}

/* All stages are there.  Takes @p over. */
static int complete(struct taking *t, struct seq_node *node, struct seq_partial *p)
{
	struct sequence *s = t->s;
	int r = 0;

	if (s->st->terms[s->st->n_terms - 1].missing && !is_led(s, p))
		return seq_wait(s, node, p);
	if (!is_led(s, p))
		r = seq_tell(s, node, p->events, t->event.time_ns);
	seq_partial_free(s, p);
	return r;
}

/* Takes @p over, to put it where @stage waits for its successor. */
static int put(struct taking *t, struct seq_node *node, uint32_t stage, struct seq_partial *p)
{
	if (!seq_partial_room(t->s, &p)) {
		seq_partial_free(t->s, p);
		return err_origin(-ENOMEM);
	}
	if (stage == 0)
		p->lead = node->lead;
	p->events[p->n++] = t->event;
	if (stage + 1 == t->s->st->n_stages)
		return complete(t, node, p);
	seq_partial_free(t->s, node->pending[stage]);
	node->pending[stage] = p;
	return 0;
}

static int step(struct taking *t, uint32_t stage)
{
	struct sequence *s = t->s;
	const struct seq_key *key = key_of(t, s->stage_term[stage]);
	struct seq_node *node = stage ? seq_find(s, key) : seq_get(s, key);
	struct seq_partial *p;

	if (!node)
		return stage ? 0 : err_origin(-ENOMEM);
	if (stage == 0)
		return put(t, node, 0, NULL);
	p = TAKE(node->pending[stage - 1]);
	if (!p)
		return 0;
	if (s->st->maxspan_ns && t->event.time_ns - p->events[0].time_ns > s->st->maxspan_ns &&
	    t->event.time_ns > p->events[0].time_ns) {
		seq_partial_free(s, p);
		return 0;
	}
	return put(t, node, stage, p);
}

/* An event of the ![..] @term. */
static int miss(struct taking *t, uint32_t term)
{
	struct sequence *s = t->s;
	uint32_t gap = s->gap_of[term];
	struct seq_node *node;
	struct seq_partial **at;

	node = gap ? seq_find(s, key_of(t, term)) : seq_get(s, key_of(t, term));
	if (!node)
		return gap ? 0 : err_origin(-ENOMEM);
	if (gap == 0) {
		node->lead = t->event.time_ns + 1;
		return 0;
	}
	if (gap == s->st->n_stages) {
		disappoint(s, node, &t->event);
		return 0;
	}
	at = &node->pending[gap - 1];
	if (*at && !is_last(*at, &t->event)) {
		seq_partial_free(s, *at);
		*at = NULL;
	}
	return 0;
}

static void end(struct taking *t, uint32_t term)
{
	struct seq_node *node = seq_find(t->s, key_of(t, term));

	for (uint32_t i = 0; node && i < t->s->n_slots; i++) {
		seq_partial_free(t->s, node->pending[i]);
		node->pending[i] = NULL;
	}
}

static int take_sequence(struct taking *t)
{
	const struct eql_statement *st = t->s->st;
	int r = 0;

	for (uint32_t stage = st->n_stages; stage-- > 0 && r == 0;)
		if (asks(t, t->s->stage_term[stage]))
			r = step(t, stage);
	for (uint32_t i = 0; i < st->n_terms && r == 0; i++)
		if (st->terms[i].missing && asks(t, i))
			r = miss(t, i);
	if (r == 0 && st->has_until && asks(t, st->n_terms))
		end(t, st->n_terms);
	return r;
}

/* ---- samples ---- */

struct pairing {
	const struct seq_node *node;
	uint32_t n; /* terms */
	const struct sequence_event *of[EQL_TERMS];
	bool tried[EQL_TERMS];
};

/* Finds an event for @term that no other has, or that the other can do without. */
static bool pair(struct pairing *p, uint32_t term)
{
	const struct seq_partial *list = p->node->pending[term];

	if (p->tried[term])
		return false;
	p->tried[term] = true;
	for (uint32_t i = 0; list && i < list->n; i++) {
		uint32_t other = 0;

		while (other < p->n &&
		       (!p->of[other] || !same_event(p->of[other], &list->events[i])))
			other++;
		if (other < p->n && !pair(p, other))
			continue;
		p->of[term] = &list->events[i];
		return true;
	}
	return false;
}

static int tell_sample(struct taking *t, struct seq_node *node)
{
	struct sequence *s = t->s;
	struct pairing p = { .node = node, .n = s->st->n_terms };
	struct sequence_event events[EQL_TERMS];

	for (uint32_t i = 0; i < p.n; i++) {
		memset(p.tried, 0, sizeof(p.tried));
		if (!pair(&p, i))
			return 0;
	}
	for (uint32_t i = 0; i < p.n; i++)
		events[i] = *p.of[i];
	for (uint32_t i = 0; i < p.n; i++) {
		seq_partial_free(s, node->pending[i]);
		node->pending[i] = NULL;
	}
	node->done = true;
	return seq_tell(s, node, events, t->event.time_ns);
}

/* A key's first events of each term are kept: as many as there are terms are always enough. */
static int take_sample(struct taking *t)
{
	const struct eql_statement *st = t->s->st;

	for (uint32_t i = 0; i < st->n_terms; i++) {
		struct seq_node *node;
		struct seq_partial **list;
		int r;

		if (!asks(t, i))
			continue;
		node = seq_get(t->s, key_of(t, i));
		if (!node)
			return err_origin(-ENOMEM);
		list = &node->pending[i];
		if (node->done || (*list && (*list)->n >= st->n_terms))
			continue;
		if (!seq_partial_room(t->s, list))
			return err_origin(-ENOMEM);
		(*list)->events[(*list)->n++] = t->event;
		r = tell_sample(t, node);
		if (r)
			return r;
	}
	return 0;
}

int seq_take(struct sequence *s, const struct seq_run *run, const struct seq_entry *e)
{
	struct taking t = { .s = s,
			    .entry = e,
			    .event = { .time_ns = e->time_ns,
				       .seq = e->seq,
				       .ref = run->ref,
				       .origin = run->origin,
				       .table = e->table,
				       .row = e->row } };
	int r;

	if (e->time_ns < s->now_ns)
		s->info.n_late++;
	s->now_ns = MAX(s->now_ns, e->time_ns);
	r = seq_tell_waiters(s, s->now_ns);
	if (r)
		return r;
	read_keys(&t, run);
	r = s->st->type == EQL_SAMPLE ? take_sample(&t) : take_sequence(&t);
	for (uint32_t i = 0; i < s->st->n_sets; i++) {
		struct seq_node *node = t.keys[i].data ? seq_find(s, &t.keys[i]) : NULL;

		if (node)
			seq_touch(s, node);
	}
	seq_trim(s);
	return r;
}
