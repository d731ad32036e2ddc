/* SPDX-License-Identifier: Apache-2.0 */
/* fleet - batches of nodes that connect to each other: for the tests and the bench of flows. */
#pragma once
#include <arpa/inet.h>
#include <string.h>

#include "lib/batch.h"
#include "lib/community_id.h"

/* Not cmocka's: the bench has none. */
static inline void fleet_must(bool true_)
{
	if (true_)
		return;
	fputs("fleet.h: a batch could not be made\n", stderr);
	abort();
}

/* Who sends. */
struct fleet_node {
	const char *id;
	uint8_t boot;
	int64_t ahead_ns;	 /* its clock is ahead of the collector's */
	uint64_t clock_error_ns; /* 0: the sensor has not measured it */
	uint64_t seq;		 /* last one used */
};

struct fleet_tuple {
	const char *source_ip, *dest_ip;
	uint16_t source_port, dest_port;
	bool udp;
};

/* A process of a node. */
struct fleet_process {
	uint64_t entity, parent; /* parent 0: none is told */
	const char *name;
	uint64_t start_ns; /* true time; 0: not told */
	uint32_t pid;
	const struct fleet_process *up; /* the parent with its own; NULL: its id alone is told */
};

/* One event; times are true, the node's clock makes of them what it does. */
struct fleet_event {
	enum kind kind;
	uint64_t time_ns, duration_ns;
	struct fleet_process actor;
	struct fleet_tuple tuple;
	const struct fleet_tuple *nat; /* of a translation: what the accepting side has */
	bool ingress;		       /* of a disconnect */
	const char *error;	       /* of a connect that failed */
	uint64_t sent, got;	       /* source.bytes, destination.bytes of a disconnect */
	uint64_t child;		       /* of a fork: entity */
	uint32_t thread;	       /* 0: the actor's pid */
	const char *message;	       /* of a sensor event */
	uint64_t gap_from_ns, gap_to_ns;
};

static inline const char *fleet_community_id(const struct fleet_tuple *t,
					     char buf[COMMUNITY_ID_BYTES])
{
	struct community_flow f = { .source_port = t->source_port,
				    .destination_port = t->dest_port,
				    .protocol = t->udp ? IPPROTO_UDP : IPPROTO_TCP,
				    .ipv6 = strchr(t->source_ip, ':') != NULL,
				    .has_ports = true };
	int family = f.ipv6 ? AF_INET6 : AF_INET;

	fleet_must(inet_pton(family, t->source_ip, f.source) == 1);
	fleet_must(inet_pton(family, t->dest_ip, f.destination) == 1);
	return community_id(&f, 0, buf);
}

static inline void fleet_set(struct batch *b, enum kind kind, enum field f, const char *s)
{
	if (s)
		batch_set_str(b, kind, f, s, strlen(s));
}

static inline uint32_t fleet_row(struct batch *b, const struct fleet_node *n,
				 const struct fleet_process *p)
{
	uint32_t parent = 0, row = batch_process_find(b, p->entity, 0);

	if (row || !p->entity)
		return row;
	if (p->up) {
		parent = fleet_row(b, n, p->up);
	} else if (p->parent) {
		parent = batch_process_find(b, p->parent, 0);
		if (!parent)
			parent = batch_process_add(b, p->parent, 0);
	}
	row = batch_process_add(b, p->entity, 0);
	fleet_set(b, KIND_NONE, FIELD_NAME, p->name);
	batch_set(b, KIND_NONE, FIELD_PID, p->pid);
	if (p->start_ns)
		batch_set(b, KIND_NONE, FIELD_START, p->start_ns + (uint64_t)n->ahead_ns);
	if (parent)
		batch_set_row(b, KIND_NONE, FIELD_PARENT, parent);
	return row;
}

static inline void fleet_translation(struct batch *b, const struct fleet_tuple *t)
{
	char id[COMMUNITY_ID_BYTES];

	fleet_set(b, KIND_NAT, FIELD_NAT_SOURCE_IP, t->source_ip);
	fleet_set(b, KIND_NAT, FIELD_NAT_DEST_IP, t->dest_ip);
	batch_set(b, KIND_NAT, FIELD_NAT_SOURCE_PORT, t->source_port);
	batch_set(b, KIND_NAT, FIELD_NAT_DEST_PORT, t->dest_port);
	fleet_set(b, KIND_NAT, FIELD_NAT_COMMUNITY_ID, fleet_community_id(t, id));
}

