/* SPDX-License-Identifier: Apache-2.0 */
/* Evaluates a tree on the tables of a block; the idea is told in lib/expr_scratch.h. */
#include "lib/expr_calc.h"

enum {
	ARENA_BYTES =
		16 << 20, /* memos and joined lists of one block; more is asked anew each time */
	CALC_BYTES = 8 << 20, /* texts computed of one event */
	SPARE_VECTORS = 10,   /* besides two a level */
};

int expr_scratch_new(struct expr_scratch **ret)
{
	AUTO(expr_scratch) *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return err_origin(-ENOMEM);
	s->arena.limit = s->lasting.limit = ARENA_BYTES;
	s->calc.limit = CALC_BYTES;
	r = expr_text_scratch_init(&s->text);
	if (r < 0)
		return r;
	*ret = TAKE(s);
	return 0;
}

struct expr_scratch *expr_scratch_free(struct expr_scratch *s)
{
	if (!s)
		return NULL;
	expr_text_scratch_done(&s->text);
	arena_done(&s->arena);
	arena_done(&s->calc);
	arena_done(&s->lasting);
	buf_done(&s->joins[0]);
	buf_done(&s->joins[1]);
	free(s->slots);
	free(s->vectors);
	free(s->root_spare);
	free(s);
	return NULL;
}

uint64_t expr_gave_up(const struct expr_scratch *s)
{
	return s->text.gave_up;
}

void expr_give_up_after(struct expr_scratch *s, uint64_t n)
{
	s->text.most_gave_up = s->text.gave_up + n;
}

static uint32_t most_rows(struct block *b)
{
	uint32_t most = block_info(b)->n_processes + 1;

	for (uint32_t t = 0; t < block_info(b)->n_tables; t++)
		most = MAX(most, block_rows(b, t));
	return most;
}

static bool reserve_slots(struct expr_scratch *s, size_t n)
{
	struct expr_slot *slots = s->slots;

	if (n > s->cap_slots) {
		slots = reallocarray(s->slots, n, sizeof(*slots));
		if (!slots)
			return false;
		s->slots = slots;
		s->cap_slots = n;
	}
	s->n_slots = n;
	memset(slots, 0, n * sizeof(*slots));
	return true;
}

static bool reserve_vectors(struct expr_scratch *s, uint32_t depth, struct block *b)
{
	size_t words = expr_words(most_rows(b));
	size_t n = ((size_t)depth * 2 + SPARE_VECTORS) * words;

	s->n_vectors = 0;
	s->words = words;
	if (n <= s->cap_words)
		return true;
	free(s->vectors);
	s->vectors = malloc(n * sizeof(*s->vectors));
	s->cap_words = s->vectors ? n : 0;
	return s->vectors != NULL;
}

static bool reserve_root(struct expr_scratch *s, size_t n)
{
	if (n <= s->cap_root_spare)
		return true;
	free(s->root_spare);
	s->root_spare = malloc(n);
	s->cap_root_spare = s->root_spare ? n : 0;
	return s->root_spare != NULL;
}

/* What depends on the tree. */
static int begin_tree(struct expr_scratch *s, const struct expr *e)
{
	arena_clear(&s->arena);
	s->expr = NULL;
	s->failed = s->text.failed = false;
	if (!reserve_slots(s, e->n_nodes) || !reserve_vectors(s, e->depth, s->block) ||
	    !reserve_root(s, (size_t)block_info(s->block)->n_processes + 1))
		return err_origin(-ENOMEM);
	s->expr = e;
	return 0;
}

int expr_begin(struct expr_scratch *s, const struct expr *e, struct block *b)
{
	uint32_t processes = block_info(b)->n_processes;

	arena_clear(&s->lasting);
	s->block = b;
	s->hops[VIA_PARENT] = block_column(b, BLOCK_PROCESSES, FIELD_PARENT);
	s->hops[VIA_SESSION_LEADER] = block_column(b, BLOCK_PROCESSES, FIELD_SESSION_LEADER);
	s->hops[VIA_ENTRY_LEADER] = block_column(b, BLOCK_PROCESSES, FIELD_ENTRY_LEADER);
	s->joined = arena_array(&s->lasting, processes, sizeof(*s->joined));
	if (s->joined)
		memset(s->joined, 0, processes * sizeof(*s->joined));
	return begin_tree(s, e);
}

int expr_begin_next(struct expr_scratch *s, const struct expr *e)
{
	return begin_tree(s, e);
}

/* ---- bit vectors ---- */

