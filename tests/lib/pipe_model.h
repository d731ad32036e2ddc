/* SPDX-License-Identifier: Apache-2.0 */
/* pipe_model - what stats means, the plain way: row by row over block_value(), groups found by
 * comparing with all, values kept in lists.  The yardstick of lib/pipe_run.c. */
#pragma once
#include "tests/lib/expr_model.h"

#include "lib/arena.h"
#include "lib/json.h"
#include "lib/pipe.h"

enum { MODEL_GROUPS = 4000, MODEL_LIST = 8 };

struct model_value {
	enum { MV_NULL, MV_NUMBER, MV_TEXT, MV_REAL, MV_LIST } type;
	uint64_t number;
	double real;
	uint64_t high; /* of a sum; number is its lower half */
	const char *s;
	size_t n;
	const struct model_value *list;
};

struct model_values {
	struct model_value *v;
	size_t n, cap;
	uint64_t events; /* that have one */
};

struct model_group {
	struct model_value keys[PIPE_KEYS];
	struct model_values seen[PIPE_COLUMNS]; /* by column; every value of every event */
	uint64_t events;
	struct model_value cells[PIPE_COLUMNS];
};

struct model_table {
	const struct pipe *pipe;
	struct arena arena;
	struct model_group *groups[MODEL_GROUPS];
	size_t n;
};

static inline struct model_value table_text(struct model_table *m, struct block_string s)
{
	char *copy = arena_alloc(&m->arena, s.n + 1);

	assert_non_null(copy);
	memcpy(copy, s.s, s.n);
	return (struct model_value){ .type = MV_TEXT, .s = copy, .n = s.n };
}

static inline bool table_same(const struct model_value *a, const struct model_value *b)
{
	if (a->type != b->type)
		return false;
	return a->type == MV_TEXT ? a->n == b->n && memcmp(a->s, b->s, a->n) == 0
				  : a->number == b->number;
}

/* All values of a column in one row; a list's once each. */
static inline size_t table_row_values(struct model_table *m, struct block *b, uint32_t t,
				      uint32_t row, const struct pipe_column *c,
				      struct model_value out[MODEL_LIST])
{
	struct block_value v = block_value(b, t, row, c->field);
	size_t n = 0;

	if (v.type == VALUE_NULL)
		return 0;
	if (v.type == VALUE_STRING) {
		out[n++] = table_text(m, v.string);
	} else if (v.type != VALUE_STRINGS) {
		uint64_t x = v.number;

		out[n++] = (struct model_value){ .type = MV_NUMBER,
						 .number = c->bucket_ns
								   ? x / c->bucket_ns * c->bucket_ns
								   : x };
	}
	for (uint32_t i = 0; v.type == VALUE_STRINGS && i < v.n_strings; i++) {
		struct model_value one = table_text(m, block_string(b, v.strings[i]));
		bool had = false;

		for (size_t k = 0; k < n; k++)
			had |= table_same(&out[k], &one);
		assert_true(had || n < MODEL_LIST);
		if (!had)
			out[n++] = one;
	}
	return n;
}

static inline struct model_group *table_find(struct model_table *m, const struct model_value *keys)
{
	for (size_t i = 0; i < m->n; i++) {
		bool same = true;

		for (uint32_t k = 0; k < m->pipe->n_keys; k++)
			same &= table_same(&m->groups[i]->keys[k], &keys[k]);
		if (same)
			return m->groups[i];
	}
	assert_true(m->n < MODEL_GROUPS);
	m->groups[m->n] = calloc(1, sizeof(struct model_group));
	assert_non_null(m->groups[m->n]);
	memcpy(m->groups[m->n]->keys, keys, m->pipe->n_keys * sizeof(*keys));
	return m->groups[m->n++];
}

