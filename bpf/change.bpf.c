/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* change - what happens to files beside open, deletion and rename: links, directories and devices
 * made, permissions, owners, extended attributes, mounts, roots.
 *
 * From the return of the calls, names as the kernel resolved them where resolve.bpf.c keeps them,
 * else as asked (see file.bpf.c); where a descriptor names the file, its path is the kernel's. */
#include "bpf/calls.h"
#include "bpf/emit.h"
#include "bpf/fill.h"

/* The record to fill, with its head; NULL: not wanted, or no room. */
static __always_inline struct scratch *change_begin(struct task_struct *t, enum rec_class class,
						    uint32_t fixed)
{
	struct scratch *s;

	s = read_watched(t) ? scratch_take(SCRATCH_FILE, class) : NULL;
	if (!s) {
		fill_forget();
		return NULL;
	}
	fill_move(s, fixed);
	__builtin_memset(s->bytes, 0, fixed);
	fill_head((struct rec_head *)s->bytes, t);
	return s;
}

static __always_inline void change_end(struct scratch *s, enum rec_type type, enum rec_class class)
{
	((struct rec_head *)s->bytes)->type = (uint16_t)type;
	emit_scratch(class, s);
	scratch_give(s);
	fill_forget();
}

/* --- links --- */
SEC("tracepoint")
int change_link(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct pt_regs *regs = read_call(t, call->nr);
	bool plain = call->nr == CALL_LINK;
	struct asked from = { .nr = call->nr, .dirfd = AT_FDCWD };
	struct asked to = { .nr = call->nr, .dirfd = AT_FDCWD, .which = 1 };
	uint16_t flags = 0;
	struct rec_rename *r;
	struct scratch *s;

	if (!regs)
		return 0;
	s = change_begin(t, REC_CLASS_BULK, sizeof(*r));
	if (!s)
		return 0;
	r = (struct rec_rename *)s->bytes;
	r->error = error_of(call->ret);
	from.name = plain ? ARG1(regs) : ARG2(regs);
	to.name = plain ? ARG2(regs) : ARG4(regs);
	if (!plain) {
		from.dirfd = (int)ARG1(regs);
		to.dirfd = (int)ARG3(regs);
	}
	fill_named(s, t, &from, &r->old_dir, &r->old_name_bytes, &flags);
	fill_named(s, t, &to, &r->new_dir, &r->new_name_bytes, &flags);
	r->head.flags = flags;
	change_end(s, REC_LINK, REC_CLASS_BULK);
	return 0;
}

SEC("tracepoint")
int change_symlink(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct pt_regs *regs = read_call(t, call->nr);
	bool plain = call->nr == CALL_SYMLINK;
	struct asked to = { .nr = call->nr, .dirfd = AT_FDCWD };
	struct rec_rename *r;
	uint16_t flags = 0;
	struct scratch *s;

	if (!regs)
		return 0;
	s = change_begin(t, REC_CLASS_BULK, sizeof(*r));
	if (!s)
		return 0;
	r = (struct rec_rename *)s->bytes;
	r->error = error_of(call->ret);
	to.name = plain ? ARG2(regs) : ARG3(regs);
	if (!plain)
		to.dirfd = (int)ARG2(regs);
	r->old_name_bytes = fill_name(s, ARG1(regs), &flags);
	fill_named(s, t, &to, &r->new_dir, &r->new_name_bytes, &flags);
	r->head.flags = flags;
	change_end(s, REC_SYMLINK, REC_CLASS_BULK);
	return 0;
}

/* --- directories, devices --- */
SEC("tracepoint")
int change_create(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct pt_regs *regs = read_call(t, call->nr);
	bool plain = call->nr == CALL_MKDIR || call->nr == CALL_MKNOD;
	struct asked a = { .nr = call->nr, .dirfd = AT_FDCWD };
	struct rec_create *r;
	uint16_t flags = 0;
	struct scratch *s;

	if (!regs || call->ret < 0) {
		fill_forget();
		return 0;
	}
	s = change_begin(t, REC_CLASS_BULK, sizeof(*r));
	if (!s)
		return 0;
	r = (struct rec_create *)s->bytes;
	a.name = plain ? ARG1(regs) : ARG2(regs);
	if (!plain)
		a.dirfd = (int)ARG1(regs);
	r->mode = (uint32_t)(plain ? ARG2(regs) : ARG3(regs));
	if (call->nr == CALL_MKDIR || call->nr == CALL_MKDIRAT)
		r->mode = S_IFDIR;
	fill_named(s, t, &a, &r->dir, &r->name_bytes, &flags);
	r->head.flags = flags;
	change_end(s, REC_CREATE, REC_CLASS_BULK);
	return 0;
}

