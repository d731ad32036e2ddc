/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/block.h"

#include "lib/arena.h"
#include "lib/column.h"
#include "lib/limits.h"
#include "proto/rtsec.pb-c.h"

enum { ARENA_SLACK_BYTES = 256 << 10 };

/* One column: packed as it came, unpacked when first asked for. */
struct column {
	enum column_encoding encoding;
	const uint8_t *data;
	size_t n;
	const uint64_t *values;
	struct block_list list;
};

struct table {
	uint32_t kind, rows;
	uint8_t column_of[FIELD_MAX + 1]; /* 1-based place in columns; 0: null in every row */
	struct column *columns;
};

struct block {
	struct frame_codec *codec;
	struct buf raw;	    /* the message; strings and packed columns point into the arena's copy */
	struct arena arena; /* the unpacked message and all columns */
	struct buf scratch; /* of block_value() */
	Rtsec__V1__EventBatch *message;
	const char *string_bytes; /* never NULL once loaded */
	uint32_t *string_starts;  /* n_strings + 1 */
	struct table *tables;	 /* event tables */
	struct table processes;
	struct block_label *labels;
	struct block_info info;
	bool failed;
};

static void *pb_alloc(void *arena, size_t n)
{
	return arena_alloc(arena, n);
}

static void pb_free(void *arena, void *p)
{
	(void)arena;
	(void)p;
}

int block_new(struct block **ret)
{
	AUTO(block) *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return err_origin(-ENOMEM);
	r = frame_codec_new(&b->codec);
	if (r < 0)
		return r;
	*ret = TAKE(b);
	return 0;
}

struct block *block_free(struct block *b)
{
	if (!b)
		return NULL;
	frame_codec_free(b->codec);
	buf_done(&b->raw);
	buf_done(&b->scratch);
	arena_done(&b->arena);
	free(b);
	return NULL;
}

static void block_clear(struct block *b)
{
	arena_clear(&b->arena);
	b->message = NULL;
	b->string_starts = NULL;
	b->tables = NULL;
	b->labels = NULL;
	b->failed = false;
	memset(&b->processes, 0, sizeof(b->processes));
	memset(&b->info, 0, sizeof(b->info));
}

/* ---- opening ---- */

static struct block_string string_of(ProtobufCBinaryData d)
{
	return (struct block_string){ (const char *)d.data, (uint32_t)d.len };
}

static int unpack(struct block *b, struct diag *d)
{
	ProtobufCAllocator allocator = { pb_alloc, pb_free, &b->arena };

	/* protobuf-c holds a message in at most four times its bytes, unless it is made of nothing
	 * but tiny parts, as no batch of ours is: such a one is refused here. */
	b->arena.limit = 4 * b->raw.n + ARENA_SLACK_BYTES;
	b->message = rtsec__v1__event_batch__unpack(&allocator, b->raw.n, b->raw.data);
	b->arena.limit = 0;
	if (!b->message)
		return diag_set(d, -EBADMSG, 0, 0, "not an EventBatch, or made of too many parts");
	return 0;
}

static int check_head(const Rtsec__V1__EventBatch *m, struct diag *d)
{
	if (m->version != 1)
		return diag_set(d, -EBADMSG, 0, 0, "EventBatch version %u, 1 expected", m->version);
	if (m->node_id.len == 0 || m->node_id.len > LIMIT_NODE_ID_BYTES ||
	    m->node_name.len > LIMIT_NODE_ID_BYTES || m->architecture.len > LIMIT_NODE_ID_BYTES ||
	    m->os_kernel.len > LIMIT_NODE_ID_BYTES || m->agent_version.len > LIMIT_NODE_ID_BYTES)
		return diag_set(d, -EBADMSG, 0, 0,
				"node_id is empty, or a name of the node is over %d bytes",
				LIMIT_NODE_ID_BYTES);
	if (m->boot_id.len != 16)
		return diag_set(d, -EBADMSG, 0, 0, "boot_id of %zu bytes, 16 expected",
				m->boot_id.len);
	if (m->event_count > LIMIT_BATCH_EVENTS || m->n_events > LIMIT_BATCH_TABLES ||
	    m->n_string_lengths > LIMIT_BATCH_STRINGS || m->n_labels > LIMIT_LABELS)
		return diag_set(d, -EBADMSG, 0, 0, "too many events, tables, strings or labels");
	return 0;
}

