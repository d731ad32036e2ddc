/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/detect_internal.h"

#include "lib/log.h"

int detect_new(struct detect **ret, struct rulebook *rules, struct alertbook *alerts,
	       struct store *store)
{
	AUTO(detect) *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return err_origin(-ENOMEM);
	pthread_mutex_init(&d->mutex, NULL);
	d->silent_ns = DETECT_SILENT_NS;
	d->dear_ns = DETECT_DEAR_MS * UINT64_C(1000000);
	d->rules = rules;
	d->alerts = alerts;
	d->store = store;
	r = expr_scratch_new(&d->scratch);
	if (r == 0)
		r = document_new(&d->document, "", 0, NULL);
	if (r == 0)
		*ret = TAKE(d);
	return r;
}

struct detect *detect_free(struct detect *d)
{
	if (!d)
		return NULL;
	expr_set_runner_free(d->runner);
	expr_set_free(d->set);
	detect_unload(d->members, d->n_members);
	expr_scratch_free(d->scratch);
	document_free(d->document);
	query_worker_free(d->worker);
	for (uint32_t i = 0; i < d->n_groups; i++)
		detect_new_free(d->groups[i].new);
	free(d->groups);
	free(d->touched);
	free(d->skip);
	free(d->idle);
	free(d->late_blocks);
	free(d->late_hits);
	store_reader_free(d->reader);
	free(d->bits);
	slots_done(&d->by_key);
	pthread_mutex_destroy(&d->mutex);
	free(d);
	return NULL;
}

/* ---- a batch ---- */

static bool reserve_bits(struct detect *d, size_t words)
{
	uint64_t *bits;

	if (words <= d->cap_bits)
		return true;
	bits = reallocarray(d->bits, words, sizeof(*bits));
	if (!bits)
		return false;
	d->bits = bits;
	d->cap_bits = words;
	return true;
}

void detect_find_exceptions(struct detect_member *m, const struct block *b)
{
	uint64_t now_ns = block_info(b)->max_time_ns;

	m->n_in_force = 0;
	for (size_t i = 0; i < m->n_exceptions; i++)
		if (!m->exceptions[i].expires_ns || m->exceptions[i].expires_ns > now_ns)
			m->in_force[m->n_in_force++] = m->exceptions[i].expr;
}

int detect_except(struct detect *d, struct detect_member *m, struct block *b, uint32_t table,
		  uint64_t *bits)
{
	uint32_t words = (block_rows(b, table) + 63) / 64;
	int r = 0;

	detect_find_exceptions(m, b);
	for (uint32_t i = 0; r == 0 && i < m->n_in_force; i++) {
		const uint64_t *hits;

		r = expr_begin(d->scratch, m->in_force[i], b);
		if (r == 0)
			r = expr_eval(d->scratch, table, &hits);
		for (uint32_t w = 0; r == 0 && w < words; w++)
			bits[w] &= ~hits[w];
	}
	return r;
}

/* Keeps in @bits what all filters of the rule are true of. */
static int filter(struct detect *d, const struct detect_member *m, struct block *b, uint32_t table,
		  uint64_t *bits)
{
	uint32_t words = (block_rows(b, table) + 63) / 64;
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->n_filters; i++) {
		const uint64_t *hits;

		r = expr_begin(d->scratch, m->filters[i], b);
		if (r == 0)
			r = expr_eval(d->scratch, table, &hits);
		for (uint32_t w = 0; r == 0 && w < words; w++)
			bits[w] &= hits[w];
	}
	return r;
}

static int on_hits(uint32_t tree, struct block *b, uint32_t table, const uint64_t *hits, void *arg)
{
	struct detect *d = arg;
	struct detect_member *m = &d->members[tree];
	size_t words = (block_rows(b, table) + 63) / 64;
	int r;

	if (m->sequence)
		return d->only ? 0 : detect_sequence_feed(d, m, b);
	if (!reserve_bits(d, words))
		return err_origin(-ENOMEM);
	memcpy(d->bits, hits, words * sizeof(*d->bits));
	r = filter(d, m, b, table, d->bits);
	if (r == 0)
		r = detect_except(d, m, b, table, d->bits);
	return r < 0 ? r : detect_take(d, m, b, table, d->bits);
}

/* What the state of a rule over several events has had to leave out. */
static void account_state(struct detect_member *m)
{
	struct correlate_info c = { 0 };
	struct sequence_info s = { 0 };

	if (m->correlate)
		correlate_info(m->correlate, &c);
	if (m->sequence)
		sequence_info(m->sequence, &s);
	m->stats.evicted = m->evicted + c.evicted + s.n_evicted;
	m->stats.late = m->late + c.late + s.n_late;
	m->stats.state_bytes = s.bytes + c.hits * sizeof(struct correlate_hit);
}

void detect_state_left(struct detect_member *m)
{
	account_state(m);
	m->evicted = m->stats.evicted;
	m->late = m->stats.late;
}

