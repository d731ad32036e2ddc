/* SPDX-License-Identifier: Apache-2.0 */
/* store_cursors - the days that a reader has open: a few stay so from scan to scan, those that were
 * used last.
 * Thread: one owner at a time.  Memory: a cursor an open day. */
#pragma once
#include "collector/store_cursor.h"

struct store_cursors {
	struct cursor **list; /* in no order */
	size_t n, room;
	uint64_t n_scans;
};

void store_cursors_done(struct store_cursors *c);

/* The cursor of @day, opened when it is not yet; lent until a call below.  Returns 0, CURSOR_E_GONE
 * or a negative errno. */
NODISCARD int store_cursors_get(struct store_cursors *c, struct store *s,
				const struct day_summary *day, struct cursor **ret);

/* Of those that stand on a block, the one that @order wants first; NULL: none does. */
struct cursor *store_cursors_best(const struct store_cursors *c, enum order order);

/* A scan is over: ends its cursors, closes days that are gone, and others than those used last. */
void store_cursors_rest(struct store_cursors *c, struct store *s);

/* Closes the day of @number. */
void store_cursors_drop(struct store_cursors *c, uint32_t number);
