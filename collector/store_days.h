/* SPDX-License-Identifier: Apache-2.0 */
/* store_days - what each day of the store holds: a list of summaries, by rising number.  The store
 * has one that its mutex guards; a scan has a copy, and sees that and nothing newer.
 * Thread: one owner at a time.  Memory: grows to what was copied or noted at most. */
#pragma once
#include "collector/day.h"

struct store_days {
	struct day_summary *list;
	size_t n, room;
};

void store_days_done(struct store_days *d);

/* Makes room for @n days.  Returns 0 or -ENOMEM. */
NODISCARD int store_days_room(struct store_days *d, size_t n);

/* Notes @summary in place of the one of its number, or at its place; its room must be there. */
void store_days_put(struct store_days *d, const struct day_summary *summary);

/* The day of @number; NULL: none.  Lent until the next change. */
const struct day_summary *store_days_find(const struct store_days *d, uint32_t number);

/* Takes the day of @number out, to *ret; its room stays.  Returns false when there is none. */
bool store_days_take(struct store_days *d, uint32_t number, struct day_summary *ret);

/* Makes @to (zeroed or used before) hold what @from does.  Returns 0, or -ENOMEM: it is empty. */
NODISCARD int store_days_clone(struct store_days *to, const struct store_days *from);
