/* SPDX-License-Identifier: Apache-2.0 */
/* pages - what the pages of one search say together: took_ms and scanned summed, each gap once,
 * cursor and truncated of the last (a page that was cut goes on with the next).
 * Thread: one. */
#pragma once
#include "ctl/cli.h"
#include "lib/rawjson.h"

/* Zero-initialise; end with pages_done(). */
struct pages {
	struct buf gaps;       /* raw JSON objects, commas between */
	json_t *scanned;       /* sums */
	struct buf nodes;      /* names of nodes with gaps, ", " between */
	uint64_t n_gaps, lost; /* gaps; events known to be lost in them */
	uint64_t n_unknown;    /* gaps of which nobody knows how many */
	double took_ms;
	bool truncated;
	char cursor[1024]; /* of the last page; "" when nothing follows */
	char next[1024];   /* of the page that is being added */
};

/* Adds a page (all members of the answer but its hits).  Returns 0, -EBADMSG (a cursor that is too
 * long or did not move) or -ENOMEM. */
NODISCARD int pages_add(struct pages *p, struct slice page);
void pages_done(struct pages *p);

/* True when events are known to be missing from the answer. */
bool pages_partial(const struct pages *p);

/* Says in one line each, if it is so: events were lost; blocks are damaged; the answer was cut. */
void pages_say(const struct pages *p, const struct cli_io *io);

/* Appends the members that end a JSON document: cursor, took_ms, scanned, truncated, gaps. */
void pages_members(const struct pages *p, struct buf *out);
