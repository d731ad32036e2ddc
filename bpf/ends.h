/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ends - sockets behind descriptors and the two ends of an IP socket.  Beside fill.h, for the
 * programs of the network. */
#pragma once
#include "bpf/calls.h"
#include "bpf/emit.h"
#include "bpf/fill.h"

/* --- sockets behind descriptors --- */
/* The socket that @file (may be NULL) is; NULL: it is something else. */
static __always_inline struct sock *file_socket(struct file *file)
{
	struct socket *socket;
	struct inode *inode;

	if (!file)
		return NULL;
	inode = GET(file, f_inode);
	if ((GET(inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	socket = TYPED(struct socket, GET(file, private_data));
	return GET(socket, sk);
}

/* The socket behind @fd; NULL: it is something else. */
static __always_inline struct sock *read_socket(struct task_struct *t, int fd)
{
	return file_socket(read_fd(t, fd));
}

static __always_inline bool is_inet(struct sock *sk)
{
	uint16_t family = GET(sk, __sk_common.skc_family);

	return family == AF_INET || family == AF_INET6;
}

/* The same, if it speaks IPv4 or IPv6. */
static __always_inline struct sock *read_inet(struct task_struct *t, int fd)
{
	struct sock *sk = read_socket(t, fd);

	return sk && is_inet(sk) ? sk : NULL;
}

/* The TCP socket of the connection behind @fd: of multipath TCP that of its first path; NULL: none.
 */
static __always_inline struct sock *read_tcp(struct task_struct *t, int fd)
{
	struct sock *sk = read_inet(t, fd);
	uint32_t protocol = sk ? GET(sk, sk_protocol) : 0;
	struct mptcp_sock *all;

	if (protocol == IPPROTO_TCP)
		return sk;
	if (protocol != IPPROTO_MPTCP || !bpf_core_field_exists(((struct mptcp_sock *)0)->first))
		return NULL;
	all = TYPED(struct mptcp_sock, sk);
	return GET(all, first);
}

/* --- ends --- */
/* The own port of @sk, also of one that gave it back (skc_num is 0 then); host order. */
static __always_inline uint16_t read_own_port(struct sock *sk)
{
	struct inet_sock *at = TYPED(struct inet_sock, sk);

	return bpf_ntohs(GET(at, inet_sport));
}

static __always_inline bool mapped(const struct in6_addr *a)
{
	return !a->in6_u.u6_addr32[0] && !a->in6_u.u6_addr32[1] &&
	       a->in6_u.u6_addr32[2] == bpf_htonl(0xffff);
}

static __always_inline void fill_v4(uint8_t to[16], uint32_t address)
{
	__builtin_memset(to, 0, 16);
	*(uint32_t *)to = address;
}

/* Member @f of @sk: a load where it is the argument of a tp_btf program (@typed). */
#define SOCK(sk, typed, f) ((typed) ? (sk)->f : GET((sk), f))

/* Fills version, addresses and ports from @sk; @egress: its own end is the source.
 * False: neither IPv4 nor IPv6. */
static __always_inline bool fill_ends(struct rec_tcp *r, struct sock *sk, bool typed, bool egress)
{
	uint16_t family = SOCK(sk, typed, __sk_common.skc_family);
	uint16_t port = read_own_port(sk);
	uint16_t peer = bpf_ntohs(SOCK(sk, typed, __sk_common.skc_dport));
	uint8_t *own = egress ? r->source : r->dest, *other = egress ? r->dest : r->source;
	struct sock *at = TYPED(struct sock, sk);
	struct in6_addr own6, other6;

	r->protocol = (uint8_t)SOCK(sk, typed, sk_protocol);
	__builtin_memset(r->source, 0, sizeof(r->source) + sizeof(r->dest));
	r->source_port = egress ? port : peer;
	r->dest_port = egress ? peer : port;
	if (family != AF_INET && family != AF_INET6)
		return false;
	r->version = REC_IPV4;
	if (family == AF_INET6) {
		own6 = GET(at, __sk_common.skc_v6_rcv_saddr);
		other6 = GET(at, __sk_common.skc_v6_daddr);
		if (!mapped(&other6) && !mapped(&own6)) {
			r->version = REC_IPV6;
			__builtin_memcpy(own, &own6, 16);
			__builtin_memcpy(other, &other6, 16);
			return true;
		}
	}
	*(uint32_t *)own = SOCK(sk, typed, __sk_common.skc_rcv_saddr);
	*(uint32_t *)other = SOCK(sk, typed, __sk_common.skc_daddr);
	return true;
}

/* The end asked for, from the user address @address (a struct sockaddr), and the version of @r;
 * false: not an IP one. */
static __always_inline bool fill_asked(struct rec_tcp *r, uint8_t to[16], uint16_t *port,
				       uint64_t address)
{
	struct {
		uint16_t family, port;
		uint32_t in4;
		uint32_t in6[4]; /* after the flow label */
	} a = {};

	if (bpf_probe_read_user(&a, 8, (void *)address))
		return false;
	*port = bpf_ntohs(a.port);
	r->version = REC_IPV4;
	if (a.family == AF_INET) {
		fill_v4(to, a.in4);
		return true;
	}
	if (a.family != AF_INET6 || bpf_probe_read_user(a.in6, 16, (void *)(address + 8)))
		return false;
	if (mapped((struct in6_addr *)a.in6)) {
		fill_v4(to, a.in6[3]);
	} else {
		r->version = REC_IPV6;
		__builtin_memcpy(to, a.in6, 16);
	}
	return true;
}

/* --- connections remembered --- */
/* @head: of the thread that connects or has accepted. */
static __always_inline void remember(struct sock *sk, bool typed, const struct rec_head *head,
				     uint8_t direction)
{
	uint64_t key = (uint64_t)sk;
	struct connection c = {
		.head = *head,
		.since_ns = head->time_ns,
		.dport = SOCK(sk, typed, __sk_common.skc_dport),
		.direction = direction,
		.connecting = direction == REC_EGRESS,
		.daddr = SOCK(sk, typed, __sk_common.skc_daddr),
	};

	if (bpf_map_update_elem(&connections, &key, &c, BPF_ANY))
		emit_lost(REC_CLASS_BULK, REC_LOST_MAP);
}

/* --- accepted --- */
/* Tells that @t accepted @sk, and remembers that for its close. */
static __always_inline void accept_tell(struct task_struct *t, struct sock *sk)
{
	struct rec_head head = {};
	struct rec_tcp *r;

	fill_head(&head, t);
	if (GET(sk, __sk_common.skc_state) != TCP_CLOSE)
		remember(sk, false, &head, REC_INGRESS);
	r = emit_reserve_bulk(sizeof(*r));
	if (!r)
		return;
	__builtin_memset(r, 0, sizeof(*r));
	r->head = head;
	r->head.type = REC_ACCEPT;
	r->head.size = sizeof(*r);
	r->socket = (uint64_t)sk;
	r->direction = REC_INGRESS;
	fill_ends(r, sk, false, false);
	emit_submit_bulk(r);
}

/* --- connected to a unix socket of interest --- */
enum { UNIX_NAME_BYTES = 24, UNIX_NAMES = 8 };

/* Last component of the paths of sockets over which the machine is ruled. */
static const char unix_names[UNIX_NAMES][UNIX_NAME_BYTES] = {
	"docker.sock",	   "containerd.sock",  "crio.sock",	 "podman.sock",
	"dockershim.sock", "cri-dockerd.sock", "buildkitd.sock", "system_bus_socket",
};

static __always_inline bool is_of_interest(struct dentry *dentry)
{
	uint64_t name[UNIX_NAME_BYTES / 8] = {};

	if (bpf_probe_read_kernel_str(name, sizeof(name), GET(dentry, d_name.name)) < 0)
		return false;
	for (int i = 0; i < UNIX_NAMES; i++) {
		const uint64_t *want = (const uint64_t *)unix_names[i];

		if (name[0] == want[0] && name[1] == want[1] && name[2] == want[2])
			return true;
	}
	return false;
}

/* Tells that @t connected @sk, if that is such a socket. */
static __always_inline void unix_tell(struct task_struct *t, struct sock *sk)
{
	struct unix_sock *own, *peer;
	struct rec_unix *r;
	struct scratch *s;

	if (GET(sk, __sk_common.skc_family) != AF_UNIX)
		return;
	own = TYPED(struct unix_sock, sk);
	peer = TYPED(struct unix_sock, GET(own, peer));
	if (!is_of_interest(GET(peer, path.dentry)) || !read_watched(t))
		return;
	s = scratch_take(SCRATCH_FILE, REC_CLASS_BULK);
	if (!s)
		return;
	r = (struct rec_unix *)s->bytes;
	fill_move(s, sizeof(*r));
	fill_head(&r->head, t);
	r->head.type = REC_UNIX;
	r->head.flags = 0;
	r->pad = 0;
	fill_path(s, &r->path, GET(peer, path.mnt), GET(peer, path.dentry));
	emit_scratch(REC_CLASS_BULK, s);
	scratch_give(s);
}

/* --- bind, listen --- */
/* Begins the record of @sk's own end; NULL: not wanted, or no room. */
static __always_inline struct rec_tcp *own_end_begin(struct task_struct *t, struct sock *sk,
						     enum rec_type type, long ret)
{
	struct rec_tcp *r = read_watched(t) ? emit_reserve_bulk(sizeof(*r)) : NULL;

	if (!r)
		return NULL;
	__builtin_memset(r, 0, sizeof(*r));
	fill_head(&r->head, t);
	r->head.type = (uint16_t)type;
	r->head.size = sizeof(*r);
	r->socket = (uint64_t)sk;
	r->direction = REC_INGRESS;
	r->error = error_of(ret);
	fill_ends(r, sk, false, false);
	return r;
}
