/* SPDX-License-Identifier: Apache-2.0 */
/* Chains of connections from process to process: /api/v1/hops. */
#include <uv.h>

#include "collector/api_edges.h"
#include "collector/edge_json.h"

enum { DEADLINE_S = 5, MAX_HOPS = 1000, HOPS_FIRST = 100 };

struct task {
	struct ask ask;
	char *from; /* a process or a node */
	uint32_t limit, depth;
};

static void task_free(void *arg)
{
	struct task *t = arg;

	if (!t)
		return;
	ask_done(&t->ask);
	free(t->from);
	free(t);
}
DEFINE_FREEP(task)

/* Processes that the chains begin at. */
struct starts {
	uint64_t list[HOPS_FIRST];
	uint32_t n, node;
	bool more;
};

static int note_start(const struct flow *f, void *arg)
{
	struct starts *s = arg;
	const struct flow_end *e = &f->ends.end[FLOW_CONNECTED];

	if (e->node != s->node || !e->entity)
		return 0;
	for (uint32_t i = 0; i < s->n; i++)
		if (s->list[i] == e->entity)
			return 0;
	if (s->n == ARRAY_SIZE(s->list)) {
		s->more = true;
		return 1;
	}
	s->list[s->n++] = e->entity;
	return 0;
}

static int find_starts(struct flowdb *db, const struct task *t, struct starts *ret)
{
	struct flow_question q = { .from_ns = t->ask.from_ns,
				   .to_ns = t->ask.to_ns,
				   .state = FLOW_JOINED };
	int e;

	if (api_parse_entity(t->from, &ret->list[0])) {
		ret->n = 1;
		return 0;
	}
	ret->node = q.node = flowdb_find_node(db, t->from);
	if (!q.node)
		return -ENOENT;
	e = flowdb_ask(db, &q, note_start, ret);
	return MIN(e, 0);
}

/* One hop told: the edges that lead to a process of another family. */
struct hop {
	const struct across *across;
	const struct across_node *node;
	const struct flow *edge;
};

struct hops {
	struct across *all[HOPS_FIRST];
	uint32_t n_all;
	struct hop *list;
	uint32_t n, room;
	bool cut;
};

static void hops_done(struct hops *h)
{
	for (uint32_t i = 0; i < h->n_all; i++)
		across_free(h->all[i]);
	free(h->list);
}

static bool has_edge(const struct hops *h, uint64_t id)
{
	for (uint32_t i = 0; i < h->n; i++)
		if (h->list[i].edge->id == id)
			return true;
	return false;
}

static int add_hops_of(struct hops *h, const struct across *a, uint32_t limit)
{
	uint32_t n;
	const struct across_node *nodes = across_nodes(a, &n);

	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < nodes[i].n_via && nodes[i].depth > 0; k++) {
			const struct flow *f = across_edge(a, nodes[i].via + k);
			struct hop *more;

			if (has_edge(h, f->id))
				continue;
			if (h->n == limit) {
				h->cut = true;
				return 0;
			}
			if (h->n == h->room) {
				more = reallocarray(h->list, h->room * 2 + 64, sizeof(*more));
				if (!more)
					return err_origin(-ENOMEM);
				h->list = more;
				h->room = h->room * 2 + 64;
			}
			h->list[h->n++] = (struct hop){ a, &nodes[i], f };
		}
	h->cut |= across_is_cut(a);
	return 0;
}

static int by_time(const void *x, const void *y)
{
	const struct hop *a = x, *b = y;

	if (a->edge->at_ns != b->edge->at_ns)
		return a->edge->at_ns < b->edge->at_ns ? -1 : 1;
	return (a->edge->id > b->edge->id) - (a->edge->id < b->edge->id);
}

static int find_hops(struct flowdb *db, struct query_worker *w, const struct query *q,
		     const struct task *t, struct hops *ret)
{
	AUTO_MEM struct starts *starts = calloc(1, sizeof(*starts));
	int e = starts ? find_starts(db, t, starts) : err_origin(-ENOMEM);

	for (uint32_t i = 0; e == 0 && i < starts->n && ret->n < t->limit; i++) {
		struct across_request request = {
			.entity = starts->list[i],
			.depth = LINEAGE_DEPTH,
			.limit = 10000,
			.hops = t->depth,
			.deadline_ns = uv_hrtime() + DEADLINE_S * UINT64_C(1000000000),
		};

		e = across_find(&ret->all[i], w, q, db, &request);
		ret->n_all = i + (e == 0);
		if (e == 0)
			e = add_hops_of(ret, ret->all[i], t->limit);
	}
	if (e == 0 && starts->more)
		ret->cut = true;
	if (e == 0 && ret->n)
		qsort(ret->list, ret->n, sizeof(*ret->list), by_time);
	return e;
}

static void write_hops(struct request *r, struct flowdb *db, const struct hops *h,
		       const struct query *q)
{
	struct json j = json_to(request_body(r));
	int e = 0;

	json_begin_object(&j);
	json_key(&j, "hops");
	json_begin_array(&j);
	for (uint32_t i = 0; i < h->n && e == 0; i++) {
		json_begin_object(&j);
		json_key_uint(&j, "hop", h->list[i].node->hop);
		json_key(&j, "after"); /* the process on the way that connected */
		edge_write_id(&j, h->list[i].node->above);
		json_key_uint(&j, "confidence", h->list[i].node->sure);
		json_key(&j, "edge");
		e = edge_write(&j, db, h->list[i].edge);
		json_end_object(&j);
	}
	json_end_array(&j);
	json_key_bool(&j, "truncated", h->cut);
	api_write_stats(r, q->stats, &j);
	if (e < 0)
		request_problem_errno(r, e);
	else
		api_finish(r, &j);
}

static void work_hops(struct request *r, struct query_worker *w, void *task)
{
	struct problem nothing = { .status = 404, .kind = "parameter", .parameter = "from" };
	struct task *t = task;
	struct store_scan_stats stats = { 0 };
	struct query q = ask_query(&t->ask, r, &stats);
	struct hops hops = { 0 };
	AUTO(flowdb) *db = NULL;
	int e;

	if (!api_open_flows(r, &db))
		return;
	e = find_hops(db, w, &q, t, &hops);
	if (e == -ENOENT) {
		diag_set(&nothing.diag, 0, 0, 0, "no node of this name or id has connected");
		request_problem(r, &nothing);
	} else if (e < 0) {
		request_problem_errno(r, e);
	} else {
		write_hops(r, db, &hops, &q);
	}
	hops_done(&hops);
}

void api_hops(struct request *r)
{
	AUTO(task) *t = api_task(r, sizeof(*t));
	size_t n;
	const char *from = params_text(request_params(r), PARAM_FROM, &n);

	if (!t || !ask_read(r, false, &t->ask))
		return;
	if (n == 0) {
		api_bad(r, PARAM_FROM, "a process (16 hexadecimal digits) or a node is expected");
		return;
	}
	t->from = strdup(from);
	if (!t->from)
		request_problem_errno(r, -ENOMEM);
	else if (api_read_number(r, PARAM_LIMIT, MAX_HOPS, &t->limit) &&
		 api_read_number(r, PARAM_HOPS, ACROSS_HOPS, &t->depth))
		request_run(r, work_hops, TAKE(t), task_free);
}
