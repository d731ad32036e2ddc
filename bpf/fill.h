/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* fill - middle level of the helpers: fills parts of a record from what read.h knows. */
#pragma once
#include "bpf/read.h"

/* --- head --- */
/* What helpers tell of the running thread @t, by loads: each helper costs as much as all of them.
 */
static __always_inline void fill_owner(struct rec_head *h, struct task_struct *t)
{
	if (!typed_task) {
		h->cgroup_id = bpf_get_current_cgroup_id();
		bpf_get_current_comm(h->comm, sizeof(h->comm));
		return;
	}
	h->cgroup_id = t->cgroups->dfl_cgrp->kn->id;
	((uint64_t *)h->comm)[0] = *(uint64_t *)&t->comm[0];
	((uint64_t *)h->comm)[1] = *(uint64_t *)&t->comm[8];
}

/* Everything but size, type and flags, from the running thread @t. */
static __always_inline void fill_head(struct rec_head *h, struct task_struct *t)
{
	const struct cred *cred;

	t = LOOSE(struct task_struct, t);
	cred = WALK(t, cred);
	h->time_ns = bpf_ktime_get_boot_ns();
	h->start_ns = read_start(t);
	h->tgid = (uint32_t)WALK(t, tgid);
	h->tid = (uint32_t)WALK(t, pid);
	h->uid = WALK(cred, euid.val);
	h->gid = WALK(cred, egid.val);
	h->cpu = bpf_get_smp_processor_id();
	h->left_out = 0;
	fill_owner(h, t);
}

/* --- the record being built --- */
static __always_inline uint32_t fill_at(const struct scratch *s)
{
	return *(const volatile uint32_t *)&s->at;
}

static __always_inline void fill_move(struct scratch *s, uint32_t at)
{
	*(volatile uint32_t *)&s->at = at;
}

/* --- walked paths --- */
/* Copies @n bytes, or up to the next 16 where that is faster; fewer than 256. */
static __always_inline void fill_text(uint8_t *to, uint32_t n, const unsigned char *from)
{
	const uint64_t *words;

	OPAQUE(n);
	n &= 255;
	if (!direct_loads || n > 32) {
		bpf_probe_read_kernel(to, n, from);
		return;
	}
	/* as if it were an address: 16 bytes that the verifier has a type for; bad memory reads as
	 * 0 */
	words = (const uint64_t *)TYPED(struct in6_addr, from);
	((uint64_t *)to)[0] = words[0];
	((uint64_t *)to)[1] = words[1];
	if (n <= 16)
		return;
	words = (const uint64_t *)TYPED(struct in6_addr, from + 16);
	((uint64_t *)to)[2] = words[0];
	((uint64_t *)to)[3] = words[1];
}

/* Appends the name of @dentry and its NUL; false: no room. */
static __always_inline bool fill_component(struct scratch *s, struct dentry *dentry, uint32_t end)
{
	uint32_t n = GET(dentry, d_name.len), at;
	const unsigned char *name = GET(dentry, d_name.name);

	at = fill_at(s);
	OPAQUE(at);
	if (at > end || at > SCRATCH_BYTES - 512)
		return false;
	fill_text(s->bytes + at, n, name);
	/* once more: kernel 6.1 forgets what it knows of numbers kept on the stack */
	at = fill_at(s);
	OPAQUE(at);
	OPAQUE(n);
	n &= 255;
	if (at > SCRATCH_BYTES - 512)
		return false;
	at += n;
	s->bytes[at] = 0;
	fill_move(s, at + 1);
	return true;
}

/* Where a walk is: a dentry on a mount, whose root is @root. */
struct walk {
	struct mount *mount;
	struct dentry *dentry, *root;
	uint32_t end; /* no component begins behind it */
	int flags;    /* REC_PATH_*, if it ends now */
};

static __always_inline void walk_enter(struct walk *w, struct mount *mount, struct dentry *dentry)
{
	w->mount = mount;
	w->dentry = dentry;
	w->root = GET(mount, mnt.mnt_root);
}

/* The walk from s->dentry on mount s->mnt. */
static __always_inline void walk_begin(struct walk *w, const struct scratch *s)
{
	const long mount_at = (long)bpf_core_field_offset(struct mount, mnt);

	walk_enter(w, TYPED(struct mount, s->mnt - mount_at), TYPED(struct dentry, s->dentry));
	w->end = fill_at(s) + REC_PATH_BYTES - 256;
	w->flags = REC_PATH_TRUNCATED;
}

