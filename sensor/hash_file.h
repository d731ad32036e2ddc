/* SPDX-License-Identifier: Apache-2.0 */
/* hash_file - the SHA-256 of a file that is known by its inode and times, whatever its name leads
 * to by now.
 *
 * The file is opened through what still runs it (/proc/PID/exe), else by its path, as the process,
 * its parent and the host see it.  What was opened must be the inode that was executed, with
 * the same size and times, before and after it was read.
 * Thread: any.  Memory: a piece on the stack. */
#pragma once
#include "lib/util.h"

enum { HASH_BYTES = 32, HASH_PATH_BYTES = 4096 };

/* One content of one file. */
struct hash_key {
	uint64_t inode; /* 0: not known */
	uint64_t bytes, mtime_ns, ctime_ns;
	uint32_t dev_major, dev_minor;
};

/* Which file, and where it can be found. */
struct hash_file {
	struct hash_key key;
	uint32_t fs_magic;     /* 0: not known */
	uint32_t tgid, parent; /* processes that may have it; 0: none */
	char path[HASH_PATH_BYTES];
};

enum hash_result {
	HASH_E_GONE = 1, /* nothing leads to that content any more */
	HASH_E_CHANGED,	 /* it changed while it was read */
	HASH_E_REMOTE,	 /* on a filesystem that may let us wait: FUSE, NFS and their like */
	HASH_E_STOPPED,	 /* @pace said so */
};

/* Fills @ret from stat(2); @st must be of a regular file. */
struct stat;
void hash_key_of(struct hash_key *ret, const struct stat *st);

/* Hashes @f.  @pace is called before each piece of at most 256 KiB is read and may sleep; it
 * returns false to stop.  @proc: descriptor of /proc. Returns 0, an enum hash_result, or a negative
 * errno of reading. */
NODISCARD int hash_file(int proc, const struct hash_file *f, bool (*pace)(size_t n, void *arg),
			void *arg, uint8_t ret[HASH_BYTES]);
