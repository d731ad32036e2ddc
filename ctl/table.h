/* SPDX-License-Identifier: Apache-2.0 */
/* table - the printer's rows as aligned columns, cut to the terminal with an ellipsis.
 * Thread: one owner at a time.  Memory: the rows held back until the widths are known. */
#pragma once
#include "ctl/printer.h"

struct table;

/* Uses out, columns, width, color and tint of @config.  Returns 0 or -ENOMEM. */
NODISCARD int table_new(struct table **ret, const struct printer_config *config);
struct table *table_free(struct table *t);
DEFINE_FREEP(table)

/* Takes a row (read, not kept).  Returns 0, -ENOMEM or the negative errno of writing. */
NODISCARD int table_row(struct table *t, const json_t *row);

/* Writes the rows held back.  The widths are settled by then.  Returns as table_row(). */
NODISCARD int table_flush(struct table *t);
