/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/processes/{entity_id}, its tree and its timeline, and /api/v1/flows/{community_id} */
#include <uv.h>

#include "collector/api_edges.h"
#include "collector/lineage.h"

enum {
	DEFAULT_TREE = 1000,
	MAX_TREE = 10000,
	MAX_TIMELINE = 1000, /* processes of one timeline */
	DEADLINE_S = 5,
};

struct task {
	struct ask ask;
	struct lineage_request lineage;
	bool descendants; /* of a timeline */
	uint32_t hops;	  /* of a tree; 0: on its own host only */
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

static bool read_entity(struct request *r, struct task *t)
{
	struct problem p = { .status = 400, .kind = "parameter", .parameter = "entity_id" };
	char text[PATH_VALUE_BYTES];

	if (!request_path_value(r, "entity_id", text))
		return false;
	if (api_parse_entity(text, &t->lineage.entity))
		return true;
	diag_set(&p.diag, 0, 0, 0, "an entity id of 16 hexadecimal digits is expected in the path");
	request_problem(r, &p);
	return false;
}

static struct task *task_new(struct request *r)
{
	struct task *t = api_task(r, sizeof(*t));

	if (!t)
		return NULL;
	t->lineage.depth = 1;
	t->lineage.limit = DEFAULT_TREE;
	return t;
}

static bool read_hosts(struct request *r, struct task *t)
{
	struct diag d = { 0 };
	uint64_t hops = 0;
	size_t n;
	const char *s = params_text(request_params(r), PARAM_HOSTS, &n);
	int e = params_number(request_params(r), PARAM_HOPS, 1, ACROSS_HOPS, &hops, &d);
	enum param wrong = PARAM_HOPS;

	if (strcmp(s, "own") == 0)
		hops = 0;
	else if (e == 0 && strcmp(s, "all") != 0) {
		wrong = PARAM_HOSTS;
		e = diag_set(&d, -EINVAL, 0, 0, "expected own or all");
	}
	if (e < 0)
		api_bad_param(r, wrong, &d);
	t->hops = (uint32_t)hops;
	return e == 0;
}

static bool read_tree(struct request *r, struct task *t)
{
	const struct params *p = request_params(r);
	uint64_t depth = 0, limit = DEFAULT_TREE;
	struct diag d = { 0 };
	enum param bad = PARAM_DEPTH;
	int e = params_number(p, PARAM_DEPTH, 1, LINEAGE_DEPTH, &depth, &d);

	if (e == 0 && p->value[PARAM_LIMIT].n) {
		bad = PARAM_LIMIT;
		e = params_number(p, PARAM_LIMIT, 1, MAX_TREE, &limit, &d);
	}
	if (e < 0)
		api_bad_param(r, bad, &d);
	t->lineage.depth = (uint32_t)depth;
	t->lineage.limit = (uint32_t)limit;
	return e == 0;
}

/* ---- answered ---- */

static void write_id(struct json *j, const char *key, uint64_t id)
{
	char text[20];

	json_key(j, key);
	snprintf(text, sizeof(text), "%016llx", (unsigned long long)id);
	json_text(j, id ? text : NULL);
}

static void write_text(struct json *j, const char *key, const struct lineage *l,
		       struct lineage_text t)
{
	if (!t.n)
		return;
	json_key(j, key);
	json_raw(j, lineage_text(l, t), t.n);
}

static void write_time(struct json *j, const char *key, uint64_t ns)
{
	if (ns)
		json_key_time(j, key, ns);
}

static void write_categories(struct json *j, const struct lineage_node *node)
{
	static const char *const names[] = { "process", "file", "network" };

	json_key(j, "events");
	json_begin_object(j);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		uint64_t n = 0;

		for (uint32_t k = 0; k < KIND_MAX; k++)
			if (node->counts[k] && strcmp(kind_info(k)->category, names[i]) == 0)
				n += node->counts[k];
		json_key_uint(j, names[i], n);
	}
	json_end_object(j);
}

/* Members of a process that has this @depth in what is told, but for the depth itself. */
static void write_facts(struct json *j, const struct lineage *l, const struct lineage_node *node,
			int32_t depth)
{
	write_id(j, "entity_id", node->entity);
	write_id(j, "parent_entity_id", node->parent);
	write_text(j, "process", l, node->text);
	write_time(j, "start", node->start_ns);
	write_time(j, "end", node->end_ns);
	if (node->exit_code)
		json_key_uint(j, "exit_code", node->exit_code - 1);
	write_text(j, "exit_signal", l, node->exit_signal);
	if (depth < 0)
		return;
	write_time(j, "first_seen", node->first_ns);
	write_time(j, "last_seen", node->last_ns);
	write_categories(j, node);
	json_key_uint(j, "children", node->children);
}

