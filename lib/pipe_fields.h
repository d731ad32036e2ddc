/* SPDX-License-Identifier: Apache-2.0 */
/* pipe_fields - keep and drop on events: which fields a document has. */
#pragma once
#include "lib/pipe_parser.h"

/* name {"," name}: fields, or objects such as process.parent.  Sets pipe->fields. */
NODISCARD int pipe_parse_fields(struct pipe_parser *p, bool keep);
