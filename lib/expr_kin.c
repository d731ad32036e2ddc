/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/expr_kin.h"

#include "lib/expr_calc.h"
#include "lib/expr_reach.h"

enum { FIRST_SLOTS = 256, MOST_SLOTS = 1 << 19 };

struct expr_kin {
	enum expr_kin_type type;
	struct expr *inside;
	uint64_t *ids; /* open addressing; 0: free */
	uint32_t n, cap;
	bool learnt, full;
	struct expr_reach *reach; /* NULL: nothing was told of connections */
};

struct expr_kin *expr_kin_free(struct expr_kin *k)
{
	if (!k)
		return NULL;
	expr_free(k->inside);
	free(k->ids);
	expr_reach_free(k->reach);
	free(k);
	return NULL;
}

int expr_new_kin(struct expr **ret, enum expr_kin_type type, struct expr *inside_)
{
	AUTO(expr) *inside = inside_;
	struct expr_kin *k = calloc(1, sizeof(*k));
	struct expr *e = k ? expr_node_new(NODE_KIN) : NULL;

	if (!e) {
		free(k);
		return err_origin(-ENOMEM);
	}
	e->n_nodes = 1 + inside->n_nodes;
	e->depth = 1 + inside->depth;
	/* what a process does while it serves a connection is asked of each event */
	e->group = type == EXPR_KIN_DESCENDANT ? GROUP_EVENT : GROUP_ACTOR;
	e->cost = 30;
	k->type = type;
	k->inside = TAKE(inside);
	e->kin = k;
	*ret = e;
	return 0;
}

/* ---- what was learnt ---- */

