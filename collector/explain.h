/* SPDX-License-Identifier: Apache-2.0 */
/* explain - the plan of a search: what the query was read as, which kinds and fields it asks, and
 * what became of the store's blocks.
 * Thread: the worker's owner. */
#pragma once
#include "collector/query.h"

/* Writes "plan" into the object @j has open; q->stats are those of the search, which has run.
 * Returns as query_page(). */
NODISCARD int explain_write(struct query_worker *w, const struct query *q, struct json *j);