/* Appends a component, or leaves a mount for the one above it; false: there the walk ends. */
static __always_inline bool walk_step(struct scratch *s, struct walk *w)
{
	struct mount *mount = w->mount, *above; /* GET() would move members of ours, too */
	struct dentry *dentry = w->dentry, *parent = GET(dentry, d_parent);

	if (dentry != w->root && dentry != parent) {
		if (!fill_component(s, dentry, w->end))
			return false;
		w->dentry = parent;
		return true;
	}
	if (dentry != w->root) { /* in no tree: memfd:x, [eventfd]; or outside of its mount */
		if (GET(dentry, d_name.len) > 1)
			fill_component(s, dentry, w->end);
		w->flags = 0;
		return false;
	}
	above = GET(mount, mnt_parent);
	if (above == mount) {
		w->root = NULL; /* of a mount without a place (open_tree) up to its filesystem's */
		w->flags = dentry == parent ? 0 : REC_PATH_TRUNCATED;
		return dentry != parent;
	}
	walk_enter(w, above, GET(mount, mnt_mountpoint));
	return true;
}

static __always_inline int walk_end(const struct walk *w)
{
	struct mount *mount = w->mount;
	bool detached = (uint64_t)GET(mount, mnt_ns) - 1 >= (uint64_t)-4096;

	return w->flags | (detached ? REC_PATH_DETACHED : 0);
}

/* The walk with all its state in memory, so that its steps are equal to the verifier, and with the
 * kernel's loop it looks at one of them and not at 128. */
static __always_inline void walk_load(struct walk *w, const struct scratch *s)
{
	w->mount = TYPED(struct mount, *(const volatile uint64_t *)&s->mnt);
	w->dentry = TYPED(struct dentry, *(volatile uint64_t *)&s->dentry);
	w->root = TYPED(struct dentry, *(volatile uint64_t *)&s->root);
	w->end = *(volatile uint32_t *)&s->end;
	w->flags = *(volatile int32_t *)&s->flags;
}

static __always_inline void walk_store(const struct walk *w, struct scratch *s)
{
	*(volatile uint64_t *)&s->mnt = (uint64_t)w->mount;
	*(volatile uint64_t *)&s->dentry = (uint64_t)w->dentry;
	*(volatile uint64_t *)&s->root = (uint64_t)w->root;
	*(volatile uint32_t *)&s->end = w->end;
	*(volatile int32_t *)&s->flags = w->flags;
}

static __noinline long walk_once(uint32_t i, struct scratch **s)
{
	struct walk w;
	bool more;

	walk_load(&w, *s);
	more = walk_step(*s, &w);
	walk_store(&w, *s);
	return !more;
}

/* Appends the components from s->dentry on mount s->mnt up to the root of its mount namespace.
 * Returns the REC_PATH flags.  A global function, so that the verifier looks at it once and not in
 * the state of each call; such a function takes plain numbers only (kernel 5.8). */
__noinline int fill_walk(uint32_t which)
{
	struct scratch *s = bpf_map_lookup_elem(&scratches, &which);
	struct walk w;

	if (!s)
		return 0;
	walk_begin(&w, s);
	walk_store(&w, s);
	if (has_loop)
		bpf_loop(REC_PATH_PARTS, walk_once, &s, 0);
	else
		for (uint32_t i = 0; i < REC_PATH_PARTS && !walk_once(i, &s); i++) {
		}
	walk_load(&w, s);
	return walk_end(&w);
}

/* Appends a walked path and tells of it in @path. */
static __always_inline void fill_path(struct scratch *s, struct rec_path *path,
				      struct vfsmount *mnt, struct dentry *dentry)
{
	uint32_t begin = fill_at(s);

	s->mnt = (uint64_t)mnt;
	s->dentry = (uint64_t)dentry;
	path->flags = (uint16_t)fill_walk(s->which);
	path->bytes = (uint16_t)(fill_at(s) - begin);
}

/* Appends the path of an open file; deleted when no name leads to it. */
static __always_inline void fill_file_path(struct scratch *s, struct rec_path *path,
					   struct file *file)
{
	fill_path(s, path, GET(file, f_path.mnt), GET(file, f_path.dentry));
	if (!read_has_name(file))
		path->flags |= REC_PATH_DELETED;
}

/* The same with the walk's state in registers and no function called, where loads are direct: more
 * to verify and less to run, for the one program where that is felt. */
static __always_inline void fill_open_path(struct scratch *s, struct rec_path *path,
					   struct file *file)
{
	uint32_t begin = fill_at(s);
	struct walk w;

	if (!direct_loads) {
		fill_file_path(s, path, file);
		return;
	}
	s->mnt = (uint64_t)GET(file, f_path.mnt);
	s->dentry = (uint64_t)GET(file, f_path.dentry);
	walk_begin(&w, s);
	for (int i = 0; i < REC_PATH_PARTS && walk_step(s, &w); i++) {
	}
	path->flags = (uint16_t)walk_end(&w);
	path->bytes = (uint16_t)(fill_at(s) - begin);
	if (!read_has_name(file))
		path->flags |= REC_PATH_DELETED;
}

