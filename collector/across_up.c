/* SPDX-License-Identifier: Apache-2.0 */
/* Who started a process, or connected to who started it. */
#include "collector/across_internal.h"

enum { UP_TO_HERE = 64 }; /* ancestors over all hosts */

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
	int r = child->start_ns ? across_know(a, maker, &k) : 0;

	*ret = 0;
	f = r == 0 && k ? flow_list_served(&k->served, child->start_ns, across_maker_thread(child),
					   &sure)
			: NULL;
	if (!f || r < 0)
		return r;
	if (!f->ends.confidence)
		return across_add_half(a, f);
	client = &f->ends.end[FLOW_CONNECTED];
	if (!client->entity || on_way(way, client->entity) || last->hop == a->request->hops)
		return 0;
	r = across_add_edge(a, f, &edge);
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
	int r = across_know(a, entity, &k);

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

int across_add_ancestors(struct across *a)
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
		if (!across_add_node(a, &one, &index, &r))
			return r;
	}
	return r;
}