/* Members of a process, for an object that is open. */
static void write_node(struct json *j, const struct lineage *l, const struct lineage_node *node)
{
	json_key(j, "depth");
	json_int(j, node->depth);
	write_facts(j, l, node, node->depth);
}

static void write_nodes(struct json *j, const char *key, const struct lineage *l, bool all)
{
	uint32_t n;
	const struct lineage_node *const *nodes = lineage_nodes(l, &n);

	json_key(j, key);
	json_begin_array(j);
	for (uint32_t i = 0; i < n; i++) {
		if (!all && nodes[i]->depth < 1)
			continue;
		json_begin_object(j);
		write_node(j, l, nodes[i]);
		json_end_object(j);
	}
	json_end_array(j);
}

static void finish(struct request *r, const struct query *q, const struct lineage *l,
		   struct json *j)
{
	json_key_bool(j, "truncated", lineage_is_cut(l));
	api_write_stats(r, q->stats, j);
	api_finish(r, j);
}

/* Looks; answers when there is nothing to tell.  NULL then. */
static struct lineage *look(struct request *r, struct query_worker *w, const struct query *q,
			    struct lineage_request *request)
{
	struct problem nothing = { .status = 404, .kind = "parameter", .parameter = "entity_id" };
	AUTO(lineage) *l = NULL;
	uint32_t n;
	int e;

	request->deadline_ns = uv_hrtime() + DEADLINE_S * UINT64_C(1000000000);
	e = lineage_find(&l, w, q, request);
	if (e < 0) {
		request_problem_errno(r, e);
		return NULL;
	}
	lineage_nodes(l, &n);
	if (n == 0) {
		diag_set(&nothing.diag, 0, 0, 0, "nothing is stored of this process in the range");
		request_problem(r, &nothing);
		return NULL;
	}
	return TAKE(l);
}

/* ---- tree ---- */

static void work_tree(struct request *r, struct query_worker *w, void *task)
{
	struct task *t = task;
	struct store_scan_stats stats = { 0 };
	struct query q = ask_query(&t->ask, r, &stats);
	struct json j = json_to(request_body(r));
	AUTO(lineage) *l = NULL;

	if (t->hops) {
		struct across_request request = { t->lineage.entity, t->lineage.depth,
						  t->lineage.limit, t->hops,
						  uv_hrtime() + DEADLINE_S * UINT64_C(1000000000) };

		api_tree_across(r, w, &q, &request, write_facts);
		return;
	}
	l = look(r, w, &q, &t->lineage);
	if (!l)
		return;
	json_begin_object(&j);
	write_id(&j, "entity_id", t->lineage.entity);
	write_text(&j, "host", l, lineage_host(l));
	write_nodes(&j, "processes", l, true);
	finish(r, &q, l, &j);
}

void api_process_tree(struct request *r)
{
	AUTO(task) *t = task_new(r);

	if (t && ask_read_ever(r, &t->ask) && read_entity(r, t) && read_tree(r, t) &&
	    read_hosts(r, t))
		request_run(r, work_tree, TAKE(t), task_free);
}

/* ---- one process ---- */

static void write_execs(struct json *j, const struct lineage *l)
{
	uint32_t n;
	const struct lineage_exec *execs = lineage_execs(l, &n);

	json_key(j, "programs");
	json_begin_array(j);
	for (uint32_t i = 0; i < n; i++) {
		json_begin_object(j);
		json_key_uint(j, "generation", execs[i].generation);
		write_time(j, "exec", execs[i].time_ns);
		write_text(j, "process", l, execs[i].text);
		json_end_object(j);
	}
	json_end_array(j);
}

static void write_actions(struct json *j, const struct lineage_node *node)
{
	json_key(j, "actions");
	json_begin_object(j);
	for (uint32_t k = 0; k < KIND_MAX; k++)
		if (node->counts[k])
			json_key_uint(j, kind_info(k)->action, node->counts[k]);
	json_end_object(j);
}

static void work_process(struct request *r, struct query_worker *w, void *task)
{
	struct task *t = task;
	struct store_scan_stats stats = { 0 };
	struct query q = ask_query(&t->ask, r, &stats);
	struct json j = json_to(request_body(r));
	AUTO(lineage) *l = look(r, w, &q, &t->lineage);
	const struct lineage_node *const *nodes;
	uint32_t n, root = 0;

	if (!l)
		return;
	nodes = lineage_nodes(l, &n);
	while (nodes[root]->depth < 0)
		root++;
	json_begin_object(&j);
	write_node(&j, l, nodes[root]);
	write_text(&j, "host", l, lineage_host(l));
	write_actions(&j, nodes[root]);
	write_execs(&j, l);
	json_key(&j, "parent");
	if (root) {
		json_begin_object(&j);
		write_node(&j, l, nodes[root - 1]);
		json_end_object(&j);
	} else {
		json_nil(&j);
	}
	finish(r, &q, l, &j);
}

