/* SPDX-License-Identifier: Apache-2.0 */
/* store_internal - what the writer (store.c) tells its readers (store_reader.c).
 * Thread: any; guarded by the store's mutex. */
#pragma once
#include <pthread.h>

#include "collector/day.h"
#include "collector/store.h"

/* What every day held at one moment, by rising number: a scan sees this and nothing newer. */
struct store_days {
	struct day_summary *list;
	size_t n, room;
};

/* Copies the committed summaries to @to (zero-initialised or reused).  Returns 0 or -ENOMEM. */
NODISCARD int store_days_copy(struct store *s, struct store_days *to);
const char *store_dir(const struct store *s);

/* What is damaged: a block by its id, the rest of a day by its number << 32. */
struct store_quarantined {
	uint64_t id;
	struct store_damage damage;
	bool holds; /* it is not read again; else it is only known that it was logged */
	bool kept;  /* the day's index has it */
};

/* Notes @q.  True the first time (a bounded number of times: then false for all), so that damage is
 * logged once and not by every scan. */
bool store_quarantine(struct store *s, const struct store_quarantined *q);
/* True when the block is not to be read: what is known of its damage is in *ret. */
bool store_is_quarantined(struct store *s, uint64_t block_id, struct store_damage *ret);
/* Blocks in quarantine, and their events. */
void store_count_quarantine(struct store *s, uint64_t *ret_blocks, uint64_t *ret_events);

/* True while the store has @day, and not another one made under its name since. */
bool store_has_day(struct store *s, const struct day_summary *day);

/* The store's readers, a list that its mutex guards. */
pthread_mutex_t *store_mutex(struct store *s);
struct store_reader **store_readers(struct store *s);

/* Has the readers that are idle close the files of @day. */
void store_readers_drop(struct store *s, const struct day_summary *day);

/* For merge.c; the writer's thread.  A day to write to, lent until the next commit or removal.
 * Returns 0 or a negative errno. */
NODISCARD int store_writable_day(struct store *s, uint32_t number, struct day **ret);
/* Readers see what the day holds now. */
void store_day_changed(struct store *s, struct day *day);
/* Frees a day whose last change failed. */
void store_drop_day(struct store *s, struct day *day);
