/* SPDX-License-Identifier: Apache-2.0 */
/* query_places - documents of events that were found before: a second scan, which opens only the
 * blocks that they lie in.
 * Thread: the worker's owner.  Memory: malloc; the documents in one text. */
#pragma once
#include "collector/query.h"

struct query_place {
	uint64_t block; /* store_block.id */
	uint32_t table, row;
	size_t at, n; /* its document in query_places.text; n 0: its block has gone, or max_bytes */
};

struct query_places {
	struct query_place *list;
	uint32_t n, cap;
	uint64_t from_ns, to_ns; /* that they lie in */
	struct buf text;
};
void query_places_done(struct query_places *p);

/* Returns 0 or -ENOMEM. */
NODISCARD int query_places_add(struct query_places *p, uint64_t block, uint32_t table, uint32_t row,
			       uint64_t time_ns);

/* Writes the documents, until they are more than @max_bytes.  Returns as query_page(). */
NODISCARD int query_places_write(struct query_worker *w, const struct query *q,
				 struct query_places *p, struct document *document,
				 size_t max_bytes);

/* One that was added, with its document; NULL: it has none. */
const struct query_place *query_places_find(const struct query_places *p, uint64_t block,
					    uint32_t table, uint32_t row);