/* What each rule has cost, into what others may read; who is dear. */
static void account(struct detect *d)
{
	d->batches++;
	pthread_mutex_lock(&d->mutex);
	for (uint32_t i = 0; i < d->n_members; i++) {
		struct detect_member *m = &d->members[i];
		const struct expr_set_cost *c = expr_set_cost(d->runner, i);
		uint64_t ns = c->ns - m->seen.ns;

		account_state(m);
		if (c->asked == m->seen.asked) {
			m->stats.skipped += d->skip[i / 64] >> (i % 64) & 1;
			continue;
		}
		m->recent_ns += ns / 8 - m->recent_ns / 8;
		m->stats.ns += ns;
		m->stats.asked += c->asked - m->seen.asked;
		m->seen = *c;
		m->stats.dear = m->recent_ns > d->dear_ns;
	}
	pthread_mutex_unlock(&d->mutex);
	for (uint32_t i = 0; i < d->n_members; i++) {
		uint64_t bit = UINT64_C(1) << (i % 64);

		d->skip[i / 64] &= ~bit;
		if (d->members[i].stats.dear && (d->batches + i) % DETECT_DEAR_EVERY)
			d->skip[i / 64] |= bit;
	}
}

int detect_ask(struct detect *d, struct block *b, const uint64_t *skip)
{
	return expr_set_run(d->runner, b, skip, on_hits, d);
}

/* Rules as they are now; without the newest, those that run go on. */
static int load(struct detect *d)
{
	int r = detect_load(d);

	if (r == 0)
		return 0;
	log_error("detect.rules_not_loaded", "error=%s", strerror(-r));
	pthread_mutex_lock(&d->mutex);
	d->stats.failed_loads++;
	pthread_mutex_unlock(&d->mutex);
	return d->loaded ? 0 : r;
}

static int on_batch(const struct store_block *meta, struct block *b, void *arg)
{
	struct detect *d = arg;
	int r = load(d);

	detect_look(d);
	if (r == 0 && !d->warm)
		r = detect_warm(d);
	d->turn++;
	d->block_id = meta->id;
	d->arrived_ns = meta->ingested_ns;
	if (r == 0)
		r = detect_ask(d, b, d->skip);
	if (r < 0)
		return r;
	detect_settle(d, b);
	r = detect_sequences_advance(d, d->settled_ns);
	account(d);
	return r;
}

/* What waits for events that may still be under way is told when none has come. */
static int on_idle(void *arg)
{
	struct detect *d = arg;
	int r = load(d);

	if (r == 0 && !d->warm)
		r = detect_warm(d);
	if (r < 0 || !detect_waits(d))
		return r;
	detect_settle(d, NULL);
	r = detect_sequences_advance(d, d->settled_ns);
	account(d);
	return r < 0 ? r : FOLLOW_E_MORE;
}

static int on_commit(uint64_t ingested_ns, void *arg)
{
	int r = detect_relook(arg);

	return r < 0 ? r : detect_write(arg, ingested_ns);
}

/* State has gone on with what comes again: it is made anew. */
static void on_rollback(void *arg)
{
	struct detect *d = arg;

	detect_forget(d);
	detect_forget_late(d);
	d->warm = false;
}

/* ---- history ---- */

struct history {
	struct detect *d;
	const struct detect_history *asked;
	uint64_t batches;
};

static enum store_wish history_wanted(const struct store_block *meta, void *arg)
{
	const struct history *h = arg;

	(void)meta;
	return h->asked->cancel && atomic_load(h->asked->cancel) ? STORE_STOP : STORE_READ;
}

/* Blocks come by their first event: what is before it is complete. */
static int history_block(const struct store_block *meta, struct block *b, void *arg)
{
	struct history *h = arg;
	struct detect *d = h->d;
	int r = detect_sequences_advance(d, meta->min_time_ns);

	d->turn++;
	d->block_id = meta->id;
	if (r == 0)
		r = detect_ask(d, b, NULL);
	if (r == 0 && ++h->batches % FOLLOW_GROUP_BATCHES == 0)
		r = detect_write(d, 1);
	return r;
}

int detect_history(struct detect *d, const struct detect_history *asked)
{
	struct history h = { .d = d, .asked = asked };
	int r = detect_load(d);

	if (r == 0)
		r = store_scan(asked->reader, &asked->range, history_wanted, history_block, &h,
			       asked->stats);
	if (r == 0 && asked->cancel && atomic_load(asked->cancel))
		r = -ECANCELED;
	if (r == 0)
		r = detect_sequences_advance(d, UINT64_MAX);
	return r < 0 ? r : detect_write(d, 1);
}

void detect_set_dear(struct detect *d, uint64_t ns)
{
	d->dear_ns = ns;
}

void detect_set_patience(struct detect *d, uint64_t ns)
{
	d->silent_ns = ns;
}

void detect_set_beside(struct detect *d, const struct block_beside *beside)
{
	d->beside = beside;
}

static int on_position(uint64_t *ret_ns, void *arg)
{
	struct detect *d = arg;

	return alertbook_position(d->alerts, ret_ns);
}

struct follow_observer detect_observer(struct detect *d)
{
	return (struct follow_observer){
		.name = "rules",
		.begin = FOLLOW_NOW,
		.position = on_position,
		.batch = on_batch,
		.commit = on_commit,
		.idle = on_idle,
		.rollback = on_rollback,
		.arg = d,
	};
}
