/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/flows.h"

#include <stdatomic.h>
#include <string.h>

#include "collector/flow_row.h"
#include "lib/timestamp.h"

enum {
	EXPIRE_ROWS = 5000,
	EXPIRE_S = 10,
	KEYS = 8, /* tuples that are translated into each other */
};

#define DAY_NS UINT64_C(86400000000000)

struct flows {
	struct flowdb *db;
	struct store *store;
	char *dir;
	uint64_t most, expired_ns;
	struct flow_batch at; /* the batch at hand */
	/* one key's, with those it is translated to and from */
	struct flow near[FLOWDB_KEY_ROWS];
	size_t n_near;
	struct flow_links links;
	struct flow_end sightings[FLOW_SIGHTINGS];
	struct flow_match matches[FLOW_SIGHTINGS];
	_Atomic uint64_t n_flows, n_events, n_evicted, n_crowded;
};

/* ---- joining ---- */

static bool same_sighting(const struct flow_end *a, const struct flow_end *b)
{
	return a->source == b->source && a->side == b->side && a->open_ns == b->open_ns &&
	       a->open_seq == b->open_seq && a->close_ns == b->close_ns &&
	       a->close_seq == b->close_seq;
}

/* Tuples that are translated into each other: those of f->near and the one at hand. */
struct keys {
	uint64_t at[KEYS];
	size_t n;
};

static bool add_key(struct keys *k, uint64_t key)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->at[i] == key)
			return false;
	if (k->n == KEYS)
		return false;
	k->at[k->n++] = key;
	return true;
}

/* Loads all flows and translations that may have to do with what happened then. */
static int load_near(struct flows *f, struct keys *keys, uint64_t at_ns)
{
	struct flowdb_days days = { UINT64_MAX, 0 };
	bool more = true;
	int r = 0;

	f->links.n = 0;
	while (more && r == 0) {
		more = false;
		f->n_near = 0;
		for (size_t i = 0; i < keys->n && r == 0; i++)
			r = flowdb_near(f->db, keys->at[i], at_ns, f->near, &f->n_near, &days);
		for (size_t i = 0; i < keys->n && r == 0; i++)
			r = flowdb_links(f->db, keys->at[i], days, &f->links);
		for (size_t i = 0; i < f->links.n && r == 0; i++) {
			more |= add_key(keys, f->links.at[i].from);
			more |= add_key(keys, f->links.at[i].to);
		}
	}
	return r;
}

/* Sightings of f->near, and @e (NULL: none).  False: it is among them already. */
static bool gather(struct flows *f, const struct flow_end *e, size_t *ret_n)
{
	size_t at = 0;

	for (size_t i = 0; i < f->n_near; i++)
		for (size_t s = 0; s < FLOW_SIDES; s++)
			if (f->near[i].ends.end[s].source)
				at += flow_sightings(&f->near[i].ends.end[s], &f->sightings[at]);
	for (size_t i = 0; i < at && e; i++)
		if (same_sighting(&f->sightings[i], e))
			return false;
	if (e)
		f->sightings[at++] = *e;
	*ret_n = at;
	return true;
}

static bool same_end(const struct flow_end *a, const struct flow_end *b)
{
	return a->source && same_sighting(a, b) && a->error[0] == b->error[0];
}

static bool same_match(const struct flow_match *a, const struct flow_match *b)
{
	if (a->confidence != b->confidence)
		return false;
	for (size_t s = 0; s < FLOW_SIDES; s++)
		if ((a->end[s].source || b->end[s].source) && !same_end(&a->end[s], &b->end[s]))
			return false;
	return true;
}

/* Shares an open or a close of an end. */
static bool akin(const struct flow_match *a, const struct flow_match *b)
{
	for (size_t s = 0; s < FLOW_SIDES; s++) {
		const struct flow_end *x = &a->end[s], *y = &b->end[s];

		if (x->source && x->source == y->source &&
		    ((x->open_ns && x->open_seq == y->open_seq && x->open_ns == y->open_ns) ||
		     (x->close_ns && x->close_seq == y->close_seq && x->close_ns == y->close_ns)))
			return true;
	}
	return false;
}

/* Row among @n that @m takes over; NULL: a new one.  Exact ones first, so that nothing is
 * rewritten. */
