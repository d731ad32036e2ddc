/* SPDX-License-Identifier: Apache-2.0 */
/* conntrack - new connections that this kernel gave other addresses (NAT), as its connection
 * tracking tells them over netlink (NFNLGRP_CONNTRACK_NEW; linux/netfilter/nfnetlink_conntrack.h).
 *
 * A filter in the kernel lets through translated connections only; without any, nothing wakes or
 * costs us.  The socket is of one network namespace: where the sensor runs, or the one it watches.
 * Translations of containers and clusters are made in the host's.  Connection tracking that is not
 * in use when the sensor starts is left alone: to listen would load its modules.
 * Thread: opened by main, before it gives up its powers; then sensor consumer.
 * Memory: fixed; at most CONNTRACK_QUEUE_BYTES wait in the kernel. */
#pragma once
#include "lib/diag.h"

struct conntrack;

enum { CONNTRACK_QUEUE_BYTES = 4 << 20, CONNTRACK_MESSAGE_BYTES = 4096 };

/* One way through a connection. */
struct conntrack_tuple {
	uint8_t source[16], dest[16]; /* network order; IPv4 in the first 4 bytes, the rest zero */
	uint16_t source_port, dest_port;
};

struct conntrack_translation {
	bool ipv6;
	uint8_t protocol;		   /* IPPROTO_TCP or IPPROTO_UDP */
	struct conntrack_tuple asked, led; /* as the connecting and as the accepting side has it */
};

/* Listens in the network namespace at @netns (NULL: our own).  *ret is freed with conntrack_free().
 * Returns 0, -ENOENT (this kernel tracks no connections now) or another negative errno; @d says
 * why. */
NODISCARD int conntrack_new(struct conntrack **ret, const char *netns, struct diag *d);
/* One that reads messages from @fd, a socket, and closes it.  *ret and returns as above. */
NODISCARD int conntrack_of(struct conntrack **ret, int fd);
struct conntrack *conntrack_free(struct conntrack *c);
DEFINE_FREEP(conntrack)

/* Takes the next one.  Returns false when there is none now. */
bool conntrack_next(struct conntrack *c, struct conntrack_translation *ret);

/* True once after translations were lost because too many waited. */
bool conntrack_overran(struct conntrack *c);

/* Reads a message of @n bytes.  Returns false: not a new translated TCP or UDP connection. */
bool conntrack_read(const void *message, size_t n, struct conntrack_translation *ret);