void api_process(struct request *r)
{
	AUTO(task) *t = task_new(r);

	if (t && ask_read_ever(r, &t->ask) && read_entity(r, t))
		request_run(r, work_process, TAKE(t), task_free);
}

/* ---- conditions ---- */

/* Ands @also, which is taken over, to what is asked. */
static int narrow(struct ask *ask, struct expr *also)
{
	struct expr *before = TAKE(ask->expr);

	if (before)
		return expr_new_and(&ask->expr, also, before);
	ask->expr = also;
	return 0;
}

static int one_of(struct expr **ret, enum field f, const struct expr_literal *ids, size_t n)
{
	struct field_ref ref = { .info = field_info(f) };

	return expr_new_compare(ret, ref, n == 1 ? EXPR_EQ : EXPR_IN, ids, n, NULL);
}

/* What the processes did, and the forks that made them. */
static int did_or_made(struct ask *ask, const struct expr_literal *ids, size_t n)
{
	struct expr *did = NULL, *made = NULL, *both = NULL;
	int e = one_of(&did, FIELD_ENTITY_ID, ids, n);

	if (e == 0)
		e = one_of(&made, FIELD_CHILD_ENTITY, ids, n);
	if (e < 0) {
		expr_free(did);
		return e;
	}
	e = expr_new_or(&both, did, made);
	return e == 0 ? narrow(ask, both) : e;
}

/* ---- timeline ---- */

struct ids {
	char text[MAX_TIMELINE][20];
	struct expr_literal literals[MAX_TIMELINE];
	size_t n;
};

static void add_id(struct ids *ids, uint64_t entity)
{
	char *text = ids->text[ids->n];

	snprintf(text, sizeof(ids->text[0]), "%016llx", (unsigned long long)entity);
	ids->literals[ids->n++] =
		(struct expr_literal){ .type = LITERAL_STRING, .string = text, .n = 16 };
}

static int add_descendants(struct ids *ids, struct query_worker *w, const struct query *q,
			   struct lineage_request *request, bool *ret_cut)
{
	AUTO(lineage) *l = NULL;
	const struct lineage_node *const *nodes;
	uint32_t n;
	int e;

	request->depth = LINEAGE_DEPTH;
	request->limit = MAX_TIMELINE;
	request->deadline_ns = uv_hrtime() + DEADLINE_S * UINT64_C(1000000000);
	e = lineage_find(&l, w, q, request);
	if (e < 0)
		return e;
	*ret_cut = lineage_is_cut(l);
	nodes = lineage_nodes(l, &n);
	for (uint32_t i = 0; i < n && ids->n < MAX_TIMELINE; i++)
		if (nodes[i]->depth > 0)
			add_id(ids, nodes[i]->entity);
	return 0;
}

static int narrow_to_processes(struct query_worker *w, const struct query *q, void *arg,
			       struct ask *ask, bool *ret_cut)
{
	struct task *t = arg;
	AUTO_MEM struct ids *ids = calloc(1, sizeof(*ids));
	int e = 0;

	if (!ids)
		return err_origin(-ENOMEM);
	add_id(ids, t->lineage.entity);
	if (t->descendants)
		e = add_descendants(ids, w, q, &t->lineage, ret_cut);
	return e == 0 ? did_or_made(ask, ids->literals, ids->n) : e;
}

static bool read_descendants(struct request *r, struct task *t)
{
	return api_read_bool(r, PARAM_DESCENDANTS, &t->descendants);
}

void api_process_timeline(struct request *r)
{
	AUTO(task) *t = task_new(r);
	struct search_within within = { .narrow = narrow_to_processes, .free_arg = task_free };

	if (!t || !read_entity(r, t) || !read_descendants(r, t))
		return;
	within.arg = TAKE(t);
	api_search_within(r, &within);
}

/* ---- flow ---- */

static int narrow_to_flow(struct query_worker *w, const struct query *q, void *arg, struct ask *ask,
			  bool *ret_cut)
{
	struct field_ref ref = { .info = field_info(FIELD_COMMUNITY_ID) };
	struct expr_literal id = { .type = LITERAL_STRING, .string = arg, .n = strlen(arg) };
	struct expr *flow = NULL;
	int e = expr_new_compare(&flow, ref, EXPR_EQ, &id, 1, NULL);

	(void)w;
	(void)q;
	(void)ret_cut;
	return e == 0 ? narrow(ask, flow) : e;
}

void api_flow(struct request *r)
{
	struct search_within within = { .narrow = narrow_to_flow, .free_arg = free };
	char text[PATH_VALUE_BYTES];

	if (!request_path_value(r, "community_id", text))
		return;
	within.arg = strdup(text);
	if (within.arg)
		api_search_within(r, &within);
	else
		request_problem_errno(r, -ENOMEM);
}