static struct flow *row_for(struct flows *f, const bool *taken, const struct flow_match *m,
			    bool exact)
{
	for (size_t i = 0; i < f->n_near; i++)
		if (!taken[i] &&
		    (exact ? same_match(&f->near[i].ends, m) : akin(&f->near[i].ends, m)))
			return &f->near[i];
	return NULL;
}

/* The tuple of this key: of the event at hand or of a flow near it. */
static const struct flow_tuple *tuple_of(const struct flows *f, const struct flow *event,
					 uint64_t key)
{
	for (size_t i = 0; i < f->n_near && event->tuple.key != key; i++) {
		if (f->near[i].tuple.key == key)
			return &f->near[i].tuple;
		if (f->near[i].nat.key == key)
			return &f->near[i].nat;
	}
	return &event->tuple;
}

static int put(struct flows *f, struct flow *row, const struct flow *event,
	       const struct flow_match *m)
{
	const struct flow_end *a = &m->end[FLOW_CONNECTED], *b = &m->end[FLOW_ACCEPTED];
	const struct flow_end *first = a->source ? a : b;
	struct flow out = { .id = row ? row->id : 0, .at_ns = flow_end_at(first), .ends = *m };

	memcpy(out.transport, event->transport, sizeof(out.transport));
	out.tuple = *tuple_of(f, event, first->key);
	if (a->source && b->source && a->key != b->key)
		out.nat = *tuple_of(f, event, b->key);
	return flowdb_put(f->db, &out);
}

/* Writes what differs from the rows that were there. */
static int write_back(struct flows *f, const struct flow *event, size_t n_matches)
{
	bool taken[FLOWDB_KEY_ROWS] = { false }, done[FLOW_SIGHTINGS] = { false };
	int r = 0;

	for (size_t i = 0; i < n_matches; i++) {
		struct flow *row = row_for(f, taken, &f->matches[i], true);

		if (row)
			taken[row - f->near] = done[i] = true;
	}
	for (size_t i = 0; i < n_matches && r == 0; i++) {
		struct flow *row = done[i] ? NULL : row_for(f, taken, &f->matches[i], false);

		if (row)
			taken[row - f->near] = true;
		if (!done[i])
			r = put(f, row, event, &f->matches[i]);
	}
	for (size_t i = 0; i < f->n_near && r == 0; i++)
		if (!taken[i])
			r = flowdb_drop(f->db, f->near[i].id);
	return r;
}

/* Puts together again what has to do with @event at @at_ns, and @e (NULL: nothing new). */
static int join(struct flows *f, struct keys *keys, const struct flow *event, uint64_t at_ns,
		const struct flow_end *e)
{
	size_t n_sightings, n_matches;
	int r = load_near(f, keys, at_ns);

	if (r == -E2BIG)
		return 0;
	if (r < 0 || !gather(f, e, &n_sightings))
		return r;
	n_matches = flow_resolve(f->sightings, n_sightings, &f->links, f->matches);
	return write_back(f, event, n_matches);
}

/* ---- batches ---- */

static int take_connection(struct flows *f, uint32_t table, uint32_t row)
{
	struct flow event = { .id = 0 };
	struct keys keys;
	struct flow_end e;
	const char *own;
	int r;

	if (!flow_row_tuple(&f->at, table, row, FLOW_ROW_PLAIN, &event.tuple))
		return 0;
	flow_row_text(&f->at, table, row, FIELD_TRANSPORT, event.transport,
		      sizeof(event.transport));
	flow_row_end(&f->at, table, row, &e);
	e.key = event.tuple.key;
	keys = (struct keys){ { e.key }, 1 };
	own = e.side == FLOW_CONNECTED ? event.tuple.source_ip : event.tuple.dest_ip;
	r = flow_is_loopback(own) ? 0 : flowdb_address(f->db, own, f->at.node, flow_end_at(&e));
	if (r < 0)
		return r;
	f->n_events++;
	return join(f, &keys, &event, flow_end_at(&e), &e);
}

