/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/lineage.h"

#include <uv.h>

#include "collector/lineage_internal.h"
#include "collector/query_internal.h"

struct lineage *lineage_free(struct lineage *l)
{
	if (!l)
		return NULL;
	for (uint32_t i = 0; i < l->n; i++)
		free(l->nodes[i]);
	free(l->nodes);
	free(l->rows.depth);
	free(l->rows.node);
	free(l->order);
	slots_done(&l->slots);
	buf_done(&l->text);
	free(l);
	return NULL;
}

/* ---- nodes ---- */

uint32_t lineage_find_node(const struct lineage *l, uint64_t entity)
{
	uint32_t at = slots_first(&l->slots, entity), number;

	while ((number = slots_next(&l->slots, entity, &at)))
		if (l->nodes[number - 1]->told.entity == entity)
			return number;
	return 0;
}

/* Finds or makes it; *ret is 0 when there is no room. */
static int get_node(struct lineage *l, uint64_t entity, uint32_t *ret)
{
	struct node *node;

	*ret = lineage_find_node(l, entity);
	if (*ret || entity == 0)
		return 0;
	if (l->n == LINEAGE_NODES) {
		l->cut = true;
		return 0;
	}
	if (l->n == l->room) {
		struct node **more = reallocarray(l->nodes, MAX(l->room * 2, 256U), sizeof(*more));

		if (!more)
			return err_origin(-ENOMEM);
		l->nodes = more;
		l->room = MAX(l->room * 2, 256U);
	}
	node = calloc(1, sizeof(*node));
	if (!node || !slots_room(&l->slots)) {
		free(node);
		return err_origin(-ENOMEM);
	}
	node->told.entity = entity;
	node->told.depth = UNRELATED;
	l->nodes[l->n++] = node;
	slots_put(&l->slots, entity, l->n);
	*ret = l->n;
	return 0;
}

/* ---- what it stands on ---- */

static void write_host(struct lineage *l)
{
	const struct block_info *i = block_info(l->block);
	struct json j = json_to(&l->text);

	if (l->host.n)
		return;
	l->host.at = l->text.n;
	json_begin_object(&j);
	json_key(&j, "id");
	lineage_write_string(&j, i->node_id);
	json_key(&j, "name");
	lineage_write_string(&j, i->node_name);
	json_end_object(&j);
	l->host.n = l->text.n - l->host.at;
}

/* ---- programs of the root ---- */

/* Kept by rising generation. */
static struct lineage_exec *get_exec(struct lineage *l, uint32_t generation)
{
	uint32_t i = 0;

	while (i < l->n_execs && l->execs[i].generation < generation)
		i++;
	if (i < l->n_execs && l->execs[i].generation == generation)
		return &l->execs[i];
	if (l->n_execs == LINEAGE_EXECS) {
		l->cut = true;
		return NULL;
	}
	memmove(&l->execs[i + 1], &l->execs[i], (l->n_execs - i) * sizeof(l->execs[0]));
	l->n_execs++;
	l->execs[i] = (struct lineage_exec){ .generation = generation };
	return &l->execs[i];
}

static uint32_t generation_of(const struct rows *r, uint32_t row)
{
	return r->generation && r->generation[row] ? (uint32_t)(r->generation[row] - 1) : 0;
}

static void note_program(struct lineage *l, uint32_t row, uint64_t exec_ns)
{
	struct lineage_exec *e = get_exec(l, generation_of(&l->rows, row));

	if (e && e->text.n == 0)
		e->text = lineage_write_row(l, row);
	if (e && exec_ns)
		e->time_ns = exec_ns;
}

/* ---- rows of a block ---- */

static int begin_rows(struct lineage *l)
{
	struct rows *r = &l->rows;
	struct block *b = l->block;

	r->n = block_info(b)->n_processes;
	if (r->n > r->room) {
		free(r->depth);
		free(r->node);
		r->depth = malloc(r->n * sizeof(*r->depth));
		r->node = malloc(r->n * sizeof(*r->node));
		r->room = r->depth && r->node ? r->n : 0;
		if (!r->room)
			return err_origin(-ENOMEM);
	}
	for (uint32_t i = 0; i < r->n; i++)
		r->depth[i] = UNRELATED;
	if (r->n)
		memset(r->node, 0, r->n * sizeof(*r->node));
	r->entity = block_column(b, BLOCK_PROCESSES, FIELD_ENTITY_ID);
	r->parent = block_column(b, BLOCK_PROCESSES, FIELD_PARENT);
	r->generation = block_column(b, BLOCK_PROCESSES, FIELD_GENERATION);
	r->start = block_column(b, BLOCK_PROCESSES, FIELD_START);
	return block_failed(b) ? err_origin(-ENOMEM) : 0;
}

