/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* protect - memory that becomes executable: mmap, mprotect, pkey_mprotect.
 *
 * All but a few calls end at a look at one saved register.  What a program loader does, mapping a
 * file as it is, is not told. */
#include "bpf/calls.h"
#include "bpf/emit.h"
#include "bpf/fill.h"

enum {
	PROT_WRITE = 2,
	PROT_EXEC = 4,
	MAP_ANONYMOUS = 0x20,
};

/* What lies at an address. */
struct found {
	struct file *file;
	bool any, written;
};

static long look(struct task_struct *t, struct vm_area_struct *vma, struct found *f)
{
	f->any = true;
	f->file = vma->vm_file;
	f->written = vma->anon_vma != NULL;
	return 0;
}

/* Before 5.17 nobody can ask: all is taken for written. */
static __always_inline void find(struct found *f, uint64_t address)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_find_vma))
		bpf_find_vma(bpf_get_current_task_btf(), address, look, f, 0);
	if (!f->any)
		f->written = true;
}

static __always_inline void protect_tell(struct task_struct *t, const struct rec_protect *what,
					 struct file *file)
{
	struct scratch *s = scratch_take(SCRATCH_PROCESS, REC_CLASS_PRIORITY);
	struct rec_protect *r;

	if (!s)
		return;
	r = (struct rec_protect *)s->bytes;
	*r = *what;
	fill_move(s, sizeof(*r));
	fill_head(&r->head, t);
	r->head.type = REC_PROTECT;
	if (file)
		fill_file_path(s, &r->path, file);
	emit_scratch(REC_CLASS_PRIORITY, s);
	scratch_give(s);
}

SEC("tracepoint")
int protect_mmap(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct pt_regs *regs = read_call(t, call->nr);
	struct rec_protect r = { .call = REC_MMAP };
	uint32_t tgid = (uint32_t)(bpf_get_current_pid_tgid() >> 32);
	struct file *file = NULL;

	r.protection = regs ? (uint32_t)ARG3(regs) : 0;
	if (!(r.protection & PROT_EXEC) || (unsigned long)call->ret >= (unsigned long)-4095)
		return 0;
	r.anonymous = ARG4(regs) & MAP_ANONYMOUS ? 1 : 0;
	if (!r.anonymous)
		file = read_fd(t, (int)ARG5(regs));
	if (file && !(r.protection & PROT_WRITE) && BPF_CORE_READ(file, f_inode, i_nlink))
		return 0;
	if (!read_watched(t) ||
	    told_lately(tgid, file ? 1 : 0, (uint32_t)call->nr, bpf_ktime_get_boot_ns()))
		return 0;
	r.address = (uint64_t)call->ret;
	r.bytes = ARG2(regs);
	protect_tell(t, &r, file);
	return 0;
}

SEC("tracepoint")
int protect_mprotect(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct pt_regs *regs = read_call(t, call->nr);
	struct rec_protect r = {};
	uint32_t tgid = (uint32_t)(bpf_get_current_pid_tgid() >> 32);
	struct found f = {};

	r.protection = regs ? (uint32_t)ARG3(regs) : 0;
	if (!(r.protection & PROT_EXEC) || call->ret < 0)
		return 0;
	r.address = ARG1(regs);
	r.bytes = ARG2(regs);
	find(&f, r.address);
	if (f.file && !f.written && !(r.protection & PROT_WRITE))
		return 0;
	if (!read_watched(t) ||
	    told_lately(tgid, f.file ? 1 : 0, (uint32_t)call->nr, bpf_ktime_get_boot_ns()))
		return 0;
	r.call = call->nr == CALL_MPROTECT ? REC_MPROTECT : REC_PKEY_MPROTECT;
	r.anonymous = f.any && !f.file;
	protect_tell(t, &r, f.file);
	return 0;
}
