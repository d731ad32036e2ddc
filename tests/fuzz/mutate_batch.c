/* SPDX-License-Identifier: Apache-2.0 */
/* mutate_batch - one change to an EventBatch, after which (nearly always) its counts, orders and
 * columns are mended, so that it is one that the collector takes. */
#include "tests/fuzz/mutate.h"

#include "lib/arena.h"
#include "lib/column.h"
#include "lib/limits.h"
#include "proto/rtsec.pb-c.h"

typedef Rtsec__V1__EventBatch batch_message;

enum {
	ROWS_MAX = 300,	     /* that tables grow to */
	COLUMN_BYTES = 4096, /* that a column's bytes grow to */
};

static struct arena arena;

static void *take(void *arg, size_t n)
{
	(void)arg;
	return arena_alloc(&arena, n);
}

static void give_back(void *arg, void *p)
{
	(void)arg, (void)p;
}

/* Zeroed; what a mutation needs is small, so that there is always room. */
static void *need(size_t count, size_t size)
{
	void *p = arena_array(&arena, count + 1, size);

	if (!p)
		abort();
	memset(p, 0, (count + 1) * size);
	return p;
}

static void mutate_bytes(ProtobufCBinaryData *d, size_t max)
{
	uint8_t *copy = need(MAX(max, d->len), 1);

	if (d->len)
		memcpy(copy, d->data, d->len);
	d->len = LLVMFuzzerMutate(copy, d->len, MAX(max, d->len));
	d->data = copy;
}

/* ---- choosing ---- */

static Rtsec__V1__Table *some_table(batch_message *m)
{
	uint32_t i = mutate_below((uint32_t)m->n_events + 1);

	return i < m->n_events ? m->events[i] : m->processes;
}

static Rtsec__V1__Column *some_column(batch_message *m)
{
	Rtsec__V1__Table *t = some_table(m);

	return t && t->n_columns ? t->columns[mutate_below((uint32_t)t->n_columns)] : NULL;
}

static uint32_t some_field(void)
{
	uint32_t f = 1 + mutate_below(FIELD_MAX);

	while (!field_info(f) && mutate_below(50))
		f = 1 + mutate_below(FIELD_MAX);
	return f;
}

static uint64_t some_value(void)
{
	uint64_t v = (uint64_t)mutate_below(UINT32_MAX) << 32 | mutate_below(UINT32_MAX);

	return mutate_below(3) ? v >> mutate_below(64) : mutate_below(40);
}

/* ---- changes ---- */

static void change_column_bytes(batch_message *m)
{
	Rtsec__V1__Column *c = some_column(m);

	if (c)
		mutate_bytes(&c->data, COLUMN_BYTES);
}

/* Varints of random numbers, one for each of @rows. */
static void make_values(Rtsec__V1__Column *c, uint32_t rows)
{
	struct buf out = { 0 };

	for (uint32_t i = 0; i < rows && i < ROWS_MAX; i++)
		buf_varint(&out, some_value());
	c->encoding = RTSEC__V1__COLUMN__ENCODING__VARINT;
	c->data.data = need(out.n, 1);
	c->data.len = out.n;
	if (out.n)
		memcpy(c->data.data, out.data, out.n);
	buf_done(&out);
}

static void change_column_values(batch_message *m)
{
	Rtsec__V1__Table *t = some_table(m);

	if (t && t->n_columns)
		make_values(t->columns[mutate_below((uint32_t)t->n_columns)], t->rows);
}

static void change_column_head(batch_message *m)
{
	Rtsec__V1__Column *c = some_column(m);

	if (c && mutate_below(2))
		c->field = some_field();
	else if (c)
		c->encoding = (Rtsec__V1__Column__Encoding)mutate_below(6);
}

