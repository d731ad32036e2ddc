/* SPDX-License-Identifier: Apache-2.0 */
/* pipe_run_internal - what pipe_run.c and pipe_table.c share. */
#pragma once
#include "lib/pipe_column.h"
#include "lib/pipe_run.h"

enum { PIECE = 2048 };

struct pipe_run {
	const struct pipe *pipe;
	uint64_t from_ns, to_ns;
	struct pipe_groups groups;
	struct pipe_columns columns;
	uint32_t list_key; /* the key that is a list; PIPE_KEYS: none */
	bool one_text_key; /* the only key, and its words are strings' numbers */
	/* events of one table that wait; with a list, one for each of its values */
	uint32_t n, table;
	uint32_t rows[PIECE], group[PIECE];
	uint64_t keys[PIPE_KEYS][PIECE], words[PIECE];
	uint64_t list[PIPE_LIST_VALUES];
	uint64_t n_left_out;
	bool truncated;
	uint32_t *order; /* groups as rows, after pipe_run_finish() */
	uint32_t n_rows;
};

bool pipe_is_text(const struct field_info *f);

/* Order of two words of a field: below 0, 0, above 0; none is null. */
int pipe_compare_words(const struct pipe_groups *g, const struct field_info *f, uint64_t a,
		       uint64_t b);
