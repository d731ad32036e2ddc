/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/block_internal.h"
#include "lib/limits.h"

/* ---- columns ---- */

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

const uint64_t *block_unpack(struct block *b, const struct table *t, struct column *c,
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

bool block_unpack_list(struct block *b, const struct table *t, struct column *c,
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

/* ---- beside the batch ---- */

void block_set_beside(struct block *b, const struct block_beside *beside)
{
	b->beside = beside;
	memset(b->beside_values, 0, sizeof(b->beside_values));
	memset(b->beside_events, 0, sizeof(b->beside_events));
}

bool block_is_beside(enum field f)
{
	return f == FIELD_PREVALENCE_NODES || f == FIELD_FIRST_SEEN || f == FIELD_SEEN_FOR ||
	       f == FIELD_DEST_NODES || f == FIELD_DEST_SEEN_FOR;
}

static struct block_string word_at(const struct block *b, const uint64_t *column, uint32_t row)
{
	if (!column || !column[row])
		return (struct block_string){ "", 0 };
	return block_string(b, (uint32_t)column[row]);
}

/* Where the values of a table are kept; NULL: it has no such column. */
static uint64_t **beside_place(struct block *b, uint32_t table, enum field f)
{
	bool of_process = field_info(f)->home == HOME_PROCESS;

	if (of_process != (table == BLOCK_PROCESSES) || !block_table(b, table)->rows)
		return NULL;
	if (!of_process)
		return &b->beside_events[table][f == FIELD_DEST_SEEN_FOR];
	return &b->beside_values[f == FIELD_SEEN_FOR ? 2 : f == FIELD_FIRST_SEEN];
}

/* What a batch brings under these numbers is not looked at. */
static const uint64_t *beside_column(struct block *b, uint32_t table, enum field f)
{
	uint64_t **values = b->beside ? beside_place(b, table, f) : NULL;
	bool of_process = table == BLOCK_PROCESSES;
	const uint64_t *value, *sha256 = NULL;
	uint32_t rows;

	if (!values || *values)
		return values ? *values : NULL;
	rows = block_table(b, table)->rows;
	value = block_column(b, table, of_process ? FIELD_EXECUTABLE : FIELD_DEST_IP);
	if (of_process)
		sha256 = block_column(b, table, FIELD_SHA256);
	else if (!value)
		return NULL;
	*values = arena_array(&b->arena, rows, sizeof(**values));
	if (!*values) {
		b->failed = true;
		return NULL;
	}
	for (uint32_t i = 0; i < rows; i++)
		(*values)[i] = b->beside->ask(f, word_at(b, value, i), word_at(b, sha256, i),
					      b->beside->arg);
	return *values;
}

const uint64_t *block_column(struct block *b, uint32_t table, enum field f)
{
	struct column *c = block_find(b, table, f);
	bool ok;

	if (block_is_beside(f))
		return beside_column(b, table, f);
	if (!c || c->values)
		return c ? c->values : NULL;
	return block_unpack(b, block_table(b, table), c, field_info(f), &ok);
}

bool block_list(struct block *b, uint32_t table, enum field f, struct block_list *ret)
{
	struct column *c = block_find(b, table, f);
	bool ok;

	if (!c)
		return false;
	if (!c->list.starts && !block_unpack_list(b, block_table(b, table), c, field_info(f), &ok))
		return false;
	*ret = c->list;
	return true;
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

static size_t copy_strings(struct block_string *to, size_t room, char *const *from, size_t n)
{
	n = MIN(n, room);
	for (size_t i = 0; i < n; i++)
		to[i] = (struct block_string){ from[i], (uint32_t)strlen(from[i]) };
	return n;
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
	ret->clock_offset_ns = s->clock_offset_ns;
	ret->clock_error_ns = s->clock_error_ns;
	ret->left_out = s->left_out;
	ret->undecided = s->undecided;
	ret->n_tiers = copy_strings(ret->tiers, ARRAY_SIZE(ret->tiers), s->tiers, s->n_tiers);
	ret->n_counters = copy_strings(ret->counters, ARRAY_SIZE(ret->counters), s->counters,
				       s->n_counters);
}

enum kind block_kind(const struct block *b, uint32_t table)
{
	return (enum kind)block_table(b, table)->kind;
}

uint32_t block_rows(const struct block *b, uint32_t table)
{
	return block_table(b, table)->rows;
}

struct buf *block_scratch(struct block *b)
{
	return &b->scratch;
}

bool block_failed(const struct block *b)
{
	return b->failed;
}

const char *block_strings(const struct block *b, size_t *ret_n)
{
	*ret_n = b->string_starts[b->info.n_strings];
	return b->string_bytes;
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
