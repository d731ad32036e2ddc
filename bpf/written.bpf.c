/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* written - files that are written to.
 *
 * A hook on close or write would cost each of them 200 ns.  The kernel marks the inode as changed
 * when data or times change, within the writing call: there we look, leave at once where the call
 * is none that writes or was told lately, and take the path from the call's descriptor.  What is
 * written through a mapping of the file is not told; its open is.  truncate() is told at its
 * return.  Filesystems in memory mark a write only when the clock has ticked since the last change,
 * and tmpfs no truncation. */
#include "bpf/calls.h"
#include "bpf/emit.h"
#include "bpf/fill.h"
#include "bpf/write.h"

/* Which argument of call @nr is the descriptor written to; 0: none. */
static __always_inline int written_fd(int nr)
{
	if (nr == CALL_WRITE || nr == CALL_PWRITE64 || nr == CALL_WRITEV || nr == CALL_PWRITEV ||
	    nr == CALL_PWRITEV2 || nr == CALL_SENDFILE || nr == CALL_FTRUNCATE ||
	    nr == CALL_FALLOCATE)
		return 1;
	return nr == CALL_COPY_FILE_RANGE || nr == CALL_SPLICE ? 3 : 0;
}

#if defined(__TARGET_ARCH_x86)
/* The same of a 32-bit call, which has its numbers and registers to itself. */
enum {
	SMALL_WRITE = 4,
	SMALL_FTRUNCATE = 93,
	SMALL_WRITEV = 146,
	SMALL_PWRITE64 = 181,
	SMALL_SENDFILE = 187,
	SMALL_FTRUNCATE64 = 194,
	SMALL_SENDFILE64 = 239,
	SMALL_SPLICE = 313,
	SMALL_FALLOCATE = 324,
	SMALL_PWRITEV = 334,
	SMALL_COPY_FILE_RANGE = 377,
	SMALL_PWRITEV2 = 379,
};

static __always_inline int written_small_fd(int nr)
{
	if (nr == SMALL_WRITE || nr == SMALL_FTRUNCATE || nr == SMALL_WRITEV ||
	    nr == SMALL_PWRITE64 || nr == SMALL_SENDFILE || nr == SMALL_FTRUNCATE64 ||
	    nr == SMALL_SENDFILE64 || nr == SMALL_FALLOCATE || nr == SMALL_PWRITEV ||
	    nr == SMALL_PWRITEV2)
		return 1;
	return nr == SMALL_COPY_FILE_RANGE || nr == SMALL_SPLICE ? 3 : 0;
}
#define SMALL_ARG1(regs) REG(regs, bx)
#else
#define written_small_fd(nr) 0
#define SMALL_ARG1(regs)     0
#endif

/* The descriptor that the running call of @t writes to; -1: it is none that writes. */
static __always_inline int written_to(struct task_struct *t)
{
	struct pt_regs *regs = read_regs(t);
	bool small = read_compat(t);
	int nr = read_nr(regs), which = small ? written_small_fd(nr) : written_fd(nr);

	if (!which)
		return -1;
	if (which == 3)
		return (int)ARG3(regs);
	return (int)(small ? SMALL_ARG1(regs) : ARG1(regs));
}

SEC("tp_btf/writeback_mark_inode_dirty")
int BPF_PROG(written_file, struct inode *inode)
{
	struct task_struct *t;
	struct super_block *sb;
	struct inode *found;
	struct file *file;
	int fd;

	if ((inode->i_mode & S_IFMT) != S_IFREG)
		return 0;
	t = task_now();
	fd = written_to(t);
	if (fd < 0 || written_lately(inode->i_ino, inode->i_sb->s_dev))
		return 0;
	file = read_fd(t, fd);
	if (!file || !read_watched(t))
		return 0;
	found = GET(file, f_inode);
	/* an overlay's file has an inode of its own; else a call can change another file on its way
	 */
	sb = GET(found, i_sb);
	if (found != inode && GET(sb, s_magic) != OVERLAYFS_MAGIC)
		return 0;
	written_tell(t, file);
	return 0;
}

/* By name: no descriptor leads to the file. */
SEC("tracepoint")
int written_truncate(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct pt_regs *regs = read_call(t, call->nr);
	struct asked a = { .nr = call->nr, .dirfd = AT_FDCWD };
	struct rec_open *r;
	uint16_t flags = 0;
	struct scratch *s;

	if (!regs || call->ret < 0 || !read_watched(t))
		return 0;
	s = scratch_take(SCRATCH_FILE, REC_CLASS_BULK);
	if (!s)
		return 0;
	r = (struct rec_open *)s->bytes;
	fill_move(s, sizeof(*r));
	__builtin_memset(r, 0, sizeof(*r));
	fill_head(&r->head, t);
	r->head.type = REC_WRITTEN;
	a.name = ARG1(regs);
	fill_named(s, t, &a, &r->path, &r->name_bytes, &flags);
	r->head.flags = flags;
	emit_scratch(REC_CLASS_BULK, s);
	scratch_give(s);
	return 0;
}