static void add_column(batch_message *m)
{
	Rtsec__V1__Table *t = some_table(m);
	Rtsec__V1__Column *c, **columns;

	if (!t || t->n_columns >= FIELD_MAX)
		return;
	c = need(1, sizeof(*c));
	rtsec__v1__column__init(c);
	c->field = some_field();
	make_values(c, t->rows);
	columns = need(t->n_columns + 1, sizeof(*columns));
	if (t->n_columns)
		memcpy(columns, t->columns, t->n_columns * sizeof(*columns));
	columns[t->n_columns++] = c;
	t->columns = columns;
}

static void remove_column(batch_message *m)
{
	Rtsec__V1__Table *t = some_table(m);

	if (t && t->n_columns) {
		t->columns[mutate_below((uint32_t)t->n_columns)] = t->columns[t->n_columns - 1];
		t->n_columns--;
	}
}

static void change_rows(batch_message *m)
{
	Rtsec__V1__Table *t = some_table(m);

	if (t)
		t->rows = mutate_below(8) ? mutate_below(8) : mutate_below(ROWS_MAX);
}

static void add_table(batch_message *m)
{
	Rtsec__V1__Table **events = need(m->n_events + 1, sizeof(*events)), *t;

	if (m->n_events >= KIND_MAX)
		return;
	t = need(1, sizeof(*t));
	rtsec__v1__table__init(t);
	if (m->n_events) {
		*t = *m->events[mutate_below((uint32_t)m->n_events)];
		memcpy(events, m->events, m->n_events * sizeof(*events));
	}
	t->rows = MAX(t->rows, 1u);
	t->kind = 1 + mutate_below(KIND_MAX);
	events[m->n_events++] = t;
	m->events = events;
}

static void remove_table(batch_message *m)
{
	if (m->n_events)
		m->events[mutate_below((uint32_t)m->n_events)] = m->events[--m->n_events];
}

static void change_strings(batch_message *m)
{
	if (m->string_bytes.len)
		mutate_bytes(&m->string_bytes, m->string_bytes.len + 64);
	if (m->n_string_lengths && mutate_below(2))
		m->string_lengths[mutate_below((uint32_t)m->n_string_lengths)] = mutate_below(64);
}

static void change_head(batch_message *m)
{
	ProtobufCBinaryData *texts[] = { &m->node_id,	   &m->node_name, &m->boot_id,
					 &m->architecture, &m->os_kernel, &m->agent_version };

	switch (mutate_below(4)) {
	case 0:
		m->first_seq = some_value();
		break;
	case 1:
		m->sent_time_ns = some_value();
		break;
	case 2:
		m->version = mutate_below(3);
		break;
	default:
		mutate_bytes(texts[mutate_below(ARRAY_SIZE(texts))], LIMIT_NODE_ID_BYTES);
	}
}

static void change_stats(batch_message *m)
{
	Rtsec__V1__SensorStats *s = m->stats;
	uint64_t *numbers;

	if (!s) {
		s = m->stats = need(1, sizeof(*s));
		rtsec__v1__sensor_stats__init(s);
	}
	numbers = &s->events; /* the first ten are one after the other */
	if (mutate_below(3) == 0)
		s->clock_offset_ns = (int64_t)some_value();
	else if (mutate_below(3) == 0)
		s->clock_error_ns = some_value();
	else
		numbers[mutate_below(10)] = some_value();
}

static void change_label(batch_message *m)
{
	Rtsec__V1__Label **labels = need(m->n_labels + 1, sizeof(*labels)), *l;

	if (m->n_labels && mutate_below(2)) {
		l = m->labels[mutate_below((uint32_t)m->n_labels)];
		mutate_bytes(mutate_below(2) ? &l->key : &l->value, 64);
		return;
	}
	l = need(1, sizeof(*l));
	rtsec__v1__label__init(l);
	mutate_bytes(&l->key, 64);
	if (m->n_labels)
		memcpy(labels, m->labels, m->n_labels * sizeof(*labels));
	labels[m->n_labels++] = l;
	m->labels = labels;
}

/* ---- mending ---- */

