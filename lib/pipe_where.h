/* SPDX-License-Identifier: Apache-2.0 */
/* pipe_where - "where" behind stats: a condition over the columns of a table.
 * Thread: immutable once parsed.  Memory: malloc, freed with the plan. */
#pragma once
#include "lib/expr_text.h"
#include "lib/pipe_parser.h"

struct pipe_where;

/* Parses up to the end of the pipe.  *ret is freed with pipe_where_free(). */
NODISCARD int pipe_where_parse(struct pipe_parser *p, struct pipe_where **ret);
struct pipe_where *pipe_where_free(struct pipe_where *w);

/* A cell as the condition sees it. */
struct pipe_where_cell {
	enum { PIPE_CELL_NULL, PIPE_CELL_RAW, PIPE_CELL_REAL, PIPE_CELL_TEXT } type;
	uint64_t raw; /* as lib/block.h has them */
	double real;
	const char *s;
	size_t n;
};

/* Is the row, whose cells @cell tells by their column's number, a hit? */
bool pipe_where_is(const struct pipe_where *w, struct expr_text_scratch *s,
		   struct pipe_where_cell (*cell)(uint32_t column, void *arg), void *arg);
