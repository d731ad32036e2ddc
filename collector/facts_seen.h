/* SPDX-License-Identifier: Apache-2.0 */
/* facts_seen - what one batch says of things whose first sight counts (facts.h): each value once,
 * with how often and when it was seen.  Times are corrected by what is known of the node's clock.
 * Thread: one owner at a time.  Memory: kept from batch to batch. */
#pragma once
#include "collector/facts.h"
#include "lib/buf.h"
#include "lib/slots.h"

struct fact_seen {
	enum fact_kind kind;
	uint64_t first_ns, last_ns, n;
	size_t at, n_value; /* facts_seen_text() and its length */
};

struct facts_seen {
	struct fact_seen *list;
	uint32_t n, room;
	struct buf text; /* all values */
	struct slots slots;
	/* while it is filled */
	struct block *block;
	int64_t ahead_ns;
};

void facts_seen_done(struct facts_seen *s);

/* Fills @s (zeroed or used before) with what @b says.  Returns 0 or -ENOMEM. */
NODISCARD int facts_seen_in(struct facts_seen *s, struct block *b);

/* The value of one of @s->list, not ended by NUL; lent until the next batch. */
const char *facts_seen_text(const struct facts_seen *s, const struct fact_seen *of);

/* Mask of the kinds of events that say anything. */
uint64_t facts_seen_kinds(void);