static int load_strings(struct block *b, struct diag *d)
{
	const Rtsec__V1__EventBatch *m = b->message;
	uint64_t end = 0;

	b->string_starts = arena_array(&b->arena, m->n_string_lengths + 1, sizeof(uint32_t));
	if (!b->string_starts)
		return err_origin(-ENOMEM);
	for (size_t i = 0; i < m->n_string_lengths; i++) {
		b->string_starts[i] = (uint32_t)end;
		if (m->string_lengths[i] > LIMIT_STRING_BYTES)
			return diag_set(d, -EBADMSG, 0, 0, "string of %u bytes, limit %d",
					m->string_lengths[i], LIMIT_STRING_BYTES);
		end += m->string_lengths[i];
	}
	b->string_starts[m->n_string_lengths] = (uint32_t)end;
	b->string_bytes = m->string_bytes.len ? (const char *)m->string_bytes.data : "";
	if (end != m->string_bytes.len)
		return diag_set(d, -EBADMSG, 0, 0, "strings of %zu bytes, their lengths say %llu",
				m->string_bytes.len, (unsigned long long)end);
	return 0;
}

static int load_columns(struct block *b, struct table *t, const Rtsec__V1__Table *from,
			struct diag *d)
{
	uint32_t n = 0;

	if (from->n_columns > LIMIT_TABLE_COLUMNS)
		return diag_set(d, -EBADMSG, 0, 0, "table of %zu columns, limit %d",
				from->n_columns, LIMIT_TABLE_COLUMNS);
	t->kind = from->kind;
	t->rows = from->rows;
	t->columns = arena_array(&b->arena, from->n_columns, sizeof(*t->columns));
	if (!t->columns)
		return err_origin(-ENOMEM);
	for (size_t i = 0; i < from->n_columns; i++) {
		const Rtsec__V1__Column *c = from->columns[i];

		if (!field_info(c->field))
			continue; /* a newer sensor's: passed over */
		if (t->column_of[c->field])
			return diag_set(d, -EBADMSG, 0, 0, "field %u twice in table of kind %u",
					c->field, t->kind);
		t->columns[n++] = (struct column){ .encoding = (enum column_encoding)c->encoding,
						   .data = c->data.data,
						   .n = c->data.len };
		t->column_of[c->field] = (uint8_t)n;
	}
	return 0;
}

static int load_tables(struct block *b, struct diag *d)
{
	const Rtsec__V1__EventBatch *m = b->message;
	uint32_t last_kind = 0;
	uint64_t rows = 0;
	int r = 0;

	b->tables = arena_array(&b->arena, m->n_events, sizeof(*b->tables));
	if (!b->tables)
		return err_origin(-ENOMEM);
	memset(b->tables, 0, m->n_events * sizeof(*b->tables));
	for (size_t i = 0; i < m->n_events && r == 0; i++) {
		const Rtsec__V1__Table *t = m->events[i];

		if (t->kind <= last_kind || t->kind >= KIND_MAX || t->rows == 0)
			return diag_set(d, -EBADMSG, 0, 0, "table of kind %u, %u rows, after %u",
					t->kind, t->rows, last_kind);
		last_kind = t->kind;
		rows += t->rows;
		b->info.kinds |= UINT64_C(1) << t->kind;
		r = rows <= LIMIT_BATCH_EVENTS ? load_columns(b, &b->tables[i], t, d) : 0;
	}
	if (r == 0 && rows != m->event_count)
		return diag_set(d, -EBADMSG, 0, 0, "%llu rows in tables, event_count says %u",
				(unsigned long long)rows, m->event_count);
	if (r == 0 && m->processes && m->processes->rows > LIMIT_BATCH_PROCESSES)
		return diag_set(d, -EBADMSG, 0, 0, "%u processes, limit %d", m->processes->rows,
				LIMIT_BATCH_PROCESSES);
	if (r == 0 && m->processes)
		r = load_columns(b, &b->processes, m->processes, d);
	return r;
}

