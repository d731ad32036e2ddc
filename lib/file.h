/* SPDX-License-Identifier: Apache-2.0 */
/* file - small text files: read whole, and written so that a reader or a power cut sees the old one
 * or the new one, whole. Thread: any.  Memory: the caller's. */
#pragma once
#include "lib/diag.h"

/* Reads @path to @to, NUL-terminated, at most @cap - 1 bytes.  *ret_n (NULL: not told) is its
 * length. Returns 0, -ENOENT, -EFBIG (it does not fit) or another negative errno, with @d. */
NODISCARD int file_read(const char *path, char *to, size_t cap, size_t *ret_n, struct diag *d);

/* Writes @text to @path with the mode @mode, through PATH.new, fsync and rename.  Returns 0 or a
 * negative errno with @d. */
NODISCARD int file_write(const char *path, const char *text, size_t n, unsigned mode,
			 struct diag *d);
/* Has the folder of @path on disk, and with it the name: to be called after the file's own fsync.
 * Returns 0 or a negative errno. */
NODISCARD int file_sync_folder_of(const char *path);
