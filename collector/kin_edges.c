/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/kin_edges.h"

#include <string.h>

#include "collector/flow_list.h"
#include "collector/flows.h"
#include "collector/query_internal.h"
#include "lib/expr_kin.h"
#include "lib/slots.h"

/* A process that accepted connections. */
struct server {
	uint64_t entity;
	uint64_t *ids; /* of its connections */
	struct serving *spans;
	bool *ours;
	uint32_t n;
	bool changed; /* what it connected to, and started, is to be looked at */
};

struct kin_edges {
	struct query_worker *worker;
	const struct query *q;
	struct query ever; /* to the end of q's range */
	struct flowdb *db;
	struct expr_kin *kin;
	struct slots by_client, by_server;
	uint64_t *clients; /* that are in it wholly; those before n_done were looked at */
	size_t n_clients, n_done, clients_room;
	struct server *servers[KIN_SERVERS];
	size_t n_servers;
	uint32_t n_edges, n_connections;
	bool cut;
};

static void server_free(struct server *s)
{
	free(s->ids);
	free(s->spans);
	free(s->ours);
	free(s);
}

static void kin_edges_done(struct kin_edges *k)
{
	for (size_t i = 0; i < k->n_servers; i++)
		server_free(k->servers[i]);
	slots_done(&k->by_client);
	slots_done(&k->by_server);
	free(k->clients);
	flowdb_free(k->db);
}

/* ---- servers ---- */

static int fill_server(struct kin_edges *k, struct server *s)
{
	struct flow_list l = { 0 };
	int r = flow_list_of(k->db, &k->ever, s->entity, FLOW_ACCEPTED, &l);

	k->cut |= l.cut || k->n_connections + l.n > KIN_CONNECTIONS;
	if (r == 0 && l.n && k->n_connections + l.n <= KIN_CONNECTIONS) {
		s->ids = calloc(l.n, sizeof(*s->ids));
		s->ours = calloc(l.n, sizeof(*s->ours));
		s->spans = TAKE(l.spans);
		s->n = s->ids && s->ours ? l.n : 0;
		r = s->n ? 0 : err_origin(-ENOMEM);
	}
	for (uint32_t i = 0; i < s->n; i++)
		s->ids[i] = l.list[i].id;
	k->n_connections += s->n;
	flow_list_done(&l);
	return r;
}

/* The server of this id, looked up once.  *ret NULL: there is no room, which is told. */
static int get_server(struct kin_edges *k, uint64_t entity, struct server **ret)
{
	uint32_t at = slots_first(&k->by_server, entity);
	uint32_t number = slots_next(&k->by_server, entity, &at);
	struct server *s;

	*ret = number ? k->servers[number - 1] : NULL;
	if (number)
		return 0;
	if (k->n_servers == KIN_SERVERS) {
		k->cut = true;
		return 0;
	}
	s = calloc(1, sizeof(*s));
	if (!s || !slots_room(&k->by_server)) {
		free(s);
		return err_origin(-ENOMEM);
	}
	s->entity = entity;
	k->servers[k->n_servers++] = s;
	slots_put(&k->by_server, entity, (uint32_t)k->n_servers);
	*ret = s;
	return fill_server(k, s);
}

/* An edge from a process of the condition or a descendant. */
static int follow_edge(struct kin_edges *k, const struct flow *f)
{
	uint64_t entity = f->ends.end[FLOW_ACCEPTED].entity;
	struct server *s = NULL;
	int r = f->ends.confidence && entity ? get_server(k, entity, &s) : 0;

	for (uint32_t i = 0; s && i < s->n; i++)
		if (s->ids[i] == f->id && !s->ours[i]) {
			s->ours[i] = true;
			s->changed = true;
			k->n_edges++;
		}
	return r;
}

/* ---- who connected ---- */

static int note_client(uint64_t entity, void *arg)
{
	struct kin_edges *k = arg;
	uint32_t at = slots_first(&k->by_client, entity);
	uint64_t *more;

	if (!entity || slots_next(&k->by_client, entity, &at))
		return 0;
	if (k->n_clients == KIN_CLIENTS) {
		k->cut = true;
		return 0;
	}
	if (k->n_clients == k->clients_room) {
		more = reallocarray(k->clients, k->clients_room * 2 + 64, sizeof(*more));
		if (!more)
			return err_origin(-ENOMEM);
		k->clients = more;
		k->clients_room = k->clients_room * 2 + 64;
	}
	if (!slots_room(&k->by_client))
		return err_origin(-ENOMEM);
	k->clients[k->n_clients++] = entity;
	slots_put(&k->by_client, entity, (uint32_t)k->n_clients);
	return 0;
}

