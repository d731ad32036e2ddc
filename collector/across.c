/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/across.h"

#include <string.h>

#include <uv.h>

#include "collector/query_internal.h"

enum { UP_TO_HERE = 64 }; /* ancestors over all hosts */

/* Connections of one process at one end, by time. */
struct flow_list {
	struct flow *list;
	uint32_t n, room;
	bool cut;
};

/* A process that was looked up. */
struct known {
	uint64_t entity;
	struct lineage *lineage; /* may be empty */
	struct flow_list served; /* that it accepted */
};

/* Edges that a process is looked at by: it is below them only while it serves one of them. */
struct scope {
	uint32_t via, n; /* n 0: for ever */
};

struct across {
	struct query_worker *worker;
	const struct query *q;
	struct flowdb *db;
	const struct across_request *request;
	struct known *known[ACROSS_PROCESSES];
	uint32_t n_known;
	struct across_node *nodes;
	uint32_t n, room;
	struct flow *edges;
	uint32_t n_edges, edges_room;
	uint32_t breaks[ACROSS_BREAKS];
	uint32_t n_breaks, n_without_sensor;
	bool cut;
};

static void flow_list_done(struct flow_list *l)
{
	free(l->list);
}

struct across *across_free(struct across *a)
{
	if (!a)
		return NULL;
	for (uint32_t i = 0; i < a->n_known; i++) {
		lineage_free(a->known[i]->lineage);
		flow_list_done(&a->known[i]->served);
		free(a->known[i]);
	}
	free(a->nodes);
	free(a->edges);
	free(a);
	return NULL;
}

/* ---- connections of a process ---- */

static int keep_flow(const struct flow *f, void *arg)
{
	struct flow_list *l = arg;
	struct flow *more;

	if (l->n == ACROSS_FLOWS) {
		l->cut = true;
		return 1;
	}
	if (l->n == l->room) {
		more = reallocarray(l->list, l->room * 2 + 16, sizeof(*more));
		if (!more)
			return err_origin(-ENOMEM);
		l->list = more;
		l->room = l->room * 2 + 16;
	}
	l->list[l->n++] = *f;
	return 0;
}

static int flows_of(struct flowdb *db, const struct query *q, uint64_t entity, enum flow_side side,
		    struct flow_list *ret)
{
	struct flow_question question = { .from_ns = q->from_ns,
					  .to_ns = q->to_ns,
					  .entity = entity,
					  .only_side = true,
					  .side = side };
	int r = entity ? flowdb_ask(db, &question, keep_flow, ret) : 0;

	return MIN(r, 0);
}

/* ---- which connection was served ---- */

static bool serves(const struct flow_end *e, uint64_t when_ns)
{
	return e->established_ns <= when_ns && (!e->close_ns || when_ns <= e->close_ns);
}

/* Of those that @l holds, the last one accepted before; NULL: none.  *ret_sure as across.h says. */
static const struct flow *served_at(const struct flow_list *l, uint64_t when_ns, uint64_t thread,
				    uint32_t *ret_sure)
{
	const struct flow *best = NULL;
	bool best_same = false;
	uint32_t n = 0;

	for (uint32_t i = 0; i < l->n; i++) {
		const struct flow_end *e = &l->list[i].ends.end[FLOW_ACCEPTED];
		bool same = thread && e->thread == thread;

		if (!serves(e, when_ns))
			continue;
		n++;
		if (best && (best_same > same ||
			     (best_same == same &&
			      best->ends.end[FLOW_ACCEPTED].established_ns > e->established_ns)))
			continue;
		best = &l->list[i];
		best_same = same;
	}
	*ret_sure = n == 0 ? 0 : n == 1 ? 100 : best_same ? ACROSS_ONE_OF_SOME : ACROSS_ONE_OF_MANY;
	return best;
}

int across_served(struct flowdb *db, const struct query *q, uint64_t process, uint64_t when_ns,
		  uint64_t thread, struct flow *ret, uint32_t *ret_sure)
{
	struct flow_list l = { 0 };
	const struct flow *best;
	int r = flows_of(db, q, process, FLOW_ACCEPTED, &l);

	*ret_sure = 0;
	best = r == 0 ? served_at(&l, when_ns, thread, ret_sure) : NULL;
	if (best)
		*ret = *best;
	flow_list_done(&l);
	return r;
}

/* ---- processes ---- */

static bool late(const struct across *a)
{
	return a->request->deadline_ns && uv_hrtime() > a->request->deadline_ns;
}

