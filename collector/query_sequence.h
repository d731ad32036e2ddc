/* SPDX-License-Identifier: Apache-2.0 */
/* query_sequence - sequences and samples over history: the store's blocks, oldest first, through
 * lib/sequence.h; then the documents of the events that matched.
 * Thread: the worker's owner. */
#pragma once
#include "collector/query.h"
#include "lib/sequence.h"

/* Finds the newest (or, ascending, the oldest) request->limit sequences of @st, where q->expr is
 * what its terms lie in; request->after is not looked at.  Each hit of @ret is
 *   {"join_keys":["alice"],"events":[{document},{"missing":true},...]}
 * and ret->more tells that there are others.  Returns as query_page(). */
NODISCARD int query_sequences(struct query_worker *w, const struct query *q,
			      const struct eql_statement *st,
			      const struct query_page_request *request, struct query_page *ret,
			      struct sequence_info *ret_info);

/* Number of sequences in ret_info->n_matches. */
NODISCARD int query_count_sequences(struct query_worker *w, const struct query *q,
				    const struct eql_statement *st, struct sequence_info *ret_info);