static uint64_t *vector_push(struct expr_scratch *s)
{
	return s->vectors + s->n_vectors++ * s->words;
}

static void vector_pop(struct expr_scratch *s, size_t n)
{
	s->n_vectors -= n;
}

static void fill(uint64_t *v, uint32_t rows)
{
	uint32_t words = expr_words(rows);

	memset(v, 0xff, words * sizeof(*v));
	if (rows % 64)
		v[words - 1] = ~UINT64_C(0) >> (64 - rows % 64);
}

static void copy(uint64_t *to, const uint64_t *from, uint32_t words)
{
	if (to != from)
		memcpy(to, from, words * sizeof(*to));
}

static bool is_empty(const uint64_t *v, uint32_t words)
{
	uint64_t any = 0;

	for (uint32_t w = 0; w < words; w++)
		any |= v[w];
	return any == 0;
}

static bool bit(const uint64_t *v, uint32_t i)
{
	return v[i / 64] >> (i % 64) & 1;
}

static void bit_set(uint64_t *v, uint32_t i)
{
	v[i / 64] |= UINT64_C(1) << (i % 64);
}

/* ---- nodes ---- */

static void eval(const struct expr_rows *r, const struct expr *e, uint32_t slot, bool want,
		 const uint64_t *mask, uint64_t *out);

/* Rows in which every child is @want. */
static void eval_all(const struct expr_rows *r, const struct expr *e, uint32_t slot, bool want,
		     const uint64_t *mask, uint64_t *out)
{
	copy(out, mask, r->words);
	for (uint32_t i = 0; i < e->n_children; i++) {
		uint32_t c = e->order[i];

		if (i && is_empty(out, r->words))
			return;
		eval(r, e->child[c], slot + e->offset[c], want, out, out);
	}
}

/* Rows in which some child is @want. */
static void eval_any(const struct expr_rows *r, const struct expr *e, uint32_t slot, bool want,
		     const uint64_t *mask, uint64_t *out)
{
	uint64_t *open = vector_push(r->s), *found = vector_push(r->s);

	copy(open, mask, r->words);
	memset(out, 0, r->words * sizeof(*out));
	for (uint32_t i = 0; i < e->n_children && (i == 0 || !is_empty(open, r->words)); i++) {
		uint32_t c = e->order[i];

		eval(r, e->child[c], slot + e->offset[c], want, open, found);
		for (uint32_t w = 0; w < r->words; w++) {
			out[w] |= found[w];
			open[w] &= ~found[w];
		}
	}
	vector_pop(r->s, 2);
}

/* Process rows (with the one in front) to rows of the process table, and back. */
static void process_leaf(const struct expr_rows *r, const struct expr *e, uint32_t slot, bool want,
			 const uint64_t *mask, uint64_t *out)
{
	struct expr_scratch *s = r->s;
	enum field_via via = e->leaf.field.via;
	uint64_t *open = vector_push(s), *found = vector_push(s);

	memset(open, 0, r->words * sizeof(*open));
	memset(found, 0, r->words * sizeof(*found));
	for (uint32_t i = 1; i < r->rows; i++) {
		uint32_t p = bit(mask, i) ? expr_hop(s, via, i) : 0;

		if (p)
			bit_set(open, p - 1);
	}
	expr_leaf_rows(s, slot, &e->leaf, BLOCK_PROCESSES, want, open, open);
	for (uint32_t i = 1; i < r->rows; i++) {
		uint32_t p = bit(mask, i) ? expr_hop(s, via, i) : 0;

		if (p && bit(open, p - 1))
			bit_set(found, i);
	}
	copy(out, found, r->words);
	vector_pop(s, 2);
}

static void eval_leaf(const struct expr_rows *r, const struct expr *e, uint32_t slot, bool want,
		      const uint64_t *mask, uint64_t *out)
{
	if (r->table == BLOCK_PROCESSES)
		process_leaf(r, e, slot, want, mask, out);
	else
		expr_leaf_rows(r->s, slot, &e->leaf, r->table, want, mask, out);
}

/* A node of two values: true where @e's inside is true, and false elsewhere; or the reverse. */
static void eval_two_valued(const struct expr_rows *r, const struct expr *e, uint32_t slot,
			    bool complement, const uint64_t *mask, uint64_t *out)
{
	uint64_t *inside = vector_push(r->s);

	if (e->type == NODE_TEXT)
		eval(r, e->child[0], slot + e->offset[0], true, mask, inside);
	else
		eval_leaf(r, e, slot, true, mask, inside);
	for (uint32_t w = 0; w < r->words; w++)
		out[w] = mask[w] & (complement ? ~inside[w] : inside[w]);
	vector_pop(r->s, 1);
}

