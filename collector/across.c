/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/across_internal.h"

#include <uv.h>

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

int across_served(struct flowdb *db, const struct query *q, uint64_t process, uint64_t when_ns,
		  uint64_t thread, struct flow *ret, uint32_t *ret_sure)
{
	struct flow_list l = { 0 };
	const struct flow *best;
	int r = flow_list_of(db, q, process, FLOW_ACCEPTED, &l);

	*ret_sure = 0;
	best = r == 0 ? flow_list_served(&l, when_ns, thread, ret_sure) : NULL;
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

uint64_t across_maker_thread(const struct lineage_node *n)
{
	return n->maker_thread ? n->maker_thread - 1 : 0;
}

int across_know(struct across *a, uint64_t entity, struct known **ret)
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
		r = flow_list_of(a->db, a->q, entity, FLOW_ACCEPTED, &k->served);
	a->cut |= r == 0 && (lineage_is_cut(k->lineage) || k->served.cut);
	*ret = k;
	return r;
}

/* ---- the tree as it grows ---- */

bool across_add_node(struct across *a, const struct across_node *n, uint32_t *ret_index, int *ret_r)
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

int across_add_edge(struct across *a, const struct flow *f, uint32_t *ret_index)
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

int across_add_half(struct across *a, const struct flow *f)
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
	r = across_add_edge(a, f, &edge);
	if (r == 0)
		a->breaks[a->n_breaks++] = edge;
	return r;
}

/* ---- asked ---- */

static int build(struct across *a)
{
	struct known *k;
	uint32_t n = 0, root = 0;
	const struct lineage_node *const *list;
	int r = across_know(a, a->request->entity, &k);

	if (r < 0 || !k)
		return r;
	list = lineage_nodes(k->lineage, &n);
	if (n == 0)
		return 0;
	r = across_add_ancestors(a);
	while (root < n && list[root]->depth < 0)
		root++;
	if (r == 0 && root < n) {
		struct place at = { .above = a->n ? a->nodes[a->n - 1].entity : 0, .sure = 100 };

		r = across_add_family(a, k, &root, &at);
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