/* 1-based; 0: none. */
static uint32_t parent_row(const struct rows *r, uint32_t row)
{
	uint64_t parent = r->parent ? r->parent[row] : 0;

	return parent <= row ? (uint32_t)parent : 0; /* always: a parent's row stands before */
}

/* @row and those above it, beginning with @depth (below 0). */
static void mark_ancestors(struct lineage *l, uint32_t row1, int32_t depth)
{
	struct rows *r = &l->rows;

	for (; row1 && depth >= -(int32_t)l->request->depth; depth--) {
		uint32_t row = row1 - 1;

		if (r->entity[row] == l->request->entity)
			return;
		r->depth[row] = depth;
		row1 = parent_row(r, row);
	}
}

/* One generation more than is told is looked at, for the number of children. */
static void mark_rows(struct lineage *l)
{
	struct rows *r = &l->rows;

	for (uint32_t row = 0; r->entity && row < r->n; row++) {
		uint32_t up = parent_row(r, row);
		int32_t above = up ? r->depth[up - 1] : UNRELATED;

		if (r->entity[row] == l->request->entity)
			r->depth[row] = 0;
		else if (above >= 0 && above <= (int32_t)l->request->depth)
			r->depth[row] = above + 1;
		else
			continue;
		if (r->depth[row] == 0)
			mark_ancestors(l, up, -1);
	}
}

/* A fork tells who made the root, also where the root has no row. */
static void mark_maker(struct lineage *l, uint32_t table)
{
	const uint64_t *child = block_column(l->block, table, FIELD_CHILD_ENTITY);
	const uint64_t *actor = block_column(l->block, table, FIELD_PROCESS);

	for (uint32_t row = 0; child && actor && row < block_rows(l->block, table); row++)
		if (child[row] == l->request->entity && actor[row])
			mark_ancestors(l, (uint32_t)actor[row], -1);
}

static int enter_row(struct lineage *l, uint32_t row)
{
	struct rows *r = &l->rows;
	uint32_t up = parent_row(r, row), generation = generation_of(r, row);
	struct node *node;
	int e = get_node(l, r->entity[row], &r->node[row]);

	node = lineage_node_at(l, r->node[row]);
	if (!node)
		return e;
	node->told.depth = r->depth[row];
	if (up)
		node->told.parent = r->entity[up - 1];
	if (r->start && r->start[row])
		node->told.start_ns = r->start[row] - 1;
	if (!node->has_row || generation > node->told.generation) {
		node->told.text = lineage_write_row(l, row);
		node->told.generation = generation;
		node->has_row = true;
	}
	if (r->depth[row] == 0)
		note_program(l, row, 0);
	return 0;
}

/* ---- events of a block ---- */

static uint64_t raw_at(struct lineage *l, uint32_t table, uint32_t row, enum field f)
{
	const uint64_t *column = block_column(l->block, table, f);

	return column ? column[row] : 0;
}

static void note_end(struct lineage *l, struct node *node, uint32_t table, uint32_t row,
		     uint64_t time_ns)
{
	uint64_t signal = raw_at(l, table, row, FIELD_EXIT_SIGNAL);
	struct json j = json_to(&l->text);

	node->told.end_ns = time_ns;
	node->told.exit_code = raw_at(l, table, row, FIELD_EXIT_CODE);
	if (!signal || node->told.exit_signal.n)
		return;
	node->told.exit_signal.at = l->text.n;
	lineage_write_string(&j, block_string(l->block, (uint32_t)signal));
	node->told.exit_signal.n = l->text.n - node->told.exit_signal.at;
}

/* A child that may never have a row of its own. */
static int note_fork(struct lineage *l, uint64_t maker, uint32_t table, uint32_t row,
		     uint64_t time_ns)
{
	uint64_t child = raw_at(l, table, row, FIELD_CHILD_ENTITY);
	uint64_t pid = raw_at(l, table, row, FIELD_CHILD_PID);
	struct json j = json_to(&l->text);
	uint32_t number = 0;
	struct node *node;
	int e = get_node(l, child, &number);

	node = lineage_node_at(l, number);
	if (node)
		node->told.maker_thread = raw_at(l, table, row, FIELD_THREAD_ID);
	if (!node || node->told.text.n || l->text.n > LINEAGE_BYTES)
		return e;
	node->told.parent = maker;
	node->told.start_ns = time_ns;
	node->told.text.at = l->text.n;
	json_begin_object(&j);
	if (pid)
		json_key_uint(&j, "pid", pid - 1);
	json_end_object(&j);
	node->told.text.n = l->text.n - node->told.text.at;
	return 0;
}