static inline void fleet_connection(struct batch *b, const struct fleet_event *e)
{
	char id[COMMUNITY_ID_BYTES];
	bool ingress = e->kind == KIND_ACCEPT || (e->kind == KIND_DISCONNECT && e->ingress);

	fleet_set(b, e->kind, FIELD_SOURCE_IP, e->tuple.source_ip);
	fleet_set(b, e->kind, FIELD_DEST_IP, e->tuple.dest_ip);
	batch_set(b, e->kind, FIELD_SOURCE_PORT, e->tuple.source_port);
	batch_set(b, e->kind, FIELD_DEST_PORT, e->tuple.dest_port);
	fleet_set(b, e->kind, FIELD_TRANSPORT, e->tuple.udp ? "udp" : "tcp");
	fleet_set(b, e->kind, FIELD_COMMUNITY_ID, fleet_community_id(&e->tuple, id));
	if (e->kind == KIND_NAT) {
		fleet_translation(b, e->nat);
		return;
	}
	fleet_set(b, e->kind, FIELD_DIRECTION, ingress ? "ingress" : "egress");
	fleet_set(b, e->kind, FIELD_ERROR_CODE, e->error);
	if (e->kind != KIND_ACCEPT)
		batch_set(b, e->kind, FIELD_DURATION, e->duration_ns);
	if (e->kind != KIND_DISCONNECT)
		return;
	batch_set(b, e->kind, FIELD_SOURCE_BYTES, e->sent);
	batch_set(b, e->kind, FIELD_DEST_BYTES, e->got);
}

static inline void fleet_add(struct batch *b, struct fleet_node *n, const struct fleet_event *e)
{
	uint32_t row = fleet_row(b, n, &e->actor);

	batch_event(b, e->kind, ++n->seq, e->time_ns + (uint64_t)n->ahead_ns);
	if (row)
		batch_set_row(b, e->kind, FIELD_PROCESS, row);
	if (e->actor.pid)
		batch_set(b, e->kind, FIELD_THREAD_ID, e->thread ? e->thread : e->actor.pid);
	if (e->tuple.source_ip)
		fleet_connection(b, e);
	if (e->child)
		batch_set_id(b, e->kind, FIELD_CHILD_ENTITY, e->child);
	fleet_set(b, e->kind, FIELD_MESSAGE, e->message);
	if (!e->gap_from_ns)
		return;
	fleet_set(b, e->kind, FIELD_GAP_CLASS, "bulk");
	fleet_set(b, e->kind, FIELD_GAP_CAUSE, "ring_full");
	batch_set(b, e->kind, FIELD_GAP_FROM, e->gap_from_ns + (uint64_t)n->ahead_ns);
	batch_set(b, e->kind, FIELD_GAP_TO, e->gap_to_ns + (uint64_t)n->ahead_ns);
}

/* Appends the frame of a batch of @node with the @n events to @out. */
static inline UNUSED void fleet_frame(struct fleet_node *node, const struct fleet_event *events,
				      size_t n, struct buf *out)
{
	struct batch_origin origin = { .node_id = node->id,
				       .node_name = node->id,
				       .boot_id = { node->boot },
				       .architecture = "x86_64",
				       .os_kernel = "6.18",
				       .agent_version = "0.1" };
	struct batch_stats stats = { .clock_offset_ns = node->ahead_ns,
				     .clock_error_ns = node->clock_error_ns };
	AUTO(frame_codec) *codec = NULL;
	AUTO(batch) *b = NULL;

	fleet_must(frame_codec_new(&codec) == 0);
	fleet_must(batch_new(&b, &origin) == 0);
	for (size_t i = 0; i < n; i++)
		fleet_add(b, node, &events[i]);
	fleet_must(batch_seal(b, codec, &stats, node->seq + 1, 1, out) == 0);
}
