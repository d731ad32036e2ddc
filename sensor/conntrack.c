/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/conntrack.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

/* Bits of CTA_STATUS (linux/netfilter/nf_conntrack_common.h). */
enum {
	STATUS_TRANSLATED = 1 << 4 | 1 << 5,
	FIRST_ATTRIBUTE = 20,
	HEAD_BYTES = 4, /* of an attribute */
};

struct conntrack {
	int fd;
	bool overran;
	_Alignas(struct nlmsghdr) uint8_t message[CONNTRACK_MESSAGE_BYTES];
};

/* ---- reading ---- */

/* What lies in a message or an attribute. */
struct span {
	const uint8_t *at;
	size_t n;
};

/* The value of the first attribute of that type; at NULL: there is none. */
static struct span attribute(struct span in, uint16_t type)
{
	while (in.n >= HEAD_BYTES) {
		struct nlattr a;
		size_t step;

		memcpy(&a, in.at, sizeof(a));
		if (a.nla_len < HEAD_BYTES || a.nla_len > in.n)
			break;
		if ((a.nla_type & NLA_TYPE_MASK) == type)
			return (struct span){ in.at + HEAD_BYTES, (size_t)a.nla_len - HEAD_BYTES };
		step = MIN(((size_t)a.nla_len + 3) / 4 * 4, in.n);
		in.at += step;
		in.n -= step;
	}
	return (struct span){ NULL, 0 };
}

static bool copy_exactly(struct span from, void *to, size_t n)
{
	if (!from.at || from.n != n)
		return false;
	memcpy(to, from.at, n);
	return true;
}

static bool read_port(struct span in, uint16_t type, uint16_t *ret)
{
	uint16_t net;

	if (!copy_exactly(attribute(in, type), &net, sizeof(net)))
		return false;
	*ret = ntohs(net);
	return true;
}

static bool read_addresses(struct span in, bool *ret_ipv6, struct conntrack_tuple *ret)
{
	*ret_ipv6 = attribute(in, CTA_IP_V6_SRC).at != NULL;
	if (*ret_ipv6)
		return copy_exactly(attribute(in, CTA_IP_V6_SRC), ret->source, 16) &&
		       copy_exactly(attribute(in, CTA_IP_V6_DST), ret->dest, 16);
	return copy_exactly(attribute(in, CTA_IP_V4_SRC), ret->source, 4) &&
	       copy_exactly(attribute(in, CTA_IP_V4_DST), ret->dest, 4);
}

static bool read_tuple(struct span in, bool *ret_ipv6, uint8_t *ret_protocol,
		       struct conntrack_tuple *ret)
{
	struct span protocol = attribute(in, CTA_TUPLE_PROTO);

	memset(ret, 0, sizeof(*ret));
	return read_addresses(attribute(in, CTA_TUPLE_IP), ret_ipv6, ret) &&
	       copy_exactly(attribute(protocol, CTA_PROTO_NUM), ret_protocol, 1) &&
	       (*ret_protocol == IPPROTO_TCP || *ret_protocol == IPPROTO_UDP) &&
	       read_port(protocol, CTA_PROTO_SRC_PORT, &ret->source_port) &&
	       read_port(protocol, CTA_PROTO_DST_PORT, &ret->dest_port);
}

/* The way an answer takes, the other way round: as the accepting side has it. */
static struct conntrack_tuple turned(const struct conntrack_tuple *t)
{
	struct conntrack_tuple back = { .source_port = t->dest_port, .dest_port = t->source_port };

	memcpy(back.source, t->dest, sizeof(back.source));
	memcpy(back.dest, t->source, sizeof(back.dest));
	return back;
}

