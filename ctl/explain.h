/* SPDX-License-Identifier: Apache-2.0 */
/* explain - the plan of a search, which an answer holds when it was asked for.
 * Thread: one. */
#pragma once
#include "ctl/cli.h"
#include "ctl/printer.h"

/* Prints the plan in @page: on a terminal as lines of names and values, else as JSON.  Returns 0,
 * -EBADMSG (there is none), -ENOMEM or the negative errno of writing. */
NODISCARD int explain_print(const struct cli_io *io, enum printer_format format, struct slice page);
