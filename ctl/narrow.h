/* SPDX-License-Identifier: Apache-2.0 */
/* narrow - options that stand for a condition: --process curl for process.name : "curl".
 * Thread: any.  Memory: the caller's buf. */
#pragma once
#include "ctl/cli.h"
#include "lib/buf.h"

/* Rows of a table of options. */
#define NARROW_OPTIONS                                                                             \
	OPTION("process", 'p', TEXT, "NAME", process, "Only of processes of this name (* and ?)"), \
		OPTION("parent", 0, TEXT, "NAME", parent,                                          \
		       "Only of processes whose parent is this"),                                  \
		OPTION("user", 0, TEXT, "NAME", user, "Only what this user does"),                 \
		OPTION("container", 0, TEXT, "NAME", container,                                    \
		       "Only in this container: its name, or how its id begins"),                  \
		OPTION("pod", 0, TEXT, "NAME", pod, "Only in this Kubernetes pod"),                \
		OPTION("namespace", 0, TEXT, "NAME", namespace, "Only in this namespace"),         \
		OPTION("action", 0, TEXT, "A,B", action,                                           \
		       "Only these actions, such as exec,connection_attempted")

/* Appends @query (NULL: none) narrowed by those of the options that were given, and a NUL; pipes of
 * the query stay behind.  What is given may hold * and ?, and fits in any case, as : does.
 * Returns 0, or -EINVAL: the query is a sequence or no query; @d says so. */
NODISCARD int narrow_query(const struct cli_values *v, const char *query, struct buf *out,
			   struct diag *d);
