/* SPDX-License-Identifier: Apache-2.0 */
/* shape - what an answer looks like, in one line of a table, written out as JSON Schema 2020-12.
 *
 *   shape   {name:shape,name?:shape}  an object; with ? the member may be missing
 *           {*:shape}                 an object of any names
 *           [shape]                   an array
 *           ?shape                    or null
 *           (shape|shape)             one of them
 *           NAME                      string integer number boolean time any, or, with a capital, one of
 *                                     collector/schemas.def
 * There are no blanks in it.
 * Thread: any.  Memory: none but the buffer's. */
#pragma once
#include "lib/json.h"

/* Writes the schema of @shape as one value.  Returns 0 or -EINVAL: @shape is none, and what was
 * written is of no use. */
NODISCARD int shape_write(const char *shape, struct json *j);

/* What schemas.def says of a name; false past the last.  @ret_shape is NULL for Event, which
 * comes from the registry of fields. */
bool shape_known(size_t i, const char **ret_name, const char **ret_shape, const char **ret_help);
