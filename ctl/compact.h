/* SPDX-License-Identifier: Apache-2.0 */
/* compact - an event as one line, to be read as it flies by:
 *   21:44:19.123Z web-1 exec bash>curl[1301] (eve) curl -s http://…
 * time, node (and pod or container), action, parent and process, user unless root, and what is done
 * to what.
 * Thread: any.  Memory: none. */
#pragma once
#include "ctl/printer.h"

/* A printer_line_fn for events. */
void compact_line(const json_t *row, const struct printer_config *c, struct buf *out);
