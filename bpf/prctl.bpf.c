/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* prctl - a thread names itself, or changes who may look at it and what it may still gain. */
#include "bpf/calls.h"
#include "bpf/emit.h"
#include "bpf/fill.h"

/* <linux/prctl.h> */
enum {
	PR_SET_DUMPABLE = 4,
	PR_SET_NAME = 15,
	PR_SET_NO_NEW_PRIVS = 38,
};

SEC("tracepoint")
int prctl_set(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct pt_regs *regs = read_call(t, call->nr);
	uint32_t option = regs ? (uint32_t)ARG1(regs) : 0; /* the kernel takes no more of it */
	struct rec_prctl r = {};

	if (call->ret < 0 ||
	    (option != PR_SET_NAME && option != PR_SET_DUMPABLE && option != PR_SET_NO_NEW_PRIVS))
		return 0;
	if (!read_watched(t))
		return 0;
	fill_head(&r.head, t);
	r.option = option;
	if (option != PR_SET_NAME)
		r.value = ARG2(regs);
	r.head.type = REC_PRCTL;
	r.head.size = sizeof(r);
	emit_bytes(REC_CLASS_PRIORITY, &r, sizeof(r));
	return 0;
}