/* --- permissions and owners --- */
static __always_inline void attributes_of_fd(struct scratch *s, struct rec_attributes *r,
					     struct task_struct *t, int fd)
{
	struct file *file = read_fd(t, fd);

	if (file)
		fill_file_path(s, &r->path, file);
	else
		r->head.flags = REC_F_NAME_CUT;
}

static __always_inline void attributes_of_name(struct scratch *s, struct rec_attributes *r,
					       struct task_struct *t, const struct asked *a)
{
	uint16_t flags = 0;

	fill_named(s, t, a, &r->path, &r->name_bytes, &flags);
	r->head.flags = flags;
}

SEC("tracepoint")
int change_mode(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct pt_regs *regs = read_call(t, call->nr);
	struct asked a = { .nr = call->nr, .dirfd = AT_FDCWD };
	struct rec_attributes *r;
	struct scratch *s;

	if (!regs)
		return 0;
	s = change_begin(t, REC_CLASS_BULK, sizeof(*r));
	if (!s)
		return 0;
	r = (struct rec_attributes *)s->bytes;
	r->error = error_of(call->ret);
	if (call->nr == CALL_FCHMOD) {
		r->mode = (uint32_t)ARG2(regs);
		attributes_of_fd(s, r, t, (int)ARG1(regs));
	} else if (call->nr == CALL_CHMOD) {
		r->mode = (uint32_t)ARG2(regs);
		a.name = ARG1(regs);
		attributes_of_name(s, r, t, &a);
	} else {
		r->mode = (uint32_t)ARG3(regs);
		a.dirfd = (int)ARG1(regs);
		a.name = ARG2(regs);
		attributes_of_name(s, r, t, &a);
	}
	change_end(s, REC_CHMOD, REC_CLASS_BULK);
	return 0;
}

SEC("tracepoint")
int change_owner(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct pt_regs *regs = read_call(t, call->nr);
	struct asked a = { .nr = call->nr, .dirfd = AT_FDCWD };
	struct rec_attributes *r;
	struct scratch *s;

	if (!regs)
		return 0;
	s = change_begin(t, REC_CLASS_BULK, sizeof(*r));
	if (!s)
		return 0;
	r = (struct rec_attributes *)s->bytes;
	r->error = error_of(call->ret);
	if (call->nr == CALL_FCHOWNAT) {
		r->uid = (uint32_t)ARG3(regs);
		r->gid = (uint32_t)ARG4(regs);
		a.dirfd = (int)ARG1(regs);
		a.name = ARG2(regs);
		attributes_of_name(s, r, t, &a);
	} else {
		r->uid = (uint32_t)ARG2(regs);
		r->gid = (uint32_t)ARG3(regs);
		a.name = ARG1(regs);
		if (call->nr == CALL_FCHOWN)
			attributes_of_fd(s, r, t, (int)a.name);
		else
			attributes_of_name(s, r, t, &a);
	}
	change_end(s, REC_CHOWN, REC_CLASS_BULK);
	return 0;
}

/* --- mounts --- */
enum {
	MOUNT_REMOUNT = 32, /* MS_* of <sys/mount.h> */
	MOUNT_RECURSIVE = 16384,
	MOUNT_KINDS = 15 | 0xf << 17, /* read_only nosuid nodev noexec; how it is shared */
	MOUNT_BIND = 4096,
	NAME_RECURSIVE = 0x8000, /* AT_RECURSIVE */
	TREE_CLONE = 1,		 /* OPEN_TREE_CLONE */
};

static __always_inline void mount_asked(struct scratch *s, struct rec_mount *r,
					struct pt_regs *regs)
{
	uint16_t flags = 0;

	r->source_bytes = fill_name(s, ARG1(regs), &flags);
	r->mount_flags = ARG4(regs);
	bpf_probe_read_user_str(r->type, sizeof(r->type), (void *)ARG3(regs));
}

/* What the mount of @file was made of. */
static __always_inline void mount_itself(struct scratch *s, struct rec_mount *r, struct file *file)
{
	const long mount_at = (long)bpf_core_field_offset(struct mount, mnt);
	struct vfsmount *mnt = BPF_CORE_READ(file, f_path.mnt);
	uint16_t flags = 0;

	r->source_bytes = fill_copied(
		s, BPF_CORE_READ((struct mount *)((uint64_t)mnt - mount_at), mnt_devname), &flags);
	bpf_probe_read_kernel_str(r->type, sizeof(r->type),
				  BPF_CORE_READ(mnt, mnt_sb, s_type, name));
}

