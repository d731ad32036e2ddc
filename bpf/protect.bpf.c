/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* protect - memory that becomes executable: mmap, mprotect, pkey_mprotect.
 *
 * All but a few calls end at a look at one saved register.  What a program loader does, mapping a
 * file as it is, is not told. */
#include "bpf/calls.h"
#include "bpf/emit.h"
#include "bpf/fill.h"

enum {
	PROT_READ = 1,
	PROT_WRITE = 2,
	PROT_EXEC = 4,
	MAP_SHARED = 1,
	MAP_ANONYMOUS = 0x20,
	VM_SHARED = 8,
	VM_MAYWRITE = 0x20,
	READ_IMPLIES_EXEC = 0x0400000, /* of personality() */
	SHM_READ_ONLY = 010000,
	SHM_EXECUTABLE = 0100000,
	MOST_AREAS = 8, /* of one mprotect that are looked at */
};

/* What lies at an address. */
struct found {
	struct file *file;
	uint64_t begin, end;
	bool any,
		written; /* it was written to, or may have been by others that map the same file */
};

static long look_at_area(struct task_struct *t, struct vm_area_struct *vma, struct found *f)
{
	f->any = true;
	f->file = vma->vm_file;
	f->begin = vma->vm_start;
	f->end = vma->vm_end;
	f->written = vma->anon_vma != NULL ||
		     (vma->vm_flags & (VM_SHARED | VM_MAYWRITE)) == (VM_SHARED | VM_MAYWRITE);
	return 0;
}

/* Before 5.17 nobody can ask: all is taken for written. */
static __always_inline void find_area(struct found *f, uint64_t address)
{
	f->any = false;
	f->file = NULL;
	if (has_find_vma)
		bpf_find_vma(bpf_get_current_task_btf(), address, look_at_area, f, 0);
	if (!f->any)
		f->written = true;
}

/* Finds the first of the areas in @address..@end that is no mere image of a file; false: there is
 * none. */
static __always_inline bool find_odd(struct found *f, uint64_t address, uint64_t end)
{
	for (int i = 0; i < MOST_AREAS && address < end; i++) {
		find_area(f, address);
		if (!f->file || f->written || !read_has_name(TYPED(struct file, f->file)))
			return true;
		address = f->end;
	}
	return address < end;
}

static __always_inline void protect_tell(struct task_struct *t, const struct rec_protect *what,
					 struct file *file, int nr)
{
	struct scratch *s;
	struct rec_protect *r;

	if (!read_watched(t) || told_lately(TOLD_PROTECT, (uint32_t)WALK(t, tgid), file ? 1 : 0,
					    (uint32_t)nr, bpf_ktime_get_boot_ns()))
		return;
	s = scratch_take(SCRATCH_PROCESS, REC_CLASS_PRIORITY);
	if (!s)
		return;
	r = (struct rec_protect *)s->bytes;
	*r = *what;
	fill_move(s, sizeof(*r));
	fill_head(&r->head, t);
	r->head.type = REC_PROTECT;
	if (file)
		fill_file_path(s, &r->path, TYPED(struct file, file));
	emit_scratch(REC_CLASS_PRIORITY, s);
	scratch_give(s);
}

/* @protection as asked, and what it means to a process with READ_IMPLIES_EXEC. */
static __always_inline uint32_t implied(struct task_struct *t, uint32_t protection)
{
	if ((protection & PROT_READ) && (WALK(t, personality) & READ_IMPLIES_EXEC))
		return protection | PROT_EXEC;
	return protection;
}

SEC("tracepoint")
int protect_mmap(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct pt_regs *regs = read_call(t, call->nr);
	struct rec_protect r = { .call = REC_MMAP };
	struct file *file = NULL;
	bool shared;

	r.protection = regs ? implied(t, (uint32_t)ARG3(regs)) : 0;
	if (!(r.protection & PROT_EXEC) || (unsigned long)call->ret >= (unsigned long)-4095)
		return 0;
	r.anonymous = ARG4(regs) & MAP_ANONYMOUS ? 1 : 0;
	shared = ARG4(regs) & MAP_SHARED;
	if (!r.anonymous)
		file = read_fd(t, (int)ARG5(regs));
	if (file && !(r.protection & PROT_WRITE) && read_has_name(file) &&
	    !(shared && GET(file, f_mode) & FMODE_WRITE))
		return 0;
	r.address = (uint64_t)call->ret;
	r.bytes = ARG2(regs);
	protect_tell(t, &r, file, call->nr);
	return 0;
}

SEC("tracepoint")
int protect_mprotect(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct pt_regs *regs = read_call(t, call->nr);
	struct rec_protect r = {};
	struct found f = {};
	bool odd;

	r.protection = regs ? implied(t, (uint32_t)ARG3(regs)) : 0;
	if (!(r.protection & PROT_EXEC) || call->ret < 0)
		return 0;
	r.address = ARG1(regs);
	r.bytes = ARG2(regs);
	odd = find_odd(&f, r.address, r.address + r.bytes);
	if (!odd && !(r.protection & PROT_WRITE))
		return 0;
	r.call = call->nr == CALL_MPROTECT ? REC_MPROTECT : REC_PKEY_MPROTECT;
	r.anonymous = f.any && !f.file;
	protect_tell(t, &r, f.file, call->nr);
	return 0;
}

/* System V memory is never the image of a file. */
SEC("tracepoint")
int protect_shmat(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct pt_regs *regs = read_call(t, call->nr);
	struct rec_protect r = { .call = REC_SHMAT };
	struct found f = {};

	r.protection = regs && ARG3(regs) & SHM_READ_ONLY ? PROT_READ : PROT_READ | PROT_WRITE;
	r.protection = implied(t, r.protection);
	if (!regs || (unsigned long)call->ret >= (unsigned long)-4095)
		return 0;
	if (ARG3(regs) & SHM_EXECUTABLE)
		r.protection |= PROT_EXEC;
	if (!(r.protection & PROT_EXEC))
		return 0;
	r.address = (uint64_t)call->ret;
	find_area(&f, r.address);
	r.bytes = f.any ? f.end - f.begin : 0;
	protect_tell(t, &r, f.file, call->nr);
	return 0;
}
