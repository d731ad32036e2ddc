/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* credentials - user ids, group ids and capabilities that a thread changes itself.
 *
 * What a thread was before is gone when the call returns.  A hook where the call comes in would
 * tell, but one such hook makes every system call of the machine dearer (docs/decisions/0027).  So
 * what each thread is, is kept from its fork on: renewed when it executes a program or enters a
 * namespace, and looked up when a call that changes it returns.  Threads that are there already are
 * looked at once, at start.  Exec's own changes are told by exec. */
#include "bpf/calls.h"
#include "bpf/emit.h"
#include "bpf/fill.h"

/* Eight bytes at the kernel's address @at. */
static __always_inline uint64_t read_word(const void *at)
{
	return (uint64_t)read_pointer((void *)at);
}

/* Those that others see: in the kernel a thread acts with other ones at times (overlayfs,
 * io_uring). */
static __always_inline void credentials_of(struct credentials *c, struct task_struct *t)
{
	const struct cred *cred;

	t = TYPED(struct task_struct, t);
	cred = TYPED(struct cred, GET(t, real_cred));
	c->ids.uid = GET(cred, uid.val);
	c->ids.gid = GET(cred, gid.val);
	c->ids.suid = GET(cred, suid.val);
	c->ids.sgid = GET(cred, sgid.val);
	c->ids.euid = GET(cred, euid.val);
	c->ids.egid = GET(cred, egid.val);
	c->ids.fsuid = GET(cred, fsuid.val);
	c->ids.fsgid = GET(cred, fsgid.val);
	c->effective = read_word(&cred->cap_effective);
	c->permitted = read_word(&cred->cap_permitted);
}

/* --- kept --- */
/* That there was no room is told when it matters: see credentials_end(). */
static __always_inline void keep(struct task_struct *t)
{
	uint32_t tid = (uint32_t)WALK(t, pid);
	struct credentials c = {};

	credentials_of(&c, t);
	bpf_map_update_elem(&identities, &tid, &c, BPF_ANY);
}

SEC("iter/task")
int credentials_begin(struct bpf_iter__task *ctx)
{
	struct task_struct *t = ctx->task;

	if (t)
		keep(t);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(credentials_fork, struct task_struct *parent, struct task_struct *child)
{
	keep(child);
	return 0;
}

/* A thread that is not the leader takes its number. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(credentials_exec, struct task_struct *task, int old_pid)
{
	uint32_t old_tid = (uint32_t)old_pid;

	if (old_pid != WALK(task, pid))
		bpf_map_delete_elem(&identities, &old_tid);
	keep(task);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(credentials_exit, struct task_struct *task)
{
	uint32_t tid = (uint32_t)WALK(task, pid);

	bpf_map_delete_elem(&identities, &tid);
	return 0;
}

/* A user namespace that is entered or made brings capabilities in it. */
SEC("tracepoint")
int credentials_enter(struct call_exit *call)
{
	if (call->ret >= 0)
		keep(task_now());
	return 0;
}

/* --- told --- */
static __always_inline uint32_t changed(const struct credentials *a, const struct credentials *b)
{
	const struct rec_ids *i = &a->ids, *k = &b->ids;
	uint32_t what = 0;

	if (i->uid != k->uid || i->euid != k->euid || i->suid != k->suid || i->fsuid != k->fsuid)
		what |= REC_CHANGED_UIDS;
	if (i->gid != k->gid || i->egid != k->egid || i->sgid != k->sgid || i->fsgid != k->fsgid)
		what |= REC_CHANGED_GIDS;
	if (!what && (a->effective != b->effective || a->permitted != b->permitted))
		what |= REC_CHANGED_CAPS;
	return what;
}

SEC("tracepoint")
int credentials_end(struct call_exit *call)
{
	struct task_struct *t = task_now();
	uint32_t tid = (uint32_t)WALK(t, pid);
	struct credentials *kept = bpf_map_lookup_elem(&identities, &tid);
	struct rec_credentials r = {};
	struct credentials after = {};

	if (!kept) {
		if (read_watched(t))
			emit_lost(REC_CLASS_PRIORITY, REC_LOST_MAP);
		keep(t);
		return 0;
	}
	credentials_of(&after, t);
	r.changed = changed(kept, &after);
	if (!r.changed)
		return 0;
	r.before = kept->ids;
	*kept = after;
	if (!read_watched(t))
		return 0;
	fill_head(&r.head, t);
	r.after = after.ids;
	r.effective = after.effective;
	r.permitted = after.permitted;
	r.head.type = REC_CREDENTIALS;
	r.head.size = sizeof(r);
	emit_bytes(REC_CLASS_PRIORITY, &r, sizeof(r));
	return 0;
}
