/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* read - lowest level of the helpers: asks the kernel's structures for one thing and writes no
 * record.  Above it: fill.h (parts of records), emit.h (rings). */
#pragma once
#include "bpf/kernel.h"
#include "bpf/maps.h"

/* --- who is watched --- */
/* False for the sensor itself, and whom it was told to leave out. */
static __always_inline bool read_watched_tgid(uint32_t tgid)
{
#pragma unroll
	for (int i = 0; i < REC_IGNORED; i++) {
		if (control.ignored[i] == tgid) {
			__sync_fetch_and_add(&left_out, 1);
			return false;
		}
	}
	return true;
}

/* The place for filters by namespace, container or cgroup: what the task @t does is wanted. */
static __always_inline bool read_watched(struct task_struct *t)
{
	struct nsproxy *namespaces;
	struct net *net;

	if (only_netns) {
		namespaces = WALK(t, nsproxy);
		if (!namespaces)
			return false;
		net = WALK(namespaces, net_ns);
		if (WALK(net, ns.inum) != only_netns)
			return false;
	}
	return read_watched_tgid((uint32_t)WALK(t, tgid));
}

/* --- processes --- */
/* When the leader of @t started, a task as for WALK(). */
static __always_inline uint64_t read_start(struct task_struct *t)
{
	struct task_struct *leader = WALK(t, group_leader);

	return WALK(leader, start_boottime);
}

/* tgid of @t in the pid namespace that it lives in; 0: not known. */
static __always_inline uint32_t read_vpid(struct task_struct *t)
{
	struct pid *pid = BPF_CORE_READ(t, signal, pids[PIDTYPE_TGID]);
	unsigned int level = BPF_CORE_READ(pid, level);
	int nr = 0;

	if (level > 32)
		return 0;
	/* by offset: our struct upid is smaller than the kernel's */
	bpf_probe_read_kernel(&nr, sizeof(nr),
			      (char *)pid + bpf_core_field_offset(struct pid, numbers) +
				      level * bpf_core_type_size(struct upid));
	return (uint32_t)nr;
}

static __always_inline uint32_t read_session(struct task_struct *t)
{
	struct pid *pid = BPF_CORE_READ(t, signal, pids[PIDTYPE_SID]);

	return pid ? (uint32_t)BPF_CORE_READ(pid, numbers[0].nr) : 0;
}

/* --- system call arguments, as saved when the call came in --- */
#define typed_regs   bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs)
#define REG(regs, f) (typed_regs ? (regs)->f : BPF_CORE_READ((regs), f))

/* The running task's, by two loads: how far they are from the beginning of its stack is asked of
 * the kernel once, and is the same for all tasks. */
static __always_inline struct pt_regs *read_regs_direct(struct task_struct *t)
{
	uint64_t stack = (uint64_t)t->stack, at = *(volatile uint64_t *)&regs_at;

	if (!at) {
		at = (uint64_t)bpf_task_pt_regs(bpf_get_current_task_btf()) -
		     (uint64_t)TYPED(struct list_head, stack);
		*(volatile uint64_t *)&regs_at = at;
	}
	return TYPED(struct pt_regs, stack + at);
}

/* Of the running task @t. */
static __always_inline struct pt_regs *read_regs(struct task_struct *t)
{
	if (direct_loads)
		return read_regs_direct(t);
	if (typed_regs)
		return (struct pt_regs *)bpf_task_pt_regs(t);
	return (struct pt_regs *)((char *)BPF_CORE_READ(t, stack) + (16 << 10) -
				  bpf_core_type_size(struct pt_regs));
}

/* Number of the call that saved @regs. */
static __always_inline int read_nr(struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	return (int)REG(regs, orig_ax);
#else
	return REG(regs, syscallno);
#endif
}

/* The call under way of the running task @t came in by a 32-bit number: registers, numbers and
 * structs are others than those of read_call(), and no tracepoint of calls has it. */
static __always_inline bool read_compat(struct task_struct *t)
{
#if defined(__TARGET_ARCH_x86)
	return WALK(t, thread_info.status) & TS_COMPAT;
#else
	return WALK(t, thread_info.flags) & TIF_32BIT;
#endif
}

/* Registers of @t's call @nr; NULL: they are not where we look. */
static __always_inline struct pt_regs *read_call(struct task_struct *t, int nr)
{
	struct pt_regs *regs = read_regs(t);

	return read_nr(regs) == nr ? regs : NULL;
}

#if defined(__TARGET_ARCH_x86)
#define ARG1(regs) REG(regs, di)
#define ARG2(regs) REG(regs, si)
#define ARG3(regs) REG(regs, dx)
#define ARG4(regs) REG(regs, r10)
#define ARG5(regs) REG(regs, r8)
#else
#define ARG1(regs) REG(regs, orig_x0)
#define ARG2(regs) REG(regs, regs[1])
#define ARG3(regs) REG(regs, regs[2])
#define ARG4(regs) REG(regs, regs[3])
#define ARG5(regs) REG(regs, regs[4])
#endif

/* --- files --- */
static __always_inline bool read_has_name(struct file *file)
{
	struct inode *inode = GET(file, f_inode);

	return GET(inode, i_nlink) != 0;
}

/* The pointer that lies at @at. */
static __always_inline void *read_pointer(void *at)
{
	void *p = NULL;

	if (direct_loads) /* as if it were a list's: the verifier wants some type for it */
		return TYPED(struct list_head, at)->next;
	bpf_probe_read_kernel(&p, sizeof(p), at);
	return p;
}

/* The file behind descriptor @fd of @t; NULL: none. */
static __always_inline struct file *read_fd(struct task_struct *t, int fd)
{
	struct files_struct *files;
	struct fdtable *table;
	struct file **slots;
	void *file;

	t = LOOSE(struct task_struct, t);
	files = WALK(t, files);
	if (!files || fd < 0)
		return NULL;
	table = WALK(files, fdt);
	if ((unsigned int)fd >= WALK(table, max_fds))
		return NULL;
	slots = WALK(table, fd);
	file = read_pointer(slots + fd);
	return file ? TYPED(struct file, file) : NULL;
}