/* Appends the current directory of @t. */
static __always_inline void fill_cwd(struct scratch *s, struct rec_path *path,
				     struct task_struct *t)
{
	struct fs_struct *fs;

	t = LOOSE(struct task_struct, t);
	fs = WALK(t, fs);
	fill_path(s, path, WALK(fs, pwd.mnt), WALK(fs, pwd.dentry));
}

/* --- names as asked --- */
/* Appends the string at the user address @name with its NUL.  Returns its length with the NUL;
 * 0: it could not be read (REC_F_NAME_CUT in @flags). */
static __always_inline uint16_t fill_name(struct scratch *s, uint64_t name, uint16_t *flags)
{
	uint32_t at = fill_at(s);
	long n = -1;

	if (at <= SCRATCH_BYTES - REC_NAME_BYTES)
		n = bpf_probe_read_user_str(s->bytes + at, REC_NAME_BYTES, (void *)name);
	if (n == 0) { /* kernels before 6.13 do not count the NUL of an empty string */
		s->bytes[at] = 0;
		n = 1;
	}
	if (n <= 0 || n >= REC_NAME_BYTES)
		*flags |= REC_F_NAME_CUT;
	if (n <= 0)
		return 0;
	fill_move(s, at + (uint32_t)n);
	return (uint16_t)n;
}

/* The same of a name that the kernel has copied already. */
static __always_inline uint16_t fill_copied(struct scratch *s, const char *name, uint16_t *flags)
{
	uint32_t at = fill_at(s);
	long n = -1;

	if (at <= SCRATCH_BYTES - REC_NAME_BYTES)
		n = bpf_probe_read_kernel_str(s->bytes + at, REC_NAME_BYTES, name);
	if (n <= 0 || n >= REC_NAME_BYTES)
		*flags |= REC_F_NAME_CUT;
	if (n <= 0)
		return 0;
	fill_move(s, at + (uint32_t)n);
	return (uint16_t)n;
}

/* Appends the directory that a name with the first byte @first starts from; nothing when that name
 * is absolute. */
static __always_inline void fill_start(struct scratch *s, struct rec_path *path,
				       struct task_struct *t, int dirfd, char first)
{
	struct file *dir;

	__builtin_memset(path, 0, sizeof(*path));
	if (first == '/')
		return;
	if (dirfd == AT_FDCWD) {
		fill_cwd(s, path, t);
		return;
	}
	dir = read_fd(t, dirfd);
	if (dir)
		fill_file_path(s, path, dir);
}

/* The same for the name at the user address @name. */
static __always_inline void fill_base(struct scratch *s, struct rec_path *path,
				      struct task_struct *t, int dirfd, uint64_t name)
{
	char first;

	if (bpf_probe_read_user(&first, 1, (void *)name))
		first = '/'; /* nothing to start from */
	fill_start(s, path, t, dirfd, first);
}

/* --- names, resolved where the fentry tier keeps them (resolve.bpf.c) --- */
/* A name that call @nr was given, relative to @dirfd; @which of its two names it is. */
struct asked {
	int nr, dirfd;
	uint64_t name;
	uint32_t which;
};

/* Appends what the kernel resolved the name to, and tells of it in @dir and @name_bytes (0: @dir is
 * all of it); false: that is not known. */
static __always_inline bool fill_resolved(struct scratch *s, const struct asked *a,
					  struct rec_path *dir, uint16_t *name_bytes)
{
	uint32_t at, n;
	struct resolved_name *name;
	struct resolved *r;

	if (!keeps_resolved)
		return false;
	r = bpf_task_storage_get(&resolved_paths, bpf_get_current_task_btf(), NULL, 0);
	if (!r || r->nr != a->nr)
		return false;
	name = &r->names[a->which];
	if (!name->known)
		return false;
	/* read where they are checked: kernel 6.1 forgets what it knows of a number kept on the
	 * stack */
	n = name->bytes;
	OPAQUE(n);
	at = fill_at(s);
	OPAQUE(at);
	if (n > RESOLVED_BYTES || at > SCRATCH_BYTES - RESOLVED_BYTES ||
	    bpf_probe_read_kernel(s->bytes + at, n, name->data))
		return false;
	*dir = name->dir;
	*name_bytes = (uint16_t)(n - name->dir.bytes);
	fill_move(s, at + n);
	return true;
}

enum { NAMED_FD_BYTES = 8 };  /* bits of fill_named_fd() for a length */
enum { NAMED_CWD = 1 << 22 }; /* in place of a descriptor */

/* Of a name that begins with "/proc/self/fd/N" or "/proc/self/cwd/", N and the bytes of that with
 * the slash behind it; -1: it does not.  A global function, see fill_walk(). */
