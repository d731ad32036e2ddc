/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* memory - files that are memory only: memfd_create. */
#include "bpf/calls.h"
#include "bpf/emit.h"
#include "bpf/fill.h"

static __always_inline void memfd_fill(struct scratch *s, struct task_struct *t,
				       struct call_exit *call)
{
	struct rec_open *r = (struct rec_open *)s->bytes;
	struct pt_regs *regs = read_call(t, call->nr);
	uint16_t flags = REC_F_AS_ASKED;
	struct file *file = NULL;

	fill_move(s, sizeof(*r));
	__builtin_memset(r, 0, sizeof(*r));
	fill_head(&r->head, t);
	if (!regs)
		return;
	r->open_flags = (uint32_t)ARG2(regs);
	r->error = error_of(call->ret);
	if (!r->error)
		file = read_fd(t, (int)call->ret);
	if (file) {
		fill_file(&r->file, file);
		fill_file_path(s, &r->path, file);
	} else { /* or another thread closed it already */
		r->name_bytes = fill_name(s, ARG1(regs), &flags);
		r->head.flags = flags;
	}
	r->head.type = REC_MEMFD;
	emit_scratch(REC_CLASS_PRIORITY, s);
}

SEC("tracepoint")
int memory_memfd(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct scratch *s;

	if (!read_watched(t))
		return 0;
	s = scratch_take(SCRATCH_PROCESS, REC_CLASS_PRIORITY);
	if (!s)
		return 0;
	memfd_fill(s, t, call);
	scratch_give(s);
	return 0;
}
