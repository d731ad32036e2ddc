/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* write - that a process wrote to a file.  Beside fill.h, for written.bpf.c and uring.bpf.c. */
#pragma once
#include "bpf/emit.h"
#include "bpf/fill.h"

/* The running process wrote to that inode, and that was told less than a second ago. */
static __always_inline bool written_lately(uint64_t inode, uint32_t device)
{
	return told_lately(TOLD_WRITTEN, (uint32_t)(bpf_get_current_pid_tgid() >> 32),
			   (uint32_t)inode, device, bpf_ktime_get_boot_ns());
}

static __always_inline void written_tell(struct task_struct *t, struct file *file)
{
	struct scratch *s = scratch_take(SCRATCH_FILE, REC_CLASS_BULK);
	struct rec_open *r;

	if (!s)
		return;
	r = (struct rec_open *)s->bytes;
	fill_move(s, sizeof(*r));
	__builtin_memset(r, 0, sizeof(*r));
	fill_head(&r->head, t);
	r->head.type = REC_WRITTEN;
	r->open_flags = GET(file, f_flags);
	fill_file(&r->file, file);
	fill_file_path(s, &r->path, file);
	emit_scratch(REC_CLASS_BULK, s);
	scratch_give(s);
}
