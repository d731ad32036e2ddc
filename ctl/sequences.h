/* SPDX-License-Identifier: Apache-2.0 */
/* sequences - the answer to a sequence or sample:
 * {"sequences":[{"join_keys":[..],"events":[{document},{"missing":true},..]},..]}.
 * Thread: one. */
#pragma once
#include "ctl/events.h"

/* Is @page such an answer? */
bool sequences_are_in(struct slice page);

/* Prints it: json as the collector sent it; ndjson with one sequence a line; a table with a head
 * and the events of each sequence; csv with one row an event, the sequence's number first.  *ret_n
 * sequences.  Returns 0, -EBADMSG (not such an answer), -ENOMEM or the negative errno of writing.
 */
NODISCARD int sequences_print(const struct cli_io *io, const struct events *events,
			      enum printer_format format, struct slice page, uint64_t *ret_n);
