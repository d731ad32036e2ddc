/* SPDX-License-Identifier: Apache-2.0 */
/* query_ranked - events in another order than that of time: the pipes sort and uniq.
 * Thread: the worker's owner. */
#pragma once
#include "collector/query.h"
#include "lib/pipe.h"

/* Finds the first request->limit events of the plan @p (pipe_is_ranked()), or the last when
 * p->is_tail, in its order; request->after is not looked at.  What is kept is bounded: ret->cut
 * tells that there may be others.  Returns as query_page(). */
NODISCARD int query_ranked(struct query_worker *w, const struct query *q, const struct pipe *p,
			   const struct query_page_request *request, struct query_page *ret);