static int load_labels(struct block *b)
{
	const Rtsec__V1__EventBatch *m = b->message;

	b->labels = arena_array(&b->arena, m->n_labels, sizeof(*b->labels));
	if (!b->labels)
		return err_origin(-ENOMEM);
	for (size_t i = 0; i < m->n_labels; i++) {
		b->labels[i].key = string_of(m->labels[i]->key);
		b->labels[i].value = string_of(m->labels[i]->value);
	}
	b->info.labels = b->labels;
	b->info.n_labels = (uint32_t)m->n_labels;
	return 0;
}

static void fill_info(struct block *b)
{
	const Rtsec__V1__EventBatch *m = b->message;
	struct block_info *i = &b->info;
	const uint8_t *u = m->boot_id.data;

	i->node_id = string_of(m->node_id);
	i->node_name = m->node_name.len ? string_of(m->node_name) : i->node_id;
	i->architecture = string_of(m->architecture);
	i->os_kernel = string_of(m->os_kernel);
	i->agent_version = string_of(m->agent_version);
	memcpy(i->boot_id, u, sizeof(i->boot_id));
	snprintf(i->boot_text, sizeof(i->boot_text),
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0], u[1],
		 u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14],
		 u[15]);
	i->first_seq = m->first_seq;
	i->n_events = m->event_count;
	i->sent_time_ns = m->sent_time_ns;
	i->n_processes = b->processes.rows;
	i->n_strings = (uint32_t)m->n_string_lengths;
	i->n_tables = (uint32_t)m->n_events;
}

static void fill_times(struct block *b)
{
	uint64_t least = UINT64_MAX, most = 0;

	for (uint32_t t = 0; t < b->info.n_tables; t++) {
		const uint64_t *time = block_column(b, t, FIELD_TIMESTAMP);

		for (uint32_t row = 0; time && row < b->tables[t].rows; row++) {
			least = MIN(least, time[row]);
			most = MAX(most, time[row]);
		}
	}
	if (most == 0)
		return;
	b->info.min_time_ns = least ? least - 1 : 0;
	b->info.max_time_ns = most - 1;
}

static int load(struct block *b, const void *frame, size_t n, struct diag *d)
{
	int r;

	block_clear(b);
	r = frame_decode(b->codec, FRAME_BATCH, frame, n, &b->raw, d);
	if (r == 0)
		r = unpack(b, d);
	if (r == 0)
		r = check_head(b->message, d);
	if (r == 0)
		r = load_strings(b, d);
	if (r == 0)
		r = load_tables(b, d);
	if (r == 0)
		r = load_labels(b);
	if (r < 0)
		return r;
	fill_info(b);
	fill_times(b);
	return b->failed ? err_origin(-ENOMEM) : 0;
}

int block_load_stored(struct block *b, const void *frame, size_t n, struct diag *d)
{
	int r = load(b, frame, n, d);

	if (r < 0)
		block_clear(b);
	return r;
}

/* ---- columns ---- */

static const struct table *table_of(const struct block *b, uint32_t table)
{
	return table == BLOCK_PROCESSES ? &b->processes : &b->tables[table];
}

/* Largest raw value that a field may have. */
static uint64_t max_raw(const struct block *b, const struct field_info *info)
{
	switch (info->field) {
	case FIELD_PROCESS:
	case FIELD_TARGET:
	case FIELD_PARENT:
	case FIELD_SESSION_LEADER:
	case FIELD_ENTRY_LEADER:
		return b->processes.rows;
	default:
		break;
	}
	switch (info->type) {
	case TYPE_KEYWORD:
	case TYPE_KEYWORDS:
	case TYPE_IP:
		return b->message->n_string_lengths;
	case TYPE_BOOL:
		return 2;
	default:
		return UINT64_MAX;
	}
}

/* Unpacks one column of values.  *ret_ok: it held just what was expected. */
static const uint64_t *unpack_values(struct block *b, const struct table *t, struct column *c,
				     const struct field_info *info, bool *ret_ok)
{
	uint64_t *values = arena_array(&b->arena, t->rows, sizeof(*values));

	*ret_ok = true;
	if (!values) {
		b->failed = true;
		return NULL;
	}
	*ret_ok = column_decode(c->encoding, c->data, c->n, t->rows, max_raw(b, info), values);
	c->values = values;
	return values;
}

