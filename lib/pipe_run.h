/* SPDX-License-Identifier: Apache-2.0 */
/* pipe_run - runs a plan that yields a table over blocks, in any order, and gives the table.
 *
 * Grouping goes by columns: a field's distinct strings are looked at once a block, a group's number
 * is found once an event, then each aggregate runs over all events of a piece.  What is kept
 * between blocks is bounded (PIPE_MEMORY_BYTES): events whose group has no room are counted, as are
 * tables cut to PIPE_ROWS.
 * Thread: one owner at a time.  Memory: as told; freed with the run. */
#pragma once
#include "lib/json.h"
#include "lib/pipe.h"

enum { PIPE_MEMORY_BYTES = 40 << 20, PIPE_CELL_BYTES = 1 << 20 };

struct pipe_run;

/* What to run; borrowed until pipe_run_free(). */
struct pipe_run_config {
	const struct pipe *pipe; /* is_table */
	uint64_t from_ns, to_ns; /* only events in [from, to) */
	size_t memory_bytes;	 /* 0: PIPE_MEMORY_BYTES */
};

/* Returns 0 or -ENOMEM. */
NODISCARD int pipe_run_new(struct pipe_run **ret, const struct pipe_run_config *config);
struct pipe_run *pipe_run_free(struct pipe_run *r);
DEFINE_FREEP(pipe_run)

/* Takes the hits of one block.  Returns 0 or -ENOMEM. */
NODISCARD int pipe_run_block(struct pipe_run *r, struct expr_scratch *s, struct block *b);

/* After the last block: orders and cuts the rows.  Returns 0 or -ENOMEM. */
NODISCARD int pipe_run_finish(struct pipe_run *r);

struct pipe_table_info {
	uint32_t n_rows;
	uint64_t n_left_out; /* events whose group had no room */
	bool truncated;	     /* that, or values or rows were left out */
};
void pipe_run_info(const struct pipe_run *r, struct pipe_table_info *ret);

/* Writes [{"name":"count","type":"long"},...].  Types: long, double, boolean, date, keyword, ip; of
 * values() those of its elements, cells are arrays. */
void pipe_write_columns(const struct pipe *p, struct json *j);
/* Writes row @row (0 .. n_rows - 1) as an array, or as an object by the columns' names.  Null
 * cells are null.  A cell of values() ends after PIPE_CELL_BYTES, which is told by truncated. */
void pipe_write_row(struct pipe_run *r, uint32_t row, struct json *j);
void pipe_write_object(struct pipe_run *r, uint32_t row, struct json *j);
