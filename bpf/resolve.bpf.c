/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* resolve - the fentry tier of calls that name a file: keeps the paths that the kernel resolved, at
 * the moment in which it asks whether the call may go on.  The program at the call's return
 * (file.bpf.c, change.bpf.c) then tells these instead of what user memory says: links, "..", mounts
 * and races in the name do not matter.
 *
 * Entry of security_path_*() is hooked, not the LSM behind it: that runs on every kernel with
 * trampolines and CONFIG_SECURITY_PATH, whatever "lsm=" says.
 *
 * No program runs at the return of a 32-bit call, so what such a call asks for is told here, at
 * once and without what came of it (compat.h). */
#include "bpf/calls.h"
#include "bpf/compat.h"

/* --- names, kept for the return of the call --- */
/* Room for the call under way; NULL: it is not watched, comes from no call, or there is no memory.
 */
static __always_inline struct resolved *resolve_begin(void)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct resolved *r;
	int nr;

	if (!read_watched(t))
		return NULL;
	nr = read_nr(read_regs(t));
	if (nr < 0)
		return NULL;
	r = bpf_task_storage_get(&resolved_paths, t, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!r)
		return NULL;
	r->nr = nr;
	r->names[0].known = r->names[1].known = 0;
	return r;
}

/* Keeps the path of @dir on @mnt, and with @last the name of that dentry below it. */
static __always_inline void resolve_keep(struct resolved *r, uint32_t which, struct vfsmount *mnt,
					 struct dentry *dir, struct dentry *last)
{
	struct resolved_name *to = &r->names[which];
	struct scratch *s = scratch_take_quiet(SCRATCH_RESOLVED);
	uint32_t n;

	if (!s)
		return;
	fill_move(s, 0);
	fill_path(s, &to->dir, mnt, dir);
	if (last)
		fill_component(s, last, REC_PATH_BYTES);
	n = fill_at(s);
	OPAQUE(n);
	if (n <= RESOLVED_BYTES && bpf_probe_read_kernel(to->data, n, s->bytes) == 0) {
		to->bytes = (uint16_t)n;
		to->known = 1;
	}
	scratch_give(s);
}

static __always_inline void resolve_one(const struct path *dir, struct dentry *last)
{
	struct resolved *r = resolve_begin();

	if (r)
		resolve_keep(r, 0, GET(dir, mnt), GET(dir, dentry), last);
}

/* --- what the kernel asks --- */
SEC("fentry/security_path_unlink")
int BPF_PROG(resolve_unlink, const struct path *dir, struct dentry *dentry)
{
	if (is_compat())
		compat_delete(dir, dentry, 0);
	else
		resolve_one(dir, dentry);
	return 0;
}

SEC("fentry/security_path_rmdir")
int BPF_PROG(resolve_rmdir, const struct path *dir, struct dentry *dentry)
{
	if (is_compat())
		compat_delete(dir, dentry, REC_F_DIRECTORY);
	else
		resolve_one(dir, dentry);
	return 0;
}

SEC("fentry/security_path_mkdir")
int BPF_PROG(resolve_mkdir, const struct path *dir, struct dentry *dentry)
{
	if (is_compat())
		compat_create(dir, dentry, S_IFDIR);
	else
		resolve_one(dir, dentry);
	return 0;
}

/* Also asked when open makes a file or bind a socket; those have what they need, but of 32-bit
 * calls. */
SEC("fentry/security_path_mknod")
int BPF_PROG(resolve_mknod, const struct path *dir, struct dentry *dentry, uint16_t mode)
{
	int nr = read_nr(read_regs(bpf_get_current_task_btf()));

	if (is_compat())
		compat_create(dir, dentry, mode);
	else if (nr == CALL_MKNOD || nr == CALL_MKNODAT)
		resolve_one(dir, dentry);
	return 0;
}

