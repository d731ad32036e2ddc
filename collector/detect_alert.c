/* SPDX-License-Identifier: Apache-2.0 */
/* From hits to alerts: counted by (rule, process, object) first, formatted when new, written at the
 * end of a group of batches. */
#include "collector/detect_internal.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define HOUR_NS UINT64_C(3600000000000)

/* ---- groups ---- */

/* A hash of what it acted upon; of what no process did it is of its node alone. */
static uint64_t object_hash(const struct detect_hit *h)
{
	static const enum field texts[] = { FIELD_FILE_PATH, FIELD_DEST_IP, FIELD_ALARM_REASON };
	struct block *b = h->block;
	uint64_t port = detect_cell(b, h->table, h->row, FIELD_DEST_PORT);
	uint64_t target = detect_cell(b, h->table, h->row, FIELD_TARGET);
	struct block_string node =
		b && !h->entity ? block_info(b)->node_id : (struct block_string){ 0 };
	uint64_t hash = node.n ? XXH3_64bits_withSeed(node.s, node.n, port) : port;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct block_string s = detect_text(b, h->table, h->row, texts[i]);

		if (s.n)
			hash = XXH3_64bits_withSeed(s.s, s.n, hash + i);
	}
	if (target)
		hash ^= detect_cell(b, BLOCK_PROCESSES, (uint32_t)target - 1, FIELD_ENTITY_ID);
	return hash;
}

/* Never 0. */
static uint64_t key_of(uint64_t rule, uint64_t entity, uint64_t object)
{
	const uint64_t parts[] = { rule, entity, object };

	return XXH3_64bits(parts, sizeof(parts)) | 1;
}

static struct detect_group *find_group(struct detect *d, uint64_t key)
{
	uint32_t at = slots_first(&d->by_key, key);
	uint32_t number = slots_next(&d->by_key, key, &at);

	return number ? &d->groups[number - 1] : NULL;
}

static struct detect_group *add_group(struct detect *d, uint64_t key)
{
	struct detect_group *g;

	if (d->n_groups == d->cap_groups) {
		uint32_t cap = d->cap_groups ? d->cap_groups * 2 : 1024;
		struct detect_group *more = reallocarray(d->groups, cap, sizeof(*more));

		if (!more)
			return NULL;
		d->groups = more;
		d->cap_groups = cap;
	}
	if (!slots_room(&d->by_key))
		return NULL;
	g = &d->groups[d->n_groups++];
	*g = (struct detect_group){ .key = key };
	slots_put(&d->by_key, key, d->n_groups);
	return g;
}

static bool touch(struct detect *d, struct detect_group *g)
{
	if (g->touched)
		return true;
	if (d->n_touched == d->cap_touched) {
		uint32_t cap = d->cap_touched ? d->cap_touched * 2 : 256;
		uint32_t *more = reallocarray(d->touched, cap, sizeof(*more));

		if (!more)
			return false;
		d->touched = more;
		d->cap_touched = cap;
	}
	d->touched[d->n_touched++] = (uint32_t)(g - d->groups);
	g->touched = true;
	return true;
}

/* The group of a hit; of one that would be one alert too many, the one of all the rest. */
static struct detect_group *group_of(struct detect *d, struct detect_hit *h)
{
	struct detect_member *m = h->member;
	uint64_t hour = h->time_ns / HOUR_NS;
	uint64_t key = h->group ? key_of(m->id_hash, 1, h->group)
				: key_of(m->id_hash, h->entity, object_hash(h));
	struct detect_group *g = d->by_key.cap ? find_group(d, key) : NULL;

	if (g && !(g->id && h->time_ns > g->last_ns + DETECT_WINDOW_NS))
		return g;
	if (m->hour != hour) {
		m->hour = hour;
		m->made = 0;
	}
	h->folded = m->made >= DETECT_ALERTS_HOUR;
	if (h->folded) {
		key = key_of(m->id_hash, hour, ~m->id_hash);
		g = find_group(d, key);
	} else {
		m->made++;
	}
	return g ? g : add_group(d, key);
}