static uint64_t thread_of(const struct lineage_node *n)
{
	return n->maker_thread ? n->maker_thread - 1 : 0;
}

/* Looks a process up, once.  *ret NULL: a bound was reached. */
static int know(struct across *a, uint64_t entity, struct known **ret)
{
	struct lineage_request request = { .entity = entity,
					   .depth = a->request->depth,
					   .limit = a->request->limit,
					   .deadline_ns = a->request->deadline_ns };
	struct known *k;
	int r;

	*ret = NULL;
	for (uint32_t i = 0; i < a->n_known; i++)
		if (a->known[i]->entity == entity) {
			*ret = a->known[i];
			return 0;
		}
	if (a->n_known == ACROSS_PROCESSES || late(a)) {
		a->cut = true;
		return 0;
	}
	k = calloc(1, sizeof(*k));
	if (!k)
		return err_origin(-ENOMEM);
	a->known[a->n_known++] = k;
	k->entity = entity;
	r = lineage_find(&k->lineage, a->worker, a->q, &request);
	if (r == 0)
		r = flows_of(a->db, a->q, entity, FLOW_ACCEPTED, &k->served);
	a->cut |= r == 0 && (lineage_is_cut(k->lineage) || k->served.cut);
	*ret = k;
	return r;
}

/* ---- the tree as it grows ---- */

/* Appends @n; *ret_index of it.  False: no room, which is told, or no memory (*ret_r). */
static bool add_node(struct across *a, const struct across_node *n, uint32_t *ret_index, int *ret_r)
{
	struct across_node *more;

	if (a->n == a->request->limit) {
		a->cut = true;
		return false;
	}
	if (a->n == a->room) {
		more = reallocarray(a->nodes, a->room * 2 + 64, sizeof(*more));
		if (!more) {
			*ret_r = err_origin(-ENOMEM);
			return false;
		}
		a->nodes = more;
		a->room = a->room * 2 + 64;
	}
	*ret_index = a->n;
	a->nodes[a->n++] = *n;
	return true;
}

static int add_edge(struct across *a, const struct flow *f, uint32_t *ret_index)
{
	struct flow *more;

	if (a->n_edges == a->edges_room) {
		more = reallocarray(a->edges, a->edges_room * 2 + 64, sizeof(*more));
		if (!more)
			return err_origin(-ENOMEM);
		a->edges = more;
		a->edges_room = a->edges_room * 2 + 64;
	}
	*ret_index = a->n_edges;
	a->edges[a->n_edges++] = *f;
	return 0;
}

/* Stands in the tree with all that is below it, or is being told. */
static bool told_before(const struct across *a, uint64_t entity, struct scope scope)
{
	for (uint32_t i = 0; i < a->n; i++) {
		const struct across_node *n = &a->nodes[i];

		if (n->entity != entity || n->again)
			continue;
		if (n->n_via == 0)
			return true; /* all of it */
		for (uint32_t k = 0; k < n->n_via && scope.n; k++)
			if (a->edges[n->via + k].id == a->edges[scope.via].id)
				return true;
	}
	return false;
}

static int add_half(struct across *a, const struct flow *f)
{
	struct flow_why why;
	uint32_t edge;
	int r = flowdb_why(a->db, f, &why);

	if (r < 0 || why.absence == FLOW_FAILED)
		return r;
	if (why.absence == FLOW_NO_SENSOR) {
		a->n_without_sensor++;
		return 0;
	}
	if (a->n_breaks == ACROSS_BREAKS) {
		a->cut = true;
		return 0;
	}
	r = add_edge(a, f, &edge);
	if (r == 0)
		a->breaks[a->n_breaks++] = edge;
	return r;
}

/* ---- down ---- */

/* Where something stands: below @above, at @depth, after @hop connections, by so much @sure. */
struct place {
	uint64_t above;
	int32_t depth;
	uint32_t hop, sure;
};

static int add_server(struct across *a, const struct place *at, struct scope via);

/* The edges of the scope that @f is among; its confidence, 0: none. */
static uint32_t in_scope(const struct across *a, struct scope scope, const struct flow *f)
{
	for (uint32_t i = 0; i < scope.n && f; i++)
		if (a->edges[scope.via + i].id == f->id)
			return a->edges[scope.via + i].ends.confidence;
	return 0;
}

