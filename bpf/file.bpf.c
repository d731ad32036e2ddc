/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* file - open, deletion, rename, each from one hook per system call: its return.
 *
 * Open reports the file that is now in the descriptor table, so links, mounts and races in the name
 * do not matter.  Calls that failed, deletions and renames leave nothing behind to look at; there
 * we report what resolve.bpf.c kept, where the kernel has trampolines, and else the name as asked
 * (REC_F_AS_ASKED), read when the call returns: by then the page is there, and the registers of the
 * call are still saved.  Another thread could have changed the string in between, and links in it
 * are not followed; the directory that a relative name starts from is the kernel's. */
#include "bpf/calls.h"
#include "bpf/emit.h"
#include "bpf/fill.h"

/* --- open --- */
static __always_inline uint32_t open_flags_asked(struct pt_regs *regs, int nr)
{
	uint64_t flags = 0;

	if (nr == CALL_OPENAT || nr == CALL_OPEN_BY_HANDLE_AT)
		return (uint32_t)ARG3(regs);
	if (nr == CALL_OPEN)
		return (uint32_t)ARG2(regs);
	if (nr == CALL_CREAT)
		return O_CREAT | O_WRONLY | O_TRUNC;
	bpf_probe_read_user(&flags, sizeof(flags), (void *)ARG3(regs)); /* struct open_how */
	return (uint32_t)flags;
}

static __always_inline void open_asked(struct scratch *s, struct task_struct *t, int nr)
{
	struct rec_open *r = (struct rec_open *)s->bytes;
	struct pt_regs *regs = read_call(t, nr);
	uint16_t flags = REC_F_AS_ASKED;
	uint64_t name;
	int dirfd = AT_FDCWD;

	__builtin_memset(&r->file, 0, sizeof(r->file));
	__builtin_memset(&r->path, 0, sizeof(r->path));
	r->open_flags = 0;
	r->name_bytes = 0;
	if (!regs) {
		r->head.flags = flags | REC_F_NAME_CUT;
		return;
	}
	name = ARG1(regs);
	if (nr == CALL_OPENAT || nr == CALL_OPENAT2) {
		dirfd = (int)name;
		name = ARG2(regs);
	}
	r->open_flags = open_flags_asked(regs, nr);
	if (nr == CALL_OPEN_BY_HANDLE_AT) { /* has no name */
		r->head.flags = flags | REC_F_BY_HANDLE;
		return;
	}
	fill_base(s, &r->path, t, dirfd, name);
	r->name_bytes = fill_name(s, name, &flags);
	r->head.flags = flags;
}

static __always_inline void open_done(struct scratch *s, struct task_struct *t, struct file *file,
				      int nr)
{
	struct rec_open *r = (struct rec_open *)s->bytes;
	struct pt_regs *regs = read_call(t, nr);

	r->head.flags = GET(file, f_mode) & FMODE_CREATED ? REC_F_CREATED : 0;
	r->open_flags = GET(file, f_flags);
	if (regs) /* those that f_flags forgets */
		r->open_flags |= open_flags_asked(regs, nr) & (O_CREAT | O_EXCL | O_TRUNC);
	if (nr == CALL_OPEN_BY_HANDLE_AT)
		r->head.flags |= REC_F_BY_HANDLE;
	r->name_bytes = 0;
	fill_file(&r->file, file);
	fill_open_path(s, &r->path, file);
}

static __always_inline void open_fill(struct scratch *s, struct task_struct *t,
				      struct call_exit *call)
{
	struct rec_open *r = (struct rec_open *)s->bytes;
	struct file *file;

	fill_move(s, sizeof(*r));
	fill_head(&r->head, t);
	r->pad = 0;
	r->error = 0;
	if (call->ret < 0)
		r->error = (uint32_t)-call->ret;
	file = r->error ? NULL : read_fd(t, (int)call->ret);
	if (file)
		open_done(s, t, file, call->nr);
	else /* or another thread closed it already */
		open_asked(s, t, call->nr);
	r->head.type = REC_OPEN;
	emit_scratch(REC_CLASS_BULK, s);
}