/* A mount that has no name yet (fsmount, open_tree) is known by itself. */
static __always_inline void mount_moved(struct scratch *s, struct rec_mount *r,
					struct task_struct *t, struct pt_regs *regs)
{
	char first = 0;
	struct file *file;
	uint16_t flags = 0;

	bpf_probe_read_user(&first, 1, (void *)ARG2(regs));
	file = first ? NULL : read_fd(t, (int)ARG1(regs));
	if (!file) {
		fill_base(s, &r->source_dir, t, (int)ARG1(regs), ARG2(regs));
		r->source_bytes = fill_name(s, ARG2(regs), &flags);
		return;
	}
	mount_itself(s, r, file);
}

/* mount_setattr has the bits of mount. */
static __always_inline void mount_set(struct rec_mount *r, struct pt_regs *regs)
{
	uint64_t attributes[3] = {}; /* struct mount_attr: attr_set, attr_clr, propagation */

	bpf_probe_read_user(attributes, sizeof(attributes), (void *)ARG4(regs));
	r->mount_flags = ((attributes[0] & 15) | attributes[2]) & MOUNT_KINDS;
	r->mount_flags |= MOUNT_REMOUNT | (ARG3(regs) & NAME_RECURSIVE ? MOUNT_RECURSIVE : 0);
}

SEC("tracepoint")
int change_mount(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct pt_regs *regs = read_call(t, call->nr);
	struct asked a = { .nr = call->nr, .dirfd = AT_FDCWD };
	uint16_t flags = 0;
	struct rec_mount *r;
	struct scratch *s;

	if (!regs)
		return 0;
	s = change_begin(t, REC_CLASS_PRIORITY, sizeof(*r));
	if (!s)
		return 0;
	r = (struct rec_mount *)s->bytes;
	r->error = error_of(call->ret);
	if (call->nr == CALL_MOUNT) {
		a.name = ARG2(regs);
	} else if (call->nr == CALL_MOVE_MOUNT) {
		a.dirfd = (int)ARG3(regs);
		a.name = ARG4(regs);
	} else {
		a.dirfd = (int)ARG1(regs);
		a.name = ARG2(regs);
	}
	fill_named(s, t, &a, &r->dir, &r->name_bytes, &flags);
	r->head.flags = flags;
	if (call->nr == CALL_MOUNT)
		mount_asked(s, r, regs);
	else if (call->nr == CALL_MOVE_MOUNT)
		mount_moved(s, r, t, regs);
	else
		mount_set(r, regs);
	change_end(s, REC_MOUNT, REC_CLASS_PRIORITY);
	return 0;
}

/* fsmount, open_tree: a mount was made that has no place, and may never get one: files are used by
 * its descriptor. */
SEC("tracepoint")
int change_detached(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct pt_regs *regs = read_call(t, call->nr);
	bool tree = call->nr == CALL_OPEN_TREE;
	struct rec_mount *r;
	struct scratch *s;
	struct file *file;

	if (!regs || call->ret < 0 || (tree && !(ARG3(regs) & TREE_CLONE)))
		return 0;
	file = read_fd(t, (int)call->ret);
	s = file ? change_begin(t, REC_CLASS_PRIORITY, sizeof(*r)) : NULL;
	if (!s)
		return 0;
	r = (struct rec_mount *)s->bytes;
	r->head.flags = REC_F_AS_ASKED; /* and no name */
	if (tree) {
		r->mount_flags = MOUNT_BIND | (ARG3(regs) & NAME_RECURSIVE ? MOUNT_RECURSIVE : 0);
		fill_file_path(s, &r->source_dir, file);
		bpf_probe_read_kernel_str(r->type, sizeof(r->type),
					  BPF_CORE_READ(file, f_path.mnt, mnt_sb, s_type, name));
	} else {
		mount_itself(s, r, file);
	}
	change_end(s, REC_MOUNT, REC_CLASS_PRIORITY);
	return 0;
}

SEC("tracepoint")
int change_umount(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct pt_regs *regs = read_call(t, call->nr);
	struct asked a = { .nr = call->nr, .dirfd = AT_FDCWD };
	struct rec_mount *r;
	uint16_t flags = 0;
	struct scratch *s;

	if (!regs)
		return 0;
	s = change_begin(t, REC_CLASS_PRIORITY, sizeof(*r));
	if (!s)
		return 0;
	r = (struct rec_mount *)s->bytes;
	r->error = error_of(call->ret);
	a.name = ARG1(regs);
	fill_named(s, t, &a, &r->dir, &r->name_bytes, &flags);
	r->head.flags = flags;
	change_end(s, REC_UMOUNT, REC_CLASS_PRIORITY);
	return 0;
}

