/* SPDX-License-Identifier: Apache-2.0 */
/* store_gone - days that go: taken by retention, or by somebody who removed their files. */
#include "collector/store_writer.h"
#include "lib/log.h"

int store_list_days(struct store *s, struct store_day **ret, size_t *ret_n)
{
	AUTO_MEM struct store_day *list = NULL;
	size_t n;

	pthread_mutex_lock(&s->mutex);
	n = s->days.n;
	list = calloc(n + 1, sizeof(*list));
	for (size_t i = 0; list && i < n; i++) {
		const struct day_summary *day = &s->days.list[i];

		list[i] = (struct store_day){ .number = day->number,
					      .n_events = day->n_events,
					      .ingested_ns = day->ingested_ns,
					      .newest_ns = day->max_time_ns };
	}
	pthread_mutex_unlock(&s->mutex);
	if (!list)
		return err_origin(-ENOMEM);
	for (size_t i = 0; i < n; i++)
		list[i].bytes = day_file_bytes(s->dir, list[i].number);
	*ret = TAKE(list);
	*ret_n = n;
	return 0;
}

/* ---- removing ---- */

/* Closes the day for writing.  Returns 0 or -EBUSY. */
static int close_day(struct store *s, uint32_t number)
{
	for (size_t i = 0; i < s->n_open; i++) {
		if (day_summary(s->open[i])->number != number)
			continue;
		if (day_dirty(s->open[i]))
			return err_origin(-EBUSY);
		day_free(s->open[i]);
		s->n_open--;
		memmove(s->open + i, s->open + i + 1, (s->n_open - i) * sizeof(struct day *));
		break;
	}
	return 0;
}

/* Takes the day out of what readers see.  Returns false when it is not there. */
static bool take_day(struct store *s, uint32_t number, struct day_summary *ret)
{
	bool found;

	pthread_mutex_lock(&s->mutex);
	found = store_days_take(&s->days, number, ret);
	pthread_mutex_unlock(&s->mutex);
	if (found)
		store_damaged_forget(&s->damaged, number);
	return found;
}

int store_remove_day(struct store *s, uint32_t number)
{
	struct day_summary day;
	bool begun;
	int r = close_day(s, number);

	if (r < 0)
		return r;
	if (!take_day(s, number, &day))
		return err_origin(-ENOENT);
	r = day_remove(s->dir, number, &begun);
	if (r < 0 && !begun) {
		pthread_mutex_lock(&s->mutex);
		store_days_put(&s->days, &day); /* its room is still there */
		pthread_mutex_unlock(&s->mutex);
		return r;
	}
	store_readers_drop(s, &day);
	return r;
}

/* ---- what others remove ---- */

/* Somebody may have taken files of a day that is not written to.  What can be made again is made by
 * the next store_open_day(); of the rest nothing but the telling is left to do.  Returns an enum
 * day_files, as it was, or a negative errno. */
static int mend_day(struct store *s, const struct day_summary *day)
{
	enum day_files files = day_look(s->dir, day);
	struct day_summary gone;
	int r = files == DAY_WHOLE ? DAY_WHOLE : close_day(s, day->number);

	if (files == DAY_WHOLE || r < 0)
		return r;
	log_error(files == DAY_GONE ? "store.day_gone" : "store.index_gone",
		  "day=%u events=%llu reason=\"somebody has removed its files\"", day->number,
		  (unsigned long long)day->n_events);
	r = day_drop_index(s->dir, day->number);
	if (files == DAY_GONE && take_day(s, day->number, &gone) &&
	    store_days_room(&s->gone, s->gone.n + 1) == 0)
		store_days_put(&s->gone, &gone);
	store_damaged_forget(&s->damaged, day->number);
	store_readers_drop(s, day);
	return r < 0 ? r : (int)files;
}

/* The same of day @number, if anything is known of it. */
int store_mend(struct store *s, uint32_t number)
{
	const struct day_summary *known;
	struct day_summary day;

	pthread_mutex_lock(&s->mutex);
	known = store_days_find(&s->days, number);
	if (known)
		day = *known;
	pthread_mutex_unlock(&s->mutex);
	return known ? mend_day(s, &day) : DAY_WHOLE;
}

/* What is written to a file that has no name any more would be lost with it. */
int store_check_names(const struct store *s)
{
	for (size_t i = 0; i < s->n_open; i++)
		if (day_dirty(s->open[i]) && day_look(s->dir, day_summary(s->open[i])) != DAY_WHOLE)
			return err_origin(-ESTALE);
	return 0;
}

/* An index that is gone is made again.  Returns 0 or a negative errno. */
static int look_after(struct store *s, const struct day_summary *known)
{
	AUTO(day) *day = NULL;
	int r = mend_day(s, known);

	if (r != DAY_NO_INDEX)
		return MIN(r, 0);
	r = store_open_day(s, known->number, &day, NULL);
	if (r == 0)
		store_day_changed(s, day);
	return r;
}

/* A day that cannot be mended keeps none of the others from it. */
void store_look(struct store *s)
{
	struct store_days days = { 0 };
	int r = store_days_copy(s, &days);

	if (r < 0)
		log_warn("store.not_looked_after", "error=\"%s\"", strerror(-r));
	for (size_t i = 0; i < days.n; i++) {
		r = look_after(s, &days.list[i]);
		if (r < 0)
			log_warn("store.not_looked_after", "day=%u error=\"%s\"",
				 days.list[i].number, strerror(-r));
	}
	store_days_done(&days);
}

bool store_take_gone(struct store *s, struct store_day *ret)
{
	const struct day_summary *day = s->gone.list;

	if (s->gone.n == 0)
		return false;
	*ret = (struct store_day){ .number = day->number,
				   .n_events = day->n_events,
				   .ingested_ns = day->ingested_ns,
				   .newest_ns = day->max_time_ns };
	return store_days_take(&s->gone, day->number, &(struct day_summary){ 0 });
}
