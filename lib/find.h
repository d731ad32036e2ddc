/* SPDX-License-Identifier: Apache-2.0 */
/* find - where a short text stands in another; as memmem(), but quick where both are short: it
 * looks for the first and the last byte at 16 places at once.
 * Thread: any.  Memory: none. */
#pragma once
#include "lib/util.h"

/* First place of @what (@m bytes) in @s (@n bytes); NULL: none.  Nothing is found at @s. */
const char *find_text(const char *s, size_t n, const char *what, size_t m);
