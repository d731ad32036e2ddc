/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/column.h"

#include <endian.h>

static uint64_t zigzag(uint64_t difference)
{
	return (difference << 1) ^ (uint64_t)((int64_t)difference >> 63);
}

static uint64_t unzigzag(uint64_t v)
{
	return (v >> 1) ^ (0 - (v & 1));
}

static unsigned varint_bytes(uint64_t v)
{
	return (unsigned)(70 - __builtin_clzll(v | 1)) / 7;
}

static void sizes(const uint64_t *v, uint32_t n, size_t *ret_varint, size_t *ret_delta,
		  bool *ret_const)
{
	uint64_t last = 0, differ = 0;

	*ret_varint = *ret_delta = 0;
	for (uint32_t i = 0; i < n; i++) {
		*ret_varint += varint_bytes(v[i]);
		*ret_delta += varint_bytes(zigzag(v[i] - last));
		differ |= v[i] ^ v[0];
		last = v[i];
	}
	*ret_const = differ == 0;
}

static enum column_encoding encode_delta(const uint64_t *v, uint32_t n, struct buf *out)
{
	uint64_t last = 0;

	for (uint32_t i = 0; i < n; i++) {
		buf_varint(out, zigzag(v[i] - last));
		last = v[i];
	}
	return COLUMN_DELTA;
}

static enum column_encoding encode_fixed(const uint64_t *v, uint32_t n, struct buf *out)
{
	for (uint32_t i = 0; i < n; i++) {
		uint64_t le = htole64(v[i]);

		buf_add(out, &le, sizeof(le));
	}
	return COLUMN_FIXED64;
}

enum column_encoding column_encode(const uint64_t *values, uint32_t n, enum field_type type,
				   struct buf *out)
{
	size_t varint, delta;
	bool same;

	sizes(values, n, &varint, &delta, &same);
	if (same) {
		buf_varint(out, values[0]);
		return COLUMN_CONST;
	}
	if (type == TYPE_ID)
		return encode_fixed(values, n, out);
	if (delta < varint)
		return encode_delta(values, n, out);
	for (uint32_t i = 0; i < n; i++)
		buf_varint(out, values[i]);
	return COLUMN_VARINT;
}

/* Reads one varint at *at.  Returns false, leaving *at anywhere, when it is cut or too long. */
static inline bool get_varint(const uint8_t *data, size_t n, size_t *at, uint64_t *ret)
{
	uint64_t v = 0;
	size_t i = *at;

	if (i < n && data[i] < 0x80) {
		*ret = data[i];
		*at = i + 1;
		return true;
	}
	for (unsigned shift = 0; shift < 64 && i < n; shift += 7) {
		uint8_t c = data[i++];

		v |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80) {
			*ret = v;
			*at = i;
			return shift < 63 || c <= 1;
		}
	}
	return false;
}

static bool decode_varint(const uint8_t *data, size_t n, uint32_t rows, uint64_t max, uint64_t *ret)
{
	bool ok = true;
	size_t at = 0;
	uint32_t i;

	for (i = 0; i < rows && get_varint(data, n, &at, &ret[i]); i++) {
		if (ret[i] > max) {
			ret[i] = 0;
			ok = false;
		}
	}
	if (i < rows) {
		memset(ret + i, 0, (rows - i) * sizeof(*ret));
		return false;
	}
	return ok && at == n;
}

static bool decode_delta(const uint8_t *data, size_t n, uint32_t rows, uint64_t max, uint64_t *ret)
{
	uint64_t last = 0, v;
	bool ok = true;
	size_t at = 0;
	uint32_t i;

	for (i = 0; i < rows && get_varint(data, n, &at, &v); i++) {
		last += unzigzag(v);
		ok &= last <= max;
		ret[i] = last <= max ? last : 0;
	}
	if (i < rows) {
		memset(ret + i, 0, (rows - i) * sizeof(*ret));
		return false;
	}
	return ok && at == n;
}

static bool decode_const(const uint8_t *data, size_t n, uint32_t rows, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;
	size_t at = 0;
	bool ok = get_varint(data, n, &at, &v) && at == n && v <= max;

	for (uint32_t i = 0; i < rows; i++)
		ret[i] = ok ? v : 0;
	return ok;
}

static bool decode_fixed(const uint8_t *data, size_t n, uint32_t rows, uint64_t *ret)
{
	size_t want = (size_t)rows * sizeof(*ret);

	memset(ret, 0, want);
	if (n != want)
		return false;
	memcpy(ret, data, want);
	for (uint32_t i = 0; i < rows; i++)
		ret[i] = le64toh(ret[i]);
	return true;
}

bool column_decode(enum column_encoding encoding, const uint8_t *data, size_t n, uint32_t rows,
		   uint64_t max, uint64_t *ret)
{
	switch (encoding) {
	case COLUMN_VARINT:
		return decode_varint(data, n, rows, max, ret);
	case COLUMN_DELTA:
		return decode_delta(data, n, rows, max, ret);
	case COLUMN_CONST:
		return decode_const(data, n, rows, max, ret);
	case COLUMN_FIXED64:
		if (max == UINT64_MAX)
			return decode_fixed(data, n, rows, ret);
		break;
	case COLUMN_LIST:
		break;
	}
	memset(ret, 0, (size_t)rows * sizeof(*ret));
	return false;
}

bool column_decode_list(const uint8_t *data, size_t n, uint32_t rows, uint64_t max,
			uint32_t *ret_starts, uint32_t *ret_values, uint32_t max_values)
{
	uint64_t count, v;
	uint32_t used = 0;
	bool ok = true;
	size_t at = 0;

	for (uint32_t row = 0; row < rows; row++) {
		ret_starts[row] = used;
		if (!get_varint(data, n, &at, &count)) {
			ok = false;
			continue;
		}
		for (uint64_t i = 0; i < count; i++) {
			if (used == max_values || !get_varint(data, n, &at, &v)) {
				ok = false;
				break;
			}
			if (v > 0 && v <= max)
				ret_values[used++] = (uint32_t)v;
			else
				ok = false;
		}
	}
	ret_starts[rows] = used;
	return ok && at == n;
}