static uint64_t most(const batch_message *m, const struct field_info *info, uint32_t row,
		     bool of_process)
{
	enum field f = info->field;

	if (f == FIELD_PARENT)
		return of_process ? row : 0;
	if (f == FIELD_SESSION_LEADER || f == FIELD_ENTRY_LEADER)
		return of_process ? row + 1 : 0;
	if (f == FIELD_PROCESS || f == FIELD_TARGET)
		return m->processes ? m->processes->rows : 0;
	if (info->type == TYPE_KEYWORD || info->type == TYPE_IP || info->type == TYPE_KEYWORDS)
		return m->n_string_lengths;
	return info->type == TYPE_BOOL ? 2 : UINT64_MAX;
}

static void set_bytes(Rtsec__V1__Column *c, struct buf *out)
{
	if (!buf_ok(out))
		abort();
	c->data.data = need(out->n, 1);
	c->data.len = out->n;
	if (out->n)
		memcpy(c->data.data, out->data, out->n);
	buf_done(out);
}

static void mend_list(const batch_message *m, Rtsec__V1__Table *t, Rtsec__V1__Column *c)
{
	uint32_t max = (uint32_t)MIN(c->data.len, (size_t)LIMIT_LIST_VALUES);
	uint32_t *starts = need((size_t)t->rows + 1, sizeof(*starts));
	uint32_t *values = need((size_t)max + 1, sizeof(*values));
	struct buf out = { 0 };

	(void)column_decode_list(c->data.data, c->data.len, t->rows, m->n_string_lengths, starts,
				 values, max);
	for (uint32_t row = 0; row < t->rows; row++) {
		buf_varint(&out, starts[row + 1] - starts[row]);
		for (uint32_t i = starts[row]; i < starts[row + 1]; i++)
			buf_varint(&out, values[i]);
	}
	c->encoding = RTSEC__V1__COLUMN__ENCODING__LIST;
	set_bytes(c, &out);
}

static void mend_column(const batch_message *m, Rtsec__V1__Table *t, Rtsec__V1__Column *c)
{
	const struct field_info *info = field_info(c->field);
	uint64_t *v, last = 0;
	struct buf out = { 0 };

	if (!info)
		return;
	if (info->type == TYPE_KEYWORDS) {
		mend_list(m, t, c);
		return;
	}
	v = need(t->rows, sizeof(*v));
	(void)column_decode((enum column_encoding)c->encoding, c->data.data, c->data.len, t->rows,
			    UINT64_MAX, v);
	for (uint32_t row = 0; row < t->rows; row++) {
		uint64_t max = most(m, info, row, t == m->processes);

		if (v[row] > max)
			v[row] %= max + 1;
		if (c->field == FIELD_SEQ && v[row] <= last)
			v[row] = last + 1;
		if (v[row] == 0 && (c->field == FIELD_TIMESTAMP || c->field == FIELD_ENTITY_ID))
			v[row] = 1;
		last = v[row];
	}
	c->encoding = (Rtsec__V1__Column__Encoding)column_encode(v, t->rows, info->type, &out);
	set_bytes(c, &out);
}

/* Each field once. */
static void mend_table(const batch_message *m, Rtsec__V1__Table *t)
{
	bool seen[FIELD_MAX + 1] = { false };
	size_t n = 0;

	for (size_t i = 0; i < t->n_columns && n < LIMIT_TABLE_COLUMNS; i++) {
		Rtsec__V1__Column *c = t->columns[i];

		if (c->field > FIELD_MAX || seen[c->field])
			continue;
		seen[c->field] = true;
		if (t->rows)
			mend_column(m, t, c);
		t->columns[n++] = c;
	}
	t->n_columns = n;
}

static int by_kind(const void *a, const void *b)
{
	const Rtsec__V1__Table *x = *(Rtsec__V1__Table *const *)a,
			       *y = *(Rtsec__V1__Table *const *)b;

	return x->kind < y->kind ? -1 : x->kind > y->kind;
}

