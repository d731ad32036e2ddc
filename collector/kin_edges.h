/* SPDX-License-Identifier: Apache-2.0 */
/* kin_edges - "descendant of [..]" over connections between processes: tells a condition
 * (lib/expr_kin.h) what serves connections that come from its processes.
 *
 * The same way as the tree of across.h goes down, but from all processes of the condition at once
 * and by scans: who of them and their descendants connected, where to, what the servers started
 * meanwhile, and so on, until nothing is added or KIN_HOPS connections in a row were followed.
 * Thread: the worker's owner.  Memory: KIN_SERVERS processes, KIN_CONNECTIONS of them, KIN_CLIENTS;
 * what goes beyond is left out, which is told. */
#pragma once
#include "collector/query.h"

struct expr_kin;

enum {
	KIN_HOPS = 16,
	KIN_SERVERS = 4096,
	KIN_CLIENTS = 65536,
	KIN_CONNECTIONS = 65536,
};

/* What was followed. */
struct kin_edges_info {
	uint32_t edges;
	bool cut; /* not all */
};

/* Learns @k what q->flows knows of before the end of @q; adds to *ret.  Its processes must have
 * been learnt.  Returns 0, -ECANCELED or another negative errno. */
NODISCARD int kin_edges_learn(struct query_worker *w, const struct query *q, struct expr_kin *k,
			      struct kin_edges_info *ret);