/* What was a half of each tuple may be one connection now. */
static int take_translation(struct flows *f, uint32_t table, uint32_t row)
{
	struct flow event = { .id = 0 };
	struct flow_tuple plain, nat;
	struct flow_link l;
	struct keys keys;
	int r;

	if (!flow_row_tuple(&f->at, table, row, FLOW_ROW_PLAIN, &plain) ||
	    !flow_row_tuple(&f->at, table, row, FLOW_ROW_NAT, &nat) || plain.key == nat.key)
		return 0;
	flow_row_text(&f->at, table, row, FIELD_TRANSPORT, event.transport,
		      sizeof(event.transport));
	l = (struct flow_link){ plain.key, nat.key,
				flow_row_corrected(&f->at, flow_row_number(&f->at, table, row,
									   FIELD_TIMESTAMP)) };
	keys = (struct keys){ { l.from, l.to }, 2 };
	r = flowdb_translation(f->db, &l, plain.source_ip, nat.dest_ip);
	return r == 0 ? join(f, &keys, &event, l.at_ns, NULL) : r;
}

static int take_gap(struct flows *f, uint32_t table, uint32_t row)
{
	uint64_t at = flow_row_number(&f->at, table, row, FIELD_TIMESTAMP);
	uint64_t from = flow_row_number(&f->at, table, row, FIELD_GAP_FROM),
		 to = flow_row_number(&f->at, table, row, FIELD_GAP_TO);
	char class[16], cause[32];

	flow_row_text(&f->at, table, row, FIELD_GAP_CLASS, class, sizeof(class));
	flow_row_text(&f->at, table, row, FIELD_GAP_CAUSE, cause, sizeof(cause));
	if (!from || strcmp(class, "priority") == 0) /* connections are bulk */
		return 0;
	return flowdb_outage(f->db, f->at.node, flow_row_corrected(&f->at, from),
			     flow_row_corrected(&f->at, to ? to : at), cause);
}

/* The sensor began: since the last event before it nobody watched. */
static int take_sensor(struct flows *f, uint32_t table, uint32_t row, uint64_t last_ns)
{
	uint64_t at =
		flow_row_corrected(&f->at, flow_row_number(&f->at, table, row, FIELD_TIMESTAMP));
	char message[32];

	flow_row_text(&f->at, table, row, FIELD_MESSAGE, message, sizeof(message));
	if (strncmp(message, "start", 5) != 0 || last_ns >= at)
		return 0;
	return flowdb_outage(f->db, f->at.node, last_ns, at, last_ns ? "stopped" : "not_started");
}

static int take_row(struct flows *f, uint32_t table, uint32_t row, uint64_t last_ns)
{
	switch (block_kind(f->at.block, table)) {
	case KIND_CONNECT:
	case KIND_ACCEPT:
	case KIND_DISCONNECT:
	case KIND_DATAGRAM:
		return take_connection(f, table, row);
	case KIND_NAT:
		return take_translation(f, table, row);
	case KIND_GAP:
		return take_gap(f, table, row);
	case KIND_SENSOR:
		return take_sensor(f, table, row, last_ns);
	default:
		return 0;
	}
}

static int take_source(struct flows *f)
{
	const struct block_info *i = block_info(f->at.block);
	struct block_stats stats;
	char id[129], name[129];
	int r;

	snprintf(id, sizeof(id), "%.*s", (int)MIN(i->node_id.n, 128u), i->node_id.s);
	snprintf(name, sizeof(name), "%.*s", (int)MIN(i->node_name.n, 128u), i->node_name.s);
	block_stats(f->at.block, &stats);
	r = flowdb_source(f->db, id, name, i->boot_text, &f->at.source, &f->at.node);
	if (r < 0)
		return r;
	f->at.clock_error_ns = stats.clock_error_ns;
	f->at.ahead_ns =
		stats.clock_offset_ns; /* a sensor that has just started has none: the last one */
	flowdb_clock(f->db, f->at.node, stats.clock_error_ns != 0, &f->at.ahead_ns);
	return 0;
}

static const uint64_t told_kinds = UINT64_C(1) << KIND_CONNECT | UINT64_C(1) << KIND_ACCEPT |
				   UINT64_C(1) << KIND_DISCONNECT | UINT64_C(1) << KIND_DATAGRAM |
				   UINT64_C(1) << KIND_NAT | UINT64_C(1) << KIND_GAP |
				   UINT64_C(1) << KIND_SENSOR;

