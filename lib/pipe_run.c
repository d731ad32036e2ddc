/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/pipe_run.h"

#include "lib/expr_ip.h"
#include "lib/pipe_run_internal.h"

bool pipe_is_text(const struct field_info *f)
{
	return f->type == TYPE_KEYWORD || f->type == TYPE_KEYWORDS || f->type == TYPE_IP;
}

int pipe_run_new(struct pipe_run **ret, const struct pipe_run_config *config)
{
	struct pipe_run *r = calloc(1, sizeof(*r));
	const struct pipe *p = config->pipe;

	if (!r)
		return err_origin(-ENOMEM);
	r->pipe = p;
	r->from_ns = config->from_ns;
	r->to_ns = config->to_ns;
	pipe_groups_init(&r->groups, p->n_keys, p->n_columns - p->n_keys,
			 config->memory_bytes ? config->memory_bytes : PIPE_MEMORY_BYTES);
	r->columns.groups = &r->groups;
	for (r->list_key = 0; r->list_key < p->n_keys; r->list_key++)
		if (p->columns[r->list_key].field.info->type == TYPE_KEYWORDS)
			break;
	if (r->list_key == p->n_keys)
		r->list_key = PIPE_KEYS;
	r->one_text_key = p->n_keys == 1 && pipe_is_text(p->columns[0].field.info);
	*ret = r;
	return 0;
}

struct pipe_run *pipe_run_free(struct pipe_run *r)
{
	if (!r)
		return NULL;
	pipe_columns_done(&r->columns);
	pipe_groups_done(&r->groups);
	free(r->order);
	free(r);
	return NULL;
}

static int compare_strings(const struct pipe_string *a, const struct pipe_string *b)
{
	int r = memcmp(a->s, b->s, MIN(a->n, b->n));

	return r ? r : (a->n > b->n) - (a->n < b->n);
}

/* Addresses first, in their order; then text that is none. */
static int compare_addresses(const struct pipe_string *a, const struct pipe_string *b)
{
	uint8_t x[16], y[16];
	bool is_a = expr_ip_parse(a->s, a->n, x), is_b = expr_ip_parse(b->s, b->n, y);
	int r = is_a && is_b ? memcmp(x, y, sizeof(x)) : is_b - is_a;

	return r ? r : compare_strings(a, b);
}

int pipe_compare_words(const struct pipe_groups *g, const struct field_info *f, uint64_t a,
		       uint64_t b)
{
	if (a == b)
		return 0;
	if (!pipe_is_text(f))
		return a < b ? -1 : 1;
	if (f->type == TYPE_IP)
		return compare_addresses(pipe_string(g, a), pipe_string(g, b));
	return compare_strings(pipe_string(g, a), pipe_string(g, b));
}

/* ---- groups of a piece ---- */

/* Times to the beginning of their bucket; raw values are one above. */
static void cut_times(uint64_t width, uint64_t *words, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (words[i])
			words[i] -= (words[i] - 1) % width;
}

static int read_keys(struct pipe_run *r)
{
	int e = 0;

	for (uint32_t k = 0; k < r->pipe->n_keys && e == 0; k++) {
		const struct pipe_column *c = &r->pipe->columns[k];

		if (k == r->list_key)
			continue;
		e = pipe_columns_read(&r->columns, r->table, c->field, r->rows, r->n, r->keys[k]);
		if (c->bucket_ns && e == 0)
			cut_times(c->bucket_ns, r->keys[k], r->n);
	}
	return e;
}

static bool has_full_key(const struct pipe_run *r, const uint64_t *keys)
{
	for (uint32_t k = 0; k < r->pipe->n_keys; k++)
		if (keys[k] == PIPE_FULL && pipe_is_text(r->pipe->columns[k].field.info))
			return true;
	return false;
}

static uint32_t group_of(struct pipe_run *r, uint32_t i)
{
	uint64_t keys[PIPE_KEYS] = { 0 };
	struct pipe_string *s;
	uint32_t group;

	for (uint32_t k = 0; k < r->pipe->n_keys; k++)
		keys[k] = r->keys[k][i];
	if (has_full_key(r, keys))
		return UINT32_MAX;
	if (!r->one_text_key || !keys[0])
		return pipe_group(&r->groups, keys);
	s = pipe_string(&r->groups, keys[0]);
	if (s->group)
		return s->group - 1;
	group = pipe_group(&r->groups, keys);
	if (group != UINT32_MAX)
		s->group = group + 1;
	return group;
}

static void find_groups(struct pipe_run *r)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < r->n; i++) {
		uint32_t group = group_of(r, i);

		if (group == UINT32_MAX) {
			r->n_left_out++;
			continue;
		}
		r->group[kept] = group;
		r->rows[kept++] = r->rows[i];
	}
	r->n = kept;
}

/* ---- aggregates of a piece ---- */

static void add_sum(uint64_t *cell, uint64_t v)
{
	cell[0]++;
	cell[1] += v;
	cell[2] += cell[1] < v;
}

static void add_value(struct pipe_run *r, uint64_t *cell, uint32_t group, uint32_t aggregate,
		      uint64_t word)
{
	struct pipe_groups *g = &r->groups;
	struct pipe_value_node *node;
	int is_new = cell[0] < PIPE_VALUES_MAX ? pipe_distinct(g, group, aggregate, word) : -1;

	if (cell[0] == PIPE_VALUES_MAX) { /* one more, or one of them again? */
		node = (struct pipe_value_node *)(uintptr_t)cell[1];
		while (node && node->word != word)
			node = node->next;
		r->truncated |= !node;
		return;
	}
	if (is_new == 0)
		return;
	node = is_new > 0 && g->tables + g->arena.used + sizeof(*node) <= g->limit
		       ? arena_alloc(&g->arena, sizeof(*node))
		       : NULL;
	if (!node) {
		r->truncated = true;
		return;
	}
	*node = (struct pipe_value_node){ (struct pipe_value_node *)(uintptr_t)cell[1], word };
	cell[1] = (uint64_t)(uintptr_t)node;
	cell[0]++;
}