static inline void table_count(struct model_table *m, struct block *b, uint32_t t, uint32_t row,
			       const struct model_value *keys)
{
	struct model_group *g = table_find(m, keys);

	g->events++;
	for (uint32_t i = m->pipe->n_keys; i < m->pipe->n_columns; i++) {
		struct model_values *s = &g->seen[i];
		struct model_value values[MODEL_LIST];
		size_t n;

		if (!m->pipe->columns[i].field.info)
			continue;
		n = table_row_values(m, b, t, row, &m->pipe->columns[i], values);
		s->events += n > 0;
		if (s->n + n > s->cap) {
			s->cap = s->cap * 2 + MODEL_LIST;
			s->v = realloc(s->v, s->cap * sizeof(*s->v));
			assert_non_null(s->v);
		}
		if (n)
			memcpy(s->v + s->n, values, n * sizeof(*values));
		s->n += n;
	}
}

/* The event under each combination of its keys' values, from key @k on. */
static inline void table_event(struct model_table *m, struct block *b, uint32_t t, uint32_t row,
			       struct model_value *keys, uint32_t k)
{
	struct model_value values[MODEL_LIST] = { { .type = MV_NULL } };
	size_t n;

	if (k == m->pipe->n_keys) {
		table_count(m, b, t, row, keys);
		return;
	}
	n = table_row_values(m, b, t, row, &m->pipe->columns[k], values);
	if (n == 0)
		values[0] = (struct model_value){ .type = MV_NULL };
	for (size_t i = 0; i < MAX(n, (size_t)1); i++) {
		keys[k] = values[i];
		table_event(m, b, t, row, keys, k + 1);
	}
}

/* ---- order ---- */

static inline int table_compare_text(const struct model_value *a, const struct model_value *b)
{
	int r = memcmp(a->s, b->s, MIN(a->n, b->n));

	return r ? r : (a->n > b->n) - (a->n < b->n);
}

static inline int table_compare(const struct pipe_column *c, const struct model_value *a,
				const struct model_value *b)
{
	uint8_t x[16], y[16];
	bool is_x, is_y;

	if (a->type == MV_REAL || b->type == MV_REAL) {
		if (c->func == PIPE_AVG)
			return (a->real > b->real) - (a->real < b->real);
		if (a->high != b->high)
			return a->high < b->high ? -1 : 1;
		return (a->number > b->number) - (a->number < b->number);
	}
	if (a->type == MV_NUMBER)
		return (a->number > b->number) - (a->number < b->number);
	if (c->field.info->type != TYPE_IP)
		return table_compare_text(a, b);
	is_x = model_address(a->s, a->n, x);
	is_y = model_address(b->s, b->n, y);
	if (is_x && is_y && memcmp(x, y, 16) != 0)
		return memcmp(x, y, 16);
	return is_x != is_y ? is_y - is_x : table_compare_text(a, b);
}

static inline int table_compare_rows(const struct pipe *p, const struct pipe_step *s,
				     const struct model_group *x, const struct model_group *y)
{
	for (uint32_t i = 0; i < s->n_sort; i++) {
		uint32_t column = s->sort[i].column;
		const struct model_value *a = &x->cells[column], *b = &y->cells[column];
		int r;

		if (a->type == MV_NULL || b->type == MV_NULL)
			r = (a->type == MV_NULL) - (b->type == MV_NULL);
		else
			r = table_compare(&p->columns[column], a, b) *
			    (s->sort[i].descending ? -1 : 1);
		if (r)
			return r;
	}
	return 0;
}

static inline void table_sort(struct model_table *m, const struct pipe_step *s)
{
	for (size_t i = 1; i < m->n; i++)
		for (size_t k = i;
		     k && table_compare_rows(m->pipe, s, m->groups[k - 1], m->groups[k]) > 0; k--) {
			struct model_group *g = m->groups[k];

			m->groups[k] = m->groups[k - 1];
			m->groups[k - 1] = g;
		}
}

/* ---- cells ---- */

static inline void table_unique(const struct pipe_column *c, struct model_values *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		bool had = false;

		for (size_t k = 0; k < n && !had; k++)
			had = table_same(&s->v[k], &s->v[i]);
		if (!had)
			s->v[n++] = s->v[i];
	}
	s->n = n;
	for (size_t i = 1; i < n; i++)
		for (size_t k = i; k && table_compare(c, &s->v[k - 1], &s->v[k]) > 0; k--) {
			struct model_value v = s->v[k];

			s->v[k] = s->v[k - 1];
			s->v[k - 1] = v;
		}
}

