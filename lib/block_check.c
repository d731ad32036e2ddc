/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/block_internal.h"

static int check_columns(struct block *b, uint32_t table, struct diag *d)
{
	const struct table *t = block_table(b, table);

	for (uint32_t f = 1; f <= FIELD_MAX; f++) {
		const struct field_info *info = field_info(f);
		struct column *c = info ? block_find(b, table, (enum field)f) : NULL;
		bool ok = true;

		if (!c || c->values)
			continue;
		if (info->type == TYPE_KEYWORDS)
			block_unpack_list(b, t, c, info, &ok);
		else
			block_unpack(b, t, c, info, &ok);
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
	const struct table *t = block_table(b, table);
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

static bool has_nul(struct block_string s)
{
	return s.n && memchr(s.s, 0, s.n);
}

/* What is told of the node stands in places that end texts by a NUL. */
static int check_node(const struct block *b, struct diag *d)
{
	const struct block_info *i = &b->info;
	bool found = has_nul(i->node_id) || has_nul(i->node_name) || has_nul(i->architecture) ||
		     has_nul(i->os_kernel) || has_nul(i->agent_version);

	for (uint32_t k = 0; k < i->n_labels; k++)
		found = found || has_nul(i->labels[k].key) || has_nul(i->labels[k].value);
	return found ? diag_set(d, -EBADMSG, 0, 0, "a name or label of the node holds a NUL") : 0;
}

int block_check(struct block *b, struct diag *d)
{
	const Rtsec__V1__EventBatch *m = b->message;
	uint64_t least = UINT64_MAX;
	int r;

	if (m->string_bytes.len && memchr(m->string_bytes.data, 0, m->string_bytes.len))
		return diag_set(d, -EBADMSG, 0, 0, "a string holds a NUL");
	r = check_node(b, d);
	if (r == 0)
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
