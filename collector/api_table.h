/* SPDX-License-Identifier: Apache-2.0 */
/* api_table - what the pipes of a query mean for the API.
 * Thread: the loop. */
#pragma once
#include "collector/api.h"

/* Answers with the table that ask->pipe makes; takes what is in @ask. */
void api_search_table(struct request *r, struct ask *ask, bool ndjson);

/* What a resource takes of the language. */
enum ask_taken {
	ASK_FILTER, /* where, keep and drop */
	ASK_SERIES, /* these, sequences and samples */
	ASK_ALL,
};

/* Sets ask->expr from ask->pipe.  What is not in @taken gives false, answered already. */
NODISCARD bool ask_take_pipe(struct request *r, struct ask *ask, enum ask_taken taken);

/* The fields of keep and drop, else the parameter fields.  Returns false when it is wrong: answered
 * already. */
NODISCARD bool ask_read_fields(struct request *r, const struct ask *ask, struct document **ret);
