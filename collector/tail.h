/* SPDX-License-Identifier: Apache-2.0 */
/* tail - live events as a stream of server-sent events (HTML standard, 9.2).
 *
 *   id: 1795383859123456789.4711     when the collector received it, and its sequence number
 *   event: hit
 *   data: {"_id":...}                one document
 *
 * Told too: "event: dropped", data {"count":N}: the client was too slow for N events, or the
 * collector for N events of whoever they are; and a comment every ten seconds, with the id that a
 * client which comes back should name.  A client that names a Last-Event-ID first gets what was
 * stored since, read from the store at the pace it takes it; then it goes live without a hole or a
 * double.
 *
 * Each tail has a bounded buffer.  Live events are matched on the loop, once a tail.
 * Thread: the loop; a replay reads the store in the pool. */
#pragma once
#include "collector/request.h"

struct tails;

/* @s is borrowed.  Returns 0 or -ENOMEM. */
NODISCARD int tails_new(struct tails **ret, struct server *s, uv_loop_t *loop);
struct tails *tails_free(struct tails *t); /* no tail may be left */

/* A batch that was committed; @dropped events were lost before it. */
void tails_deliver(struct tails *t, struct block *b, uint64_t dropped);

/* Called some times a second while there are connections: keep-alives. */
void tails_tick(struct tails *t);

struct tails_counters {
	uint64_t open, events, dropped;
};
void tails_counters(const struct tails *t, struct tails_counters *ret);

/* What a tail shows.  tail_open() takes the pointers over, whatever it answers. */
struct tail_request {
	struct expr *expr; /* NULL: everything */
	char *node;	   /* NULL: all */
	const struct scope *scope; /* NULL: all; lives as long as the request */
	struct document *document;
	const char *last_event_id; /* NULL: only what comes from now on */
};

/* Answers @r by a stream, or a problem. */
void tail_open(struct tails *t, struct request *r, const struct tail_request *what);
