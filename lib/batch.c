/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/batch_internal.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "lib/limits.h"

enum { COLUMN_MIN_ROWS = 64 };

/* ---- making and freeing ---- */

static bool name_ok(const char *s)
{
	return s && s[0] && strlen(s) <= LIMIT_NODE_ID_BYTES;
}

static int copy_labels(struct batch *b, const struct batch_origin *o)
{
	b->labels = calloc(o->n_labels ? o->n_labels * 2 : 1, sizeof(*b->labels));
	if (!b->labels)
		return err_origin(-ENOMEM);
	for (size_t i = 0; i < o->n_labels; i++) {
		b->labels[2 * i] = strdup(o->labels[i].key);
		b->labels[2 * i + 1] = strdup(o->labels[i].value);
		b->n_labels++;
		if (!b->labels[2 * i] || !b->labels[2 * i + 1])
			return err_origin(-ENOMEM);
	}
	return 0;
}

int batch_new(struct batch **ret, const struct batch_origin *o)
{
	AUTO(batch) *b = NULL;
	int r;

	if (!name_ok(o->node_id) || !name_ok(o->node_name) || o->n_labels > LIMIT_LABELS)
		return err_origin(-EINVAL);
	b = calloc(1, sizeof(*b));
	if (!b)
		return err_origin(-ENOMEM);
	memcpy(b->boot_id, o->boot_id, sizeof(b->boot_id));
	b->node_id = strdup(o->node_id);
	b->node_name = strdup(o->node_name);
	b->architecture = strdup(o->architecture ? o->architecture : "");
	b->os_kernel = strdup(o->os_kernel ? o->os_kernel : "");
	b->agent_version = strdup(o->agent_version ? o->agent_version : "");
	if (!b->node_id || !b->node_name || !b->architecture || !b->os_kernel || !b->agent_version)
		return err_origin(-ENOMEM);
	r = copy_labels(b, o);
	if (r < 0)
		return r;
	*ret = TAKE(b);
	return 0;
}

static void rows_free(struct rows *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; i < t->n_columns; i++) {
		free(t->columns[i].rows);
		buf_done(&t->columns[i].list);
	}
	free(t->columns);
	free(t);
}

struct batch *batch_free(struct batch *b)
{
	if (!b)
		return NULL;
	for (size_t i = 0; i < KIND_MAX; i++)
		rows_free(b->tables[i]);
	for (size_t i = 0; i < 2 * b->n_labels; i++)
		free(b->labels[i]);
	free(b->labels);
	free(b->node_id);
	free(b->node_name);
	free(b->architecture);
	free(b->os_kernel);
	free(b->agent_version);
	slots_done(&b->strings);
	slots_done(&b->processes);
	buf_done(&b->string_bytes);
	buf_done(&b->string_lengths);
	buf_done(&b->data);
	buf_done(&b->message);
	free(b);
	return NULL;
}

void batch_clear(struct batch *b)
{
	for (size_t i = 0; i < KIND_MAX; i++) {
		struct rows *t = b->tables[i];

		for (uint32_t c = 0; t && c < t->n_columns; c++) {
			t->columns[c].n = 0;
			buf_clear(&t->columns[c].list);
		}
		if (t)
			t->n = 0;
	}
	slots_clear(&b->strings);
	slots_clear(&b->processes);
	buf_clear(&b->string_bytes);
	buf_clear(&b->string_lengths);
	b->n_strings = 0;
	b->n_events = 0;
	b->n_cells = 0;
	b->failed = false;
}

/* ---- asking ---- */

uint32_t batch_events(const struct batch *b)
{
	return b->n_events;
}

size_t batch_bytes(const struct batch *b)
{
	return b->string_bytes.n + 2 * b->n_cells;
}

/* ---- strings ---- */

static bool string_is(const struct batch *b, uint32_t number, const char *s, size_t n)
{
	const uint32_t *ends = (const uint32_t *)(const void *)b->string_lengths.data;
	size_t begin = number > 1 ? ends[number - 2] : 0;

	return ends[number - 1] - begin == n &&
	       (n == 0 || memcmp(b->string_bytes.data + begin, s, n) == 0);
}

/* string_lengths holds where each string ends until batch_seal() turns it into lengths. */
static uint32_t string_new(struct batch *b, uint64_t key, const char *s, size_t n)
{
	uint32_t end;

	if (b->n_strings >= LIMIT_BATCH_STRINGS || !slots_room(&b->strings)) {
		b->failed = true;
		return 0;
	}
	buf_add(&b->string_bytes, s, n);
	end = (uint32_t)b->string_bytes.n;
	buf_add(&b->string_lengths, &end, sizeof(end));
	if (!buf_ok(&b->string_bytes) || !buf_ok(&b->string_lengths)) {
		b->failed = true;
		return 0;
	}
	slots_put(&b->strings, key, ++b->n_strings);
	return b->n_strings;
}

