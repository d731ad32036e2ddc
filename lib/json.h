/* SPDX-License-Identifier: Apache-2.0 */
/* json - writes JSON (RFC 8259) piece by piece to a buffer; it never reads any.
 *
 * Commas are put by itself.  Strings are escaped: quotes, backslashes, control characters; bytes
 * that are not UTF-8 become U+FFFD, so that the result always is.  Nesting is the caller's: each
 * begin needs its end, each value of an object its key.  No name here is one of libjansson, which
 * reads JSON for us.
 * Thread: one owner at a time.  Memory: only what @out grows by; buf_ok(out) tells whether it did.
 */
#pragma once
#include "lib/buf.h"

struct json {
	struct buf *out;
	bool comma; /* the next key or value follows another of its kind */
};

static inline UNUSED struct json json_to(struct buf *out)
{
	return (struct json){ .out = out };
}

void json_begin_object(struct json *j);
void json_end_object(struct json *j);
void json_begin_array(struct json *j);
void json_end_array(struct json *j);

/* Key of the next value; @key is escaped as a string is.  json_key_n: of @n bytes. */
void json_key(struct json *j, const char *key);
void json_key_n(struct json *j, const char *key, size_t n);

/* Values.  json_text: NUL-terminated, NULL is null; json_text_n: @n bytes.  Integers beyond 2^53
 * are written in full, as RFC 8259 allows.  json_double: what JSON lacks (NaN, infinity) is null.
 */
void json_text_n(struct json *j, const char *s, size_t n);
void json_text(struct json *j, const char *s);
void json_uint(struct json *j, uint64_t v);
void json_int(struct json *j, int64_t v);
void json_double(struct json *j, double v);
void json_bool(struct json *j, bool v);
void json_nil(struct json *j);

/* Time in ns since 1970 as an RFC 3339 string in UTC with nanoseconds. */
void json_time(struct json *j, uint64_t ns);

/* One value that is JSON already. */
void json_raw(struct json *j, const void *value, size_t n);

/* Key and value at once. */
void json_key_text(struct json *j, const char *key, const char *s);
void json_key_uint(struct json *j, const char *key, uint64_t v);
void json_key_bool(struct json *j, const char *key, bool v);
void json_key_time(struct json *j, const char *key, uint64_t ns);
