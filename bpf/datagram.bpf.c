/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* datagram - UDP: who exchanges datagrams with whom, and the answers of name servers.
 *
 * Both ends are those of the packet's own headers: an unbound socket has no address before its
 * datagram is routed, so neither the call nor the socket could tell.  Sent ones are seen when the
 * packet is queued to a device; received ones when the process has taken them and the kernel lets
 * the packet go.  Both hooks run for packets of all kinds and leave with two loads where it is no
 * UDP; no system call pays.
 *
 * Who: the running task, if it is inside a call that sends or receives on the very socket.  A
 * packet that waited for its neighbour's address leaves in somebody else's time: told without a
 * process.  What is received in another way (io_uring) is not told. */
#include "bpf/calls.h"
#include "bpf/emit.h"
#include "bpf/ends.h"

enum {
	TYPE_IPV4 = 0x0800,
	TYPE_IPV6 = 0x86dd,
	FRAGMENT_OFFSET = 0x1fff,
	PORT_DNS = 53,
	UDP_HEADER = 8,
};

/* Headers as they travel. */
struct ipv4_header {
	uint8_t version_length, tos;
	uint16_t total, id, fragment;
	uint8_t ttl, protocol;
	uint16_t checksum;
	uint32_t source, dest;
};
struct ipv6_header {
	uint32_t version_flow;
	uint16_t payload;
	uint8_t next, hops;
	uint8_t source[16], dest[16];
};
struct udp_header {
	uint16_t source, dest, bytes, checksum;
};

/* --- headers --- */
/* Copies the @n bytes (a multiple of 4) at @at; false, or zeroes: there is no memory. */
static __always_inline bool read_header(void *to, uint32_t n, const unsigned char *at)
{
	const struct in6_addr *from;

	if (!direct_loads)
		return !bpf_probe_read_kernel(to, n, at);
#pragma unroll
	for (uint32_t i = 0; i < n / 4; i++) { /* as if each 16 bytes were an address */
		from = TYPED(struct in6_addr, at + i / 4 * 16);
		((uint32_t *)to)[i] = from->in6_u.u6_addr32[i % 4];
	}
	return true;
}

static __always_inline bool read_ends(struct datagram *d, struct sk_buff *skb)
{
	unsigned char *at = skb->head + skb->network_header;
	struct ipv6_header six;
	struct ipv4_header four;

	if (skb->protocol == bpf_htons(TYPE_IPV4)) {
		if (!read_header(&four, sizeof(four), at) || four.protocol != IPPROTO_UDP ||
		    four.fragment & bpf_htons(FRAGMENT_OFFSET))
			return false;
		d->version = REC_IPV4;
		fill_v4(d->source, four.source);
		fill_v4(d->dest, four.dest);
		return true;
	}
	if (!read_header(&six, sizeof(six), at) || six.next != IPPROTO_UDP)
		return false;
	d->version = REC_IPV6;
	__builtin_memcpy(d->source, six.source, 16);
	__builtin_memcpy(d->dest, six.dest, 16);
	return true;
}

static __always_inline bool read_datagram(struct datagram *d, struct sk_buff *skb)
{
	struct udp_header udp;

	if (!read_ends(d, skb) ||
	    !read_header(&udp, sizeof(udp), skb->head + skb->transport_header))
		return false;
	d->source_port = bpf_ntohs(udp.source);
	d->dest_port = bpf_ntohs(udp.dest);
	d->bytes = bpf_ntohs(udp.bytes);
	return true;
}

static __always_inline bool is_ip(struct sk_buff *skb)
{
	return skb->protocol == bpf_htons(TYPE_IPV4) || skb->protocol == bpf_htons(TYPE_IPV6);
}

/* --- told once --- */
static __always_inline bool is_news(const struct datagram *d, bool sent, uint32_t tgid)
{
	struct peer key = { .tgid = tgid };
	uint8_t one = 1;

	__builtin_memcpy(key.own, sent ? d->source : d->dest, 16);
	__builtin_memcpy(key.other, sent ? d->dest : d->source, 16);
	key.own_port = sent ? d->source_port : d->dest_port;
	key.other_port = sent ? d->dest_port : d->source_port;
	if (bpf_map_lookup_elem(&peers, &key))
		return false;
	bpf_map_update_elem(&peers, &key, &one, BPF_ANY);
	return true;
}

