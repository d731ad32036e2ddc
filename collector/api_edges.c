/* SPDX-License-Identifier: Apache-2.0 */
/* Connections between processes: /api/v1/edges, and the tree of a process over all hosts. */
#include "collector/api_edges.h"

#include "collector/edge_json.h"

enum { MAX_EDGES = 1000 };

struct task {
	struct ask ask;
	struct flow_question question;
	uint32_t limit;
};

static void task_free(void *arg)
{
	struct task *t = arg;

	if (!t)
		return;
	ask_done(&t->ask);
	free(t);
}
DEFINE_FREEP(task)

/* ---- asked ---- */

bool api_parse_entity(const char *s, uint64_t *ret)
{
	*ret = 0;
	if (strlen(s) != 16 || strspn(s, "0123456789abcdefABCDEF") != 16)
		return false;
	*ret = strtoull(s, NULL, 16);
	return *ret != 0;
}

static bool read_state(struct request *r, struct task *t)
{
	static const char *const words[] = { "all", "joined", "half" };
	size_t n;
	const char *s = params_text(request_params(r), PARAM_STATE, &n);

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(s, words[i]) == 0) {
			t->question.state = (__typeof__(t->question.state))i;
			return true;
		}
	return api_bad(r, PARAM_STATE, "expected all, joined or half");
}

/* The cursor of edges: time and id of the last one. */
static bool read_cursor(struct request *r, struct task *t)
{
	struct flow_question *q = &t->question;
	unsigned long long at, id;
	size_t n;
	const char *s = params_text(request_params(r), PARAM_CURSOR, &n);
	int end = 0;

	if (n == 0)
		return true;
	if (q->entity || sscanf(s, "%16llx-%16llx%n", &at, &id, &end) != 2 || (size_t)end != n ||
	    !id)
		return api_bad(r, PARAM_CURSOR, "expected the cursor of an answer without process");
	q->after_id = id;
	if (q->descending)
		q->to_ns = at + 1;
	else
		q->from_ns = at;
	return true;
}

static bool read_process(struct request *r, struct task *t)
{
	size_t n;
	const char *s = params_text(request_params(r), PARAM_PROCESS, &n);

	return n == 0 || api_parse_entity(s, &t->question.entity) ||
	       api_bad(r, PARAM_PROCESS, "an entity id of 16 hexadecimal digits is expected");
}

static bool read_order(struct request *r, struct task *t)
{
	size_t n;
	const char *s = params_text(request_params(r), PARAM_ORDER, &n);

	t->question.descending = strcmp(s, "desc") == 0;
	return t->question.descending || strcmp(s, "asc") == 0 ||
	       api_bad(r, PARAM_ORDER, "expected desc or asc");
}

bool api_open_flows(struct request *r, struct flowdb **ret)
{
	const struct flows *flows = request_server(r)->config.flows;
	int e = flows ? flows_reader(flows, ret) : -ENOENT;

	if (e < 0)
		request_problem_errno(r, e);
	return e == 0;
}

/* ---- edges ---- */

struct edge_list {
	struct json *j;
	struct flowdb *db;
	const struct task *task;
	uint32_t n;
	bool more;
	struct flow last;
};

static int list_edge(const struct flow *f, void *arg)
{
	struct edge_list *l = arg;

	if (l->n == l->task->limit) {
		l->more = true;
		return 1;
	}
	l->n++;
	l->last = *f;
	return edge_write(l->j, l->db, f);
}

static void write_cursor(struct json *j, const struct edge_list *l)
{
	char text[40];

	snprintf(text, sizeof(text), "%llx-%llx", (unsigned long long)l->last.at_ns,
		 (unsigned long long)l->last.id);
	json_key_text(j, "cursor", l->more && !l->task->question.entity ? text : NULL);
}

static void work_edges(struct request *r, struct query_worker *w, void *task)
{
	struct task *t = task;
	struct json j = json_to(request_body(r));
	AUTO(flowdb) *db = NULL;
	struct edge_list list = { .j = &j, .task = t };
	int e = 0;

	(void)w;
	if (!api_open_flows(r, &db))
		return;
	list.db = db;
	json_begin_object(&j);
	json_key(&j, "edges");
	json_begin_array(&j);
	if (t->ask.node)
		t->question.node = flowdb_find_node(db, t->ask.node);
	if (!t->ask.node || t->question.node) /* else: nothing is known of it */
		e = flowdb_ask(db, &t->question, list_edge, &list);
	json_end_array(&j);
	write_cursor(&j, &list);
	api_finish_list(r, &j, list.more, e);
}