/* --- roots --- */
SEC("tracepoint")
int change_chroot(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct pt_regs *regs = read_call(t, call->nr);
	struct asked a = { .nr = call->nr, .dirfd = AT_FDCWD };
	struct rec_attributes *r;
	struct fs_struct *fs;
	struct scratch *s;

	if (!regs)
		return 0;
	s = change_begin(t, REC_CLASS_PRIORITY, sizeof(*r));
	if (!s)
		return 0;
	r = (struct rec_attributes *)s->bytes;
	r->error = error_of(call->ret);
	if (r->error) {
		a.name = ARG1(regs);
		attributes_of_name(s, r, t, &a);
	} else {
		fs = BPF_CORE_READ(t, fs);
		fill_path(s, &r->path, BPF_CORE_READ(fs, root.mnt), BPF_CORE_READ(fs, root.dentry));
	}
	change_end(s, REC_CHROOT, REC_CLASS_PRIORITY);
	return 0;
}

SEC("tracepoint")
int change_pivot(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct pt_regs *regs = read_call(t, call->nr);
	struct asked root = { .nr = call->nr, .dirfd = AT_FDCWD };
	struct asked old = { .nr = call->nr, .dirfd = AT_FDCWD, .which = 1 };
	uint16_t flags = 0;
	struct rec_rename *r;
	struct scratch *s;

	if (!regs)
		return 0;
	s = change_begin(t, REC_CLASS_PRIORITY, sizeof(*r));
	if (!s)
		return 0;
	r = (struct rec_rename *)s->bytes;
	r->error = error_of(call->ret);
	root.name = ARG1(regs);
	old.name = ARG2(regs);
	fill_named(s, t, &root, &r->old_dir, &r->old_name_bytes, &flags);
	fill_named(s, t, &old, &r->new_dir, &r->new_name_bytes, &flags);
	r->head.flags = flags;
	change_end(s, REC_PIVOT, REC_CLASS_PRIORITY);
	return 0;
}

/* --- extended attributes --- */
struct xattr_call {
	uint64_t name, attribute, bytes;
	int fd; /* of the file, or the directory that the name starts from */
	bool by_fd, removed;
};

static __always_inline void xattr_call(struct xattr_call *x, struct pt_regs *regs, int nr)
{
	uint64_t args[2] = {}; /* struct xattr_args: value, size */

	x->fd = AT_FDCWD;
	x->removed = nr == CALL_REMOVEXATTR || nr == CALL_LREMOVEXATTR || nr == CALL_FREMOVEXATTR ||
		     nr == CALL_REMOVEXATTRAT;
	x->by_fd = nr == CALL_FSETXATTR || nr == CALL_FREMOVEXATTR;
	if (nr == CALL_SETXATTRAT || nr == CALL_REMOVEXATTRAT) {
		x->fd = (int)ARG1(regs);
		x->name = ARG2(regs);
		x->attribute = ARG4(regs);
		if (!x->removed)
			bpf_probe_read_user(args, sizeof(args), (void *)ARG5(regs));
		x->bytes = (uint32_t)args[1];
		return;
	}
	x->name = ARG1(regs);
	x->attribute = ARG2(regs);
	x->bytes = x->removed ? 0 : ARG4(regs);
	if (x->by_fd)
		x->fd = (int)ARG1(regs);
}

SEC("tracepoint")
int change_xattr(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct pt_regs *regs = read_call(t, call->nr);
	struct asked a = { .nr = call->nr };
	struct xattr_call x = {};
	uint16_t flags = 0;
	struct rec_xattr *r;
	struct scratch *s;
	struct file *file;

	if (!regs)
		return 0;
	s = change_begin(t, REC_CLASS_BULK, sizeof(*r));
	if (!s)
		return 0;
	xattr_call(&x, regs, call->nr);
	r = (struct rec_xattr *)s->bytes;
	r->error = error_of(call->ret);
	r->removed = x.removed;
	r->bytes = (uint32_t)x.bytes;
	bpf_probe_read_user_str(r->attribute, sizeof(r->attribute), (void *)x.attribute);
	if (x.by_fd) {
		file = read_fd(t, x.fd);
		if (file)
			fill_file_path(s, &r->path, file);
	} else {
		a.dirfd = x.fd;
		a.name = x.name;
		fill_named(s, t, &a, &r->path, &r->name_bytes, &flags);
		r->head.flags = flags;
	}
	change_end(s, REC_XATTR, REC_CLASS_BULK);
	return 0;
}
