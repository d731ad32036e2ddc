/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* change - what happens to files beside open, deletion and rename: links, directories and devices
 * made, permissions, owners, mounts.
 *
 * From the return of the calls, names as asked (see file.bpf.c); where a descriptor names the file,
 * its path is the kernel's. */
#include "bpf/calls.h"
#include "bpf/emit.h"
#include "bpf/fill.h"

/* The record to fill, with its head; NULL: not wanted, or no room. */
static __always_inline struct scratch *change_begin(struct task_struct *t, enum rec_class class,
						    uint32_t fixed)
{
	struct scratch *s;

	if (!read_watched(t))
		return NULL;
	s = scratch_take(SCRATCH_FILE, class);
	if (!s)
		return NULL;
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
}

static __always_inline uint32_t error_of(long ret)
{
	return ret < 0 ? (uint32_t)-ret : 0;
}

/* --- links --- */
SEC("tracepoint")
int change_link(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct pt_regs *regs = read_call(t, call->nr);
	bool plain = call->nr == CALL_LINK;
	uint16_t flags = REC_F_AS_ASKED;
	uint64_t old_name, new_name;
	struct rec_rename *r;
	struct scratch *s;

	if (!regs)
		return 0;
	s = change_begin(t, REC_CLASS_BULK, sizeof(*r));
	if (!s)
		return 0;
	r = (struct rec_rename *)s->bytes;
	r->error = error_of(call->ret);
	old_name = plain ? ARG1(regs) : ARG2(regs);
	new_name = plain ? ARG2(regs) : ARG4(regs);
	fill_base(s, &r->old_dir, t, plain ? AT_FDCWD : (int)ARG1(regs), old_name);
	r->old_name_bytes = fill_name(s, old_name, &flags);
	fill_base(s, &r->new_dir, t, plain ? AT_FDCWD : (int)ARG3(regs), new_name);
	r->new_name_bytes = fill_name(s, new_name, &flags);
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
	uint16_t flags = REC_F_AS_ASKED;
	struct rec_rename *r;
	struct scratch *s;
	uint64_t name;

	if (!regs)
		return 0;
	s = change_begin(t, REC_CLASS_BULK, sizeof(*r));
	if (!s)
		return 0;
	r = (struct rec_rename *)s->bytes;
	r->error = error_of(call->ret);
	name = plain ? ARG2(regs) : ARG3(regs);
	r->old_name_bytes = fill_name(s, ARG1(regs), &flags);
	fill_base(s, &r->new_dir, t, plain ? AT_FDCWD : (int)ARG2(regs), name);
	r->new_name_bytes = fill_name(s, name, &flags);
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
	uint16_t flags = REC_F_AS_ASKED;
	struct rec_create *r;
	struct scratch *s;
	uint64_t name;

	if (!regs || call->ret < 0)
		return 0;
	s = change_begin(t, REC_CLASS_BULK, sizeof(*r));
	if (!s)
		return 0;
	r = (struct rec_create *)s->bytes;
	name = plain ? ARG1(regs) : ARG2(regs);
	r->mode = (uint32_t)(plain ? ARG2(regs) : ARG3(regs));
	if (call->nr == CALL_MKDIR || call->nr == CALL_MKDIRAT)
		r->mode = S_IFDIR;
	fill_base(s, &r->dir, t, plain ? AT_FDCWD : (int)ARG1(regs), name);
	r->name_bytes = fill_name(s, name, &flags);
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
}

static __always_inline void attributes_of_name(struct scratch *s, struct rec_attributes *r,
					       struct task_struct *t, int dirfd, uint64_t name)
{
	uint16_t flags = REC_F_AS_ASKED;

	fill_base(s, &r->path, t, dirfd, name);
	r->name_bytes = fill_name(s, name, &flags);
	r->head.flags = flags;
}

SEC("tracepoint")
int change_mode(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct pt_regs *regs = read_call(t, call->nr);
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
		attributes_of_name(s, r, t, AT_FDCWD, ARG1(regs));
	} else {
		r->mode = (uint32_t)ARG3(regs);
		attributes_of_name(s, r, t, (int)ARG1(regs), ARG2(regs));
	}
	change_end(s, REC_CHMOD, REC_CLASS_BULK);
	return 0;
}

SEC("tracepoint")
int change_owner(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct pt_regs *regs = read_call(t, call->nr);
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
		attributes_of_name(s, r, t, (int)ARG1(regs), ARG2(regs));
	} else {
		r->uid = (uint32_t)ARG2(regs);
		r->gid = (uint32_t)ARG3(regs);
		if (call->nr == CALL_FCHOWN)
			attributes_of_fd(s, r, t, (int)ARG1(regs));
		else
			attributes_of_name(s, r, t, AT_FDCWD, ARG1(regs));
	}
	change_end(s, REC_CHOWN, REC_CLASS_BULK);
	return 0;
}

/* --- mounts --- */
SEC("tracepoint")
int change_mount(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct pt_regs *regs = read_call(t, call->nr);
	bool plain = call->nr == CALL_MOUNT;
	uint16_t flags = REC_F_AS_ASKED, no_source = 0;
	uint64_t name, source;
	struct rec_mount *r;
	struct scratch *s;

	if (!regs)
		return 0;
	s = change_begin(t, REC_CLASS_PRIORITY, sizeof(*r));
	if (!s)
		return 0;
	r = (struct rec_mount *)s->bytes;
	r->error = error_of(call->ret);
	name = plain ? ARG2(regs) : ARG4(regs);
	source = plain ? ARG1(regs) : ARG2(regs);
	fill_base(s, &r->dir, t, plain ? AT_FDCWD : (int)ARG3(regs), name);
	r->name_bytes = fill_name(s, name, &flags);
	if (!plain)
		fill_base(s, &r->source_dir, t, (int)ARG1(regs), source);
	r->source_bytes = fill_name(s, source, &no_source);
	if (plain) {
		r->mount_flags = ARG4(regs);
		bpf_probe_read_user_str(r->type, sizeof(r->type), (void *)ARG3(regs));
	}
	r->head.flags = flags;
	change_end(s, REC_MOUNT, REC_CLASS_PRIORITY);
	return 0;
}

SEC("tracepoint")
int change_umount(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct pt_regs *regs = read_call(t, call->nr);
	uint16_t flags = REC_F_AS_ASKED;
	struct rec_mount *r;
	struct scratch *s;

	if (!regs)
		return 0;
	s = change_begin(t, REC_CLASS_PRIORITY, sizeof(*r));
	if (!s)
		return 0;
	r = (struct rec_mount *)s->bytes;
	r->error = error_of(call->ret);
	fill_base(s, &r->dir, t, AT_FDCWD, ARG1(regs));
	r->name_bytes = fill_name(s, ARG1(regs), &flags);
	r->head.flags = flags;
	change_end(s, REC_UMOUNT, REC_CLASS_PRIORITY);
	return 0;
}
