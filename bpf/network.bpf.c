/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* network - TCP connections attempted, accepted, closed; both ends as the socket has them.
 *
 * An attempt begins in the process (state SYN_SENT) before its source port is chosen, and its
 * result comes later, often in an interrupt that ran in somebody else's time.  So the beginning is
 * remembered under the socket's address, and told with the result: established, or closed with the
 * socket's error; non-blocking or not makes no difference.  Failures before any packet could be
 * sent (no route, refused by a filter) are told when connect() returns; so are connections to unix
 * sockets of interest.
 *
 * network_state() may interrupt the other programs: it uses no scratch, only records of fixed size.
 */
#include "bpf/calls.h"
#include "bpf/emit.h"
#include "bpf/ends.h"

/* errors that a connect() returns after network_state() told them, or that are no result of it */
enum {
	E_INTR = 4,
	E_BADF = 9,
	E_FAULT = 14,
	E_INVAL = 22,
	E_NOTSOCK = 88,
	E_CONNABORTED = 103,
	E_CONNRESET = 104,
	E_ISCONN = 106,
	E_TIMEDOUT = 110,
	E_CONNREFUSED = 111,
	E_ALREADY = 114,
	E_INPROGRESS = 115,
	E_RESTART_FIRST = 512, /* ERESTARTSYS and its kin */
};

/* Payload bytes each side sent; FIN counts as a byte received in the kernel's books. */
static __always_inline void fill_bytes(struct rec_tcp *r, struct sock *sk, bool egress)
{
	struct tcp_sock *tp = TYPED(struct tcp_sock, sk);
	uint64_t sent = GET(tp, bytes_sent) - GET(tp, bytes_retrans);
	uint64_t got = GET(tp, bytes_received);

	if (got && (sk->__sk_common.skc_flags >> SOCK_DONE_BIT & 1))
		got--;
	r->source_bytes = egress ? sent : got;
	r->dest_bytes = egress ? got : sent;
}

/* --- connections told --- */
static __always_inline void connection_tell(struct sock *sk, const struct connection *c,
					    uint16_t type, uint64_t now, uint32_t error)
{
	bool egress = c->direction == REC_EGRESS;
	struct rec_tcp *r = emit_reserve_bulk(sizeof(*r));

	if (!r)
		return;
	__builtin_memset(r, 0, sizeof(*r));
	r->head = c->head;
	r->head.type = type;
	r->head.size = sizeof(*r);
	r->head.time_ns = type == REC_CONNECT ? c->since_ns : now;
	r->head.cpu = bpf_get_smp_processor_id();
	r->socket = (uint64_t)sk;
	r->duration_ns = now - c->since_ns;
	r->error = error;
	r->direction = c->direction;
	fill_ends(r, sk, true, egress);
	if (type == REC_CLOSE)
		fill_bytes(r, sk, egress);
	emit_submit_bulk(r);
}

/* --- connect and close --- */
/* The running task is inside connect(): its return will tell the error. */
static __always_inline bool inside_connect(uint32_t tid)
{
	struct task_struct *t = task_now();

	return (uint32_t)bpf_get_current_pid_tgid() == tid && read_call(t, CALL_CONNECT);
}

static __always_inline void closed(struct sock *sk, struct connection *c, uint64_t now)
{
	uint32_t error = (uint32_t)sk->sk_err;

	if (!c->connecting)
		connection_tell(sk, c, REC_CLOSE, now, error);
	else if (error || !inside_connect(c->head.tid))
		connection_tell(sk, c, REC_CONNECT, now, error ? error : E_CONNABORTED);
}