/* How sure it is that what @k did then belongs to @scope; 0: it does not. */
static uint32_t belongs(const struct across *a, const struct known *k, struct scope scope,
			uint64_t when_ns, uint64_t thread)
{
	uint32_t sure = 0;
	const struct flow *f;

	if (scope.n == 0)
		return 100;
	f = served_at(&k->served, when_ns, thread, &sure);
	return in_scope(a, scope, f) ? sure : 0;
}

static int by_server(const void *x, const void *y)
{
	const struct flow *a = x, *b = y;
	uint64_t p = a->ends.end[FLOW_ACCEPTED].entity, q = b->ends.end[FLOW_ACCEPTED].entity;

	if (p != q)
		return p < q ? -1 : 1;
	if (a->at_ns != b->at_ns)
		return a->at_ns < b->at_ns ? -1 : 1;
	return (a->id > b->id) - (a->id < b->id);
}

/* Connections of one server, in the list of its client. */
struct group {
	uint64_t first_ns;
	uint32_t at, n;
};

static int by_first(const void *x, const void *y)
{
	const struct group *a = x, *b = y;

	if (a->first_ns != b->first_ns)
		return a->first_ns < b->first_ns ? -1 : 1;
	return (a->at > b->at) - (a->at < b->at);
}

/* Groups of @l, which is sorted by server; each unknown server is one of its own. */
static uint32_t make_groups(const struct flow_list *l, struct group *ret)
{
	uint32_t n = 0;
	uint64_t before = 0;

	for (uint32_t i = 0; i < l->n; i++) {
		uint64_t server = l->list[i].ends.end[FLOW_ACCEPTED].entity;

		if (i == 0 || server != before || !server)
			ret[n++] = (struct group){ l->list[i].at_ns, i, 0 };
		ret[n - 1].n++;
		before = server;
	}
	qsort(ret, n, sizeof(*ret), by_first);
	return n;
}

static int add_group(struct across *a, const struct place *at, const struct flow_list *l,
		     const struct group *g, const uint32_t *sure)
{
	struct place below = { at->above, at->depth, at->hop + 1, at->sure };
	struct scope via = { 0 };
	uint32_t best = 0;
	int r = 0;

	for (uint32_t i = 0; i < g->n && r == 0; i++) {
		uint32_t edge;

		r = add_edge(a, &l->list[g->at + i], &edge);
		if (r == 0 && i == 0)
			via.via = edge;
		via.n++;
		best = MAX(best, sure[g->at + i]);
	}
	below.sure = MIN(below.sure, best);
	return r == 0 ? add_server(a, &below, via) : r;
}

/* Servers in the order of their first connection. */
static int add_servers(struct across *a, const struct place *at, const struct flow_list *l,
		       const uint32_t *sure)
{
	AUTO_MEM struct group *groups = calloc((size_t)l->n + 1, sizeof(*groups));
	uint32_t n;
	int r = 0;

	if (!groups)
		return err_origin(-ENOMEM);
	n = make_groups(l, groups);
	for (uint32_t i = 0; i < n && r == 0; i++)
		r = add_group(a, at, l, &groups[i], sure);
	return r;
}

/* Where @entity connected to, of what belongs to the scope. */
static int add_hops(struct across *a, uint64_t entity, const struct known *k, struct scope scope,
		    const struct place *at)
{
	struct place below = { entity, at->depth + 1, at->hop, at->sure };
	AUTO_MEM uint32_t *sure = NULL;
	struct flow_list l = { 0 };
	uint32_t n = 0;
	int r = flows_of(a->db, a->q, entity, FLOW_CONNECTED, &l);

	a->cut |= l.cut;
	if (r == 0 && l.n)
		qsort(l.list, l.n, sizeof(*l.list), by_server);
	sure = calloc((size_t)l.n + 1, sizeof(*sure));
	if (!sure)
		r = err_origin(-ENOMEM);
	for (uint32_t i = 0; i < l.n && r == 0; i++) {
		const struct flow_end *e = &l.list[i].ends.end[FLOW_CONNECTED];
		uint32_t by = belongs(a, k, scope, e->open_ns ? e->open_ns : e->established_ns,
				      e->thread);

		if (!by)
			continue;
		if (!l.list[i].ends.confidence) {
			r = add_half(a, &l.list[i]);
			continue;
		}
		sure[n] = MIN(by, l.list[i].ends.confidence);
		l.list[n++] = l.list[i];
	}
	l.n = n;
	if (r == 0 && at->hop < a->request->hops)
		r = add_servers(a, &below, &l, sure);
	else if (n)
		a->cut = true;
	flow_list_done(&l);
	return r;
}