static uint32_t place_of(const struct expr_kin *k, uint64_t id)
{
	uint32_t at = (uint32_t)((id * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (k->cap - 1);

	while (k->ids[at] && k->ids[at] != id)
		at = (at + 1) & (k->cap - 1);
	return at;
}

static bool has(const struct expr_kin *k, uint64_t id)
{
	return k->cap && id && k->ids[place_of(k, id)] == id;
}

static int grow(struct expr_kin *k)
{
	uint32_t cap = k->cap;
	uint64_t *old = k->ids, *ids = calloc(cap ? cap * 2 : FIRST_SLOTS, sizeof(*ids));

	if (!ids)
		return err_origin(-ENOMEM);
	k->ids = ids;
	k->cap = cap ? cap * 2 : FIRST_SLOTS;
	for (uint32_t i = 0; i < cap; i++)
		if (old[i])
			k->ids[place_of(k, old[i])] = old[i];
	free(old);
	return 0;
}

static int learn(struct expr_kin *k, uint64_t id)
{
	int r = 0;

	if (id == 0 || has(k, id))
		return 0;
	if (k->n >= k->cap / 2 && k->cap == MOST_SLOTS) {
		k->full = true;
		return 0;
	}
	if (k->n >= k->cap / 2)
		r = grow(k);
	if (r < 0)
		return r;
	k->ids[place_of(k, id)] = id;
	k->n++;
	return 0;
}

static int learn_table(struct expr_kin *k, struct block *b, uint32_t table, const uint64_t *hits)
{
	const uint64_t *process = block_column(b, table, FIELD_PROCESS);
	const uint64_t *ids = block_column(b, BLOCK_PROCESSES, FIELD_ENTITY_ID);
	int r = 0;

	for (uint32_t w = 0; process && ids && w < expr_words(block_rows(b, table)); w++)
		for (uint64_t bits = hits[w]; bits && r == 0; bits &= bits - 1) {
			uint64_t row = process[w * 64 + (uint32_t)__builtin_ctzll(bits)];

			if (row)
				r = learn(k, ids[row - 1]);
		}
	return block_failed(b) ? err_origin(-ENOMEM) : r;
}

int expr_kin_learn_block(struct expr_kin *k, struct expr_scratch *s, struct block *b)
{
	uint64_t kinds = expr_kinds(k->inside);
	int r = 0;

	if (!(kinds & block_info(b)->kinds))
		return 0;
	r = expr_begin(s, k->inside, b);
	for (uint32_t t = 0; r == 0 && t < block_info(b)->n_tables; t++) {
		const uint64_t *hits;

		if (!(kinds >> block_kind(b, t) & 1))
			continue;
		r = expr_eval(s, t, &hits);
		if (r == 0)
			r = learn_table(k, b, t, hits);
	}
	return r;
}

const struct expr *expr_kin_inside(const struct expr_kin *k)
{
	return k->inside;
}

bool *expr_kin_is_learnt(struct expr_kin *k)
{
	return &k->learnt;
}

bool expr_kin_is_full(const struct expr_kin *k)
{
	return k->full || (k->reach && expr_reach_is_full(k->reach));
}

/* Recursion: the tree's depth. */
static uint32_t collect(const struct expr *e, struct expr_kin *ret[EXPR_KINS], uint32_t n)
{
	switch (e->type) {
	case NODE_NOT:
	case NODE_AND:
	case NODE_OR:
		for (uint32_t i = 0; i < e->n_children; i++)
			n = collect(e->child[i], ret, n);
		return n;
	case NODE_KIN:
		n = collect(e->kin->inside, ret, n);
		if (n < EXPR_KINS)
			ret[n++] = e->kin;
		return n;
	default:
		return n;
	}
}

uint32_t expr_kins(const struct expr *e, struct expr_kin *ret[EXPR_KINS])
{
	return collect(e, ret, 0);
}

/* ---- asked ---- */

/* A process row from 1 on descends: a chain that is longer than there are rows is a loop. */
static bool descends(const struct expr_scratch *s, const struct expr_kin *k, const uint64_t *ids,
		     const uint64_t *starts, uint32_t row)
{
	uint32_t steps = block_info(s->block)->n_processes;

	for (uint32_t up; row && steps--; row = up) {
		uint64_t parent;

		up = expr_hop(s, VIA_PARENT, row);
		parent = up ? ids[up - 1] : 0;
		if (has(k, parent) ||
		    (k->reach &&
		     expr_reach_started(k->reach, ids[row - 1], parent,
					starts && starts[row - 1] ? starts[row - 1] - 1 : 0)))
			return true;
	}
	return false;
}

/* @row is a process row from 1 on. */
static bool is_kin(const struct expr_scratch *s, const struct expr_kin *k, const uint64_t *ids,
		   uint32_t row)
{
	uint32_t up;

	if (k->type == EXPR_KIN_EVENT)
		return has(k, ids[row - 1]);
	up = expr_hop(s, VIA_PARENT, row);
	return up && has(k, ids[up - 1]);
}

static void process_rows(const struct expr_rows *r, const struct expr_kin *k, bool want,
			 const uint64_t *mask, uint64_t *out)
{
	const uint64_t *ids = block_column(r->s->block, BLOCK_PROCESSES, FIELD_ENTITY_ID);

	for (uint32_t w = 0; w < r->words; w++) {
		uint64_t bits = 0;

		for (uint64_t m = mask[w]; m; m &= m - 1) {
			unsigned j = (unsigned)__builtin_ctzll(m);
			uint32_t row = w * 64 + j; /* 0: no process */

			bits |= (uint64_t)((row && ids && is_kin(r->s, k, ids, row)) == want) << j;
		}
		out[w] = bits;
	}
}

/* What descendants are asked by; columns may be NULL. */
struct descent {
	const struct expr_kin *k;
	const struct expr_scratch *s;
	const uint64_t *ids, *starts, *actors, *times, *threads;
	uint32_t last; /* the process row that was asked last, and what it is */
	bool last_is;
};

static void descent_begin(struct descent *d, const struct expr_kin *k, const struct expr_scratch *s,
			  struct block *b, uint32_t table)
{
	*d = (struct descent){
		.k = k,
		.s = s,
		.ids = block_column(b, BLOCK_PROCESSES, FIELD_ENTITY_ID),
		.actors = block_column(b, table, FIELD_PROCESS),
	};
	if (!k->reach)
		return;
	d->starts = block_column(b, BLOCK_PROCESSES, FIELD_START);
	d->times = block_column(b, table, FIELD_TIMESTAMP);
	d->threads = block_column(b, table, FIELD_THREAD_ID);
}

static uint64_t number_of(const uint64_t *column, uint32_t row)
{
	return column && column[row] ? column[row] - 1 : 0;
}

static bool descends_by(struct descent *d, uint32_t process)
{
	if (process != d->last) {
		d->last = process;
		d->last_is = descends(d->s, d->k, d->ids, d->starts, process);
	}
	return d->last_is;
}

static bool event_descends(struct descent *d, uint32_t row)
{
	uint32_t process = d->actors && d->ids ? (uint32_t)d->actors[row] : 0;

	if (process == 0)
		return false;
	return descends_by(d, process) ||
	       (d->k->reach &&
		expr_reach_did(d->k->reach, d->ids[process - 1], number_of(d->times, row),
			       number_of(d->threads, row)));
}

void expr_kin_rows(const struct expr_rows *r, const struct expr_kin *k, bool want,
		   const uint64_t *mask, uint64_t *out)
{
	struct descent d;

	if (k->type != EXPR_KIN_DESCENDANT) {
		process_rows(r, k, want, mask, out);
		return;
	}
	descent_begin(&d, k, r->s, r->s->block, r->table);
	for (uint32_t w = 0; w < r->words; w++) {
		uint64_t bits = 0;

		for (uint64_t m = mask[w]; m; m &= m - 1) {
			unsigned j = (unsigned)__builtin_ctzll(m);

			bits |= (uint64_t)(event_descends(&d, w * 64 + j) == want) << j;
		}
		out[w] = bits;
	}
}

/* ---- over connections ---- */

bool expr_kin_follows(const struct expr_kin *k)
{
	return k->type == EXPR_KIN_DESCENDANT;
}

int expr_kin_serve(struct expr_kin *k, uint64_t entity, const struct serving *list,
		   const bool *ours, uint32_t n)
{
	if (!k->reach)
		k->reach = expr_reach_new();
	return k->reach ? expr_reach_serve(k->reach, entity, list, ours, n) : err_origin(-ENOMEM);
}

bool expr_kin_served(const struct expr_kin *k, uint64_t entity, uint64_t when_ns, uint64_t thread)
{
	return k->reach && expr_reach_did(k->reach, entity, when_ns, thread);
}

static int note_forks(struct expr_kin *k, struct block *b, uint32_t table)
{
	const uint64_t *ids = block_column(b, BLOCK_PROCESSES, FIELD_ENTITY_ID);
	const uint64_t *actors = block_column(b, table, FIELD_PROCESS);
	const uint64_t *children = block_column(b, table, FIELD_CHILD_ENTITY);
	const uint64_t *times = block_column(b, table, FIELD_TIMESTAMP);
	const uint64_t *threads = block_column(b, table, FIELD_THREAD_ID);
	int r = 0;

	for (uint32_t i = 0; ids && actors && children && r == 0 && i < block_rows(b, table); i++)
		if (actors[i])
			r = expr_reach_fork(k->reach, ids[actors[i] - 1], children[i],
					    number_of(times, i), number_of(threads, i));
	return block_failed(b) ? err_origin(-ENOMEM) : r;
}

int expr_kin_forks(struct expr_kin *k, struct block *b)
{
	int r = 0;

	for (uint32_t t = 0; k->reach && r == 0 && t < block_info(b)->n_tables; t++)
		if (block_kind(b, t) == KIND_FORK)
			r = note_forks(k, b, t);
	return r;
}

static int tell_clients(struct descent *d, uint32_t rows, expr_kin_fn each, void *arg)
{
	uint64_t before = 0;
	int r = 0;

	for (uint32_t i = 0; d->actors && d->ids && r == 0 && i < rows; i++) {
		uint32_t process = (uint32_t)d->actors[i];
		uint64_t entity = process ? d->ids[process - 1] : 0;

		if (entity == before)
			continue;
		before = entity;
		if (has(d->k, entity) || descends_by(d, process))
			r = each(entity, arg);
	}
	return r;
}

int expr_kin_clients(const struct expr_kin *k, struct expr_scratch *s, struct block *b,
		     expr_kin_fn each, void *arg)
{
	int r = expr_begin(s, k->inside, b);

	for (uint32_t t = 0; r == 0 && t < block_info(b)->n_tables; t++) {
		struct descent d;

		if (block_kind(b, t) != KIND_CONNECT && block_kind(b, t) != KIND_DATAGRAM)
			continue;
		descent_begin(&d, k, s, b, t);
		r = tell_clients(&d, block_rows(b, t), each, arg);
	}
	return block_failed(b) ? err_origin(-ENOMEM) : r;
}

static const char *const words[] = {
	[EXPR_KIN_CHILD] = "child", [EXPR_KIN_DESCENDANT] = "descendant", [EXPR_KIN_EVENT] = "event"
};

void expr_kin_print(const struct expr_kin *k, struct buf *out)
{
	buf_printf(out, "%s of [", words[k->type]);
	expr_print(k->inside, out);
	buf_byte(out, ']');
}
