/* SPDX-License-Identifier: Apache-2.0 */
/* batch_internal - the inside of a batch, for lib/batch.c, which gathers, and lib/batch_seal.c,
 * which packs. Thread and memory: as lib/batch.h. */
#pragma once
#include "lib/batch.h"
#include "lib/slots.h"

/* One field of one table while it is written: values in rows[], or a LIST's bytes in list. */
struct cells {
	enum field field;
	uint64_t *rows;
	uint32_t n; /* rows filled; the table may be longer: the rest is null */
	uint32_t cap;
	struct buf list;
};

struct rows {
	uint32_t n;
	uint32_t n_columns;
	uint8_t column_of[FIELD_MAX + 1]; /* 1-based place in columns; 0: not yet */
	struct cells *columns;
};

struct batch {
	/* origin */
	char *node_id, *node_name, *architecture, *os_kernel, *agent_version;
	uint8_t boot_id[16];
	char **labels; /* key, value, key, value */
	size_t n_labels;

	/* contents */
	struct rows *tables[KIND_MAX]; /* by kind; KIND_NONE: processes */
	uint32_t n_events;
	uint64_t first_seq;
	size_t n_cells;
	struct buf string_bytes;
	struct buf string_lengths; /* uint32_t each */
	uint32_t n_strings;
	struct slots strings, processes;
	bool failed;

	struct buf data, message; /* scratch of batch_seal() */
};

/* Makes room for @rows values.  Returns false when there is no memory. */
bool batch_grow(struct cells *c, uint32_t rows);

/* Forgets all events, processes and strings; keeps the memory. */
void batch_clear(struct batch *b);