static void mend_events(batch_message *m)
{
	uint64_t least = UINT64_MAX;
	uint32_t last = 0;
	size_t n = 0;

	m->event_count = 0;
	if (m->n_events)
		qsort(m->events, m->n_events, sizeof(*m->events), by_kind);
	for (size_t i = 0; i < m->n_events; i++) {
		Rtsec__V1__Table *t = m->events[i];

		if (t->kind <= last || t->kind >= KIND_MAX || t->rows == 0 || t->rows > ROWS_MAX)
			continue;
		last = t->kind;
		mend_table(m, t);
		m->event_count += t->rows;
		m->events[n++] = t;
		for (size_t k = 0; k < t->n_columns; k++) {
			uint64_t *seq = need(t->rows, sizeof(*seq));

			if (t->columns[k]->field == FIELD_SEQ &&
			    column_decode((enum column_encoding)t->columns[k]->encoding,
					  t->columns[k]->data.data, t->columns[k]->data.len,
					  t->rows, UINT64_MAX, seq))
				least = MIN(least, seq[0] - 1);
		}
	}
	m->n_events = n;
	if (least != UINT64_MAX)
		m->first_seq = least;
}

static void mend_strings(batch_message *m)
{
	size_t left = m->string_bytes.len, n = 0;

	for (size_t i = 0; i < left; i++)
		if (m->string_bytes.data[i] == 0)
			m->string_bytes.data[i] = '0';
	for (; n < m->n_string_lengths; n++) {
		m->string_lengths[n] = (uint32_t)MIN(m->string_lengths[n], left);
		left -= m->string_lengths[n];
	}
	m->string_bytes.len -= left;
}

static void mend_text(ProtobufCBinaryData *d)
{
	for (size_t i = 0; i < d->len; i++)
		if (d->data[i] == 0)
			d->data[i] = '0';
}

static void mend(batch_message *m)
{
	ProtobufCBinaryData boot = { 16, need(16, 1) };

	m->version = 1;
	if (m->boot_id.len)
		memcpy(boot.data, m->boot_id.data, MIN(m->boot_id.len, boot.len));
	m->boot_id = boot;
	if (m->node_id.len == 0)
		m->node_id = (ProtobufCBinaryData){ 1, need(1, 1) };
	mend_text(&m->node_id);
	mend_text(&m->node_name);
	mend_text(&m->architecture);
	mend_text(&m->os_kernel);
	mend_text(&m->agent_version);
	for (size_t i = 0; i < m->n_labels; i++) {
		mend_text(&m->labels[i]->key);
		mend_text(&m->labels[i]->value);
	}
	mend_strings(m);
	if (m->processes && m->processes->rows > ROWS_MAX)
		m->processes->rows = ROWS_MAX;
	if (m->processes)
		mend_table(m, m->processes);
	mend_events(m);
}

size_t mutate_batch(uint8_t *data, size_t n, size_t max)
{
	static void (*const changes[])(batch_message * m) = {
		change_column_bytes,  change_column_bytes,
		change_column_values, change_column_values,
		change_column_head,   add_column,
		add_column,	      remove_column,
		change_rows,	      add_table,
		remove_table,	      change_strings,
		change_strings,	      change_head,
		change_stats,	      change_label,
	};
	ProtobufCAllocator allocator = { take, give_back, NULL };
	batch_message *m;

	arena_clear(&arena);
	m = rtsec__v1__event_batch__unpack(&allocator, n, data);
	if (!m)
		return 0;
	for (uint32_t i = 0, many = 1 + mutate_below(3); i < many; i++)
		changes[mutate_below(ARRAY_SIZE(changes))](m);
	if (mutate_below(12))
		mend(m);
	if (rtsec__v1__event_batch__get_packed_size(m) > max)
		return 0;
	return rtsec__v1__event_batch__pack(m, data);
}