static bool unpack_list(struct block *b, const struct table *t, struct column *c,
			const struct field_info *info, bool *ret_ok)
{
	uint32_t max = (uint32_t)MIN(c->n, (size_t)LIMIT_LIST_VALUES);
	uint32_t *starts = arena_array(&b->arena, (size_t)t->rows + 1, sizeof(*starts));
	uint32_t *values = arena_array(&b->arena, (size_t)max + 1, sizeof(*values));

	*ret_ok = true;
	if (!starts || !values) {
		b->failed = true;
		return false;
	}
	*ret_ok = c->encoding == COLUMN_LIST &&
		  column_decode_list(c->data, c->n, t->rows, max_raw(b, info), starts, values, max);
	if (c->encoding != COLUMN_LIST)
		memset(starts, 0, ((size_t)t->rows + 1) * sizeof(*starts));
	c->list = (struct block_list){ starts, values };
	return true;
}

static struct column *column_of(const struct block *b, uint32_t table, enum field f)
{
	const struct table *t = table_of(b, table);

	return t->column_of[f] ? &t->columns[t->column_of[f] - 1] : NULL;
}

const uint64_t *block_column(struct block *b, uint32_t table, enum field f)
{
	struct column *c = column_of(b, table, f);
	bool ok;

	if (!c || c->values)
		return c ? c->values : NULL;
	return unpack_values(b, table_of(b, table), c, field_info(f), &ok);
}

bool block_list(struct block *b, uint32_t table, enum field f, struct block_list *ret)
{
	struct column *c = column_of(b, table, f);
	bool ok;

	if (!c)
		return false;
	if (!c->list.starts && !unpack_list(b, table_of(b, table), c, field_info(f), &ok))
		return false;
	*ret = c->list;
	return true;
}

/* ---- checking ---- */

static int check_columns(struct block *b, uint32_t table, struct diag *d)
{
	const struct table *t = table_of(b, table);

	for (uint32_t f = 1; f <= FIELD_MAX; f++) {
		const struct field_info *info = field_info(f);
		struct column *c = info ? column_of(b, table, (enum field)f) : NULL;
		bool ok = true;

		if (!c || c->values)
			continue;
		if (info->type == TYPE_KEYWORDS)
			unpack_list(b, t, c, info, &ok);
		else
			unpack_values(b, t, c, info, &ok);
		if (!ok)
			return diag_set(d, -EBADMSG, 0, 0,
					"column %s of kind %u is broken or points outside",
					info->name, t->kind);
	}
	return 0;
}

/* TIMESTAMP was unpacked before this, without a look at whether it was whole. */
static int check_order(struct block *b, uint32_t table, uint64_t *least, struct diag *d)
{
	const struct table *t = table_of(b, table);
	const uint64_t *seq = block_column(b, table, FIELD_SEQ);
	const uint64_t *time = block_column(b, table, FIELD_TIMESTAMP);
	uint64_t last = 0;

	for (uint32_t row = 0; row < t->rows; row++) {
		if (!seq || !time || seq[row] <= last || time[row] == 0)
			return diag_set(d, -EBADMSG, 0, 0,
					"row %u of kind %u: sequence or time is missing or falls",
					row, t->kind);
		last = seq[row];
	}
	*least = MIN(*least, seq[0] - 1);
	return 0;
}

static int check_processes(struct block *b, struct diag *d)
{
	static const enum field refs[] = { FIELD_PARENT, FIELD_SESSION_LEADER, FIELD_ENTRY_LEADER };
	const uint64_t *entity = block_column(b, BLOCK_PROCESSES, FIELD_ENTITY_ID);

	for (uint32_t row = 0; row < b->processes.rows; row++)
		if (!entity || entity[row] == 0)
			return diag_set(d, -EBADMSG, 0, 0, "process row %u has no entity id", row);
	for (size_t i = 0; i < ARRAY_SIZE(refs); i++) {
		const uint64_t *ref = block_column(b, BLOCK_PROCESSES, refs[i]);
		/* a leader may be the process itself, a parent may not */
		uint64_t own = refs[i] == FIELD_PARENT ? 0 : 1;

		for (uint32_t row = 0; ref && row < b->processes.rows; row++)
			if (ref[row] > row + own)
				return diag_set(d, -EBADMSG, 0, 0,
						"process row %u refers to a later row", row);
	}
	return 0;
}

