/* SPDX-License-Identifier: Apache-2.0 */
/* store_internal - what the writer (store.c) tells its readers (store_reader.c).
 * Thread: any; guarded by the store's mutex. */
#pragma once
#include <pthread.h>

#include "collector/store_damaged.h"
#include "collector/store_days.h"

/* Copies what the days hold, as of the last commit, to @to (zeroed or used before).  Returns 0 or
 * -ENOMEM. */
NODISCARD int store_days_copy(struct store *s, struct store_days *to);
const char *store_dir(const struct store *s);

struct store_damaged *store_damaged(struct store *s);

/* True while the store has @day, and not another one made under its name since. */
bool store_has_day(struct store *s, const struct day_summary *day);
/* The same, and its index is still the one that it was. */
bool store_has_index(struct store *s, const struct day_summary *day);

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
