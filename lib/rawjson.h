/* SPDX-License-Identifier: Apache-2.0 */
/* rawjson - cuts JSON text into pieces without changing a byte of them.
 *
 * jansson keeps integers as signed 64-bit and writes numbers its own way.  What rtsecctl passes on
 * (ndjson, json) must be what the collector said, digit for digit, so documents are cut out of the
 * page as they stand; jansson reads them only to fill cells.  The cutting does not check: what is
 * broken inside stays so, and is found when it is read; no broken text makes it leave the bytes.
 *
 * Thread: any.  Memory: slices point into the caller's text. */
#pragma once
#include <jansson.h>

#include "lib/buf.h"

struct slice {
	const char *s;
	size_t n;
};

/* Value of member @key of the object @object, without blanks around.  Returns false when it has
 * none.  @key is compared with the text between the quotes: it must need no escape. */
NODISCARD bool rawjson_member(struct slice object, const char *key, struct slice *ret);

/* Goes through an object's members or an array's elements.  *at starts as 0.  For an array
 * *ret_key is empty; for an object it is the key as written, without its quotes.  Returns false
 * after the last. */
NODISCARD bool rawjson_next(struct slice container, size_t *at, struct slice *ret_key,
			    struct slice *ret_value);

/* True when @text begins and ends as an object does: not an HTML page, not cut off. */
bool rawjson_is_object(struct slice text);

/* Reads @text by jansson, integers beyond 63 bits as strings of the same digits.  NULL when it is
 * not valid JSON of at most 64 levels; else a reference that is the caller's. */
NODISCARD json_t *rawjson_load(struct slice text);