static int check(struct block *b, struct diag *d)
{
	const Rtsec__V1__EventBatch *m = b->message;
	uint64_t least = UINT64_MAX;
	int r;

	if (m->string_bytes.len && memchr(m->string_bytes.data, 0, m->string_bytes.len))
		return diag_set(d, -EBADMSG, 0, 0, "a string holds a NUL");
	r = check_columns(b, BLOCK_PROCESSES, d);
	if (r == 0)
		r = check_processes(b, d);
	for (uint32_t t = 0; t < b->info.n_tables && r == 0; t++) {
		r = check_columns(b, t, d);
		if (r == 0)
			r = check_order(b, t, &least, d);
	}
	if (r == 0 && b->info.n_tables && least != b->info.first_seq)
		return diag_set(d, -EBADMSG, 0, 0, "first_seq is %llu, the least sequence %llu",
				(unsigned long long)b->info.first_seq, (unsigned long long)least);
	return r == 0 && b->failed ? err_origin(-ENOMEM) : r;
}

int block_load(struct block *b, const void *frame, size_t n, struct diag *d)
{
	int r = load(b, frame, n, d);

	if (r == 0)
		r = check(b, d);
	if (r < 0)
		block_clear(b);
	return r;
}

/* ---- asking ---- */

const struct block_info *block_info(const struct block *b)
{
	return &b->info;
}

void block_set_ingested(struct block *b, uint64_t ingested_ns)
{
	b->info.ingested_ns = ingested_ns;
}

void block_stats(const struct block *b, struct block_stats *ret)
{
	const Rtsec__V1__SensorStats *s = b->message ? b->message->stats : NULL;

	memset(ret, 0, sizeof(*ret));
	if (!s)
		return;
	ret->events = s->events;
	ret->lost_priority = s->lost_priority;
	ret->lost_bulk = s->lost_bulk;
	ret->lost_queue = s->lost_queue;
	ret->malformed = s->malformed;
	ret->batches_queued = s->batches_queued;
	ret->bytes_queued = s->bytes_queued;
	ret->cpu_ns = s->cpu_ns;
	ret->rss_bytes = s->rss_bytes;
	ret->processes = s->processes;
	ret->n_tiers = MIN(s->n_tiers, ARRAY_SIZE(ret->tiers));
	for (size_t i = 0; i < ret->n_tiers; i++)
		ret->tiers[i] = (struct block_string){ s->tiers[i], (uint32_t)strlen(s->tiers[i]) };
}

enum kind block_kind(const struct block *b, uint32_t table)
{
	return (enum kind)table_of(b, table)->kind;
}

uint32_t block_rows(const struct block *b, uint32_t table)
{
	return table_of(b, table)->rows;
}

struct buf *block_scratch(struct block *b)
{
	return &b->scratch;
}

bool block_failed(const struct block *b)
{
	return b->failed;
}

struct block_string block_string(const struct block *b, uint32_t number)
{
	uint32_t at = b->string_starts[number - 1];

	return (struct block_string){ b->string_bytes + at, b->string_starts[number] - at };
}

/* Raw value of one cell; 0 when the column is missing. */
static uint64_t cell(struct block *b, uint32_t table, uint32_t row, enum field f)
{
	const uint64_t *values = block_column(b, table, f);

	return values ? values[row] : 0;
}

uint32_t block_process(struct block *b, uint32_t table, uint32_t row, enum field_via via)
{
	static const enum field refs[VIA_MAX] = {
		[VIA_PARENT] = FIELD_PARENT,
		[VIA_SESSION_LEADER] = FIELD_SESSION_LEADER,
		[VIA_ENTRY_LEADER] = FIELD_ENTRY_LEADER,
	};
	uint64_t actor;

	if (via == VIA_TARGET)
		return (uint32_t)cell(b, table, row, FIELD_TARGET);
	actor = cell(b, table, row, FIELD_PROCESS);
	if (via == VIA_ACTOR || actor == 0)
		return (uint32_t)actor;
	return (uint32_t)cell(b, BLOCK_PROCESSES, (uint32_t)actor - 1, refs[via]);
}
