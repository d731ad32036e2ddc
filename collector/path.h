/* SPDX-License-Identifier: Apache-2.0 */
/* path - the paths of routes, in which {name} stands for one part of any text but a slash, such as
 * /api/v1/processes/{entity_id}/tree.
 * Thread: any.  Memory: none. */
#pragma once
#include "lib/util.h"

enum { PATH_VALUE_BYTES = 256 }; /* enough for what any route takes */

/* True when the @n bytes at @path are one of the paths that @pattern means. */
bool path_fits(const char *pattern, const char *path, size_t n);

/* Reads what stands in the @n bytes at @path where {@name} is in @pattern, percent-decoded, to
 * @buf, NUL-terminated.  Returns false when it does not fit, is too long, holds a NUL or a broken
 * escape. */
NODISCARD bool path_value(const char *pattern, const char *path, size_t n, const char *name,
			  char buf[PATH_VALUE_BYTES]);