/* What @entity connected to; of a server (@partly) only what it did for one of ours. */
static int follow_from(struct kin_edges *k, uint64_t entity, bool partly)
{
	struct flow_list l = { 0 };
	int r = flow_list_of(k->db, &k->ever, entity, FLOW_CONNECTED, &l);

	k->cut |= l.cut;
	for (uint32_t i = 0; i < l.n && r == 0; i++) {
		const struct flow_end *e = &l.list[i].ends.end[FLOW_CONNECTED];

		if (!partly || expr_kin_served(k->kin, entity, flow_end_begun(e), e->thread))
			r = follow_edge(k, &l.list[i]);
	}
	flow_list_done(&l);
	return r;
}

/* One connection further; *ret_more: something was added. */
static int follow_servers(struct kin_edges *k, bool *ret_more)
{
	size_t n = k->n_servers; /* those added meanwhile are one further */
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		struct server *s = k->servers[i];

		if (!s->changed)
			continue;
		s->changed = false;
		*ret_more = true;
		r = expr_kin_serve(k->kin, s->entity, s->spans, s->ours, s->n);
		if (r == 0)
			r = follow_from(k, s->entity, true);
	}
	return r;
}

static int follow_clients(struct kin_edges *k)
{
	int r = 0;

	while (r == 0 && k->n_done < k->n_clients)
		r = follow_from(k, k->clients[k->n_done++], false);
	return r;
}

/* ---- scans ---- */

static enum store_wish wanted(const struct store_block *meta, void *arg)
{
	const struct kin_edges *k = arg;

	(void)meta;
	return query_cancelled(k->q) ? STORE_STOP : STORE_READ;
}

static int read_forks(const struct store_block *meta, struct block *b, void *arg)
{
	struct kin_edges *k = arg;

	(void)meta;
	return expr_kin_forks(k->kin, b);
}

static int read_clients(const struct store_block *meta, struct block *b, void *arg)
{
	struct kin_edges *k = arg;

	(void)meta;
	return expr_kin_clients(k->kin, k->worker->scratch, b, note_client, k);
}

static int scan(struct kin_edges *k, uint64_t kinds, store_each_fn each)
{
	struct store_range range = { .to_ns = k->q->to_ns, .kinds = kinds };

	return query_scan_blocks(k->worker, k->q, &range, wanted, each, k);
}

/* ---- together ---- */

static int follow_all(struct kin_edges *k)
{
	static const uint64_t forks = UINT64_C(1) << KIND_FORK;
	static const uint64_t connects = UINT64_C(1) << KIND_CONNECT | UINT64_C(1) << KIND_DATAGRAM;
	bool more = true;
	int r = 0;

	for (uint32_t hop = 0; more && r == 0; hop++) {
		if (hop > KIN_HOPS) {
			k->cut = true;
			break;
		}
		more = false;
		r = scan(k, connects, read_clients);
		if (r == 0)
			r = follow_clients(k);
		if (r == 0)
			r = follow_servers(k, &more);
		if (r == 0 && more)
			r = scan(k, forks, read_forks);
	}
	return r;
}

int kin_edges_learn(struct query_worker *w, const struct query *q, struct expr_kin *kin,
		    struct kin_edges_info *ret)
{
	struct kin_edges *k = calloc(1, sizeof(*k));
	struct flowdb_counters c = { 0 };
	int r = k ? flows_reader(q->flows, &k->db) : err_origin(-ENOMEM);

	if (r == 0)
		flowdb_counters(k->db, &c);
	if (r == 0 && c.flows) {
		k->worker = w;
		k->q = q;
		k->ever = (struct query){ .to_ns = q->to_ns };
		k->kin = kin;
		r = follow_all(k);
		ret->edges += k->n_edges;
		ret->cut |= k->cut;
	}
	if (k)
		kin_edges_done(k);
	free(k);
	return r == -ENOENT ? 0 : r;
}
