/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/batch_internal.h"
#include "lib/column.h"
#include "lib/limits.h"
#include "proto/rtsec.pb-c.h"

/* Everything that packing needs; its arrays are as large as the batch may become. */
struct packing {
	Rtsec__V1__EventBatch message;
	Rtsec__V1__SensorStats stats;
	Rtsec__V1__Table tables[KIND_MAX];
	Rtsec__V1__Table *table_at[KIND_MAX];
	Rtsec__V1__Column *columns; /* n_columns of them */
	Rtsec__V1__Column **column_at;
	Rtsec__V1__Label labels[LIMIT_LABELS];
	Rtsec__V1__Label *label_at[LIMIT_LABELS];
	size_t n_columns;
};

static ProtobufCBinaryData bytes_of(const void *data, size_t n)
{
	return (ProtobufCBinaryData){ n, (uint8_t *)(uintptr_t)data };
}

static ProtobufCBinaryData text_of(const char *s)
{
	return bytes_of(s, strlen(s));
}

/* Encodes one column into b->data.  The column's data pointer is an offset until the end, since
 * b->data may move. */
static bool pack_column(struct batch *b, const struct rows *t, struct cells *c, struct packing *p)
{
	Rtsec__V1__Column *out = &p->columns[p->n_columns];
	const struct field_info *info = field_info(c->field);
	size_t begin = b->data.n;

	if (c->n == 0)
		return false;
	rtsec__v1__column__init(out);
	out->field = (uint32_t)c->field;
	if (info->type == TYPE_KEYWORDS) {
		for (; c->n < t->n; c->n++)
			buf_byte(&c->list, 0);
		buf_add(&b->data, c->list.data, c->list.n);
		b->failed |= !buf_ok(&c->list);
		out->encoding = RTSEC__V1__COLUMN__ENCODING__LIST;
	} else {
		if (t->n > c->cap && !batch_grow(c, t->n)) {
			b->failed = true;
			return false;
		}
		for (; c->n < t->n; c->n++)
			c->rows[c->n] = 0;
		out->encoding = (Rtsec__V1__Column__Encoding)column_encode(c->rows, t->n,
									   info->type, &b->data);
	}
	out->data = (ProtobufCBinaryData){ b->data.n - begin, (uint8_t *)begin };
	p->column_at[p->n_columns] = out;
	p->n_columns++;
	return true;
}

static Rtsec__V1__Table *pack_table(struct batch *b, enum kind kind, struct packing *p)
{
	struct rows *t = b->tables[kind];
	Rtsec__V1__Table *out = &p->tables[kind];

	if (!t || t->n == 0)
		return NULL;
	rtsec__v1__table__init(out);
	out->kind = kind;
	out->rows = t->n;
	out->columns = &p->column_at[p->n_columns];
	for (uint32_t i = 0; i < t->n_columns; i++)
		out->n_columns += pack_column(b, t, &t->columns[i], p);
	return out;
}

static void pack_stats(struct packing *p, const struct batch_stats *s)
{
	rtsec__v1__sensor_stats__init(&p->stats);
	p->stats.events = s->events;
	p->stats.lost_priority = s->lost_priority;
	p->stats.lost_bulk = s->lost_bulk;
	p->stats.lost_queue = s->lost_queue;
	p->stats.malformed = s->malformed;
	p->stats.batches_queued = s->batches_queued;
	p->stats.bytes_queued = s->bytes_queued;
	p->stats.cpu_ns = s->cpu_ns;
	p->stats.rss_bytes = s->rss_bytes;
	p->stats.processes = s->processes;
	p->stats.clock_offset_ns = s->clock_offset_ns;
	p->stats.clock_error_ns = s->clock_error_ns;
	p->stats.tiers = (char **)(uintptr_t)s->tiers;
	p->stats.n_tiers = s->n_tiers;
	p->stats.left_out = s->left_out;
	p->stats.undecided = s->undecided;
	p->stats.counters = (char **)(uintptr_t)s->counters;
	p->stats.n_counters = s->n_counters;
	p->message.stats = &p->stats;
}

