/* SPDX-License-Identifier: Apache-2.0 */
/* api_edges - what api_processes.c, api_edges.c and api_hops.c share.
 * Thread: as each call says. */
#pragma once
#include "collector/across.h"
#include "collector/api.h"

/* 16 hexadecimal digits that are not all 0. */
NODISCARD bool api_parse_entity(const char *s, uint64_t *ret);

/* Opens what flows there are; *ret is the caller's.  False: there are none, and it has answered. */
NODISCARD bool api_open_flows(struct request *r, struct flowdb **ret);

/* Members of a process, but for its depth, for an object that is open. */
typedef void (*api_write_node_fn)(struct json *j, const struct lineage *l,
				  const struct lineage_node *node, int32_t depth);

/* Answers a tree over hosts.  In the worker's thread. */
void api_tree_across(struct request *r, struct query_worker *w, const struct query *q,
		     const struct across_request *request, api_write_node_fn write_node);
