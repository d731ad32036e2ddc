/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* compat - tells what 32-bit calls (of 32-bit programs, or by int 0x80) ask for, where the kernel
 * asks whether they may.  No program runs at their return, so what came of them is not known
 * (REC_F_SUBMITTED). */
#pragma once
#include "bpf/emit.h"
#include "bpf/fill.h"

static __always_inline bool is_compat(void)
{
	return read_compat(bpf_get_current_task_btf());
}

/* The record of such a call; NULL: not wanted, or no room. */
static __always_inline struct scratch *compat_begin(enum rec_class class, uint32_t fixed)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct scratch *s = read_watched(t) ? scratch_take(SCRATCH_FILE, class) : NULL;

	if (!s)
		return NULL;
	fill_move(s, fixed);
	__builtin_memset(s->bytes, 0, fixed);
	fill_head((struct rec_head *)s->bytes, t);
	return s;
}

static __always_inline void compat_end(struct scratch *s, enum rec_type type, enum rec_class class)
{
	struct rec_head *h = (struct rec_head *)s->bytes;

	h->type = (uint16_t)type;
	h->flags |= REC_F_SUBMITTED;
	emit_scratch(class, s);
	scratch_give(s);
}

/* Appends the path of @dir on @mnt, and with @last the name of that dentry below it.  Returns the
 * bytes of that name. */
static __always_inline uint16_t compat_name(struct scratch *s, struct rec_path *path,
					    struct vfsmount *mnt, struct dentry *dir,
					    struct dentry *last)
{
	uint32_t at;

	fill_path(s, path, mnt, dir);
	if (!last)
		return 0;
	at = fill_at(s);
	fill_component(s, last, SCRATCH_BYTES - 512);
	return (uint16_t)(fill_at(s) - at);
}

static __always_inline void compat_delete(const struct path *dir, struct dentry *last,
					  uint16_t flags)
{
	struct scratch *s = compat_begin(REC_CLASS_BULK, sizeof(struct rec_delete));
	struct rec_delete *r;

	if (!s)
		return;
	r = (struct rec_delete *)s->bytes;
	r->head.flags = flags;
	r->name_bytes = compat_name(s, &r->dir, GET(dir, mnt), GET(dir, dentry), last);
	compat_end(s, REC_DELETE, REC_CLASS_BULK);
}

static __always_inline void compat_create(const struct path *dir, struct dentry *last,
					  uint32_t mode)
{
	struct scratch *s = compat_begin(REC_CLASS_BULK, sizeof(struct rec_create));
	struct rec_create *r;

	if (!s)
		return;
	r = (struct rec_create *)s->bytes;
	r->mode = mode;
	r->name_bytes = compat_name(s, &r->dir, GET(dir, mnt), GET(dir, dentry), last);
	compat_end(s, REC_CREATE, REC_CLASS_BULK);
}

/* A name that a file has, or gets: a rename, link or symbolic link. */
struct place {
	struct vfsmount *mnt;
	struct dentry *dir, *last;
};

static __always_inline void compat_two(enum rec_type type, const struct place *old,
				       const struct place *new, uint32_t flags)
{
	struct scratch *s = compat_begin(REC_CLASS_BULK, sizeof(struct rec_rename));
	struct rec_rename *r;

	if (!s)
		return;
	r = (struct rec_rename *)s->bytes;
	r->rename_flags = flags;
	r->old_name_bytes = compat_name(s, &r->old_dir, old->mnt, old->dir, old->last);
	r->new_name_bytes = compat_name(s, &r->new_dir, new->mnt, new->dir, new->last);
	compat_end(s, type, REC_CLASS_BULK);
}

static __always_inline void compat_symlink(const struct path *dir, struct dentry *last,
					   const char *text)
{
	struct scratch *s = compat_begin(REC_CLASS_BULK, sizeof(struct rec_rename));
	struct rec_rename *r;
	uint16_t flags = 0;

	if (!s)
		return;
	r = (struct rec_rename *)s->bytes;
	r->old_name_bytes = fill_copied(s, text, &flags);
	r->new_name_bytes = compat_name(s, &r->new_dir, GET(dir, mnt), GET(dir, dentry), last);
	r->head.flags = flags;
	compat_end(s, REC_SYMLINK, REC_CLASS_BULK);
}

struct compat_attributes {
	uint32_t mode, uid, gid;
};

static __always_inline void compat_attributes(enum rec_type type, const struct path *path,
					      const struct compat_attributes *a)
{
	struct scratch *s = compat_begin(REC_CLASS_BULK, sizeof(struct rec_attributes));
	struct rec_attributes *r;

	if (!s)
		return;
	r = (struct rec_attributes *)s->bytes;
	r->mode = a->mode;
	r->uid = a->uid;
	r->gid = a->gid;
	fill_path(s, &r->path, GET(path, mnt), GET(path, dentry));
	compat_end(s, type, REC_CLASS_BULK);
}

/* @source, @fstype: as the kernel has copied them; NULL: none. */
static __always_inline void compat_mount(enum rec_type type, struct vfsmount *mnt,
					 struct dentry *dentry, const char *source,
					 const char *fstype, uint64_t flags)
{
	struct scratch *s = compat_begin(REC_CLASS_PRIORITY, sizeof(struct rec_mount));
	struct rec_mount *r;
	uint16_t cut = 0;

	if (!s)
		return;
	r = (struct rec_mount *)s->bytes;
	r->mount_flags = flags;
	fill_path(s, &r->dir, mnt, dentry);
	if (source)
		r->source_bytes = fill_copied(s, source, &cut);
	if (fstype)
		bpf_probe_read_kernel_str(r->type, sizeof(r->type), fstype);
	r->head.flags = cut;
	compat_end(s, type, REC_CLASS_PRIORITY);
}

static __always_inline void compat_pivot(const struct path *root, const struct path *old)
{
	struct scratch *s = compat_begin(REC_CLASS_PRIORITY, sizeof(struct rec_rename));
	struct rec_rename *r;

	if (!s)
		return;
	r = (struct rec_rename *)s->bytes;
	fill_path(s, &r->old_dir, GET(root, mnt), GET(root, dentry));
	fill_path(s, &r->new_dir, GET(old, mnt), GET(old, dentry));
	compat_end(s, REC_PIVOT, REC_CLASS_PRIORITY);
}