bool conntrack_read(const void *message, size_t n, struct conntrack_translation *ret)
{
	struct nlmsghdr head;
	struct conntrack_tuple reply;
	struct span all;
	bool ipv6;
	uint8_t protocol;

	if (n < FIRST_ATTRIBUTE)
		return false;
	memcpy(&head, message, sizeof(head));
	if (head.nlmsg_len < FIRST_ATTRIBUTE || head.nlmsg_len > n ||
	    head.nlmsg_type != (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW))
		return false;
	all = (struct span){ (const uint8_t *)message + FIRST_ATTRIBUTE,
			     head.nlmsg_len - FIRST_ATTRIBUTE };
	if (!read_tuple(attribute(all, CTA_TUPLE_ORIG), &ret->ipv6, &ret->protocol, &ret->asked) ||
	    !read_tuple(attribute(all, CTA_TUPLE_REPLY), &ipv6, &protocol, &reply) ||
	    ipv6 != ret->ipv6 || protocol != ret->protocol)
		return false;
	ret->led = turned(&reply);
	return memcmp(&ret->asked, &ret->led, sizeof(reply)) != 0;
}

bool conntrack_next(struct conntrack *c, struct conntrack_translation *ret)
{
	ssize_t n;

	for (;;) {
		n = recv(c->fd, c->message, sizeof(c->message), MSG_DONTWAIT);
		if (n < 0 && errno == ENOBUFS)
			c->overran = true;
		else if (n < 0 && errno != EINTR)
			return false;
		else if (n > 0 && conntrack_read(c->message, (size_t)n, ret))
			return true;
	}
}

bool conntrack_overran(struct conntrack *c)
{
	bool overran = c->overran;

	c->overran = false;
	return overran;
}

/* ---- listening ---- */

/* The kernel finds the status among the attributes; a message without one passes. */
static int attach_filter(int fd)
{
	static const struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_IMM, FIRST_ATTRIBUTE),
		BPF_STMT(BPF_LDX | BPF_IMM, CTA_STATUS),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_NLATTR)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 3, 0),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_IND, HEAD_BYTES),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, STATUS_TRANSLATED, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	union {
		const struct sock_filter *from;
		struct sock_filter *to; /* the kernel only reads it */
	} program = { code };
	const struct sock_fprog filter = { ARRAY_SIZE(code), program.to };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter));
}

static int listen_here(int *ret_fd)
{
	const struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	const int group = NFNLGRP_CONNTRACK_NEW, bytes = CONNTRACK_QUEUE_BYTES;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	if (fd < 0)
		return err_origin(-errno);
	(void)!setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	if (attach_filter(fd) < 0 || bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0 ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0) {
		int r = err_origin(-errno);

		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

/* A socket is of the namespace that it was made in; the thread comes back from there. */
static int listen_in(const char *netns, int *ret_fd)
{
	int own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int other = open(netns, O_RDONLY | O_CLOEXEC);
	int r = own < 0 || other < 0 || setns(other, CLONE_NEWNET) < 0 ? -errno : 0;

	if (r == 0) {
		r = listen_here(ret_fd);
		if (setns(own, CLONE_NEWNET) < 0)
			abort(); /* all that follows would be of the wrong one */
	}
	if (own >= 0)
		close(own);
	if (other >= 0)
		close(other);
	return r;
}

int conntrack_of(struct conntrack **ret, int fd)
{
	struct conntrack *c = calloc(1, sizeof(*c));

	if (!c)
		return err_origin(-ENOMEM);
	c->fd = fd;
	*ret = c;
	return 0;
}

int conntrack_new(struct conntrack **ret, const char *netns, struct diag *d)
{
	int fd = -1, r;

	if (access("/proc/sys/net/netfilter/nf_conntrack_max", F_OK) < 0)
		return diag_set(d, -ENOENT, 0, 0,
				"the kernel tracks no connections: addresses that it begins to "
				"translate later are not told before the next start");
	r = netns ? listen_in(netns, &fd) : listen_here(&fd);
	if (r < 0)
		return diag_set(d, r, 0, 0, "netlink: %s", strerror(-r));
	r = conntrack_of(ret, fd);
	if (r < 0)
		close(fd);
	return r;
}

struct conntrack *conntrack_free(struct conntrack *c)
{
	if (c)
		close(c->fd);
	free(c);
	return NULL;
}
