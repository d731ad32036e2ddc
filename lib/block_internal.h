/* SPDX-License-Identifier: Apache-2.0 */
/* block_internal - the inside of a block: lib/block.c opens, lib/block_check.c checks,
 * lib/block_column.c unpacks and answers.
 * Thread and memory: as lib/block.h. */
#pragma once
#include "lib/arena.h"
#include "lib/block.h"
#include "lib/column.h"
#include "proto/rtsec.pb-c.h"

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
	struct buf raw; /* the message; strings and packed columns point into the arena's copy */
	struct arena arena; /* the unpacked message and all columns */
	struct buf scratch; /* of block_value() */
	Rtsec__V1__EventBatch *message;
	const char *string_bytes; /* never NULL once loaded */
	uint32_t *string_starts;  /* n_strings + 1 */
	struct table *tables;	  /* event tables */
	struct table processes;
	struct block_label *labels;
	struct block_info info;
	bool failed;
	const struct block_beside *beside;
	/* in the arena; NULL: not asked yet */
	uint64_t *beside_values[3];	      /* of the process table */
	uint64_t *beside_events[KIND_MAX][2]; /* of the event tables */
};

static inline UNUSED const struct table *block_table(const struct block *b, uint32_t table)
{
	return table == BLOCK_PROCESSES ? &b->processes : &b->tables[table];
}

/* Column of @f; NULL: null in every row. */
static inline UNUSED struct column *block_find(const struct block *b, uint32_t table, enum field f)
{
	const struct table *t = block_table(b, table);

	return t->column_of[f] ? &t->columns[t->column_of[f] - 1] : NULL;
}

/* Unpacks a column; *ret_ok: it held just what was expected.  NULL or false: no memory. */
const uint64_t *block_unpack(struct block *b, const struct table *t, struct column *c,
			     const struct field_info *info, bool *ret_ok);
bool block_unpack_list(struct block *b, const struct table *t, struct column *c,
		       const struct field_info *info, bool *ret_ok);

/* Checks all columns of an opened block against the promises of lib/block.h.  Returns 0, -EBADMSG
 * with @d, or -ENOMEM. */
NODISCARD int block_check(struct block *b, struct diag *d);
