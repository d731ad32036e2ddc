/* SPDX-License-Identifier: Apache-2.0 */
/* flow_list - connections of one process at one end, and which of them it served at a time.
 * Thread: the owner of the flowdb.  Memory: FLOW_LIST_MOST connections. */
#pragma once
#include "collector/flowdb.h"
#include "collector/query.h"
#include "lib/serving.h"

enum { FLOW_LIST_MOST = 2000 };

/* Zeroed to begin with. */
struct flow_list {
	struct flow *list;     /* by time */
	struct serving *spans; /* of each, its accepting end's */
	uint32_t n, room;
	bool cut; /* there were more */
};

/* Adds those of @q's range that @entity (0: none) has at @side.  Returns 0 or a negative errno. */
NODISCARD int flow_list_of(struct flowdb *db, const struct query *q, uint64_t entity,
			   enum flow_side side, struct flow_list *ret);
void flow_list_done(struct flow_list *l);

/* The one served then, as serving_at(); NULL: none. */
const struct flow *flow_list_served(const struct flow_list *l, uint64_t when_ns, uint64_t thread,
				    uint32_t *ret_sure);
