/* SPDX-License-Identifier: Apache-2.0 */
/* row_checks - looks at a row of an opened batch by the names of its fields.
 * Thread: the test's own. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/block.h"

static inline UNUSED struct block_value row_value(struct block *b, uint32_t table, uint32_t row,
						  const char *name)
{
	struct field_ref ref;

	if (!field_find(name, strlen(name), &ref))
		fail_msg("no field %s", name);
	return block_value(b, table, row, ref);
}

/* @want: NULL: the field must be null. */
static inline UNUSED void row_check_text(const char *name, struct block_value v, const char *want)
{
	if (!want) {
		assert_int_equal(VALUE_NULL, v.type);
		return;
	}
	if (v.type != VALUE_STRING || v.string.n != strlen(want) ||
	    memcmp(v.string.s, want, v.string.n) != 0)
		fail_msg("%s: \"%.*s\" is not \"%s\"", name,
			 v.type == VALUE_STRING ? (int)v.string.n : 0, v.string.s, want);
}