uint32_t batch_string(struct batch *b, const char *s, size_t n)
{
	const char *nul;
	uint32_t at, number;
	uint64_t key;

	if (!s)
		return 0;
	n = MIN(n, (size_t)LIMIT_STRING_BYTES);
	nul = n ? memchr(s, 0, n) : NULL;
	if (nul)
		n = (size_t)(nul - s);
	key = XXH3_64bits(s, n);
	at = slots_first(&b->strings, key);
	while ((number = slots_next(&b->strings, key, &at)))
		if (string_is(b, number, s, n))
			return number;
	return string_new(b, key, s, n);
}

/* ---- rows and cells ---- */

static struct rows *table_of(struct batch *b, enum kind kind)
{
	if (!b->tables[kind])
		b->tables[kind] = calloc(1, sizeof(struct rows));
	if (!b->tables[kind])
		b->failed = true;
	return b->tables[kind];
}

static struct cells *column_new(struct rows *t, enum field f)
{
	struct cells *all;

	if (t->n_columns >= LIMIT_TABLE_COLUMNS)
		return NULL;
	all = realloc(t->columns, (t->n_columns + 1) * sizeof(*all));
	if (!all)
		return NULL;
	t->columns = all;
	all[t->n_columns] = (struct cells){ .field = f };
	t->column_of[f] = (uint8_t)++t->n_columns;
	return &all[t->n_columns - 1];
}

/* The column of @f, ready to take the value of the table's last row; NULL: out of memory. */
static struct cells *column_at_last(struct batch *b, enum kind kind, enum field f)
{
	struct rows *t = b->tables[kind];
	uint8_t place = t ? t->column_of[f] : 0;
	struct cells *c = NULL;

	if (place)
		c = &t->columns[place - 1];
	else if (t)
		c = column_new(t, f);
	if (!c)
		b->failed = true;
	b->n_cells++;
	return c;
}

bool batch_grow(struct cells *c, uint32_t rows)
{
	uint32_t cap = c->cap ? c->cap : COLUMN_MIN_ROWS;
	uint64_t *v;

	while (cap < rows)
		cap *= 2;
	v = realloc(c->rows, cap * sizeof(*v));
	if (!v)
		return false;
	c->rows = v;
	c->cap = cap;
	return true;
}

static void put(struct batch *b, enum kind kind, enum field f, uint64_t raw)
{
	struct cells *c = column_at_last(b, kind, f);
	uint32_t rows;

	if (!c)
		return;
	rows = b->tables[kind]->n;
	if (rows > c->cap && !batch_grow(c, rows)) {
		b->failed = true;
		return;
	}
	while (c->n + 1 < rows)
		c->rows[c->n++] = 0;
	c->rows[rows - 1] = raw;
	c->n = rows;
}

void batch_event(struct batch *b, enum kind kind, uint64_t seq, uint64_t time_ns)
{
	struct rows *t = table_of(b, kind);

	if (!t)
		return;
	if (b->n_events == 0 || seq < b->first_seq)
		b->first_seq = seq;
	b->n_events++;
	t->n++;
	batch_set(b, kind, FIELD_SEQ, seq);
	batch_set(b, kind, FIELD_TIMESTAMP, time_ns);
}

static uint64_t process_key(uint64_t entity, uint32_t generation)
{
	return entity ^ ((uint64_t)generation * UINT64_C(0x9e3779b97f4a7c15));
}

uint32_t batch_process_find(const struct batch *b, uint64_t entity, uint32_t generation)
{
	uint64_t key = process_key(entity, generation);
	uint32_t at = slots_first(&b->processes, key);

	return slots_next(&b->processes, key, &at);
}

uint32_t batch_process_add(struct batch *b, uint64_t entity, uint32_t generation)
{
	struct rows *t = table_of(b, KIND_NONE);

	if (!t || !slots_room(&b->processes)) {
		b->failed = true;
		return 0;
	}
	t->n++;
	slots_put(&b->processes, process_key(entity, generation), t->n);
	batch_set_id(b, KIND_NONE, FIELD_ENTITY_ID, entity);
	batch_set(b, KIND_NONE, FIELD_GENERATION, generation);
	return t->n;
}

void batch_set(struct batch *b, enum kind kind, enum field f, uint64_t value)
{
	put(b, kind, f, value == UINT64_MAX ? value : value + 1);
}

void batch_set_id(struct batch *b, enum kind kind, enum field f, uint64_t hash)
{
	put(b, kind, f, hash);
}

void batch_set_row(struct batch *b, enum kind kind, enum field f, uint32_t process_row)
{
	put(b, kind, f, process_row);
}

void batch_set_str(struct batch *b, enum kind kind, enum field f, const char *s, size_t n)
{
	put(b, kind, f, batch_string(b, s, n));
}

void batch_set_string(struct batch *b, enum kind kind, enum field f, uint32_t string)
{
	put(b, kind, f, string);
}

void batch_set_list(struct batch *b, enum kind kind, enum field f, const uint32_t *strings,
		    size_t n)
{
	struct cells *c = column_at_last(b, kind, f);

	if (!c)
		return;
	while (c->n + 1 < b->tables[kind]->n) {
		buf_byte(&c->list, 0);
		c->n++;
	}
	buf_varint(&c->list, n);
	for (size_t i = 0; i < n; i++)
		buf_varint(&c->list, strings[i]);
	c->n = b->tables[kind]->n;
	b->failed |= !buf_ok(&c->list);
}
