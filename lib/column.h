/* SPDX-License-Identifier: Apache-2.0 */
/* column - the packed form of one field of one table; the encodings of proto/rtsec.proto.
 * Values are raw: 0 is null.
 * Thread: any.  Memory: the caller's. */
#pragma once
#include "lib/buf.h"
#include "lib/fields.h"

enum column_encoding {
	COLUMN_VARINT,
	COLUMN_CONST,
	COLUMN_DELTA,
	COLUMN_FIXED64,
	COLUMN_LIST,
};

/* Appends @n > 0 values to @out in the encoding that is smallest for them, which is returned. */
enum column_encoding column_encode(const uint64_t *values, uint32_t n, enum field_type type,
				   struct buf *out);

/* Unpacks exactly @rows values to @ret.  Values past @max are read as null.
 * Returns true when @data held just what was expected; else the missing values are null. */
bool column_decode(enum column_encoding encoding, const uint8_t *data, size_t n, uint32_t rows,
		   uint64_t max, uint64_t *ret);

/* Unpacks a LIST: ret_starts[rows + 1], ret_values[max_values].  String numbers past @max are left
 * out.  Returns the same. */
bool column_decode_list(const uint8_t *data, size_t n, uint32_t rows, uint64_t max,
			uint32_t *ret_starts, uint32_t *ret_values, uint32_t max_values);