static inline struct model_value table_number(uint64_t n)
{
	return (struct model_value){ .type = MV_NUMBER, .number = n };
}

static inline struct model_value table_sum(const struct model_values *s, bool average)
{
	__extension__ unsigned __int128 sum = 0;
	double real;

	for (size_t i = 0; i < s->n; i++)
		sum += s->v[i].number;
	real = (double)(uint64_t)(sum >> 64) * 18446744073709551616.0 + (double)(uint64_t)sum;
	if (s->n == 0)
		return (struct model_value){ .type = MV_NULL };
	if (average)
		return (struct model_value){ .type = MV_REAL, .real = real / (double)s->n };
	if (sum >> 64 == 0)
		return table_number((uint64_t)sum);
	return (struct model_value){ .type = MV_REAL,
				     .real = real,
				     .high = (uint64_t)(sum >> 64),
				     .number = (uint64_t)sum };
}

static inline struct model_value table_cell(const struct pipe_column *c, struct model_group *g,
					    struct model_values *s)
{
	if (c->func == PIPE_COUNT)
		return table_number(c->field.info ? s->events : g->events);
	if (c->func == PIPE_SUM || c->func == PIPE_AVG)
		return table_sum(s, c->func == PIPE_AVG);
	table_unique(c, s);
	if (c->func == PIPE_COUNT_DISTINCT)
		return table_number(s->n);
	if (s->n == 0)
		return (struct model_value){ .type = MV_NULL };
	if (c->func == PIPE_VALUES)
		return (struct model_value){ .type = MV_LIST, .list = s->v, .n = s->n };
	return c->func == PIPE_MIN ? s->v[0] : s->v[s->n - 1];
}

static inline void table_finish(struct model_table *m)
{
	const struct pipe *p = m->pipe;
	struct pipe_step by_keys = { .n_sort = p->n_keys };
	const struct model_value none = { .type = MV_NULL };

	if (p->n_keys == 0)
		(void)table_find(m, &none);
	for (size_t i = 0; i < m->n; i++)
		for (uint32_t c = 0; c < p->n_columns; c++)
			m->groups[i]->cells[c] = c < p->n_keys
							 ? m->groups[i]->keys[c]
							 : table_cell(&p->columns[c], m->groups[i],
								      &m->groups[i]->seen[c]);
	for (uint32_t k = 0; k < p->n_keys; k++)
		by_keys.sort[k].column = k;
	table_sort(m, &by_keys);
}

/* ---- text ---- */

static inline void table_write(const struct pipe_column *c, bool is_value,
			       const struct model_value *v, struct json *j)
{
	enum field_type type = is_value ? c->field.info->type : TYPE_LONG;
	char id[20];

	switch (v->type) {
	case MV_NULL:
		json_nil(j);
		return;
	case MV_TEXT:
		json_text_n(j, v->s, v->n);
		return;
	case MV_REAL:
		json_double(j, v->real);
		return;
	case MV_LIST:
		json_begin_array(j);
		for (size_t i = 0; i < v->n; i++)
			table_write(c, true, &v->list[i], j);
		json_end_array(j);
		return;
	case MV_NUMBER:
		break;
	}
	snprintf(id, sizeof(id), "%016llx", (unsigned long long)v->number);
	if (type == TYPE_BOOL)
		json_bool(j, v->number != 0);
	else if (type == TYPE_DATE)
		json_time(j, v->number);
	else if (type == TYPE_ID)
		json_text_n(j, id, 16);
	else
		json_uint(j, v->number);
}

static inline void table_done(struct model_table *m)
{
	for (size_t i = 0; i < MODEL_GROUPS; i++) {
		for (uint32_t c = 0; m->groups[i] && c < PIPE_COLUMNS; c++)
			free(m->groups[i]->seen[c].v);
		free(m->groups[i]);
	}
	arena_done(&m->arena);
}