static __always_inline bool same_peer(struct sock *sk, const struct connection *c)
{
	return sk->__sk_common.skc_dport == c->dport && sk->__sk_common.skc_daddr == c->daddr;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(network_state, struct sock *sk, int before, int after)
{
	struct task_struct *t;
	struct connection *c;
	uint64_t key = (uint64_t)sk, now;
	struct rec_head head = {};

	if (after != TCP_SYN_SENT && after != TCP_ESTABLISHED && after != TCP_CLOSE)
		return 0;
	if (sk->sk_protocol != IPPROTO_TCP)
		return 0;
	if (after == TCP_SYN_SENT) {
		t = task_now();
		if (!read_watched(t))
			return 0;
		fill_head(&head, t);
		remember(sk, true, &head, REC_EGRESS);
		return 0;
	}
	c = bpf_map_lookup_elem(&connections, &key);
	if (!c)
		return 0;
	now = bpf_ktime_get_boot_ns();
	if (after == TCP_CLOSE) {
		if (same_peer(sk, c))
			closed(sk, c, now);
		bpf_map_delete_elem(&connections, &key);
	} else if (c->connecting) {
		connection_tell(sk, c, REC_CONNECT, now, 0);
		c->connecting = 0;
		c->since_ns = now;
	}
	return 0;
}

/* --- accept --- */
/* Another thread has closed the connection's descriptor already: what is known is the listener. */
static __always_inline void accept_gone(struct task_struct *t, int nr)
{
	struct pt_regs *regs = read_call(t, nr);
	struct sock *sk = regs ? read_inet(t, (int)ARG1(regs)) : NULL;
	uint32_t protocol = sk ? GET(sk, sk_protocol) : 0;
	struct rec_tcp *r;

	if (protocol != IPPROTO_TCP && protocol != IPPROTO_MPTCP)
		return;
	r = own_end_begin(t, sk, REC_ACCEPT, 0);
	if (!r)
		return;
	r->head.flags = REC_F_AS_ASKED;
	r->protocol = IPPROTO_TCP;
	emit_submit_bulk(r);
}

SEC("tracepoint")
int network_accept(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct sock *sk;

	if (call->ret < 0 || !read_watched(t))
		return 0;
	sk = read_tcp(t, (int)call->ret);
	if (sk)
		accept_tell(t, sk);
	else
		accept_gone(t, call->nr);
	return 0;
}

/* --- connect that failed at once --- */
static __always_inline bool told_by_state(uint64_t error)
{
	return error == E_CONNREFUSED || error == E_INPROGRESS || error == E_TIMEDOUT ||
	       error == E_CONNRESET || error == E_CONNABORTED || error == E_ALREADY ||
	       error == E_ISCONN || error == E_INTR || error >= E_RESTART_FIRST;
}

static __always_inline bool never_tried(uint64_t error)
{
	return error == E_BADF || error == E_FAULT || error == E_NOTSOCK || error == E_INVAL;
}

SEC("tracepoint")
int network_connect(struct call_exit *call)
{
	struct task_struct *t = task_now();
	uint64_t error = (uint64_t)-call->ret;
	struct pt_regs *regs;
	struct rec_tcp *r;
	struct sock *sk;

	if (call->ret >= 0) {
		regs = read_call(t, call->nr);
		sk = regs ? read_socket(t, (int)ARG1(regs)) : NULL;
		if (sk)
			unix_tell(t, sk);
		return 0;
	}
	if (told_by_state(error) || never_tried(error) || !read_watched(t))
		return 0;
	regs = read_call(t, call->nr);
	if (!regs)
		return 0;
	sk = read_inet(t, (int)ARG1(regs));
	/* dport stays only when the attempt got as far as the wire: told by network_state() */
	if (!sk || GET(sk, sk_protocol) != IPPROTO_TCP || GET(sk, __sk_common.skc_dport))
		return 0;
	r = emit_reserve_bulk(sizeof(*r));
	if (!r)
		return 0;
	__builtin_memset(r, 0, sizeof(*r));
	fill_head(&r->head, t);
	r->head.type = REC_CONNECT;
	r->head.flags = REC_F_AS_ASKED;
	r->head.size = sizeof(*r);
	r->socket = (uint64_t)sk;
	r->direction = REC_EGRESS;
	r->error = (uint32_t)error;
	fill_ends(r, sk, false, true);
	if (!fill_asked(r, r->dest, &r->dest_port, ARG2(regs)))
		bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
	else
		emit_submit_bulk(r);
	return 0;
}
