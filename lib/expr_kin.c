/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/expr_kin.h"

#include "lib/expr_calc.h"

enum { FIRST_SLOTS = 256, MOST_SLOTS = 1 << 19 };

struct expr_kin {
	enum expr_kin_type type;
	struct expr *inside;
	uint64_t *ids; /* open addressing; 0: free */
	uint32_t n, cap;
	bool learnt, full;
};

struct expr_kin *expr_kin_free(struct expr_kin *k)
{
	if (!k)
		return NULL;
	expr_free(k->inside);
	free(k->ids);
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
	e->group = GROUP_ACTOR;
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

int expr_kin_learn(struct expr_kin *k, uint64_t id)
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
				r = expr_kin_learn(k, ids[row - 1]);
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
	return k->full;
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

/* @row is a process row from 1 on.  A chain that is longer than there are rows is a loop. */
static bool is_kin(const struct expr_scratch *s, const struct expr_kin *k, const uint64_t *ids,
		   uint32_t row)
{
	uint32_t steps = block_info(s->block)->n_processes;

	if (k->type == EXPR_KIN_EVENT)
		return has(k, ids[row - 1]);
	while ((row = expr_hop(s, VIA_PARENT, row)) && steps--) {
		if (has(k, ids[row - 1]))
			return true;
		if (k->type == EXPR_KIN_CHILD)
			break;
	}
	return false;
}

void expr_kin_rows(const struct expr_rows *r, const struct expr_kin *k, bool want,
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

static const char *const words[] = {
	[EXPR_KIN_CHILD] = "child", [EXPR_KIN_DESCENDANT] = "descendant", [EXPR_KIN_EVENT] = "event"
};

void expr_kin_print(const struct expr_kin *k, struct buf *out)
{
	buf_printf(out, "%s of [", words[k->type]);
	expr_print(k->inside, out);
	buf_byte(out, ']');
}
