/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/hash_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <linux/magic.h>
#include <mbedtls/sha256.h>

enum { PIECE = 256 << 10, READ_BYTES = 64 << 10 };

static uint64_t ns_of(struct timespec t)
{
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

void hash_key_of(struct hash_key *ret, const struct stat *st)
{
	*ret = (struct hash_key){
		.inode = st->st_ino,
		.bytes = (uint64_t)st->st_size,
		.mtime_ns = ns_of(st->st_mtim),
		.ctime_ns = ns_of(st->st_ctim),
		.dev_major = major(st->st_dev),
		.dev_minor = minor(st->st_dev),
	};
}

static bool is_remote(uint32_t magic)
{
	static const uint32_t remote[] = {
		FUSE_SUPER_MAGIC, NFS_SUPER_MAGIC, 0xff534d42 /* CIFS */, 0xfe534d42 /* SMB2 */,
		SMB_SUPER_MAGIC,  AFS_SUPER_MAGIC, CODA_SUPER_MAGIC,	  0x00c36400 /* Ceph */,
	};

	for (size_t i = 0; i < ARRAY_SIZE(remote); i++)
		if (magic == remote[i])
			return true;
	return false;
}

/* btrfs and overlayfs tell stat(2) another device than the inode's own. */
static bool device_counts(uint32_t magic)
{
	return magic != BTRFS_SUPER_MAGIC && magic != OVERLAYFS_SUPER_MAGIC;
}

static bool is_same(int fd, const struct hash_file *f)
{
	const struct hash_key *want = &f->key;
	struct hash_key key;
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	hash_key_of(&key, &st);
	if (device_counts(f->fs_magic) &&
	    (key.dev_major != want->dev_major || key.dev_minor != want->dev_minor))
		return false;
	return key.inode == want->inode && key.bytes == want->bytes &&
	       key.mtime_ns == want->mtime_ns && key.ctime_ns == want->ctime_ns;
}

/* Opens PID/@tail in @proc, or @tail alone for pid 0.  O_PATH first: what is not the file, such as
 * a FIFO or a device, is never opened for reading. */
static int try_open(int proc, uint32_t pid, const char *tail, const struct hash_file *f)
{
	char path[HASH_PATH_BYTES + 32], link[40];
	AUTO_FD int at = -1;

	if (pid)
		snprintf(path, sizeof(path), "%u/%s", pid, tail);
	at = openat(proc, pid ? path : tail, O_PATH | O_CLOEXEC);
	if (at < 0 || !is_same(at, f))
		return -1;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", at);
	return open(link, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

static int open_any(int proc, const struct hash_file *f)
{
	char below[HASH_PATH_BYTES + 8];
	int fd = f->tgid ? try_open(proc, f->tgid, "exe", f) : -1;

	snprintf(below, sizeof(below), "root%s", f->path);
	if (fd < 0 && f->tgid && f->path[0] == '/')
		fd = try_open(proc, f->tgid, below, f);
	if (fd < 0 && f->parent && f->path[0] == '/')
		fd = try_open(proc, f->parent, below, f);
	if (fd < 0 && f->path[0] == '/')
		fd = try_open(proc, 0, f->path, f);
	return fd;
}

static int read_all(int fd, mbedtls_sha256_context *c, bool (*pace)(size_t n, void *arg), void *arg)
{
	uint8_t piece[READ_BYTES];
	size_t allowed = 0;
	ssize_t n;

	for (;;) {
		if (allowed == 0 && !pace(PIECE, arg))
			return HASH_E_STOPPED;
		if (allowed == 0)
			allowed = PIECE;
		n = read(fd, piece, sizeof(piece));
		if (n < 0)
			return err_origin(-errno);
		if (n == 0)
			return 0;
		if (mbedtls_sha256_update_ret(c, piece, (size_t)n) != 0)
			return err_origin(-EIO);
		allowed -= MIN((size_t)n, allowed);
	}
}

int hash_file(int proc, const struct hash_file *f, bool (*pace)(size_t n, void *arg), void *arg,
	      uint8_t ret[HASH_BYTES])
{
	mbedtls_sha256_context c;
	AUTO_FD int fd = -1;
	int r;

	if (is_remote(f->fs_magic))
		return HASH_E_REMOTE;
	fd = open_any(proc, f);
	if (fd < 0)
		return HASH_E_GONE;
	mbedtls_sha256_init(&c);
	r = mbedtls_sha256_starts_ret(&c, 0) == 0 ? read_all(fd, &c, pace, arg) : err_origin(-EIO);
	if (r == 0 && mbedtls_sha256_finish_ret(&c, ret) != 0)
		r = err_origin(-EIO);
	mbedtls_sha256_free(&c);
	if (r == 0 && !is_same(fd, f))
		return HASH_E_CHANGED;
	return r;
}
