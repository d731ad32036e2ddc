/* SPDX-License-Identifier: Apache-2.0 */
/* document - an event as a person's tool wants it: nested JSON by the dots of its ECS names.
 *
 *   {"_id":"node:boot:seq","@timestamp":"...","event":{"action":"exec",...},"process":{...}}
 *
 * Fields that are null are left out, and so are objects without a field.  Lists are arrays, dates
 * RFC 3339 in UTC with nanoseconds, ids 16 hex digits.  user.* and group.* stand at the top too, as
 * ECS has them, as another name of process.user.* and process.group.*.
 * Thread: one owner at a time.  Memory: fixed after document_new(). */
#pragma once
#include "lib/block.h"
#include "lib/diag.h"
#include "lib/json.h"

struct document;

/* Makes a writer of @fields (@n bytes): names with commas between; a name of several fields, such
 * as process.parent (or process.parent.*), is all of them; empty: every field.  A field stands
 * under the name that it was asked by.  @fields is not kept.  *ret is freed with document_free().
 * Returns 0, -ENOMEM, or -EINVAL: no such field; @d tells its column. */
NODISCARD int document_new(struct document **ret, const char *fields, size_t n, struct diag *d);
struct document *document_free(struct document *d);
DEFINE_FREEP(document)

/* Writes one value as documents have it.  @b holds the strings of a list. */
void document_value(const struct block *b, const struct block_value *v, struct json *j);

/* Writes the JSON Schema of what document_write() can write, as one value. */
void document_schema(const struct document *d, struct json *j);

/* Sets the table that the next document_write() calls are about: once a table, for it finds out
 * which columns there are.  @b is borrowed until the next call or its next block_load(). */
void document_begin(struct document *d, struct block *b, uint32_t table);

/* Writes event @row of the table as one object. */
void document_write(struct document *d, uint32_t row, struct json *j);