void api_edges(struct request *r)
{
	AUTO(task) *t = api_task(r, sizeof(*t));

	if (!t || !ask_read(r, false, &t->ask))
		return;
	t->question.from_ns = t->ask.from_ns;
	t->question.to_ns = t->ask.to_ns;
	if (read_state(r, t) && read_process(r, t) && read_order(r, t) &&
	    api_read_number(r, PARAM_LIMIT, MAX_EDGES, &t->limit) && read_cursor(r, t))
		request_run(r, work_edges, TAKE(t), task_free);
}

/* ---- the tree over hosts ---- */

static void write_breaks(struct json *j, struct flowdb *db, const struct across *a, int *e)
{
	uint32_t n;
	const uint32_t *breaks = across_breaks(a, &n);

	json_key(j, "breaks");
	json_begin_array(j);
	for (uint32_t i = 0; i < n && *e == 0; i++)
		*e = edge_write(j, db, across_edge(a, breaks[i]));
	json_end_array(j);
	json_key_uint(j, "peers_without_sensor", across_without_sensor(a));
}

static void write_host(struct json *j, struct flowdb *db, const struct across_node *n)
{
	struct lineage_text host = { 0 };

	if (n->lineage)
		host = lineage_host(n->lineage);
	json_key(j, "host");
	if (host.n)
		json_raw(j, lineage_text(n->lineage, host), host.n);
	else
		edge_write_node(j, flowdb_node(db, n->host));
}

/* A process of which only the edge is known: as the edge's end has it. */
static void write_stub(struct json *j, const struct across *a, const struct across_node *n)
{
	const struct flow_end *end =
		n->n_via ? &across_edge(a, n->via)->ends.end[FLOW_ACCEPTED] : NULL;

	json_key(j, "entity_id");
	edge_write_id(j, n->entity);
	json_key(j, "parent_entity_id");
	json_nil(j);
	json_key(j, "process");
	json_begin_object(j);
	if (end && end->process[0])
		json_key_text(j, "name", end->process);
	if (end && end->pid)
		json_key_uint(j, "pid", end->pid);
	json_end_object(j);
}

static int write_process(struct json *j, struct flowdb *db, const struct across *a,
			 const struct across_node *n, api_write_node_fn write_node)
{
	int e = 0;

	json_begin_object(j);
	if (n->node)
		write_node(j, n->lineage, n->node, n->depth);
	else
		write_stub(j, a, n);
	json_key(j, "depth");
	json_int(j, n->depth);
	json_key(j, "above");
	edge_write_id(j, n->above);
	write_host(j, db, n);
	json_key_uint(j, "hop", n->hop);
	json_key_uint(j, "confidence", n->sure);
	json_key_bool(j, "again", n->again);
	json_key(j, "via");
	json_begin_array(j);
	for (uint32_t i = 0; i < n->n_via && i < ACROSS_VIA && e == 0; i++)
		e = edge_write(j, db, across_edge(a, n->via + i));
	json_end_array(j);
	json_key_uint(j, "edges", n->n_via);
	json_end_object(j);
	return e;
}

void api_tree_across(struct request *r, struct query_worker *w, const struct query *q,
		     const struct across_request *request, api_write_node_fn write_node)
{
	struct problem nothing = { .status = 404, .kind = "parameter", .parameter = "entity_id" };
	struct json j = json_to(request_body(r));
	AUTO(flowdb) *db = NULL;
	AUTO(across) *a = NULL;
	const struct across_node *nodes;
	uint32_t n;
	int e;

	if (!api_open_flows(r, &db))
		return;
	e = across_find(&a, w, q, db, request);
	if (e < 0) {
		request_problem_errno(r, e);
		return;
	}
	nodes = across_nodes(a, &n);
	if (n == 0) {
		diag_set(&nothing.diag, 0, 0, 0, "nothing is stored of this process in the range");
		request_problem(r, &nothing);
		return;
	}
	json_begin_object(&j);
	json_key(&j, "entity_id");
	edge_write_id(&j, request->entity);
	json_key(&j, "processes");
	json_begin_array(&j);
	for (uint32_t i = 0; i < n && e == 0; i++)
		e = write_process(&j, db, a, &nodes[i], write_node);
	json_end_array(&j);
	write_breaks(&j, db, a, &e);
	json_key_bool(&j, "truncated", across_is_cut(a));
	api_write_stats(r, q->stats, &j);
	if (e < 0)
		request_problem_errno(r, e);
	else
		api_finish(r, &j);
}