SEC("tracepoint")
int file_open(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct scratch *s;

	if (!read_watched(t))
		return 0;
	s = scratch_take(SCRATCH_FILE, REC_CLASS_BULK);
	if (!s)
		return 0;
	open_fill(s, t, call);
	scratch_give(s);
	return 0;
}

/* --- deletion --- */
static __always_inline void delete_names(struct scratch *s, struct task_struct *t, int nr)
{
	struct rec_delete *r = (struct rec_delete *)s->bytes;
	struct pt_regs *regs = read_call(t, nr);
	struct asked a = { .nr = nr, .dirfd = AT_FDCWD };
	uint16_t flags = 0;

	__builtin_memset(&r->dir, 0, sizeof(*r) - __builtin_offsetof(struct rec_delete, dir));
	if (!regs) {
		r->head.flags = REC_F_AS_ASKED | REC_F_NAME_CUT;
		return;
	}
	a.name = ARG1(regs);
	if (nr == CALL_UNLINKAT) {
		a.dirfd = (int)a.name;
		a.name = ARG2(regs);
		if (ARG3(regs) & AT_REMOVEDIR)
			flags |= REC_F_DIRECTORY;
	}
	if (nr == CALL_RMDIR)
		flags |= REC_F_DIRECTORY;
	fill_named(s, t, &a, &r->dir, &r->name_bytes, &flags);
	r->head.flags = flags;
}

SEC("tracepoint")
int file_delete(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct rec_delete *r;
	struct scratch *s;

	s = read_watched(t) ? scratch_take(SCRATCH_FILE, REC_CLASS_BULK) : NULL;
	if (!s) {
		fill_forget();
		return 0;
	}
	r = (struct rec_delete *)s->bytes;
	fill_move(s, sizeof(*r));
	fill_head(&r->head, t);
	r->error = (uint32_t)-call->ret;
	delete_names(s, t, call->nr);
	r->head.type = REC_DELETE;
	emit_scratch(REC_CLASS_BULK, s);
	scratch_give(s);
	fill_forget();
	return 0;
}

/* --- rename --- */
static __always_inline uint32_t rename_asked(struct asked *old, struct asked *new,
					     struct pt_regs *regs)
{
	if (old->nr == CALL_RENAME) {
		old->name = ARG1(regs);
		new->name = ARG2(regs);
		return 0;
	}
	old->dirfd = (int)ARG1(regs);
	old->name = ARG2(regs);
	new->dirfd = (int)ARG3(regs);
	new->name = ARG4(regs);
	return old->nr == CALL_RENAMEAT2 ? (uint32_t)ARG5(regs) : 0;
}

static __always_inline void rename_names(struct scratch *s, struct task_struct *t, int nr)
{
	struct rec_rename *r = (struct rec_rename *)s->bytes;
	struct asked old = { .nr = nr, .dirfd = AT_FDCWD };
	struct asked new = { .nr = nr, .dirfd = AT_FDCWD, .which = 1 };
	struct pt_regs *regs = read_call(t, nr);
	uint16_t flags = 0;

	__builtin_memset(&r->rename_flags, 0,
			 sizeof(*r) - __builtin_offsetof(struct rec_rename, rename_flags));
	if (!regs) {
		r->head.flags = REC_F_AS_ASKED | REC_F_NAME_CUT;
		return;
	}
	r->rename_flags = rename_asked(&old, &new, regs);
	fill_named(s, t, &old, &r->old_dir, &r->old_name_bytes, &flags);
	fill_named(s, t, &new, &r->new_dir, &r->new_name_bytes, &flags);
	r->head.flags = flags;
}

SEC("tracepoint")
int file_rename(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct rec_rename *r;
	struct scratch *s;

	s = read_watched(t) ? scratch_take(SCRATCH_FILE, REC_CLASS_BULK) : NULL;
	if (!s) {
		fill_forget();
		return 0;
	}
	r = (struct rec_rename *)s->bytes;
	fill_move(s, sizeof(*r));
	fill_head(&r->head, t);
	r->error = (uint32_t)-call->ret;
	rename_names(s, t, call->nr);
	r->head.type = REC_RENAME;
	emit_scratch(REC_CLASS_BULK, s);
	scratch_give(s);
	fill_forget();
	return 0;
}
