/* SPDX-License-Identifier: Apache-2.0 */
/* rows - the answer to a query whose pipes make a table:
 * {"columns":[{"name","type"}],"rows":[[..]]}.
 * Thread: one. */
#pragma once
#include "ctl/cli.h"
#include "ctl/printer.h"

/* Is @page such an answer, not one of hits? */
bool rows_are_in(struct slice page);

/* Prints it as @output, the word of -o, says: json as the collector sent it, the other forms with
 * one object a row.  NULL: on a terminal a table, or, where not even its titles fit, a line for
 * each value that is not null; else NDJSON.  *ret_n rows.  Returns 0, -EBADMSG (rows and columns do
 * not fit), -ENOMEM or the negative errno of writing. */
NODISCARD int rows_print(const struct cli_io *io, const char *output, struct slice page,
			 uint64_t *ret_n);

/* Prints the answer as the collector sent it; *ret_n elements of its member @list.  Returns 0,
 * -ENOMEM or the negative errno of writing. */
NODISCARD int rows_print_whole(const struct cli_io *io, struct slice page, const char *list,
			       uint64_t *ret_n);