/* A process of a lineage and all below it.  *i: its place there, then of the next one beside or
 * above. */
static int add_family(struct across *a, const struct known *k, uint32_t *i, const struct place *at)
{
	uint32_t n, index;
	const struct lineage_node *const *list = lineage_nodes(k->lineage, &n);
	const struct lineage_node *node = list[*i];
	struct across_node one = { .lineage = k->lineage,
				   .node = node,
				   .entity = node->entity,
				   .above = at->above,
				   .depth = at->depth,
				   .hop = at->hop,
				   .sure = at->sure };
	struct place below = { node->entity, at->depth + 1, at->hop, at->sure };
	int r = 0;

	one.again = told_before(a, one.entity, (struct scope){ 0 });
	if (at->depth > (int32_t)a->request->depth || !add_node(a, &one, &index, &r)) {
		*i = n;
		return r;
	}
	if (!one.again)
		r = add_hops(a, node->entity, NULL, (struct scope){ 0 }, at);
	(*i)++;
	while (r == 0 && *i < n && list[*i]->depth > node->depth)
		r = add_family(a, k, i, &below);
	return r;
}

/* What the root of a lineage started, of what belongs to the scope. */
static int add_children(struct across *a, const struct known *k, struct scope scope,
			const struct place *at)
{
	uint32_t n, i = 0;
	const struct lineage_node *const *list = lineage_nodes(k->lineage, &n);
	int r = 0;

	while (i < n && list[i]->depth < 1)
		i++;
	while (r == 0 && i < n) {
		uint32_t sure = belongs(a, k, scope, list[i]->start_ns, thread_of(list[i]));
		struct place below = { k->entity, at->depth + 1, at->hop, MIN(at->sure, sure) };

		if (sure)
			r = add_family(a, k, &i, &below);
		else
			for (i++; i < n && list[i]->depth > 1; i++)
				;
	}
	return r;
}

/* A process that accepted the connections of @via. */
static int add_server(struct across *a, const struct place *at, struct scope via)
{
	const struct flow_end *end = &a->edges[via.via].ends.end[FLOW_ACCEPTED];
	struct across_node one = { .entity = end->entity,
				   .above = at->above,
				   .depth = at->depth,
				   .hop = at->hop,
				   .host = end->node,
				   .sure = at->sure,
				   .via = via.via,
				   .n_via = via.n };
	struct known *k = NULL;
	uint32_t index, n = 0;
	int r = 0;

	if (at->depth > (int32_t)a->request->depth)
		return 0;
	one.again = told_before(a, one.entity, via);
	if (one.entity && !one.again)
		r = know(a, one.entity, &k);
	if (r < 0)
		return r;
	if (k) {
		const struct lineage_node *const *list = lineage_nodes(k->lineage, &n);

		for (uint32_t i = 0; i < n; i++)
			if (list[i]->depth == 0)
				one.node = list[i];
		one.lineage = one.node ? k->lineage : NULL;
	}
	if (!add_node(a, &one, &index, &r) || !k)
		return r;
	r = add_hops(a, one.entity, k, via, at);
	return r == 0 ? add_children(a, k, via, at) : r;
}

/* ---- up ---- */

/* The way up from the root: entity by entity, over a connection where its maker served one then. */
struct way {
	struct across_node at[UP_TO_HERE];
	uint32_t n;
};

static bool on_way(const struct way *way, uint64_t entity)
{
	for (uint32_t i = 0; i < way->n; i++)
		if (way->at[i].entity == entity)
			return true;
	return false;
}

/* Adds the client of the connection that @maker served when it started @child.  *ret: it, 0: none.
 */
static int climb_edge(struct across *a, struct way *way, uint64_t maker,
		      const struct lineage_node *child, uint64_t *ret)
{
	struct across_node *last = &way->at[way->n - 1];
	const struct flow_end *client;
	struct known *k = NULL;
	const struct flow *f;
	uint32_t sure = 0, edge;
	int r = child->start_ns ? know(a, maker, &k) : 0;

	*ret = 0;
	f = r == 0 && k ? served_at(&k->served, child->start_ns, thread_of(child), &sure) : NULL;
	if (!f || r < 0)
		return r;
	if (!f->ends.confidence)
		return add_half(a, f);
	client = &f->ends.end[FLOW_CONNECTED];
	if (!client->entity || on_way(way, client->entity) || last->hop == a->request->hops)
		return 0;
	r = add_edge(a, f, &edge);
	if (r < 0)
		return r;
	last->via = edge;
	last->n_via = 1;
	way->at[way->n] =
		(struct across_node){ .entity = client->entity,
				      .host = client->node,
				      .depth = last->depth - 1,
				      .hop = last->hop + 1,
				      .sure = MIN(MIN(last->sure, sure), f->ends.confidence) };
	way->n++;
	*ret = client->entity;
	return 0;
}

