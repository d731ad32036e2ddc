/* SPDX-License-Identifier: Apache-2.0 */
/* The order of a lineage: the nearest are chosen breadth first, and told each before its own. */
#include "collector/lineage_internal.h"

static int by_start(const void *x, const void *y)
{
	const struct lineage_node *a = &(*(struct node *const *)x)->told;
	const struct lineage_node *b = &(*(struct node *const *)y)->told;
	int r = (a->start_ns > b->start_ns) - (a->start_ns < b->start_ns);

	return r ? r : (a->entity > b->entity) - (a->entity < b->entity);
}

/* Hangs every node below its parent, in order; numbers change. */
static void link_children(struct lineage *l)
{
	qsort(l->nodes, l->n, sizeof(struct node *), by_start);
	slots_clear(&l->slots);
	for (uint32_t i = 0; i < l->n; i++) /* as many as before: there is room */
		slots_put(&l->slots, l->nodes[i]->told.entity, i + 1);
	for (uint32_t i = l->n; i > 0; i--) {
		struct node *node = l->nodes[i - 1];
		struct node *up = lineage_node_at(l, lineage_find_node(l, node->told.parent));

		if (!up || up == node || node->told.entity == l->request->entity)
			continue;
		node->next = up->first_child;
		up->first_child = i;
		up->told.children++;
	}
}

static void add_ancestors(struct lineage *l, struct node *root)
{
	uint32_t n = 0;
	struct node *at = root;

	root->chosen = true;
	while (n < l->request->depth && n + 1 < l->request->limit &&
	       (at = lineage_node_at(l, lineage_find_node(l, at->told.parent))) && !at->chosen) {
		at->chosen = true;
		n++;
	}
	at = root;
	for (uint32_t i = n; i > 0; i--) {
		struct node *up = lineage_node_at(l, lineage_find_node(l, at->told.parent));

		up->told.depth = -(int32_t)(n - i + 1);
		l->order[i - 1] = &up->told;
		at = up;
	}
	l->n_order = n;
}

/* Chooses the nearest, breadth first, in a queue that the order's end lends. */
static void choose(struct lineage *l, uint32_t root, uint32_t *queue)
{
	uint32_t n = 0, room = l->request->limit - l->n_order;

	queue[n++] = root;
	l->nodes[root - 1]->told.depth = 0;
	for (uint32_t i = 0; i < n; i++) {
		const struct node *up = lineage_node_at(l, queue[i]);

		for (uint32_t k = up->first_child; k; k = l->nodes[k - 1]->next) {
			struct node *child = l->nodes[k - 1];

			if (child->chosen || up->told.depth == (int32_t)l->request->depth)
				continue;
			if (n == room) {
				l->cut = true;
				return;
			}
			child->chosen = true;
			child->told.depth = up->told.depth + 1;
			queue[n++] = k;
		}
	}
}

/* Each before its children: a stack that children are put on in reverse. */
static void add_descendants(struct lineage *l, uint32_t root, uint32_t *stack)
{
	uint32_t n = 0;

	stack[n++] = root;
	while (n) {
		const struct node *node = lineage_node_at(l, stack[--n]);
		uint32_t from = n;

		l->order[l->n_order++] = &node->told;
		for (uint32_t k = node->first_child; k; k = l->nodes[k - 1]->next)
			if (l->nodes[k - 1]->chosen)
				stack[n++] = k;
		for (uint32_t i = from, end = n; i + 1 < end; i++, end--) {
			uint32_t k = stack[i];

			stack[i] = stack[end - 1];
			stack[end - 1] = k;
		}
	}
}

int lineage_order(struct lineage *l)
{
	AUTO_MEM uint32_t *numbers = NULL;
	uint32_t root;

	if (!lineage_find_node(l, l->request->entity))
		return 0;
	link_children(l);
	root = lineage_find_node(l, l->request->entity);
	l->order = calloc(l->n, sizeof(*l->order));
	numbers = calloc(l->n, sizeof(*numbers));
	if (!l->order || !numbers)
		return err_origin(-ENOMEM);
	add_ancestors(l, lineage_node_at(l, root));
	choose(l, root, numbers);
	add_descendants(l, root, numbers);
	return 0;
}