/* @t NULL: not known. */
static __always_inline void datagram_tell(const struct datagram *d, struct task_struct *t,
					  bool sent)
{
	struct rec_tcp *r = emit_reserve_bulk(sizeof(*r));

	if (!r)
		return;
	__builtin_memset(r, 0, sizeof(*r));
	if (t) {
		fill_head(&r->head, t);
	} else {
		r->head.time_ns = bpf_ktime_get_boot_ns();
		r->head.cpu = bpf_get_smp_processor_id();
		r->head.flags = REC_F_NO_OWNER;
	}
	r->head.type = REC_DATAGRAM;
	r->head.size = sizeof(*r);
	r->version = d->version;
	r->protocol = IPPROTO_UDP;
	r->direction = sent ? REC_EGRESS : REC_INGRESS;
	r->source_port = d->source_port;
	r->dest_port = d->dest_port;
	__builtin_memcpy(r->source, d->source, 16);
	__builtin_memcpy(r->dest, d->dest, 16);
	emit_submit_bulk(r);
}

/* --- sent --- */
static __always_inline bool is_sending(int nr)
{
	return nr == CALL_SENDTO || nr == CALL_SENDMSG || nr == CALL_SENDMMSG || nr == CALL_WRITE ||
	       nr == CALL_WRITEV || nr == CALL_SENDFILE;
}

/* @fd of @t is @sk. */
static __always_inline bool is_behind(struct sock *sk, struct task_struct *t, int fd)
{
	struct socket *socket = sk->sk_socket;
	struct file *file = socket ? socket->file : NULL;

	return file && read_fd(t, fd) == file;
}

static __always_inline bool in_watched_netns(struct sock *sk)
{
	return !only_netns || BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum) == only_netns;
}

SEC("tp_btf/net_dev_queue")
int BPF_PROG(datagram_sent, struct sk_buff *skb)
{
	struct sock *sk = skb->sk;
	struct task_struct *t;
	struct pt_regs *regs;
	struct datagram d;
	bool known;

	if (!sk || sk->sk_protocol != IPPROTO_UDP || !is_ip(skb) || !read_datagram(&d, skb))
		return 0;
	/* not the headers of a tunnel around it */
	if (d.source_port != read_own_port(sk))
		return 0;
	t = task_now();
	regs = read_regs(t);
	known = is_sending(read_nr(regs)) && is_behind(sk, t, (int)ARG1(regs));
	if (known ? !read_watched(t) : !in_watched_netns(sk))
		return 0;
	if (is_news(&d, true, known ? (uint32_t)WALK(t, tgid) : 0))
		datagram_tell(&d, known ? t : NULL, true);
	return 0;
}

/* --- received --- */
/* The first buffer of the call that @regs are of; NULL: it is not known which. */
static __always_inline void *buffer(struct pt_regs *regs, int nr, uint32_t *bytes)
{
	struct {
		uint64_t base, bytes;
	} io = {};
	uint64_t at = ARG2(regs);

	if (nr == CALL_READ || nr == CALL_RECVFROM) {
		*bytes = ARG3(regs) < REC_DNS_BYTES ? (uint32_t)ARG3(regs) : REC_DNS_BYTES;
		return (void *)at;
	}
	if (nr == CALL_RECVMMSG)
		return NULL;
	if (nr == CALL_RECVMSG && bpf_probe_read_user(&at, sizeof(at), (void *)(at + 16)))
		return NULL; /* struct msghdr: msg_iov */
	if (bpf_probe_read_user(&io, sizeof(io), (void *)at))
		return NULL;
	*bytes = io.bytes < REC_DNS_BYTES ? (uint32_t)io.bytes : REC_DNS_BYTES;
	return (void *)io.base;
}

/* Appends the message: from the packet if that is still there and has it in one piece, else from
 * where the process has it. */
static __always_inline void fill_message(struct scratch *s, struct rec_dns *r, struct sk_buff *skb,
					 struct pt_regs *regs)
{
	uint32_t n = r->total < REC_DNS_BYTES ? r->total : REC_DNS_BYTES, room = 0;
	uint64_t from = 0, piece = 0;
	void *user;
	long error;

	if (skb) {
		from = (uint64_t)skb->head + skb->transport_header + UDP_HEADER;
		piece = (uint64_t)skb->data + skb->len - skb->data_len - from;
	}
	if (piece < 1 << 16 && piece >= n) {
		OPAQUE(n);
		if (n > REC_DNS_BYTES)
			return;
		error = bpf_probe_read_kernel(s->bytes + sizeof(*r), n, (void *)from);
	} else {
		user = buffer(regs, read_nr(regs), &room);
		if (n > room)
			n = room;
		OPAQUE(n);
		if (!user || n > REC_DNS_BYTES)
			return;
		r->head.flags = REC_F_AS_ASKED;
		error = bpf_probe_read_user(s->bytes + sizeof(*r), n, user);
	}
	r->bytes = error ? 0 : (uint16_t)n;
	fill_move(s, (uint32_t)sizeof(*r) + r->bytes);
}

