/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* control - one process acting on another: ptrace, its memory, signals.
 *
 * ptrace is told at the return of the call, and only requests that begin tracing or write to the
 * other process; a debugger's reading is not.  Of writes one a second is told for each pair of
 * processes and request: a debugger writes a word at a time.  So too of process_vm_readv and
 * process_vm_writev.
 * Signals are told where the kernel queues them, so that each target of kill(-1) is known as the
 * kernel chose it.  Signals of the kernel (SIGCHLD, timers, faults, terminals) and those that a
 * process sends to itself are not. */
#include "bpf/calls.h"
#include "bpf/emit.h"
#include "bpf/fill.h"

enum {
	MOST_TRACED = 64, /* by one thread, that are looked at */
	E_AGAIN = 11,
};
/* <linux/ptrace.h> */
enum {
	TRACEME = 0,
	POKETEXT = 4,
	POKEDATA = 5,
	POKEUSR = 6,
	SETREGS = 13,
	SETFPREGS = 15,
	ATTACH = 16,
	SETREGSET = 0x4205,
	SEIZE = 0x4206,
};
/* <asm-generic/siginfo.h> */
enum { USER = 0, QUEUE = -1, TKILL = -6 };
enum { SIGNAL_OVERFLOW = 3 }; /* TRACE_SIGNAL_OVERFLOW_FAIL */

/* @t may be any address. */
static __always_inline void fill_target(struct rec_target *r, struct task_struct *t)
{
	r->tgid = (uint32_t)BPF_CORE_READ(t, tgid);
	r->tid = (uint32_t)BPF_CORE_READ(t, pid);
	r->start_ns = BPF_CORE_READ(t, group_leader, start_boottime);
}

/* --- ptrace --- */
/* Number of @t's thread at @level of pid namespaces. */
static __always_inline int thread_number(struct task_struct *t, uint32_t level)
{
	struct pid *pid = BPF_CORE_READ(t, thread_pid);
	int nr = 0;

	if (level > 32)
		return 0;
	bpf_probe_read_kernel(&nr, sizeof(nr),
			      (char *)pid + bpf_core_field_offset(struct pid, numbers) +
				      level * bpf_core_type_size(struct upid));
	return nr;
}

/* The thread that @t calls @number, among those that it traces.  When there is none, the target is
 * as asked. */
static __always_inline void fill_traced(struct rec_target *r, struct task_struct *t, int number)
{
	const long entry = (long)bpf_core_field_offset(struct task_struct, ptrace_entry);
	uint64_t head = (uint64_t)t + bpf_core_field_offset(struct task_struct, ptraced);
	uint32_t level = BPF_CORE_READ(t, thread_pid, level);
	struct list_head *at = BPF_CORE_READ(t, ptraced.next);

	for (int i = 0; i < MOST_TRACED && at && (uint64_t)at != head; i++) {
		struct task_struct *traced = (struct task_struct *)((uint64_t)at - entry);

		if (thread_number(traced, level) == number) {
			fill_target(r, traced);
			return;
		}
		at = BPF_CORE_READ(at, next);
	}
	if (level == 0)
		r->tid = (uint32_t)number;
}

static __always_inline bool is_write(uint32_t request)
{
	return request == POKETEXT || request == POKEDATA || request == POKEUSR ||
	       request == SETREGS || request == SETFPREGS || request == SETREGSET;
}

SEC("tracepoint")
int control_ptrace(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct pt_regs *regs = read_call(t, call->nr);
	struct rec_ptrace r = {};

	if (!regs)
		return 0;
	r.request = (uint32_t)ARG1(regs);
	if (r.request != TRACEME && r.request != ATTACH && r.request != SEIZE &&
	    !is_write(r.request))
		return 0;
	if (!read_watched(t))
		return 0;
	fill_head(&r.head, t);
	r.error = error_of(call->ret);
	if (r.request == TRACEME)
		fill_target(&r.target, BPF_CORE_READ(t, parent));
	else
		fill_traced(&r.target, t, (int)ARG2(regs));
	if (is_write(r.request) &&
	    told_lately(r.error ? TOLD_TRACE_FAILED : TOLD_TRACED, r.head.tgid, r.target.tgid,
			r.request, r.head.time_ns))
		return 0;
	r.head.type = REC_PTRACE;
	r.head.size = sizeof(r);
	emit_bytes(REC_CLASS_PRIORITY, &r, sizeof(r));
	return 0;
}

/* --- the memory of others --- */
SEC("tracepoint")
int control_memory(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct pt_regs *regs = read_call(t, call->nr);
	bool write = call->nr == CALL_PROCESS_VM_WRITEV;
	struct rec_ptrace r = {};

	if (!regs || !read_watched(t))
		return 0;
	fill_head(&r.head, t);
	if ((uint32_t)ARG1(regs) == read_vpid(t))
		return 0; /* its own */
	r.error = error_of(call->ret);
	if (BPF_CORE_READ(t, thread_pid, level) == 0)
		r.target.tid = (uint32_t)ARG1(regs);
	if (told_lately(r.error ? TOLD_MEMORY_FAILED : TOLD_MEMORY, r.head.tgid,
			(uint32_t)ARG1(regs), (uint32_t)call->nr, r.head.time_ns))
		return 0;
	r.head.type = write ? REC_VM_WRITE : REC_VM_READ;
	r.head.size = sizeof(r);
	emit_bytes(REC_CLASS_PRIORITY, &r, sizeof(r));
	return 0;
}

/* --- signals --- */
/* A process may write any negative code into what it queues, those of kernel timers too. */
static __always_inline bool is_queueing(struct task_struct *t)
{
	return read_call(t, CALL_RT_SIGQUEUEINFO) || read_call(t, CALL_RT_TGSIGQUEUEINFO) ||
	       read_call(t, CALL_PIDFD_SEND_SIGNAL);
}

static __always_inline bool from_process(struct task_struct *t, struct kernel_siginfo *info)
{
	int code;

	if ((uint64_t)info <= 1) /* SEND_SIG_NOINFO, SEND_SIG_PRIV */
		return false;
	code = BPF_CORE_READ(info, si_code);
	if (code == USER || code == TKILL || code == QUEUE)
		return true;
	return code < 0 && is_queueing(t);
}

SEC("tp_btf/signal_generate")
int BPF_PROG(control_signal, int sig, struct kernel_siginfo *info, struct task_struct *task,
	     int group, int result)
{
	struct task_struct *t = task_now();
	struct rec_signal r = {};

	if (BPF_CORE_READ(task, tgid) == (int)(bpf_get_current_pid_tgid() >> 32))
		return 0;
	if (!from_process(t, info) || !read_watched(t))
		return 0;
	fill_head(&r.head, t);
	fill_target(&r.target, task);
	r.signal = (uint32_t)sig;
	r.error = result == SIGNAL_OVERFLOW ? E_AGAIN : 0;
	r.head.type = REC_SIGNAL;
	r.head.size = sizeof(r);
	emit_bytes(REC_CLASS_BULK, &r, sizeof(r));
	return 0;
}
