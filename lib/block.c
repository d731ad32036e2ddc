/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/block_internal.h"
#include "lib/limits.h"

enum { ARENA_SLACK_BYTES = 256 << 10 };

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
	memset(b->beside_values, 0, sizeof(b->beside_values));
	memset(b->beside_events, 0, sizeof(b->beside_events));
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
		return diag_code(d, FRAME_VERSION,
				 diag_set(d, -EBADMSG, 0, 0, "EventBatch version %u, 1 expected",
					  m->version));
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
		return diag_code(d, FRAME_OVERSIZED,
				 diag_set(d, -EBADMSG, 0, 0,
					  "too many events, tables, strings or labels"));
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
			return diag_code(d, FRAME_OVERSIZED,
					 diag_set(d, -EBADMSG, 0, 0, "string of %u bytes, limit %d",
						  m->string_lengths[i], LIMIT_STRING_BYTES));
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
		return diag_code(d, FRAME_OVERSIZED,
				 diag_set(d, -EBADMSG, 0, 0, "table of %zu columns, limit %d",
					  from->n_columns, LIMIT_TABLE_COLUMNS));
	t->kind = from->kind;
	t->rows = from->rows;
	t->columns = arena_array(&b->arena, from->n_columns, sizeof(*t->columns));
	if (!t->columns)
		return err_origin(-ENOMEM);
	for (size_t i = 0; i < from->n_columns; i++) {
		const Rtsec__V1__Column *c = from->columns[i];

		if (!field_info(c->field)) { /* a newer sensor's: passed over */
			b->info.has_unknown = true;
			continue;
		}
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
		return diag_code(d, FRAME_OVERSIZED,
				 diag_set(d, -EBADMSG, 0, 0, "%u processes, limit %d",
					  m->processes->rows, LIMIT_BATCH_PROCESSES));
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

int block_load(struct block *b, const void *frame, size_t n, struct diag *d)
{
	int r = load(b, frame, n, d);

	if (r == 0)
		r = block_check(b, d);
	if (r < 0)
		block_clear(b);
	return r;
}