/* @skb NULL: it is gone already.  @bytes: of the message. */
static __always_inline void tell_answer(const struct datagram *d, struct task_struct *t,
					struct sk_buff *skb, uint16_t bytes)
{
	struct scratch *s = scratch_take(SCRATCH_FILE, REC_CLASS_BULK);
	struct rec_dns *r;

	if (!s)
		return;
	r = (struct rec_dns *)s->bytes;
	fill_move(s, sizeof(*r));
	__builtin_memset(r, 0, sizeof(*r));
	fill_head(&r->head, t);
	r->head.type = REC_DNS;
	r->version = d->version;
	__builtin_memcpy(r->server, d->source, 16);
	r->total = bytes;
	fill_message(s, r, skb, read_regs(t));
	if (r->bytes)
		emit_scratch(REC_CLASS_BULK, s);
	scratch_give(s);
}

static __always_inline void taken(const struct datagram *d, struct task_struct *t,
				  struct sk_buff *skb, uint16_t bytes)
{
	if (d->source_port == PORT_DNS)
		tell_answer(d, t, skb, bytes);
	if (is_news(d, false, (uint32_t)WALK(t, tgid)))
		datagram_tell(d, t, false);
}

/* --- received, first tier --- */
static __always_inline bool is_udp(struct sock *sk)
{
	return sk->sk_protocol == IPPROTO_UDP &&
	       (sk->__sk_common.skc_family == AF_INET || sk->__sk_common.skc_family == AF_INET6);
}

/* A datagram is in the queue of a socket: its ends are noted for when it is taken. */
SEC("tp_btf/sk_data_ready")
int BPF_PROG(datagram_arrived, struct sock *sk)
{
	uint64_t key = (uint64_t)sk;
	struct datagram d = {}, *last;
	struct sk_buff *skb;

	if (!is_udp(sk) || sk->__sk_common.skc_dport)
		return 0;
	skb = sk->sk_receive_queue.prev;
	if (!skb || !is_ip(skb) || !read_datagram(&d, skb))
		return 0;
	if (d.dest_port != read_own_port(sk))
		return 0;
	last = bpf_map_lookup_elem(&arrivals, &key);
	if (last) /* much cheaper than an update */
		*last = d;
	else
		bpf_map_update_elem(&arrivals, &key, &d, BPF_ANY);
	return 0;
}

static __always_inline bool connected_ends(struct datagram *d, struct sock *sk)
{
	struct rec_tcp r;

	if (!fill_ends(&r, sk, true, false))
		return false;
	__builtin_memcpy(d->source, r.source, 32); /* and dest */
	d->source_port = r.source_port;
	d->dest_port = r.dest_port;
	d->version = r.version;
	return true;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(datagram_received, struct sock *sk, int ret, int flags)
{
	struct task_struct *t;
	uint64_t key = (uint64_t)sk;
	struct datagram d = {}, *last;

	if (ret <= 0 || flags & MSG_PEEK || !is_udp(sk))
		return 0;
	t = task_now();
	if (!read_watched(t))
		return 0;
	if (sk->__sk_common.skc_dport) {
		if (!connected_ends(&d, sk))
			return 0;
	} else {
		last = bpf_map_lookup_elem(&arrivals, &key);
		if (!last) {
			__sync_fetch_and_add(&arrivals_missed, 1);
			return 0;
		}
		d = *last;
	}
	taken(&d, t, NULL, (uint16_t)(ret < UINT16_MAX ? ret : UINT16_MAX));
	return 0;
}

/* --- received, second tier --- */
static __always_inline bool is_receiving(int nr)
{
	return nr == CALL_RECVFROM || nr == CALL_RECVMSG || nr == CALL_RECVMMSG ||
	       nr == CALL_READ || nr == CALL_READV;
}

SEC("tp_btf/consume_skb")
int BPF_PROG(datagram_taken, struct sk_buff *skb)
{
	struct task_struct *t;
	struct pt_regs *regs;
	struct datagram d;
	struct sock *sk;

	/* what we sent ourselves still has its socket */
	if (!is_ip(skb) || skb->sk || !read_datagram(&d, skb))
		return 0;
	t = task_now();
	regs = read_regs(t);
	if (!is_receiving(read_nr(regs)))
		return 0;
	sk = read_inet(t, (int)ARG1(regs));
	if (!sk || GET(sk, sk_protocol) != IPPROTO_UDP || read_own_port(sk) != d.dest_port ||
	    !read_watched(t))
		return 0;
	taken(&d, t, skb, d.bytes > UDP_HEADER ? d.bytes - UDP_HEADER : 0);
	return 0;
}
