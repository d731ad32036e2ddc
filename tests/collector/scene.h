/* SPDX-License-Identifier: Apache-2.0 */
/* scene - three nodes, what each did is gathered, then sent: for tests of edges and trees. */
#pragma once
#include "tests/collector/served.h"

#include "tests/collector/fleet.h"

enum { SCENE_EVENTS = 512 };

/* Three nodes: a client on a, servers on b and c.  What each did is gathered, then sent. */
struct scene {
	struct served *s;
	struct fleet_node node[3];
	struct fleet_event events[3][SCENE_EVENTS];
	size_t n[3];
	uint16_t port; /* of the next connection */
};

static const uint64_t ms = 1000000;
static const char *const ips[] = { "10.1.0.1", "10.1.0.2", "10.1.0.3" };

static inline UNUSED void scene_begin(struct scene *c, struct served *s)
{
	static const char *const ids[] = { "a", "b", "c" };

	memset(c, 0, sizeof(*c));
	c->s = s;
	c->port = 40000;
	for (uint8_t i = 0; i < 3; i++)
		c->node[i] =
			(struct fleet_node){ .id = ids[i],
					     .boot = (uint8_t)(i + 1),
					     .clock_error_ns = 1,
					     .ahead_ns = (int64_t)i * 3000000000 - 3000000000 };
}

static inline UNUSED struct fleet_event *add(struct scene *c, int node, struct fleet_event e)
{
	assert_true(c->n[node] < SCENE_EVENTS);
	c->events[node][c->n[node]] = e;
	return &c->events[node][c->n[node]++];
}

static inline UNUSED void send_node(struct scene *c, int node)
{
	AUTO_BUF struct buf frame = { 0 };

	if (c->n[node] == 0)
		return;
	fleet_frame(&c->node[node], c->events[node], c->n[node], &frame);
	served_put_frame(c->s, &frame);
	c->n[node] = 0;
}

static inline UNUSED void send_all(struct scene *c)
{
	for (int i = 0; i < 3; i++)
		send_node(c, i);
	assert_int_equal(follow_wait(c->s->follow, store_arrived(c->s->store), 30000), 0);
}

static inline UNUSED uint64_t at(const struct scene *c, uint64_t at_ms)
{
	return c->s->base_ns + at_ms * ms;
}

/* @parent of @node starts @child. */
static inline UNUSED struct fleet_process spawn(struct scene *c, int node,
						struct fleet_process parent, uint64_t entity,
						const char *name, uint64_t at_ms)
{
	struct fleet_process child = { .entity = entity,
				       .parent = parent.entity,
				       .name = name,
				       .start_ns = at(c, at_ms),
				       .pid = (uint32_t)entity };

	add(c, node,
	    (struct fleet_event){
		    .kind = KIND_FORK, .time_ns = at(c, at_ms), .actor = parent, .child = entity });
	add(c, node,
	    (struct fleet_event){ .kind = KIND_EXEC, .time_ns = at(c, at_ms + 1), .actor = child });
	return child;
}

/* From process @x of node @from to @y of @to, open from @at_ms to @end_ms. */
static inline UNUSED void connect_to(struct scene *c, int from, struct fleet_process x, int to,
				     struct fleet_process y, uint64_t at_ms, uint64_t end_ms)
{
	struct fleet_tuple t = { ips[from], ips[to], c->port++, 80, false };
	struct fleet_event e = { .kind = KIND_CONNECT,
				 .time_ns = at(c, at_ms) - ms,
				 .duration_ns = ms,
				 .actor = x,
				 .tuple = t };

	add(c, from, e);
	e = (struct fleet_event){ .kind = KIND_DISCONNECT,
				  .time_ns = at(c, end_ms),
				  .actor = x,
				  .duration_ns = (end_ms - at_ms) * ms,
				  .tuple = t,
				  .sent = 7 };
	add(c, from, e);
	e.actor = y;
	e.ingress = true;
	add(c, to, e);
	add(c, to,
	    (struct fleet_event){
		    .kind = KIND_ACCEPT, .time_ns = at(c, at_ms), .actor = y, .tuple = t });
}

static const struct fleet_process shell = { .entity = 0xa0, .name = "bash", .pid = 0xa0 };
static const struct fleet_process server = { .entity = 0xb1, .name = "httpd", .pid = 0xb1 };
static const struct fleet_process far = { .entity = 0xc1, .name = "postgres", .pid = 0xc1 };
static const struct fleet_process other_far = { .entity = 0xc2, .name = "redis", .pid = 0xc2 };

/* Two clients at once; the server starts a handler for each, and each handler connects on. */
static inline UNUSED void two_clients(struct scene *c)
{
	struct fleet_process one = spawn(c, 0, shell, 0xa1, "curl", 0);
	struct fleet_process two = spawn(c, 0, shell, 0xa2, "wget", 0);
	struct fleet_process h1, h2;

	connect_to(c, 0, one, 1, server, 100, 5000);
	connect_to(c, 0, two, 1, server, 110, 5000);
	h1 = spawn(c, 1, server, 0xb2, "handler", 105);
	h2 = spawn(c, 1, server, 0xb3, "handler", 115);
	connect_to(c, 1, h1, 2, far, 200, 300);
	connect_to(c, 1, h2, 2, other_far, 210, 300);
}
