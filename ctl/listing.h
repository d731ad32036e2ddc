/* SPDX-License-Identifier: Apache-2.0 */
/* listing - a command that asks for one list and shows its rows: nodes, fields.
 * Thread: one. */
#pragma once
#include "ctl/cli.h"
#include "ctl/client.h"
#include "ctl/printer.h"

struct listing {
	const char *path; /* such as /api/v1/nodes */
	const struct client_param *params;
	size_t n_params;
	const char *member; /* of the answer: an array of objects */
	const char *none;   /* behind "no ", when there are none; NULL: member */
	const struct printer_column *columns;
	size_t n_columns;
	const char *(*tint)(const json_t *row); /* may be NULL */
};

/* Asks and shows.  Returns an exit code: EXIT_HITS, EXIT_NONE for an empty list, EXIT_PARTIAL when
 * the answer says "truncated", or what was said. */
int listing_run(const struct listing *l, const struct cli_io *io, const struct cli_values *v);
