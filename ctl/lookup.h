/* SPDX-License-Identifier: Apache-2.0 */
/* lookup - what is asked for by a key that stands in a path: a process, a flow.
 * Thread: one. */
#pragma once
#include "ctl/cli.h"
#include "lib/buf.h"

/* Appends @before, @key percent-encoded (RFC 3986: all but unreserved characters), @after and a
 * NUL. */
void lookup_path(struct buf *out, const char *before, const char *key, const char *after);

/* Asks for the pages of events at the path, oldest first, with the options since, until, node,
 * fields, limit, all, query and descendants, and shows them.  Returns an exit code. */
int lookup_events(const struct cli_io *io, const struct cli_values *v, const char *path);

/* Options of lookup_events(), for a table of options. */
#define LOOKUP_OPTIONS                                                                         \
	OPTION("query", 'q', TEXT, "EQL", query, "Only events that match"),                    \
		OPTION("since", 0, TIME, "TIME", since, "From this time on, else since ever"), \
		OPTION("until", 0, TIME, "TIME", until, "Before this time"),                   \
		OPTION("limit", 0, NUMBER, "N", limit,                                         \
		       "At most N events, over several pages if need be (1000)"),              \
		OPTION("all", 0, FLAG, NULL, all, "All events, page by page"),                 \
		OPTION("node", 0, TEXT, "NODE", node, "Only this node, by name or id"),        \
		OPTION("fields", 0, TEXT, "A,B", fields, "Only these fields")