SEC("fentry/security_path_symlink")
int BPF_PROG(resolve_symlink, const struct path *dir, struct dentry *dentry, const char *text)
{
	if (is_compat())
		compat_symlink(dir, dentry, text);
	else
		resolve_one(dir, dentry);
	return 0;
}

static __always_inline void resolve_two(enum rec_type type, const struct place *old,
					const struct place *new, uint32_t flags)
{
	struct resolved *r;

	if (is_compat()) {
		compat_two(type, old, new, flags);
		return;
	}
	r = resolve_begin();
	if (!r)
		return;
	resolve_keep(r, 0, old->mnt, old->dir, old->last);
	resolve_keep(r, 1, new->mnt, new->dir, new->last);
}

/* A link stays on its mount, so the old name's is the new one's. */
SEC("fentry/security_path_link")
int BPF_PROG(resolve_link, struct dentry *old, const struct path *dir, struct dentry *dentry)
{
	struct place from = { GET(dir, mnt), GET(old, d_parent), old };
	struct place to = { GET(dir, mnt), GET(dir, dentry), dentry };

	resolve_two(REC_LINK, &from, &to, 0);
	return 0;
}

SEC("fentry/security_path_rename")
int BPF_PROG(resolve_rename, const struct path *old_dir, struct dentry *old, const struct path *dir,
	     struct dentry *dentry, uint32_t flags)
{
	struct place from = { GET(old_dir, mnt), GET(old_dir, dentry), old };
	struct place to = { GET(dir, mnt), GET(dir, dentry), dentry };

	resolve_two(REC_RENAME, &from, &to, flags);
	return 0;
}

SEC("fentry/security_path_chmod")
int BPF_PROG(resolve_chmod, const struct path *path, uint16_t mode)
{
	struct compat_attributes a = { .mode = mode };

	if (is_compat())
		compat_attributes(REC_CHMOD, path, &a);
	else
		resolve_one(path, NULL);
	return 0;
}

SEC("fentry/security_path_chown")
int BPF_PROG(resolve_chown, const struct path *path, uint32_t uid, uint32_t gid)
{
	struct compat_attributes a = { .uid = uid, .gid = gid };

	if (is_compat())
		compat_attributes(REC_CHOWN, path, &a);
	else
		resolve_one(path, NULL);
	return 0;
}

SEC("fentry/security_sb_mount")
int BPF_PROG(resolve_mount, const char *source, const struct path *path, const char *type,
	     unsigned long flags)
{
	if (is_compat())
		compat_mount(REC_MOUNT, GET(path, mnt), GET(path, dentry), source, type, flags);
	else
		resolve_one(path, NULL);
	return 0;
}

SEC("fentry/security_move_mount")
int BPF_PROG(resolve_move_mount, const struct path *from, const struct path *to)
{
	if (is_compat())
		compat_mount(REC_MOUNT, GET(to, mnt), GET(to, dentry), NULL, NULL,
			     8192 /* MS_MOVE */);
	else
		resolve_one(to, NULL);
	return 0;
}

SEC("fentry/security_sb_pivotroot")
int BPF_PROG(resolve_pivot, const struct path *old, const struct path *root)
{
	struct resolved *r;

	if (is_compat()) {
		compat_pivot(root, old);
		return 0;
	}
	r = resolve_begin();
	if (!r)
		return 0;
	resolve_keep(r, 0, GET(root, mnt), GET(root, dentry), NULL);
	resolve_keep(r, 1, GET(old, mnt), GET(old, dentry), NULL);
	return 0;
}

SEC("fentry/security_sb_umount")
int BPF_PROG(resolve_umount, struct vfsmount *mnt)
{
	struct resolved *r;

	if (is_compat()) {
		compat_mount(REC_UMOUNT, mnt, GET(mnt, mnt_root), NULL, NULL, 0);
		return 0;
	}
	r = resolve_begin();
	if (r)
		resolve_keep(r, 0, mnt, GET(mnt, mnt_root), NULL);
	return 0;
}
