/* SPDX-License-Identifier: Apache-2.0 */
/* uuid - boot ids as text.
 * Thread: any.  Memory: none. */
#pragma once
#include "lib/util.h"

enum { UUID_TEXT = 36 };

/* Reads the first UUID_TEXT bytes of @s, such as 3d03e335-9586-44b8-b03d-10757b3652f6.  Returns 0
 * or -EBADMSG: they are none. */
NODISCARD int uuid_parse(const char *s, size_t n, uint8_t ret[16]);