static int on_batch(const struct store_block *meta, struct block *b, void *arg)
{
	struct flows *f = arg;
	uint64_t before_ns;
	int r;

	(void)meta;
	if (block_info(b)->n_tables == 1 && block_kind(b, 0) == KIND_ALARM)
		return 0; /* the collector's word, by its own clock: nobody watched the node */
	f->at.block = b;
	r = take_source(f);
	if (r < 0)
		return r == -ENOSPC ? 0 : r;
	flowdb_seen(f->db, f->at.node, flow_row_corrected(&f->at, block_info(b)->max_time_ns),
		    &before_ns);
	for (uint32_t t = 0; t < block_info(b)->n_tables && r == 0; t++) {
		if (!(told_kinds >> block_kind(b, t) & 1))
			continue;
		for (uint32_t row = 0; row < block_rows(b, t) && r == 0; row++)
			r = take_row(f, t, row, before_ns);
	}
	return r == 0 && block_failed(b) ? err_origin(-ENOMEM) : r;
}

/* ---- what goes ---- */

/* Flows whose day and the one before (a batch lies where its first event does) are not stored any
 * more; one bounded piece a call. */
static int expire(struct flows *f, uint64_t now_ns)
{
	struct flowdb_counters c;
	uint64_t oldest_ns = 0, day;
	uint32_t n = 0;
	int r;

	flowdb_counters(f->db, &c);
	if (c.flows > f->most)
		return flowdb_expire(f->db, UINT64_MAX,
				     (uint32_t)MIN(c.flows - f->most, (uint64_t)EXPIRE_ROWS * 4),
				     true, &n);
	if (!f->store || now_ns - f->expired_ns < EXPIRE_S * UINT64_C(1000000000))
		return 0;
	f->expired_ns = now_ns;
	r = flowdb_oldest(f->db, &oldest_ns);
	day = oldest_ns / DAY_NS;
	if (r < 0 || !oldest_ns || day + 1 >= now_ns / DAY_NS ||
	    store_has_events(f->store, (uint32_t)day) ||
	    store_has_events(f->store, (uint32_t)(day - 1)))
		return r;
	r = flowdb_expire(f->db, (day + 1) * DAY_NS, EXPIRE_ROWS, false, &n);
	if (n == EXPIRE_ROWS)
		f->expired_ns = 0; /* there are more: with the next commit */
	return r;
}

static void publish(struct flows *f)
{
	struct flowdb_counters c;

	flowdb_counters(f->db, &c);
	f->n_flows = c.flows;
	f->n_evicted = c.evicted;
	f->n_crowded = c.crowded;
}

static int on_commit(uint64_t ingested_ns, void *arg)
{
	struct flows *f = arg;
	int r = expire(f, timestamp_now());

	if (r == 0)
		r = flowdb_commit(f->db, ingested_ns);
	if (r == 0)
		publish(f);
	return r;
}

static void on_rollback(void *arg)
{
	struct flows *f = arg;

	flowdb_rollback(f->db);
}

static int on_position(uint64_t *ret_ns, void *arg)
{
	struct flows *f = arg;

	return flowdb_position(f->db, ret_ns);
}

struct follow_observer flows_observer(struct flows *f)
{
	return (struct follow_observer){ .name = "flows",
					 .begin = FOLLOW_HISTORY,
					 .position = on_position,
					 .batch = on_batch,
					 .commit = on_commit,
					 .rollback = on_rollback,
					 .arg = f };
}

int flows_new(struct flows **ret, const char *dir, struct store *s, uint64_t most, struct diag *d)
{
	AUTO(flows) *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return err_origin(-ENOMEM);
	f->store = s;
	f->most = most ? most : FLOWS_MOST;
	f->dir = strdup(dir);
	if (!f->dir)
		return err_origin(-ENOMEM);
	r = flowdb_open(&f->db, dir, d);
	if (r < 0)
		return r;
	publish(f);
	*ret = TAKE(f);
	return 0;
}

struct flows *flows_free(struct flows *f)
{
	if (!f)
		return NULL;
	flowdb_free(f->db);
	free(f->dir);
	free(f);
	return NULL;
}

int flows_reader(const struct flows *f, struct flowdb **ret)
{
	return flowdb_open_reader(ret, f->dir, NULL);
}

void flows_counters(const struct flows *f, struct flows_counters *ret)
{
	*ret = (struct flows_counters){ 0 };
	if (f)
		*ret = (struct flows_counters){ f->n_flows, f->n_events, f->n_evicted,
						f->n_crowded };
}