/* One value, not null, of an event of @group. */
static void add_word(struct pipe_run *r, const struct pipe_column *c, uint32_t aggregate,
		     uint32_t group, uint64_t word)
{
	uint64_t *cell = pipe_cell(&r->groups, group, aggregate);
	int is_new;

	if (word == PIPE_FULL && pipe_is_text(c->field.info)) {
		r->truncated = true;
		return;
	}
	switch (c->func) {
	case PIPE_COUNT:
		cell[0]++;
		break;
	case PIPE_COUNT_DISTINCT:
		is_new = pipe_distinct(&r->groups, group, aggregate, word);
		cell[0] += is_new > 0;
		r->truncated |= is_new < 0;
		break;
	case PIPE_MIN:
	case PIPE_MAX:
		if (!cell[0] || (pipe_compare_words(&r->groups, c->field.info, word, cell[0]) <
				 0) == (c->func == PIPE_MIN))
			cell[0] = word;
		break;
	case PIPE_SUM:
	case PIPE_AVG:
		add_sum(cell, word - 1);
		break;
	case PIPE_VALUES:
		add_value(r, cell, group, aggregate, word);
		break;
	}
}

static void add_lists(struct pipe_run *r, const struct pipe_column *c, uint32_t aggregate)
{
	for (uint32_t i = 0; i < r->n; i++) {
		uint32_t n =
			pipe_columns_list(&r->columns, r->table, c->field, r->rows[i], r->list);

		if (c->func == PIPE_COUNT)
			n = MIN(n, 1U);
		for (uint32_t v = 0; v < n; v++)
			add_word(r, c, aggregate, r->group[i], r->list[v]);
	}
}

static int add_aggregate(struct pipe_run *r, const struct pipe_column *c, uint32_t aggregate)
{
	int e;

	if (!c->field.info) {
		for (uint32_t i = 0; i < r->n; i++)
			pipe_cell(&r->groups, r->group[i], aggregate)[0]++;
		return 0;
	}
	if (c->field.info->type == TYPE_KEYWORDS) {
		add_lists(r, c, aggregate);
		return 0;
	}
	e = pipe_columns_read(&r->columns, r->table, c->field, r->rows, r->n, r->words);
	for (uint32_t i = 0; i < r->n && e == 0; i++)
		if (r->words[i])
			add_word(r, c, aggregate, r->group[i], r->words[i]);
	return e;
}

/* Counts the events that wait. */
static int flush(struct pipe_run *r)
{
	const struct pipe *p = r->pipe;
	int e = read_keys(r);

	if (e == 0)
		find_groups(r);
	for (uint32_t i = p->n_keys; i < p->n_columns && e == 0; i++)
		e = add_aggregate(r, &p->columns[i], i - p->n_keys);
	r->n = 0;
	return e;
}

/* ---- rows ---- */

static int add_row(struct pipe_run *r, uint32_t row)
{
	if (r->n == PIECE) {
		int e = flush(r);

		if (e < 0)
			return e;
	}
	r->rows[r->n++] = row;
	return 0;
}

/* A row for each value of the list that is a key. */
static int add_list_row(struct pipe_run *r, uint32_t row)
{
	const struct pipe_column *c = &r->pipe->columns[r->list_key];
	uint64_t words[PIPE_LIST_VALUES];
	uint32_t n = pipe_columns_list(&r->columns, r->table, c->field, row, words);
	int e = 0;

	if (n == 0)
		words[n++] = 0;
	for (uint32_t i = 0; i < n && e == 0; i++) {
		e = add_row(r, row);
		r->keys[r->list_key][r->n - 1] = words[i];
	}
	return e;
}

static int add_hits(struct pipe_run *r, struct block *b, const uint64_t *hits, bool all_times)
{
	const uint64_t *times = all_times ? NULL : block_column(b, r->table, FIELD_TIMESTAMP);
	uint32_t n_words = (block_rows(b, r->table) + 63) / 64;
	int e = 0;

	for (uint32_t w = 0; w < n_words; w++)
		for (uint64_t bits = hits[w]; bits && e == 0; bits &= bits - 1) {
			uint32_t row = w * 64 + (uint32_t)__builtin_ctzll(bits);

			if (times && (times[row] <= r->from_ns || times[row] - 1 >= r->to_ns))
				continue;
			e = r->list_key < PIPE_KEYS ? add_list_row(r, row) : add_row(r, row);
		}
	return e < 0 ? e : flush(r);
}

int pipe_run_block(struct pipe_run *r, struct expr_scratch *s, struct block *b)
{
	const struct block_info *info = block_info(b);
	uint64_t kinds = expr_kinds(r->pipe->expr);
	bool all_times = info->min_time_ns >= r->from_ns && info->max_time_ns < r->to_ns;
	int e = expr_begin(s, r->pipe->expr, b);

	if (e == 0)
		e = pipe_columns_begin(&r->columns, b);
	for (uint32_t t = 0; t < info->n_tables && e == 0; t++) {
		const uint64_t *hits;

		if (!(kinds >> block_kind(b, t) & 1))
			continue;
		e = expr_eval(s, t, &hits);
		r->table = t;
		if (e == 0)
			e = add_hits(r, b, hits, all_times);
	}
	if (e == 0 && block_failed(b))
		e = err_origin(-ENOMEM);
	return e;
}
