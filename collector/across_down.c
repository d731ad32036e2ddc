/* SPDX-License-Identifier: Apache-2.0 */
/* What a process started, where it connected to, and what that started. */
#include "collector/across_internal.h"

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
	f = flow_list_served(&k->served, when_ns, thread, &sure);
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

		r = across_add_edge(a, &l->list[g->at + i], &edge);
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
	int r = flow_list_of(a->db, a->q, entity, FLOW_CONNECTED, &l);

	a->cut |= l.cut;
	if (r == 0 && l.n)
		qsort(l.list, l.n, sizeof(*l.list), by_server);
	sure = calloc((size_t)l.n + 1, sizeof(*sure));
	if (!sure)
		r = err_origin(-ENOMEM);
	for (uint32_t i = 0; i < l.n && r == 0; i++) {
		const struct flow_end *e = &l.list[i].ends.end[FLOW_CONNECTED];
		uint32_t by = belongs(a, k, scope, flow_end_begun(e), e->thread);

		if (!by)
			continue;
		if (!l.list[i].ends.confidence) {
			r = across_add_half(a, &l.list[i]);
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

int across_add_family(struct across *a, const struct known *k, uint32_t *i, const struct place *at)
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
	if (at->depth > (int32_t)a->request->depth || !across_add_node(a, &one, &index, &r)) {
		*i = n;
		return r;
	}
	if (!one.again)
		r = add_hops(a, node->entity, NULL, (struct scope){ 0 }, at);
	(*i)++;
	while (r == 0 && *i < n && list[*i]->depth > node->depth)
		r = across_add_family(a, k, i, &below);
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
		uint32_t sure =
			belongs(a, k, scope, list[i]->start_ns, across_maker_thread(list[i]));
		struct place below = { k->entity, at->depth + 1, at->hop, MIN(at->sure, sure) };

		if (sure)
			r = across_add_family(a, k, &i, &below);
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
		r = across_know(a, one.entity, &k);
	if (r < 0)
		return r;
	if (k) {
		const struct lineage_node *const *list = lineage_nodes(k->lineage, &n);

		for (uint32_t i = 0; i < n; i++)
			if (list[i]->depth == 0)
				one.node = list[i];
		one.lineage = one.node ? k->lineage : NULL;
	}
	if (!across_add_node(a, &one, &index, &r) || !k)
		return r;
	r = add_hops(a, one.entity, k, via, at);
	return r == 0 ? add_children(a, k, via, at) : r;
}
