/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/flow_list.h"

void flow_list_done(struct flow_list *l)
{
	free(l->list);
	free(l->spans);
}

static int make_room(struct flow_list *l)
{
	uint32_t room = l->room * 2 + 16;
	struct flow *list;
	struct serving *spans;

	if (l->n < l->room)
		return 0;
	list = reallocarray(l->list, room, sizeof(*list));
	if (list)
		l->list = list;
	spans = reallocarray(l->spans, room, sizeof(*spans));
	if (spans)
		l->spans = spans;
	if (!list || !spans)
		return err_origin(-ENOMEM);
	l->room = room;
	return 0;
}

static int keep(const struct flow *f, void *arg)
{
	const struct flow_end *e = &f->ends.end[FLOW_ACCEPTED];
	struct flow_list *l = arg;
	int r;

	if (l->n == FLOW_LIST_MOST) {
		l->cut = true;
		return 1;
	}
	r = make_room(l);
	if (r < 0)
		return r;
	l->spans[l->n] = (struct serving){ e->established_ns, e->close_ns, e->thread };
	l->list[l->n++] = *f;
	return 0;
}

int flow_list_of(struct flowdb *db, const struct query *q, uint64_t entity, enum flow_side side,
		 struct flow_list *ret)
{
	struct flow_question question = { .from_ns = q->from_ns,
					  .to_ns = q->to_ns,
					  .entity = entity,
					  .only_side = true,
					  .side = side };
	int r = entity ? flowdb_ask(db, &question, keep, ret) : 0;

	return MIN(r, 0);
}

const struct flow *flow_list_served(const struct flow_list *l, uint64_t when_ns, uint64_t thread,
				    uint32_t *ret_sure)
{
	size_t i = serving_at(l->spans, l->n, when_ns, thread, ret_sure);

	return i < l->n ? &l->list[i] : NULL;
}
