/* SPDX-License-Identifier: Apache-2.0 */
/* flow_match - which sightings of one 5-tuple, or of tuples that are translated into each other,
 * are the two ends of one connection.
 *
 * A sensor tells when a connection was opened (attempted or accepted) and when it was closed; a
 * tuple can be used again, events can be missing, and clocks are only nearly right.  What belongs
 * together is a function of the set of sightings alone, so that the order of their arrival makes no
 * difference:
 *   1. on each side of each node and boot, opens and closes that were established at nearly the
 * same time are ends: nearest pairs first;
 *   2. ends that connected and ends that accepted, of the same node first, then of any, are flows:
 *      nearest pairs first, within FLOW_WINDOW_NS, by the collector's clock;
 *   3. so are those of two tuples, of which some kernel told at that time that it made the one of
 *      the other (NAT).
 * Thread: any.  Memory: the caller's; the stack. */
#pragma once
#include "lib/util.h"

/* a server may be slow to accept what the kernel has established for it */
#define FLOW_WINDOW_NS UINT64_C(120000000000)
/* the wall clock may be set while a connection lives */
#define FLOW_CLOSE_WINDOW_NS UINT64_C(5000000000)

enum {
	FLOW_SIGHTINGS = 256, /* most of one key that are looked at together */
	FLOW_LINKS = 64,      /* translations of them */
	FLOW_LINKS_DEEP = 4,  /* translations in a row */
	FLOW_PROCESS_BYTES = 64,
	FLOW_ERROR_BYTES = 24,
};

enum flow_side { FLOW_CONNECTED, FLOW_ACCEPTED, FLOW_SIDES };

/* Numbers of an end, each as unsigned: columns of flows.db, in its order. */
#define FLOW_END_NUMBERS(X)                                                      \
	X(source) /* node and boot, as flowdb numbers them; 0: no such end */    \
	X(entity) /* the process; 0: not known */                                \
	X(pid)                                                                   \
	X(thread)                                                                \
	X(open_ns) /* by the node's clock; 0: not seen */                        \
	X(open_seq)                                                              \
	X(close_ns) /* the same */                                               \
	X(close_seq)                                                             \
	X(established_ns) /* by the node's clock */                              \
	X(ahead_ns)	  /* signed: how far that is ahead of the collector's */ \
	X(clock_error_ns) /* 0: not measured */                                  \
	X(source_bytes)	  /* as the close told them, + 1; 0: not seen */         \
	X(dest_bytes)                                                            \
	X(duration_ns)	  /* to the close, as that told it */                    \
	X(close_ahead_ns) /* ahead_ns of then */

/* One side's view of one connection; as a sighting it has an open or a close, not both. */
struct flow_end {
#define X(name) uint64_t name;
	FLOW_END_NUMBERS(X)
#undef X
	char process[FLOW_PROCESS_BYTES]; /* its name, cut */
	char error[FLOW_ERROR_BYTES];	  /* of an attempt that failed; "" */
	uint64_t key;			  /* of its 5-tuple */
	uint32_t node;			  /* number of the node */
	enum flow_side side;
};

/* Some kernel led a connection of the tuple @from to where it has the tuple @to. */
struct flow_link {
	uint64_t from, to;
	uint64_t at_ns; /* by the collector's clock */
};
struct flow_links {
	struct flow_link at[FLOW_LINKS];
	size_t n;
};

/* A connection: both ends, or one of them (the other's source is 0). */
struct flow_match {
	struct flow_end end[FLOW_SIDES];
	uint32_t confidence; /* percent; 0: a half */
};

/* When it was established, by the collector's clock. */
static inline UNUSED uint64_t flow_end_at(const struct flow_end *e)
{
	return e->established_ns - e->ahead_ns;
}

/* When it was begun, by the node's clock. */
static inline UNUSED uint64_t flow_end_begun(const struct flow_end *e)
{
	return e->open_ns ? e->open_ns : e->established_ns;
}

/* Puts @n (to FLOW_SIGHTINGS) sightings together; sorts @sightings.  @links NULL: none.  @ret has
 * room for @n.  Returns how many flows they are. */
size_t flow_resolve(struct flow_end *sightings, size_t n, const struct flow_links *links,
		    struct flow_match *ret);

/* Takes an end apart again: writes 1 or 2 sightings, returns how many. */
size_t flow_sightings(const struct flow_end *e, struct flow_end ret[2]);