int detect_take_hit(struct detect *d, struct detect_hit *h)
{
	struct detect_group *g = d->muted ? NULL : group_of(d, h);

	if (d->muted)
		return 0;
	if (!g || !touch(d, g))
		return err_origin(-ENOMEM);
	if (g->id && h->time_ns > g->last_ns + DETECT_WINDOW_NS)
		g->id = g->n = 0; /* as if it were new */
	if (!g->new && (g->id == 0 || g->n + g->pending < ALERT_EVENTS)) {
		g->new = detect_new_of(d, h);
		if (!g->new)
			return err_origin(-ENOMEM);
	} else if (g->new && g->new->n_events < ALERT_EVENTS && !h->window && !h->match) {
		int r = detect_new_add(d, g->new, h);

		if (r < 0)
			return r;
	}
	if (g->pending == 0)
		g->first_pending_ns = h->time_ns;
	g->first_pending_ns = MIN(g->first_pending_ns, h->time_ns);
	g->last_pending_ns = MAX(g->last_pending_ns, h->time_ns);
	g->pending++;
	return 0;
}

/* What the exceptions of the correlations that @m is for leave of its hits. */
static int leave_out(struct detect *d, struct detect_member *m, struct block *b, uint32_t table,
		     const uint64_t *bits)
{
	size_t n = ((size_t)block_rows(b, table) + 63) / 64 * sizeof(*bits);
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->n_links; i++) {
		struct detect_link *l = &m->links[i];
		struct detect_member *to = &d->members[l->to];

		free(TAKE(l->left));
		if (to->n_exceptions == 0)
			continue;
		l->left = malloc(n);
		if (!l->left)
			return err_origin(-ENOMEM);
		memcpy(l->left, bits, n);
		r = detect_except(d, to, b, table, l->left);
	}
	return r;
}

int detect_take(struct detect *d, struct detect_member *m, struct block *b, uint32_t table,
		const uint64_t *bits)
{
	const uint64_t *process = block_column(b, table, FIELD_PROCESS);
	const uint64_t *time = block_column(b, table, FIELD_TIMESTAMP);
	uint32_t rows = block_rows(b, table);
	uint64_t n = 0;
	int r = leave_out(d, m, b, table, bits);

	for (uint32_t w = 0; r == 0 && w * 64 < rows; w++)
		for (uint64_t left = bits[w]; r == 0 && left; left &= left - 1) {
			struct detect_hit h = { .member = m, .block = b, .table = table };

			h.row = w * 64 + (uint32_t)__builtin_ctzll(left);
			h.process = process ? (uint32_t)process[h.row] : 0;
			h.time_ns = time && time[h.row] ? time[h.row] - 1 : 0;
			if (h.process)
				h.entity = detect_cell(b, BLOCK_PROCESSES, h.process - 1,
						       FIELD_ENTITY_ID);
			if (m->n_links)
				r = detect_correlate(d, m, &h);
			if (r == 0 && !m->quiet)
				r = detect_take_hit(d, &h);
			n++;
		}
	detect_count(d, m, n);
	return r;
}

/* ---- writing ---- */

static int write_events(struct detect *d, const struct detect_group *g, uint64_t id,
			uint64_t before)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < g->new->n_events &&before + i < ALERT_EVENTS; i++)
		r = alertbook_add_event(d->alerts, id, before + i, g->new->events[i].id,
					g->new->events[i].document);
	return r;
}

static int write_new(struct detect *d, struct detect_group *g)
{
	struct detect_new *n = g->new;
	struct alert a = {
		.rule_id = n->rule_id,
		.revision = n->revision,
		.title = n->title,
		.level = n->level,
		.techniques = n->techniques,
		.node_id = n->node_id,
		.node = n->node,
		.entity = n->entity,
		.object = n->object,
		.dedup = g->key,
		.first_ns = g->first_pending_ns,
		.last_ns = g->last_pending_ns,
		.n_events = g->pending,
		.body = n->body,
	};
	int r = alertbook_add(d->alerts, &a);

	for (size_t i = 0; r == 0 && i < n->n_marks; i++)
		r = alertbook_mark(d->alerts, a.id, n->marks[i].kind, n->marks[i].value,
				   g->first_pending_ns);
	if (r == 0)
		r = write_events(d, g, a.id, 0);
	g->id = r == 0 ? a.id : 0;
	return r;
}

