/* SPDX-License-Identifier: Apache-2.0 */
/* file - small text files: read whole, and written so that a reader or a power cut sees the old one
 * or the new one, whole.
 * Thread: any.  Memory: the caller's. */
#pragma once
#include "lib/diag.h"

/* Reads @path to @to, NUL-terminated, at most @cap - 1 bytes.  *ret_n (NULL: not told) is its
 * length. Returns 0, -ENOENT, -EFBIG (it does not fit) or another negative errno, with @d. */
NODISCARD int file_read(const char *path, char *to, size_t cap, size_t *ret_n, struct diag *d);

/* Writes @text to @path with the mode @mode, through PATH.new, fsync and rename.  Returns 0 or a
 * negative errno with @d. */
NODISCARD int file_write(const char *path, const char *text, size_t n, unsigned mode,
			 struct diag *d);
/* Takes the lock of @fd (flock(2)), which lasts as long as the file is open; waits for it @tenths
 * of a second at most.  Returns 0, -EBUSY (another process has it) or another negative errno. */
NODISCARD int file_lock(int fd, unsigned tenths);
/* The same of a folder itself: a lock that goes by no name in it, which somebody could remove.
 * Returns the descriptor, -EBUSY or another negative errno: not every file system can do that. */
NODISCARD int file_lock_folder(const char *dir, unsigned tenths);

/* Has the folder of @path on disk, and with it the name: to be called after the file's own fsync.
 * Returns 0 or a negative errno. */
NODISCARD int file_sync_folder_of(const char *path);
