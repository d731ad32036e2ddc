/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/copy.h"

struct copy {
	struct frame_codec *codec;
	struct batch *batch; /* of node */
	uint32_t node;
	struct block *block;
	const struct copy_change *change;
	uint32_t *strings; /* of the block to those of the batch; 0: not yet */
	uint32_t *rows;	   /* process rows likewise */
	uint32_t cap_strings, cap_rows;
	uint32_t values[65536];
};

int copy_new(struct copy **ret)
{
	struct copy *c = calloc(1, sizeof(*c));

	if (!c || frame_codec_new(&c->codec) < 0) {
		free(c);
		return err_origin(-ENOMEM);
	}
	*ret = c;
	return 0;
}

struct copy *copy_free(struct copy *c)
{
	if (!c)
		return NULL;
	batch_free(c->batch);
	frame_codec_free(c->codec);
	free(c->strings);
	free(c->rows);
	free(c);
	return NULL;
}

static uint32_t string_of(struct copy *c, uint32_t number)
{
	struct block_string s;

	if (number == 0)
		return 0;
	if (c->strings[number] == 0) {
		s = block_string(c->block, number);
		c->strings[number] = batch_string(c->batch, s.s, s.n);
	}
	return c->strings[number];
}

static bool is_reference(enum field f)
{
	return f == FIELD_PROCESS || f == FIELD_TARGET || f == FIELD_PARENT ||
	       f == FIELD_SESSION_LEADER || f == FIELD_ENTRY_LEADER;
}

static void copy_value(struct copy *c, enum kind kind, const struct field_info *f, uint64_t raw)
{
	uint32_t row;

	if (raw == 0)
		return;
	switch (f->type) {
	case TYPE_KEYWORD:
	case TYPE_IP:
		batch_set_string(c->batch, kind, f->field, string_of(c, (uint32_t)raw));
		break;
	case TYPE_ID:
		batch_set_id(c->batch, kind, f->field, raw ^ c->change->salt);
		break;
	case TYPE_DATE:
		batch_set(c->batch, kind, f->field, raw - 1 + (uint64_t)c->change->shift_ns);
		break;
	default:
		row = is_reference(f->field) ? c->rows[raw] : 0;
		if (is_reference(f->field) && row)
			batch_set_row(c->batch, kind, f->field, row);
		else if (!is_reference(f->field))
			batch_set(c->batch, kind, f->field, raw - 1);
	}
}

static void copy_list(struct copy *c, enum kind kind, enum field f, const struct block_list *list,
		      uint32_t row)
{
	uint32_t n = 0;

	for (uint32_t i = list->starts[row]; i < list->starts[row + 1]; i++)
		c->values[n++ % ARRAY_SIZE(c->values)] = string_of(c, list->values[i]);
	if (n)
		batch_set_list(c->batch, kind, f, c->values, n);
}

/* The columns that a table has. */
struct columns {
	const struct field_info *info[FIELD_MAX];
	const uint64_t *values[FIELD_MAX];
	struct block_list lists[FIELD_MAX];
	uint32_t n;
};

static void find_columns(struct block *b, uint32_t table, struct columns *ret)
{
	enum field_home home = table == BLOCK_PROCESSES ? HOME_PROCESS : HOME_EVENT;

	ret->n = 0;
	for (uint32_t i = 1; i < FIELD_MAX; i++) {
		const struct field_info *f = field_info(i);

		if (!f || f->home != home || f->rule != RULE_STORED || i == FIELD_SEQ ||
		    i == FIELD_TIMESTAMP || i == FIELD_ENTITY_ID || i == FIELD_GENERATION)
			continue;
		ret->info[ret->n] = f;
		ret->values[ret->n] = NULL;
		if (f->type == TYPE_KEYWORDS
			    ? block_list(b, table, f->field, &ret->lists[ret->n])
			    : (ret->values[ret->n] = block_column(b, table, f->field)) != NULL)
			ret->n++;
	}
}

static void copy_row(struct copy *c, enum kind kind, const struct columns *of, uint32_t row)
{
	for (uint32_t i = 0; i < of->n; i++) {
		if (of->values[i])
			copy_value(c, kind, of->info[i], of->values[i][row]);
		else
			copy_list(c, kind, of->info[i]->field, &of->lists[i], row);
	}
}

static void copy_processes(struct copy *c, struct columns *columns)
{
	const uint64_t *ids = block_column(c->block, BLOCK_PROCESSES, FIELD_ENTITY_ID);
	const uint64_t *generations = block_column(c->block, BLOCK_PROCESSES, FIELD_GENERATION);

	find_columns(c->block, BLOCK_PROCESSES, columns);
	for (uint32_t i = 0; ids && i < block_info(c->block)->n_processes; i++) {
		uint64_t generation = generations && generations[i] ? generations[i] - 1 : 0;

		c->rows[i + 1] =
			batch_process_add(c->batch, ids[i] ^ c->change->salt, (uint32_t)generation);
		copy_row(c, KIND_NONE, columns, i);
	}
}

static void copy_table(struct copy *c, uint32_t table, uint64_t first_seq, struct columns *columns)
{
	enum kind kind = block_kind(c->block, table);
	const uint64_t *times = block_column(c->block, table, FIELD_TIMESTAMP);
	const uint64_t *seqs = block_column(c->block, table, FIELD_SEQ);

	find_columns(c->block, table, columns);
	for (uint32_t row = 0; times && seqs && row < block_rows(c->block, table); row++) {
		batch_event(c->batch, kind, c->change->seq + seqs[row] - 1 - first_seq,
			    times[row] - 1 + (uint64_t)c->change->shift_ns);
		copy_row(c, kind, columns, row);
	}
}

static int begin(struct copy *c, struct block *b, const struct copy_change *change)
{
	const struct block_info *i = block_info(b);
	char name[24];
	const struct batch_origin origin = { .node_id = name,
					     .node_name = name,
					     .boot_id = { (uint8_t)change->node,
							  (uint8_t)(change->node >> 8), 1 },
					     .architecture = "x86_64",
					     .os_kernel = "6.18.0",
					     .agent_version = "0.1.0" };

	snprintf(name, sizeof(name), "node-%04u", change->node);
	if (c->batch && c->node != change->node)
		c->batch = batch_free(c->batch);
	c->node = change->node;
	if (!c->batch && batch_new(&c->batch, &origin) < 0)
		return err_origin(-ENOMEM);
	free(c->strings);
	free(c->rows);
	c->strings = calloc((size_t)i->n_strings + 1, sizeof(*c->strings));
	c->rows = calloc((size_t)i->n_processes + 1, sizeof(*c->rows));
	c->block = b;
	c->change = change;
	return c->strings && c->rows ? 0 : err_origin(-ENOMEM);
}

int copy_block(struct copy *c, struct block *b, const struct copy_change *change, struct buf *out,
	       uint32_t *ret_n)
{
	const struct block_info *i = block_info(b);
	struct columns *columns = calloc(1, sizeof(*columns));
	int r = columns ? begin(c, b, change) : -ENOMEM;

	if (r == 0) {
		copy_processes(c, columns);
		for (uint32_t t = 0; t < i->n_tables; t++)
			copy_table(c, t, i->first_seq, columns);
		*ret_n = batch_events(c->batch);
		r = batch_seal(c->batch, c->codec, NULL, change->seq + i->n_events,
			       i->max_time_ns + (uint64_t)change->shift_ns, out);
	}
	free(columns);
	return r;
}
