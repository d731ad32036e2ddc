/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* namespace - a thread enters or makes namespaces: setns, unshare.  (Namespaces made by clone are
 * told with the fork.) */
#include "bpf/calls.h"
#include "bpf/emit.h"
#include "bpf/fill.h"

/* CLONE_NEWTIME .. CLONE_NEWNET of <linux/sched.h> */
enum { ALL_TYPES = 0x7e020080 };

/* Name of the type of the namespace that descriptor @fd stands for; "": it is none. */
static __always_inline void fill_type(char name[16], struct task_struct *t, int fd)
{
	struct file *file = read_fd(t, fd);
	struct ns_common *ns;

	if (!file || BPF_CORE_READ(file, f_inode, i_sb, s_magic) != NSFS_MAGIC)
		return;
	ns = BPF_CORE_READ(file, f_inode, i_private);
	bpf_probe_read_kernel_str(name, 16, BPF_CORE_READ(ns, ops, name));
}

static __always_inline void namespace_tell(struct rec_namespace *r, enum rec_type type, long ret)
{
	fill_head(&r->head, task_now());
	r->error = error_of(ret);
	r->head.type = (uint16_t)type;
	r->head.size = sizeof(*r);
	emit_bytes(REC_CLASS_PRIORITY, r, sizeof(*r));
}

SEC("tracepoint")
int namespace_setns(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct pt_regs *regs = read_call(t, call->nr);
	struct rec_namespace r = {};

	if (!regs || !read_watched(t))
		return 0;
	fill_type(r.name, t, (int)ARG1(regs));
	r.types = (uint32_t)ARG2(regs) & ALL_TYPES;
	namespace_tell(&r, REC_SETNS, call->ret);
	return 0;
}

SEC("tracepoint")
int namespace_unshare(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct pt_regs *regs = read_call(t, call->nr);
	struct rec_namespace r = {};

	if (!regs || !read_watched(t))
		return 0;
	r.types = (uint32_t)ARG1(regs) & ALL_TYPES;
	if (r.types)
		namespace_tell(&r, REC_UNSHARE, call->ret);
	return 0;
}