/* An alert that is there is counted up, else it is made. */
static int write_group(struct detect *d, struct detect_group *g, uint64_t *ret_made)
{
	uint64_t since =
		g->first_pending_ns > DETECT_WINDOW_NS ? g->first_pending_ns - DETECT_WINDOW_NS : 0;
	uint64_t id = g->id, before = g->n;
	int r = 0;

	if (id == 0)
		r = alertbook_find(d->alerts, g->key, since, &id, &before);
	if (r == 0 && id == 0) {
		++*ret_made;
		g->made = true;
		return write_new(d, g);
	}
	if (r == 0)
		r = alertbook_count(d->alerts, id, g->pending, g->last_pending_ns);
	if (r == 0 && g->new)
		r = write_events(d, g, id, before);
	if (r == 0) {
		g->id = id;
		g->n = before;
	}
	return r;
}

static void settle(struct detect *d, struct detect_group *g)
{
	struct detect_member *m = g->made ? detect_find(d, g->new->rule_id) : NULL;

	if (m) {
		pthread_mutex_lock(&d->mutex);
		m->stats.alerts++;
		pthread_mutex_unlock(&d->mutex);
	}
	g->made = false;
	g->n += g->pending;
	g->last_ns = MAX(g->last_ns, g->last_pending_ns);
	g->pending = g->last_pending_ns = 0;
	g->touched = false;
	g->new = detect_new_free(g->new);
}

/* People may have closed alerts: what is known of ids is asked again. */
static void look_again(struct detect *d)
{
	for (uint32_t i = 0; i < d->n_groups; i++)
		if (!d->groups[i].touched)
			d->groups[i].id = 0;
}

void detect_look(struct detect *d)
{
	uint64_t changes = alertbook_changes(d->alerts);

	if (changes == d->changes)
		return;
	look_again(d);
	d->changes = changes;
}

static void forget_all(struct detect *d)
{
	pthread_mutex_lock(&d->mutex);
	d->stats.forgotten += d->n_groups;
	pthread_mutex_unlock(&d->mutex);
	slots_clear(&d->by_key);
	d->n_groups = 0;
}

static void count_made(struct detect *d, uint64_t made, uint64_t hits)
{
	pthread_mutex_lock(&d->mutex);
	d->stats.alerts += made;
	d->stats.suppressed += hits - made;
	pthread_mutex_unlock(&d->mutex);
}

int detect_write(struct detect *d, uint64_t position_ns)
{
	bool edited = alertbook_changes(d->alerts) != d->changes;
	uint64_t made = 0, hits = 0;
	int r = alertbook_begin(d->alerts);

	if (r < 0)
		return r;
	for (uint32_t i = 0; r == 0 && i < d->n_touched; i++) {
		struct detect_group *g = &d->groups[d->touched[i]];

		if (g->new &&edited)
			g->id = 0; /* it may have been closed */
		hits += g->pending;
		r = write_group(d, g, &made);
	}
	if (r < 0) {
		alertbook_rollback(d->alerts);
		return r;
	}
	if (d->settled_ns)
		r = alertbook_settle(d->alerts, d->settled_ns);
	if (r < 0) {
		alertbook_rollback(d->alerts);
		return r;
	}
	r = alertbook_commit(d->alerts, position_ns);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < d->n_touched; i++)
		settle(d, &d->groups[d->touched[i]]);
	if (edited)
		look_again(d);
	d->n_touched = 0;
	d->changes = alertbook_changes(d->alerts);
	if (hits)
		count_made(d, made, hits);
	if (d->n_groups > DETECT_GROUPS)
		forget_all(d);
	return 0;
}

void detect_forget(struct detect *d)
{
	for (uint32_t i = 0; i < d->n_touched; i++) {
		struct detect_group *g = &d->groups[d->touched[i]];

		g->id = 0;
		g->made = false;
		g->pending = g->last_pending_ns = 0;
		g->touched = false;
		g->new = detect_new_free(g->new);
	}
	d->n_touched = 0;
}
