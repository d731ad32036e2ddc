/* SPDX-License-Identifier: Apache-2.0 */
/* openapi - OpenAPI 3.1 of the REST API, made from the tables that serve it: the routes of
 * api.c, the parameters of params.h, schemas.def and the registry of fields.
 * Thread: any. */
#pragma once
#include "lib/json.h"

/* Writes the whole description as one object.  Returns 0, -ENOMEM, or -EINVAL: a table names a
 * shape that there is not. */
NODISCARD int openapi_write(struct json *j);