static int enter_event(struct lineage *l, uint32_t table, uint32_t row, uint64_t time_ns)
{
	enum kind kind = block_kind(l->block, table);
	uint32_t process = (uint32_t)raw_at(l, table, row, FIELD_PROCESS);
	struct node *node = lineage_node_at(l, process ? l->rows.node[process - 1] : 0);
	int32_t depth = node ? l->rows.depth[process - 1] : UNRELATED;
	uint64_t child;

	if (!node)
		return 0;
	if (kind == KIND_FORK) {
		child = raw_at(l, table, row, FIELD_CHILD_ENTITY);
		if (child == l->request->entity ||
		    (depth >= 0 && depth <= (int32_t)l->request->depth)) {
			int e = note_fork(l, node->told.entity, table, row, time_ns);

			if (e < 0)
				return e;
		}
	}
	if (depth < 0)
		return 0;
	node->told.counts[kind]++;
	if (!node->told.first_ns || time_ns < node->told.first_ns)
		node->told.first_ns = time_ns;
	node->told.last_ns = MAX(node->told.last_ns, time_ns);
	if (kind == KIND_END)
		note_end(l, node, table, row, time_ns);
	if (kind == KIND_EXEC && depth == 0)
		note_program(l, process - 1, time_ns);
	return 0;
}

static int enter_table(struct lineage *l, uint32_t table)
{
	const uint64_t *times = block_column(l->block, table, FIELD_TIMESTAMP);
	int e = 0;

	for (uint32_t row = 0; times && row < block_rows(l->block, table) && e == 0; row++) {
		uint64_t time_ns = times[row] ? times[row] - 1 : 0;

		if (time_ns >= l->q->from_ns && time_ns < l->q->to_ns)
			e = enter_event(l, table, row, time_ns);
	}
	return e;
}

static int each_block(const struct store_block *meta, struct block *b, void *arg)
{
	struct lineage *l = arg;
	bool related = false;
	int e;

	(void)meta;
	l->block = b;
	e = begin_rows(l);
	if (e < 0 || !l->rows.entity)
		return e;
	mark_rows(l);
	for (uint32_t t = 0; t < block_info(b)->n_tables; t++)
		if (block_kind(b, t) == KIND_FORK)
			mark_maker(l, t);
	for (uint32_t row = 0; row < l->rows.n && e == 0; row++) {
		if (l->rows.depth[row] == UNRELATED)
			continue;
		related = true;
		e = enter_row(l, row);
	}
	if (!related || e < 0)
		return e;
	write_host(l);
	for (uint32_t t = 0; t < block_info(b)->n_tables && e == 0; t++)
		e = enter_table(l, t);
	return e == 0 && (block_failed(b) || !buf_ok(&l->text)) ? err_origin(-ENOMEM) : e;
}

static enum store_wish wanted(const struct store_block *meta, void *arg)
{
	struct lineage *l = arg;
	bool late = l->request->deadline_ns && uv_hrtime() > l->request->deadline_ns;

	(void)meta;
	l->cut |= late;
	return late || query_cancelled(l->q) ? STORE_STOP : STORE_READ;
}

/* ---- asked ---- */

static int root_is(uint64_t entity, struct expr **ret)
{
	struct field_ref ref = { .info = field_info(FIELD_ENTITY_ID) };
	char text[20];
	struct expr_literal id = { .type = LITERAL_STRING, .string = text, .n = 16 };

	snprintf(text, sizeof(text), "%016llx", (unsigned long long)entity);
	return expr_new_compare(ret, ref, EXPR_EQ, &id, 1, NULL);
}

int lineage_find(struct lineage **ret, struct query_worker *w, const struct query *q,
		 const struct lineage_request *request)
{
	AUTO(lineage) *l = calloc(1, sizeof(*l));
	AUTO(expr) *root = NULL;
	struct store_range range = query_range(q);
	int e;

	if (!l)
		return err_origin(-ENOMEM);
	l->request = request;
	l->q = q;
	e = root_is(request->entity, &root);
	if (e < 0)
		return e;
	range.kinds = 0;
	range.expr = root; /* only its look-up in filters is used */
	e = query_scan(w, q, &range, wanted, each_block, l);
	if (e == 0)
		e = lineage_order(l);
	l->request = NULL;
	l->q = NULL;
	if (e == 0)
		*ret = TAKE(l);
	return e;
}

const struct lineage_node *const *lineage_nodes(const struct lineage *l, uint32_t *ret_n)
{
	*ret_n = l->n_order;
	return l->order;
}

const struct lineage_exec *lineage_execs(const struct lineage *l, uint32_t *ret_n)
{
	*ret_n = l->n_execs;
	return l->execs;
}

const char *lineage_text(const struct lineage *l, struct lineage_text t)
{
	return l->text.data ? (const char *)l->text.data + t.at : "";
}

struct lineage_text lineage_host(const struct lineage *l)
{
	return l->host;
}

bool lineage_is_cut(const struct lineage *l)
{
	return l->cut;
}
