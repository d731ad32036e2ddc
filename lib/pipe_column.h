/* SPDX-License-Identifier: Apache-2.0 */
/* pipe_column - a field of many rows of a block as words of lib/pipe_groups.h.  What has to be done
 * once a string or once a process of the block is done once and remembered.
 * Thread: one owner at a time.  Memory: grows to the largest block. */
#pragma once
#include "lib/pipe_groups.h"

struct pipe_columns {
	struct pipe_groups *groups;
	struct block *block;
	/* of each string number of the block: the word + 1, PIPE_FULL as UINT32_MAX; 0: not asked
	 */
	uint32_t *plain, *derived[3];
	size_t cap_plain, cap_derived[3];
	uint32_t *joined; /* the same of each process row */
	size_t cap_joined;
	bool has_derived[3], has_joined; /* cleared for this block */
	uint64_t stamp;
	bool cut; /* values were left out */
};

enum { PIPE_LIST_VALUES = 256 /* of one list of one event that count */ };

/* Before the columns of @b are asked.  Returns 0 or -ENOMEM. */
NODISCARD int pipe_columns_begin(struct pipe_columns *c, struct block *b);
void pipe_columns_done(struct pipe_columns *c);

/* out[i] is the word of @ref in row rows[i] of @table.  Not for lists.  Returns 0 or -ENOMEM. */
NODISCARD int pipe_columns_read(struct pipe_columns *c, uint32_t table, struct field_ref ref,
				const uint32_t *rows, uint32_t n, uint64_t *out);

/* The distinct words of a list in one row, at most PIPE_LIST_VALUES.  Returns how many. */
uint32_t pipe_columns_list(struct pipe_columns *c, uint32_t table, struct field_ref ref,
			   uint32_t row, uint64_t out[PIPE_LIST_VALUES]);
