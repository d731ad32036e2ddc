/* SPDX-License-Identifier: Apache-2.0 */
/* layer - what liblayer.so, preloaded into a daemon, does to its calls on files: fails them, makes
 * them short, kills the process in the middle of one, or cuts the power, so that only what was
 * synced is left.  The daemons know nothing of it.
 *
 *   LD_PRELOAD=liblayer.so LAYER_PLAN=FILE LAYER_ROOT=DIR rtsec-collector ...
 *
 * FILE holds one line, which whoever runs the test writes anew in place while the daemon runs:
 *   CLOCK ACTION CALL N ERRNO PATTERN
 * CLOCK: seconds that the wall clock is ahead.  ACTION: none, fail (N of 1000 calls, with ERRNO),
 * short (N of 1000 writes take a part), kill or cut (in the middle of the N-th call), unhook (at
 * the next look at the clock the first N descriptors of BPF links are closed).  CALL: write, sync,
 * truncate, rename, unlink or any.  PATTERN: of fnmatch(), against the path below DIR. Thread: any;
 * one lock is held over each call on a file below DIR. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { LAYER_PATH_BYTES = 512 };

/* Of the C library, below ours. */
struct layer_calls {
	ssize_t (*pread)(int fd, void *data, size_t n, off_t at);
	ssize_t (*pwrite)(int fd, const void *data, size_t n, off_t at);
	int (*ftruncate)(int fd, off_t n);
	int (*rename)(const char *from, const char *to);
	int (*unlink)(const char *path);
};

/* ---- what is not yet on the disk (undo.c); under the lock ---- */

/* @graveyard: folder for files that are unlinked, until that is synced. */
void undo_init(const struct layer_calls *calls, const char *graveyard);

/* Before a write, before a file is cut to @n bytes, after one was made, before a rename and an
 * unlink: what would bring the old state back is kept. */
void undo_note_write(int fd, const char *path, const void *data, size_t n, off_t at);
void undo_note_truncate(int fd, const char *path, off_t n);
void undo_note_made(const char *path);
void undo_note_rename(const char *from, const char *to);
void undo_note_unlink(const char *path);

/* The file, or the entries of a folder, are on the disk. */
void undo_synced(int fd, const char *path);

/* The power is cut: nothing that was not synced is left, or by chance (@seed) some pages of it, and
 * of the changes of folders those before some moment. */
void undo_all(uint64_t seed);
