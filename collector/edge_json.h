/* SPDX-License-Identifier: Apache-2.0 */
/* edge_json - connections between processes as the API tells them: Edge of collector/schemas.def.
 * Thread: the owner of the flowdb.  Memory: the buffer's. */
#pragma once
#include "collector/flowdb.h"
#include "lib/json.h"

/* Writes @f as one object.  Returns 0 or a negative errno of flowdb_why(). */
NODISCARD int edge_write(struct json *j, struct flowdb *db, const struct flow *f);

/* {"id":..,"name":..} or null. */
void edge_write_node(struct json *j, struct flowdb_node node);
/* 16 hexadecimal digits; null for 0. */
void edge_write_id(struct json *j, uint64_t id);
