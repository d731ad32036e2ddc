/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* socket - IP sockets that get an address and those that wait for connections: bind, listen. */
#include "bpf/calls.h"
#include "bpf/emit.h"
#include "bpf/ends.h"

/* Tells of the socket behind the first argument. */
static __always_inline void socket_tell(struct call_exit *call, enum rec_type type)
{
	struct task_struct *t = task_now();
	struct pt_regs *regs = read_call(t, call->nr);
	struct sock *sk = regs ? read_inet(t, (int)ARG1(regs)) : NULL;
	struct rec_tcp *r = sk ? own_end_begin(t, sk, type, call->ret) : NULL;
	bool ok = true;

	if (!r)
		return;
	if (type == REC_BIND && r->error) {
		r->head.flags = REC_F_AS_ASKED;
		ok = fill_asked(r, r->dest, &r->dest_port, ARG2(regs));
	}
	if (ok)
		emit_submit_bulk(r);
	else
		bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
}

SEC("tracepoint")
int socket_listen(struct call_exit *call)
{
	socket_tell(call, REC_LISTEN);
	return 0;
}

SEC("tracepoint")
int socket_bind(struct call_exit *call)
{
	socket_tell(call, REC_BIND);
	return 0;
}
