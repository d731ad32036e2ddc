/* SPDX-License-Identifier: Apache-2.0 */
/* api_table - what the pipes of a query mean for the API.
 * Thread: the loop. */
#pragma once
#include "collector/api.h"

/* Answers with the table that ask->pipe makes; takes what is in @ask. */
void api_search_table(struct request *r, struct ask *ask, bool ndjson);

/* Sets ask->expr from ask->pipe.  Unless @any only where, keep and drop are taken: false is
 * returned for others, answered already. */
NODISCARD bool ask_take_pipe(struct request *r, struct ask *ask, bool any);

/* The fields of keep and drop, else the parameter fields.  Returns false when it is wrong: answered
 * already. */
NODISCARD bool ask_read_fields(struct request *r, const struct ask *ask, struct document **ret);