static void pack_origin(const struct batch *b, struct packing *p)
{
	Rtsec__V1__EventBatch *m = &p->message;

	m->version = 1;
	m->node_id = text_of(b->node_id);
	m->node_name = text_of(b->node_name);
	m->boot_id = bytes_of(b->boot_id, sizeof(b->boot_id));
	m->architecture = text_of(b->architecture);
	m->os_kernel = text_of(b->os_kernel);
	m->agent_version = text_of(b->agent_version);
	for (size_t i = 0; i < b->n_labels; i++) {
		rtsec__v1__label__init(&p->labels[i]);
		p->labels[i].key = text_of(b->labels[2 * i]);
		p->labels[i].value = text_of(b->labels[2 * i + 1]);
		p->label_at[i] = &p->labels[i];
	}
	m->labels = p->label_at;
	m->n_labels = b->n_labels;
}

static void pack_strings(struct batch *b, struct packing *p)
{
	uint32_t *lengths = (uint32_t *)(void *)b->string_lengths.data;

	for (uint32_t i = b->n_strings; i-- > 1;)
		lengths[i] -= lengths[i - 1];
	p->message.string_lengths = lengths;
	p->message.n_string_lengths = b->n_strings;
	p->message.string_bytes = bytes_of(b->string_bytes.data, b->string_bytes.n);
}

static void pack_tables(struct batch *b, struct packing *p)
{
	p->message.processes = pack_table(b, KIND_NONE, p);
	p->message.events = p->table_at;
	for (enum kind k = KIND_NONE + 1; k < KIND_MAX; k++) {
		Rtsec__V1__Table *t = pack_table(b, k, p);

		if (t)
			p->table_at[p->message.n_events++] = t;
	}
	for (size_t i = 0; i < p->n_columns; i++)
		p->columns[i].data.data = b->data.data + (uintptr_t)p->columns[i].data.data;
}

static int pack(struct batch *b, struct packing *p, const struct batch_stats *stats,
		uint64_t next_seq, uint64_t now_ns)
{
	size_t n;

	rtsec__v1__event_batch__init(&p->message);
	buf_clear(&b->data);
	buf_clear(&b->message);
	pack_origin(b, p);
	if (stats)
		pack_stats(p, stats);
	p->message.first_seq = b->n_events ? b->first_seq : next_seq;
	p->message.event_count = b->n_events;
	p->message.sent_time_ns = now_ns;
	pack_strings(b, p);
	pack_tables(b, p);
	if (b->failed || !buf_ok(&b->data))
		return err_origin(-ENOMEM);
	n = rtsec__v1__event_batch__get_packed_size(&p->message);
	if (!buf_reserve(&b->message, n))
		return err_origin(-ENOMEM);
	b->message.n = rtsec__v1__event_batch__pack(&p->message, b->message.data);
	return 0;
}

int batch_seal(struct batch *b, struct frame_codec *codec, const struct batch_stats *stats,
	       uint64_t next_seq, uint64_t now_ns, struct buf *out)
{
	AUTO_MEM struct packing *p = calloc(1, sizeof(*p));
	AUTO_MEM Rtsec__V1__Column *columns = NULL;
	AUTO_MEM Rtsec__V1__Column **column_at = NULL;
	size_t n_columns = 0;
	int r = -ENOMEM;

	for (size_t i = 0; i < KIND_MAX; i++)
		n_columns += b->tables[i] ? b->tables[i]->n_columns : 0;
	columns = calloc(n_columns + 1, sizeof(*columns));
	column_at = calloc(n_columns + 1, sizeof(*column_at));
	if (p && columns && column_at) {
		p->columns = columns;
		p->column_at = column_at;
		r = pack(b, p, stats, next_seq, now_ns);
	}
	if (r == 0)
		r = frame_encode(codec, FRAME_BATCH, b->message.data, b->message.n, out);
	batch_clear(b);
	return r;
}
