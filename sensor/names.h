/* SPDX-License-Identifier: Apache-2.0 */
/* names - words for the kernel's numbers: errors, signals, open flags, file types.
 * Thread: any.  Memory: constant. */
#pragma once
#include "lib/util.h"

/* "ENOENT" for 2; NULL for a number without a name. */
const char *name_of_error(uint32_t error);

/* "SIGKILL" for 9, "SIGRTMIN+3" and the like written to @buf; NULL for a number that is no signal. */
const char *name_of_signal(uint32_t signal, char *buf, size_t n);

enum { OPEN_WORDS_MAX = 8 };

/* What open flags asked for, as words of file.open.flags.  Returns how many of @ret are filled. */
size_t names_of_open(uint32_t flags, const char *ret[OPEN_WORDS_MAX]);

/* "file", "dir", "symlink", "block", "char", "fifo", "socket"; NULL when @mode has no type. */
const char *name_of_type(uint32_t mode);
