/* SPDX-License-Identifier: Apache-2.0 */
/* pipe - the search language with its pipes: text to plan.
 *
 *   QUERY | where COND | stats count, max(f) by g | sort count desc | head 10
 *
 * A query that ends in stats, top or rare yields a table, else events.  Grammar and meaning:
 * docs/query.md.  A plan is run by lib/pipe_run.h, or, when it yields events, by whoever finds
 * events.
 * Thread: any; a plan is immutable.  Memory: one malloc and the expression. */
#pragma once
#include "lib/eql_statement.h"

enum {
	PIPE_KEYS = 8,	      /* fields that rows are grouped by */
	PIPE_AGGREGATES = 16, /* columns that stats computes */
	PIPE_COLUMNS = PIPE_KEYS + PIPE_AGGREGATES,
	PIPE_STEPS = 32, /* after stats */
	PIPE_PIPES = 64, /* in one query: parsing stays quick whatever they are */
	PIPE_SORTS = 8,	 /* columns of one sort */
	PIPE_NAME_BYTES = 96,
	PIPE_ROWS = 10000,   /* rows of one table that are given out */
	PIPE_DEFAULT_N = 10, /* of head, tail, limit, top and rare without a number */
};

enum pipe_func {
	PIPE_COUNT, /* events; with a field: events that have it */
	PIPE_COUNT_DISTINCT,
	PIPE_MIN,
	PIPE_MAX,
	PIPE_SUM,
	PIPE_AVG,
	PIPE_VALUES, /* distinct ones, at most PIPE_VALUES_MAX */
};
enum { PIPE_VALUES_MAX = 100 };

/* A column of the table that stats makes: the keys first, then the aggregates. */
struct pipe_column {
	char name[PIPE_NAME_BYTES];
	struct field_ref field; /* info NULL: count of events */
	uint64_t bucket_ns;	/* of a key: times are cut to multiples of it; 0: no */
	enum pipe_func func;	/* of an aggregate */
};

struct pipe_sort {
	uint32_t column;
	bool descending;
};

/* A field that events are sorted by; null is last, both ways. */
struct pipe_by {
	struct field_ref field;
	bool descending;
};

/* What happens to the rows of a table, in this order. */
struct pipe_where;
struct pipe_step {
	enum { PIPE_STEP_SORT, PIPE_STEP_HEAD, PIPE_STEP_TAIL, PIPE_STEP_WHERE } type;
	uint64_t n; /* of HEAD and TAIL */
	struct pipe_sort sort[PIPE_SORTS];
	uint32_t n_sort;
	struct pipe_where *where; /* of WHERE; the plan's */
};

struct pipe {
	struct expr *expr; /* never NULL */
	bool is_table;
	/* a sequence or sample, whose terms are parts of expr; NULL: single events */
	struct eql_statement *series;
	/* a table: */
	struct pipe_column columns[PIPE_COLUMNS];
	uint32_t n_keys, n_columns; /* keys included */
	struct pipe_step steps[PIPE_STEPS];
	uint32_t n_steps;
	uint32_t shown[PIPE_COLUMNS]; /* column numbers in the order of the answer */
	uint32_t n_shown;
	/* events in another order than that of time: */
	struct pipe_by by[PIPE_SORTS]; /* sort: then by time */
	uint32_t n_by;
	struct field_ref uniq[PIPE_KEYS]; /* uniq: the first event of each combination */
	uint32_t n_uniq;
	bool uniq_first; /* before they are sorted: first of time */
	/* events, or sequences of them: */
	uint64_t n;	 /* at most so many; 0: not said */
	bool is_tail;	 /* the last of them, not the first */
	char *fields;	 /* names with commas between; NULL: not said */
	size_t n_fields; /* bytes */
};

/* Parses @text (@n bytes, UTF-8, at most LIMIT_QUERY_BYTES).  *ret is the caller's, freed with
 * pipe_free().  Returns 0, -ENOMEM, or -EINVAL: @d has line, column (1-based, bytes) and what was
 * expected there. */
NODISCARD int pipe_parse(struct pipe **ret, const char *text, size_t n, struct diag *d);
struct pipe *pipe_free(struct pipe *p);
DEFINE_FREEP(pipe)

/* Events are to be sorted, or the first of each kind. */
bool pipe_is_ranked(const struct pipe *p);

/* Words of the language, for completion; NULL ends each list. */
const char *const *pipe_commands(void);	 /* where, stats, sort ... */
const char *const *pipe_functions(void); /* count, min ... */
