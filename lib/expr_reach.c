/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/expr_reach.h"

#include <string.h>

#include "lib/slots.h"

/* A process that accepted connections: its part of spans and ours. */
struct server {
	uint64_t entity;
	uint32_t at, n;
};

struct expr_reach {
	struct slots by_server, by_child;
	struct server *servers;
	size_t n_servers, servers_room;
	struct serving *spans;
	bool *ours;
	size_t n_spans, spans_room;
	bool *started; /* of each child that a server's fork was seen of: it is ours */
	size_t n_started, started_room;
	bool full;
};

struct expr_reach *expr_reach_new(void)
{
	return calloc(1, sizeof(struct expr_reach));
}

struct expr_reach *expr_reach_free(struct expr_reach *r)
{
	if (!r)
		return NULL;
	slots_done(&r->by_server);
	slots_done(&r->by_child);
	free(r->servers);
	free(r->spans);
	free(r->ours);
	free(r->started);
	free(r);
	return NULL;
}

/* ---- learnt ---- */

static struct server *find(const struct expr_reach *r, uint64_t entity)
{
	uint32_t at = slots_first(&r->by_server, entity);
	uint32_t number = entity ? slots_next(&r->by_server, entity, &at) : 0;

	return number ? &r->servers[number - 1] : NULL;
}

static int add_server(struct expr_reach *r, uint64_t entity, struct server **ret)
{
	struct server *more;

	if (r->n_servers == r->servers_room) {
		more = reallocarray(r->servers, r->servers_room * 2 + 16, sizeof(*more));
		if (!more)
			return err_origin(-ENOMEM);
		r->servers = more;
		r->servers_room = r->servers_room * 2 + 16;
	}
	if (!slots_room(&r->by_server))
		return err_origin(-ENOMEM);
	*ret = &r->servers[r->n_servers++];
	**ret = (struct server){ .entity = entity };
	slots_put(&r->by_server, entity, (uint32_t)r->n_servers);
	return 0;
}

static int make_room(struct expr_reach *r, size_t n)
{
	size_t room = MAX(r->spans_room * 2, n);
	struct serving *spans;
	bool *ours;

	if (n <= r->spans_room)
		return 0;
	spans = reallocarray(r->spans, room, sizeof(*spans));
	if (spans)
		r->spans = spans;
	ours = reallocarray(r->ours, room, sizeof(*ours));
	if (ours)
		r->ours = ours;
	if (!spans || !ours)
		return err_origin(-ENOMEM);
	r->spans_room = room;
	return 0;
}

/* The list of a server does not change but in which of it are ours: its place is kept. */
int expr_reach_serve(struct expr_reach *r, uint64_t entity, const struct serving *list,
		     const bool *ours, uint32_t n)
{
	struct server *s = find(r, entity);
	int e = 0;

	if (!s)
		e = add_server(r, entity, &s);
	if (e == 0 && s->n != n) {
		if (r->n_spans + n > REACH_SERVED) {
			r->full = true;
			return 0;
		}
		e = make_room(r, r->n_spans + n);
		if (e == 0) {
			s->at = (uint32_t)r->n_spans;
			s->n = n;
			r->n_spans += n;
		}
	}
	if (e < 0 || n == 0)
		return e;
	memcpy(&r->spans[s->at], list, n * sizeof(*list));
	memcpy(&r->ours[s->at], ours, n * sizeof(*ours));
	return 0;
}

/* NULL: no fork of it was seen. */
static bool *find_child(const struct expr_reach *r, uint64_t child)
{
	uint32_t at = slots_first(&r->by_child, child);
	uint32_t number = slots_next(&r->by_child, child, &at);

	return number ? &r->started[number - 1] : NULL;
}

static int add_child(struct expr_reach *r, uint64_t child, bool is_ours)
{
	bool *more;

	if (r->n_started == REACH_FORKS) {
		r->full = true;
		return 0;
	}
	if (r->n_started == r->started_room) {
		more = reallocarray(r->started, r->started_room * 2 + 64, sizeof(*more));
		if (!more)
			return err_origin(-ENOMEM);
		r->started = more;
		r->started_room = r->started_room * 2 + 64;
	}
	if (!slots_room(&r->by_child))
		return err_origin(-ENOMEM);
	r->started[r->n_started++] = is_ours;
	slots_put(&r->by_child, child, (uint32_t)r->n_started);
	return 0;
}

int expr_reach_fork(struct expr_reach *r, uint64_t server, uint64_t child, uint64_t when_ns,
		    uint64_t thread)
{
	bool is_ours, *known;

	if (!child || !find(r, server))
		return 0;
	is_ours = expr_reach_did(r, server, when_ns, thread);
	known = find_child(r, child);
	if (!known)
		return add_child(r, child, is_ours);
	*known = is_ours; /* of a server that more is known of now */
	return 0;
}

/* ---- asked ---- */

bool expr_reach_did(const struct expr_reach *r, uint64_t entity, uint64_t when_ns, uint64_t thread)
{
	const struct server *s = find(r, entity);
	uint32_t sure;
	size_t i;

	if (!s)
		return false;
	i = serving_at(&r->spans[s->at], s->n, when_ns, thread, &sure);
	return i < s->n && r->ours[s->at + i];
}

bool expr_reach_started(const struct expr_reach *r, uint64_t child, uint64_t parent,
			uint64_t start_ns)
{
	const bool *fork = find_child(r, child);

	if (fork)
		return *fork;
	return start_ns && expr_reach_did(r, parent, start_ns, 0);
}

bool expr_reach_is_full(const struct expr_reach *r)
{
	return r->full;
}