/* Answers of a subtree that asks of processes alone, one byte a process row; once a block. */
static const uint8_t *process_root(struct expr_scratch *s, const struct expr *e, uint32_t slot,
				   bool want)
{
	struct expr_rows r = { .s = s, .table = BLOCK_PROCESSES };
	struct expr_slot *at = &s->slots[slot];
	uint8_t *root = at->root;
	uint64_t *v;

	if (root)
		return root;
	r.rows = block_info(s->block)->n_processes + 1;
	r.words = expr_words(r.rows);
	root = at->root = arena_alloc(&s->arena, r.rows);
	if (!root)
		root = s->root_spare;
	v = vector_push(s);
	fill(v, r.rows);
	eval(&r, e, slot, want, v, v);
	for (uint32_t i = 0; i < r.rows; i++)
		root[i] = bit(v, i);
	vector_pop(s, 1);
	return root;
}

static void eval_fixed(const struct expr_rows *r, bool yes, const uint64_t *mask, uint64_t *out)
{
	if (yes)
		copy(out, mask, r->words);
	else
		memset(out, 0, r->words * sizeof(*out));
}

/* Carries the answers of process rows to the events that refer to them. */
static void gather(const struct expr_rows *r, const struct expr *e, uint32_t slot, bool want,
		   const uint64_t *mask, uint64_t *out)
{
	enum field f = e->group == GROUP_TARGET ? FIELD_TARGET : FIELD_PROCESS;
	const uint64_t *row = block_column(r->s->block, r->table, f);
	const uint8_t *root = process_root(r->s, e, slot, want);

	if (!row) {
		eval_fixed(r, root[0], mask, out);
		return;
	}
	for (uint32_t w = 0; w < r->words; w++) {
		uint32_t n = MIN(r->rows - w * 64, 64U);
		uint64_t bits = 0;

		for (uint32_t j = 0; mask[w] && j < n; j++)
			bits |= (uint64_t)root[row[(size_t)w * 64 + j]] << j;
		out[w] = bits & mask[w];
	}
}

/* out = rows of @mask in which @e is @want; @out may be @mask.  Recursion: the tree's depth. */
static void eval(const struct expr_rows *r, const struct expr *e, uint32_t slot, bool want,
		 const uint64_t *mask, uint64_t *out)
{
	bool of_process = e->group == GROUP_ACTOR || e->group == GROUP_TARGET;

	if (of_process && r->table != BLOCK_PROCESSES) {
		gather(r, e, slot, want, mask, out);
		return;
	}
	switch (e->type) {
	case NODE_FALSE:
	case NODE_TRUE:
		eval_fixed(r, (e->type == NODE_TRUE) == want, mask, out);
		break;
	case NODE_NULL:
		eval_fixed(r, false, mask, out);
		break;
	case NODE_NOT:
		eval(r, e->child[0], slot + e->offset[0], !want, mask, out);
		break;
	case NODE_AND:
	case NODE_OR:
		if ((e->type == NODE_AND) == want)
			eval_all(r, e, slot, want, mask, out);
		else
			eval_any(r, e, slot, want, mask, out);
		break;
	case NODE_TEXT:
		eval_two_valued(r, e, slot, !want, mask, out);
		break;
	case NODE_IS_NULL:
		eval_two_valued(r, e, slot, want, mask, out);
		break;
	case NODE_COMPARE:
		eval_leaf(r, e, slot, want, mask, out);
		break;
	case NODE_FIELDS:
		expr_fields_rows(r, e, want, mask, out);
		break;
	case NODE_CALC:
		expr_calc_rows(r, e->calc, want, mask, out);
		break;
	case NODE_KIN:
		expr_kin_rows(r, e->kin, want, mask, out);
		break;
	}
}

int expr_eval(struct expr_scratch *s, uint32_t table, const uint64_t **ret_hits)
{
	struct expr_rows r = { .s = s, .table = table, .rows = block_rows(s->block, table) };
	uint64_t *hits;

	s->n_vectors = 0;
	hits = vector_push(s);
	r.words = expr_words(r.rows);
	fill(hits, r.rows);
	eval(&r, s->expr, 0, true, hits, hits);
	if (s->failed || s->text.failed || block_failed(s->block))
		return err_origin(-ENOMEM);
	*ret_hits = hits;
	return 0;
}