/* Climbs over the ancestors of @entity, which is the last on the way.  *ret: the process to go on
 * from, on another node; 0: the top was reached. */
static int climb(struct across *a, struct way *way, uint64_t entity, uint64_t *ret)
{
	const struct lineage_node *const *list;
	const struct lineage_node *child = NULL;
	struct known *k;
	uint32_t n = 0, root = 0;
	int r = know(a, entity, &k);

	*ret = 0;
	if (r < 0 || !k)
		return r;
	list = lineage_nodes(k->lineage, &n);
	while (root < n && list[root]->depth < 0)
		root++;
	if (root == n)
		return 0;
	way->at[way->n - 1].lineage = k->lineage;
	way->at[way->n - 1].node = child = list[root];
	for (uint32_t i = root; i-- > 0 && way->n + 1 < UP_TO_HERE;) {
		struct across_node *last = &way->at[way->n - 1];

		if (-last->depth >= (int32_t)a->request->depth || on_way(way, list[i]->entity))
			return 0;
		way->at[way->n++] = (struct across_node){ .lineage = k->lineage,
							  .node = list[i],
							  .entity = list[i]->entity,
							  .depth = last->depth - 1,
							  .hop = last->hop,
							  .sure = last->sure };
		r = climb_edge(a, way, list[i]->entity, child, ret);
		if (r < 0 || *ret)
			return r;
		child = list[i];
	}
	return 0;
}

static int add_ancestors(struct across *a)
{
	AUTO_MEM struct way *way = calloc(1, sizeof(*way));
	uint64_t from = a->request->entity;
	uint32_t index;
	int r = way ? 0 : err_origin(-ENOMEM);

	if (r < 0)
		return r;
	way->at[0] = (struct across_node){ .entity = from, .sure = 100 };
	way->n = 1;
	while (r == 0 && from && way->n + 1 < UP_TO_HERE)
		r = climb(a, way, from, &from);
	for (uint32_t i = way->n; i-- > 1 && r == 0;) {
		struct across_node one = way->at[i];

		one.above = i + 1 < way->n ? way->at[i + 1].entity : 0;
		if (!add_node(a, &one, &index, &r))
			return r;
	}
	return r;
}

/* ---- asked ---- */

static int build(struct across *a)
{
	struct known *k;
	uint32_t n = 0, root = 0;
	const struct lineage_node *const *list;
	int r = know(a, a->request->entity, &k);

	if (r < 0 || !k)
		return r;
	list = lineage_nodes(k->lineage, &n);
	if (n == 0)
		return 0;
	r = add_ancestors(a);
	while (root < n && list[root]->depth < 0)
		root++;
	if (r == 0 && root < n) {
		struct place at = { .above = a->n ? a->nodes[a->n - 1].entity : 0, .sure = 100 };

		r = add_family(a, k, &root, &at);
	}
	return r;
}

int across_find(struct across **ret, struct query_worker *w, const struct query *q,
		struct flowdb *db, const struct across_request *request)
{
	AUTO(across) *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return err_origin(-ENOMEM);
	a->worker = w;
	a->q = q;
	a->db = db;
	a->request = request;
	r = build(a);
	a->request = NULL;
	a->q = NULL;
	if (r == 0)
		*ret = TAKE(a);
	return r;
}

const struct across_node *across_nodes(const struct across *a, uint32_t *ret_n)
{
	*ret_n = a->n;
	return a->nodes;
}

const struct flow *across_edge(const struct across *a, uint32_t i)
{
	return &a->edges[i];
}

const uint32_t *across_breaks(const struct across *a, uint32_t *ret_n)
{
	*ret_n = a->n_breaks;
	return a->breaks;
}

uint32_t across_without_sensor(const struct across *a)
{
	return a->n_without_sensor;
}

bool across_is_cut(const struct across *a)
{
	return a->cut;
}