__weak __noinline int fill_named_fd(uint64_t name)
{
	uint64_t text[3] = {};
	const char *s = (const char *)text;
	int fd = 0;

	if (bpf_probe_read_user_str(text, sizeof(text), (void *)name) < 16 ||
	    text[0] != 0x65732f636f72702f /* /proc/se */)
		return -1;
	if ((text[1] & 0xffffffffffffff) == 0x2f6477632f666c /* lf/cwd/ */ && s[15] != '/')
		return NAMED_CWD << NAMED_FD_BYTES | 15;
	if ((text[1] & 0xffffffffffff) != 0x2f64662f666c /* lf/fd/ */)
		return -1;
	for (int i = 14; i < 21; i++) {
		if (i > 14 && (!s[i] || (s[i] == '/' && s[i + 1] != '/')))
			return fd << NAMED_FD_BYTES | (s[i] ? i + 1 : i);
		if (s[i] < '0' || s[i] > '9')
			return -1;
		fd = fd * 10 + (s[i] - '0');
	}
	return -1;
}

/* Appends the directory and last name that the kernel resolved, else the name as asked below the
 * directory that it starts from, and says so in @flags.  A descriptor in a name (/proc/self/fd/N,
 * in the manner of careful programs) is what a name starts from. */
static __always_inline void fill_named(struct scratch *s, struct task_struct *t,
				       const struct asked *a, struct rec_path *dir,
				       uint16_t *name_bytes, uint16_t *flags)
{
	uint64_t name = a->name;
	int dirfd = a->dirfd, fd;

	if (fill_resolved(s, a, dir, name_bytes))
		return;
	*flags |= REC_F_AS_ASKED;
	fd = fill_named_fd(name);
	if (fd >= 0) {
		dirfd = fd >> NAMED_FD_BYTES;
		if (dirfd == NAMED_CWD)
			dirfd = AT_FDCWD;
		name += (uint64_t)fd & ((1 << NAMED_FD_BYTES) - 1);
	}
	fill_base(s, dir, t, dirfd, name);
	*name_bytes = fill_name(s, name, flags);
}

/* The call has returned: what was kept for it is of no other. */
static __always_inline void fill_forget(void)
{
	if (keeps_resolved)
		bpf_task_storage_delete(&resolved_paths, bpf_get_current_task_btf());
}

/* --- files --- */
static __always_inline void fill_file(struct rec_file *f, struct file *file)
{
	struct inode *inode = GET(file, f_inode);
	struct super_block *sb = GET(inode, i_sb);
	uint32_t dev = GET(sb, s_dev);

	f->inode = GET(inode, i_ino);
	f->dev_major = dev >> 20;
	f->dev_minor = dev & 0xfffff;
	f->mode = GET(inode, i_mode);
	f->fs_magic = (uint32_t)GET(sb, s_magic);
	f->uid = GET(inode, i_uid.val);
	f->gid = GET(inode, i_gid.val);
}

/* The highest bit of the nanoseconds is the kernel's own mark (6.13). */
static __always_inline uint64_t fill_time(long long sec, uint64_t nsec)
{
	return (uint64_t)sec * 1000000000 + (nsec & 0x7fffffff);
}

#define FILL_TIME(inode, flavour, name)                                            \
	fill_time(BPF_CORE_READ((struct inode___##flavour *)(inode), name.tv_sec), \
		  (uint64_t)BPF_CORE_READ((struct inode___##flavour *)(inode), name.tv_nsec))
#define FILL_TIME_SPLIT(inode, name)                                          \
	fill_time(BPF_CORE_READ((struct inode___split *)(inode), name##_sec), \
		  BPF_CORE_READ((struct inode___split *)(inode), name##_nsec))

/* What tells one content of a file from the next. */
static __always_inline void fill_stamp(struct rec_stamp *s, struct file *file)
{
	void *inode = GET(file, f_inode);

	s->bytes = (uint64_t)BPF_CORE_READ((struct inode *)inode, i_size);
	if (bpf_core_field_exists(((struct inode___split *)0)->i_mtime_sec))
		s->mtime_ns = FILL_TIME_SPLIT(inode, i_mtime);
	else if (bpf_core_field_exists(((struct inode___hidden *)0)->__i_mtime))
		s->mtime_ns = FILL_TIME(inode, hidden, __i_mtime);
	else
		s->mtime_ns = FILL_TIME(inode, plain, i_mtime);
	if (bpf_core_field_exists(((struct inode___split *)0)->i_ctime_sec))
		s->ctime_ns = FILL_TIME_SPLIT(inode, i_ctime);
	else if (bpf_core_field_exists(((struct inode___hidden *)0)->__i_ctime))
		s->ctime_ns = FILL_TIME(inode, hidden, __i_ctime);
	else
		s->ctime_ns = FILL_TIME(inode, plain, i_ctime);
}
