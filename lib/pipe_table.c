/* SPDX-License-Identifier: Apache-2.0 */
/* The rows that a run ends with: ordered, cut, written.  Without sort they stand in ascending order
 * of the keys; sorting keeps what stood before among equal rows.  Null is last, both ways. */
#include "lib/pipe_run_internal.h"
#include "lib/pipe_where.h"

/* ---- order ---- */

static double sum_of(const uint64_t *cell)
{
	return (double)cell[2] * 18446744073709551616.0 + (double)cell[1];
}

static bool is_null(const struct pipe_column *c, bool is_key, const uint64_t *cell)
{
	return (is_key || c->func >= PIPE_MIN) && cell[0] == 0;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_averages(const uint64_t *a, const uint64_t *b)
{
	double x = sum_of(a) / (double)a[0], y = sum_of(b) / (double)b[0];

	return (x > y) - (x < y);
}

/* Neither is null. */
static int compare_cells(const struct pipe_run *r, const struct pipe_column *c, bool is_key,
			 const uint64_t *a, const uint64_t *b)
{
	int v;

	if (is_key || c->func == PIPE_MIN || c->func == PIPE_MAX)
		return pipe_compare_words(&r->groups, c->field.info, a[0], b[0]);
	switch (c->func) {
	case PIPE_SUM:
		v = compare_numbers(a[2], b[2]);
		return v ? v : compare_numbers(a[1], b[1]);
	case PIPE_AVG:
		return compare_averages(a, b);
	default:
		return compare_numbers(a[0], b[0]);
	}
}

static const uint64_t *cell_of(const struct pipe_run *r, uint32_t group, uint32_t column)
{
	uint32_t n_keys = r->pipe->n_keys;

	if (column < n_keys)
		return pipe_record(&r->groups, group) + column;
	return pipe_cell(&r->groups, group, column - n_keys);
}

static int compare_by(const struct pipe_run *r, const struct pipe_sort *by, uint32_t x, uint32_t y)
{
	const struct pipe_column *c = &r->pipe->columns[by->column];
	bool is_key = by->column < r->pipe->n_keys;
	const uint64_t *a = cell_of(r, x, by->column), *b = cell_of(r, y, by->column);
	bool no_a = is_null(c, is_key, a), no_b = is_null(c, is_key, b);
	int v;

	if (no_a || no_b)
		return no_a - no_b;
	v = compare_cells(r, c, is_key, a, b);
	return by->descending ? -v : v;
}

static int compare_rows(const struct pipe_run *r, const struct pipe_step *s, uint32_t x, uint32_t y)
{
	int v = 0;

	for (uint32_t i = 0; i < s->n_sort && v == 0; i++)
		v = compare_by(r, &s->sort[i], x, y);
	return v;
}

/* Merges two sorted neighbours; equal rows keep their order. */
static void merge(const struct pipe_run *r, const struct pipe_step *s, const uint32_t *from,
		  uint32_t *to, const uint32_t at[3])
{
	uint32_t a = at[0], b = at[1];

	for (uint32_t i = at[0]; i < at[2]; i++) {
		bool take_b = a == at[1] || (b < at[2] && compare_rows(r, s, from[a], from[b]) > 0);

		to[i] = take_b ? from[b++] : from[a++];
	}
}

static int sort_rows(struct pipe_run *r, const struct pipe_step *s)
{
	uint32_t n = r->n_rows;
	uint32_t *spare = n > 1 ? malloc(n * sizeof(*spare)) : NULL, *from = r->order, *to = spare;

	if (n > 1 && !spare)
		return err_origin(-ENOMEM);
	for (uint32_t width = 1; width < n; width *= 2) {
		uint32_t *swap = from;

		for (uint32_t i = 0; i < n; i += 2 * width) {
			const uint32_t at[3] = { i, MIN(i + width, n), MIN(i + 2 * width, n) };

			merge(r, s, from, to, at);
		}
		from = to;
		to = swap;
	}
	r->order = n > 1 ? from : r->order;
	free(n > 1 ? to : NULL);
	return 0;
}

struct row_at {
	const struct pipe_run *run;
	uint32_t group;
};

static struct pipe_where_cell where_word(const struct pipe_run *r, const struct field_info *f,
					 uint64_t word)
{
	const struct pipe_string *s;

	if (!pipe_is_text(f))
		return (struct pipe_where_cell){ .type = PIPE_CELL_RAW, .raw = word };
	s = pipe_string(&r->groups, word);
	return (struct pipe_where_cell){ .type = PIPE_CELL_TEXT, .s = s->s, .n = s->n };
}

static struct pipe_where_cell where_cell(uint32_t column, void *arg)
{
	const struct row_at *at = arg;
	const struct pipe_run *r = at->run;
	const struct pipe_column *c = &r->pipe->columns[column];
	const uint64_t *cell = cell_of(r, at->group, column);
	bool is_key = column < r->pipe->n_keys;

	if (is_null(c, is_key, cell))
		return (struct pipe_where_cell){ .type = PIPE_CELL_NULL };
	if (is_key || c->func == PIPE_MIN || c->func == PIPE_MAX)
		return where_word(r, c->field.info, cell[0]);
	if (c->func == PIPE_SUM)
		return (struct pipe_where_cell){ .type = PIPE_CELL_REAL, .real = sum_of(cell) };
	if (c->func == PIPE_AVG)
		return (struct pipe_where_cell){ .type = PIPE_CELL_REAL,
						 .real = sum_of(cell) / (double)cell[0] };
	return (struct pipe_where_cell){ .type = PIPE_CELL_RAW, .raw = cell[0] + 1 };
}

static int filter_rows(struct pipe_run *r, const struct pipe_where *w)
{
	struct expr_text_scratch scratch = { 0 };
	int e = expr_text_scratch_init(&scratch);
	uint32_t n = 0;

	for (uint32_t i = 0; e == 0 && i < r->n_rows; i++) {
		struct row_at at = { r, r->order[i] };

		if (pipe_where_is(w, &scratch, where_cell, &at))
			r->order[n++] = r->order[i];
	}
	r->n_rows = n;
	expr_text_scratch_done(&scratch);
	return e;
}

static int run_step(struct pipe_run *r, const struct pipe_step *s)
{
	uint32_t n = (uint32_t)MIN(s->n, (uint64_t)r->n_rows);

	switch (s->type) {
	case PIPE_STEP_SORT:
		return sort_rows(r, s);
	case PIPE_STEP_WHERE:
		return filter_rows(r, s->where);
	case PIPE_STEP_TAIL:
		memmove(r->order, r->order + (r->n_rows - n), n * sizeof(*r->order));
		break;
	case PIPE_STEP_HEAD:
		break;
	}
	r->n_rows = n;
	return 0;
}

int pipe_run_finish(struct pipe_run *r)
{
	struct pipe_step by_keys = { .type = PIPE_STEP_SORT, .n_sort = r->pipe->n_keys };
	const uint64_t none[1] = { 0 };
	int e;

	if (r->pipe->n_keys == 0 && r->groups.n_groups == 0 && /* no events are a row too */
	    pipe_group(&r->groups, none) == UINT32_MAX)
		return err_origin(-ENOMEM);
	r->n_rows = r->groups.n_groups;
	r->order = reallocarray(NULL, (size_t)r->n_rows + 1, sizeof(*r->order));
	if (!r->order)
		return err_origin(-ENOMEM);
	for (uint32_t i = 0; i < r->n_rows; i++)
		r->order[i] = i;
	for (uint32_t k = 0; k < r->pipe->n_keys; k++)
		by_keys.sort[k].column = k;
	e = sort_rows(r, &by_keys);
	for (uint32_t i = 0; i < r->pipe->n_steps && e == 0; i++)
		e = run_step(r, &r->pipe->steps[i]);
	if (r->n_rows > PIPE_ROWS) {
		r->n_rows = PIPE_ROWS;
		r->truncated = true;
	}
	return e;
}

void pipe_run_info(const struct pipe_run *r, struct pipe_table_info *ret)
{
	ret->n_rows = r->n_rows;
	ret->n_left_out = r->n_left_out;
	ret->truncated = r->truncated || r->n_left_out || r->columns.cut;
}

/* ---- written ---- */

static const char *type_of(const struct pipe *p, uint32_t column)
{
	const struct pipe_column *c = &p->columns[column];

	if (column >= p->n_keys && c->func == PIPE_AVG)
		return "double";
	if (column >= p->n_keys &&
	    (c->func == PIPE_COUNT || c->func == PIPE_COUNT_DISTINCT || c->func == PIPE_SUM))
		return "long";
	return field_type_name(c->field.info->type);
}

void pipe_write_columns(const struct pipe *p, struct json *j)
{
	json_begin_array(j);
	for (uint32_t i = 0; i < p->n_shown; i++) {
		json_begin_object(j);
		json_key_text(j, "name", p->columns[p->shown[i]].name);
		json_key_text(j, "type", type_of(p, p->shown[i]));
		json_end_object(j);
	}
	json_end_array(j);
}

/* A word that is not null. */
static void write_word(const struct pipe_run *r, const struct field_info *f, uint64_t word,
		       struct json *j)
{
	const struct pipe_string *s;
	char id[20];

	switch (f->type) {
	case TYPE_BOOL:
		json_bool(j, word == 2);
		break;
	case TYPE_DATE:
		json_time(j, word - 1);
		break;
	case TYPE_ID:
		snprintf(id, sizeof(id), "%016llx", (unsigned long long)word);
		json_text_n(j, id, 16);
		break;
	case TYPE_LONG:
		json_uint(j, word - 1);
		break;
	default:
		s = pipe_string(&r->groups, word);
		json_text_n(j, s->s, s->n);
	}
}

struct by_word {
	const struct pipe_run *run;
	const struct field_info *field;
};

static int compare_values(const void *a, const void *b, void *arg)
{
	const struct by_word *by = arg;

	return pipe_compare_words(&by->run->groups, by->field, *(const uint64_t *)a,
				  *(const uint64_t *)b);
}

static void write_values(struct pipe_run *r, const struct field_info *f, const uint64_t *cell,
			 struct json *j)
{
	struct by_word by = { r, f };
	uint64_t words[PIPE_VALUES_MAX];
	size_t from = j->out->n;
	uint32_t n = 0, i;

	for (const struct pipe_value_node *v = (struct pipe_value_node *)(uintptr_t)cell[1];
	     v && n < PIPE_VALUES_MAX; v = v->next)
		words[n++] = v->word;
	qsort_r(words, n, sizeof(*words), compare_values, &by);
	json_begin_array(j);
	for (i = 0; i < n && j->out->n - from < PIPE_CELL_BYTES; i++)
		write_word(r, f, words[i], j);
	json_end_array(j);
	r->truncated |= i < n;
}

static void write_cell(struct pipe_run *r, uint32_t group, uint32_t column, struct json *j)
{
	const struct pipe_column *c = &r->pipe->columns[column];
	const uint64_t *cell = cell_of(r, group, column);
	bool is_key = column < r->pipe->n_keys;

	if (is_null(c, is_key, cell))
		json_nil(j);
	else if (is_key || c->func == PIPE_MIN || c->func == PIPE_MAX)
		write_word(r, c->field.info, cell[0], j);
	else if (c->func == PIPE_AVG)
		json_double(j, sum_of(cell) / (double)cell[0]);
	else if (c->func == PIPE_VALUES)
		write_values(r, c->field.info, cell, j);
	else if (c->func == PIPE_SUM && cell[2])
		json_double(j, sum_of(cell));
	else
		json_uint(j, c->func == PIPE_SUM ? cell[1] : cell[0]);
}

void pipe_write_row(struct pipe_run *r, uint32_t row, struct json *j)
{
	json_begin_array(j);
	for (uint32_t i = 0; i < r->pipe->n_shown; i++)
		write_cell(r, r->order[row], r->pipe->shown[i], j);
	json_end_array(j);
}

void pipe_write_object(struct pipe_run *r, uint32_t row, struct json *j)
{
	json_begin_object(j);
	for (uint32_t i = 0; i < r->pipe->n_shown; i++) {
		json_key(j, r->pipe->columns[r->pipe->shown[i]].name);
		write_cell(r, r->order[row], r->pipe->shown[i], j);
	}
	json_end_object(j);
}
