/* SPDX-License-Identifier: Apache-2.0 */
/* sql_query - one SELECT of a user, over events and nodes, in a database of its own that holds
 * nothing.
 *
 * Nothing but reading those tables is allowed (an authorizer refuses all else while the text is
 * compiled), nothing can be written or opened, and time, memory, rows, bytes and the size of the
 * text are bounded.  What a user may write is told in docs/sql.md.
 * Thread: any, one at a time a question.  Memory: SQL_QUERY_BYTES of SQLite's, the block of each
 * scan, the answer. */
#pragma once
#include "collector/maindb.h"
#include "collector/sql_events.h"
#include "lib/json.h"

enum {
	SQL_QUERY_BYTES = 64 << 20, /* of memory SQLite may use */
	SQL_QUERY_ANSWER_BYTES = 32 << 20,
	SQL_QUERY_SECONDS = 20,
	SQL_QUERY_ROWS = 100000,
};

struct sql_query {
	const char *text;
	size_t n;
	struct store *store;
	struct maindb *maindb;
	const atomic_bool *cancel;
	uint32_t limit;	    /* rows at most */
	uint64_t within_ms; /* time at most; 0: SQL_QUERY_SECONDS */
	bool lines; /* rows are objects by the columns' names, a newline after each; else arrays */
};

/* What came of it, beside the rows. */
struct sql_answer {
	struct buf columns; /* a JSON array of {"name","type"} */
	struct buf rows;    /* a JSON array of arrays; or lines */
	uint64_t n_rows;
	bool truncated; /* there were more */
	struct sql_events events;
};
void sql_answer_done(struct sql_answer *a);

/* Runs it.  @ret is zero-initialised, the caller's, given back with sql_answer_done() whatever is
 * returned. Returns 0; -EINVAL: the text is wrong or not allowed, -ETIME, -E2BIG: it needs more
 * time or memory than it may have, all with @d (of -EINVAL with a position, where SQLite knows
 * one); -ECANCELED, -ENOMEM, or an errno of the store. */
NODISCARD int sql_query_run(const struct sql_query *q, struct sql_answer *ret, struct diag *d);
