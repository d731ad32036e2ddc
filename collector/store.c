/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/stat.h>

#include "collector/day.h"
#include "collector/store_internal.h"
#include "collector/store_replay.h"
#include "lib/log.h"

enum {
	KEEP_DAYS = 3, /* files that stay open between commits: yesterday, today, a wrong clock */
	OLDEST_DAYS = 366,
	FUTURE_DAYS = 2,
};
static const uint64_t ns_per_day = 86400000000000u;

_Static_assert((int)STORE_E_DUPLICATE == (int)DAY_E_DUPLICATE &&
		       (int)STORE_E_CONFLICT == (int)DAY_E_CONFLICT,
	       "forwarded as they are");

struct store {
	char dir[DAY_PATH_BYTES - 64];
	/* the writer's own */
	struct day **open; /* most recently used first */
	size_t n_open, open_room;
	struct replay replay;
	uint64_t last_ingested_ns, last_id;
	struct store_days gone; /* for store_take_gone() */
	/* shared with readers */
	pthread_mutex_t mutex;
	struct store_days days;
	struct store_reader *readers;
	struct store_damaged damaged; /* with a mutex of its own */
};

/* ---- what the days hold ---- */

int store_days_copy(struct store *s, struct store_days *to)
{
	int r;

	pthread_mutex_lock(&s->mutex);
	r = store_days_clone(to, &s->days);
	pthread_mutex_unlock(&s->mutex);
	return r;
}

bool store_has_day(struct store *s, const struct day_summary *day)
{
	const struct day_summary *has;
	bool same;

	pthread_mutex_lock(&s->mutex);
	has = store_days_find(&s->days, day->number);
	same = has && has->inode == day->inode;
	pthread_mutex_unlock(&s->mutex);
	return same;
}

pthread_mutex_t *store_mutex(struct store *s)
{
	return &s->mutex;
}

struct store_reader **store_readers(struct store *s)
{
	return &s->readers;
}

const char *store_dir(const struct store *s)
{
	return s->dir;
}

/* ---- quarantine ---- */

struct store_damaged *store_damaged(struct store *s)
{
	return &s->damaged;
}

void store_keep_quarantine(struct store *s, uint64_t now_ns)
{
	struct store_quarantined q;
	struct day *day = NULL;

	while (store_damaged_next(&s->damaged, &q)) {
		uint32_t number = (uint32_t)(q.id >> 32);
		int r = store_has_events(s, number) ? store_writable_day(s, number, &day)
						    : err_origin(-ENOENT);

		if (r == 0)
			r = day_quarantine(day, q.id & UINT32_MAX, q.damage.reason, now_ns);
		if (r < 0 && r != -ENOENT) /* it is found again after a restart */
			log_warn("store.quarantine_not_kept", "day=%u block=%llu error=\"%s\"",
				 number, (unsigned long long)(q.id & UINT32_MAX), strerror(-r));
	}
}

struct loading {
	struct store *store;
	uint32_t day;
};

static int load_quarantined(const struct day_damaged *d, void *arg)
{
	const struct loading *l = arg;
	struct store_quarantined q = { .id = (uint64_t)l->day << 32 | d->id,
				       .damage = { .from_ns = d->min_time_ns,
						   .to_ns = d->max_time_ns,
						   .n_events = d->n_events },
				       .holds = true,
				       .kept = true };

	snprintf(q.damage.node_id, sizeof(q.damage.node_id), "%s", d->node_id);
	snprintf(q.damage.node, sizeof(q.damage.node), "%s", d->node_name);
	snprintf(q.damage.reason, sizeof(q.damage.reason), "%s", d->reason);
	(void)store_damaged_note(&l->store->damaged, &q);
	return 0;
}

/* ---- opening ---- */

uint64_t store_last_seq(struct block *b)
{
	const struct block_info *i = block_info(b);
	uint64_t last = i->first_seq;

	for (uint32_t t = 0; t < i->n_tables; t++) {
		const uint64_t *seq = block_column(b, t, FIELD_SEQ); /* rises, holds seq + 1 */
		uint32_t rows = block_rows(b, t);

		if (seq && rows)
			last = MAX(last, seq[rows - 1] - 1);
	}
	return last;
}

/* Opens a day and brings its index up to its frames file. */
static int open_day(struct store *s, uint32_t number, struct day **ret, struct diag *d)
{
	AUTO(day) *day = NULL;
	uint64_t n_before, n;
	int r = day_open(&day, s->dir, number, d);

	if (r < 0)
		return r;
	n_before = day_summary(day)->n_blocks;
	r = replay_day(&s->replay, day);
	if (r < 0)
		return diag_set(d, r, 0, 0, "cannot bring the index of day %u up to date: %s",
				number, strerror(-r));
	n = day_summary(day)->n_blocks - n_before;
	if (n)
		log_info("store.replayed", "day=%u blocks=%llu", number, (unsigned long long)n);
	*ret = TAKE(day);
	return 0;
}

static int load_day(struct store *s, uint32_t number, struct diag *d)
{
	AUTO(day) *day = NULL;
	int r = open_day(s, number, &day, d);

	if (r == 0)
		r = store_days_room(&s->days, s->days.n + 1);
	if (r < 0)
		return r;
	r = day_quarantined(day, load_quarantined, &(struct loading){ s, number });
	if (r < 0)
		return diag_set(d, r, 0, 0, "cannot read what is damaged in day %u: %s", number,
				strerror(-r));
	store_days_put(&s->days, day_summary(day));
	s->last_ingested_ns = MAX(s->last_ingested_ns, day_summary(day)->ingested_ns);
	return 0;
}

static int load_days(struct store *s, struct diag *d)
{
	DIR *dir = opendir(s->dir);
	struct dirent *e;
	uint32_t number;
	int r = 0;

	if (!dir)
		return diag_set(d, err_origin(-errno), 0, 0, "cannot read the folder %s: %s",
				s->dir, strerror(errno));
	while (r == 0 && (e = readdir(dir)))
		if (day_parse_name(e->d_name, &number))
			r = load_day(s, number, d);
	closedir(dir);
	return r;
}

int store_open(struct store **ret, const char *dir, struct diag *d)
{
	AUTO(store) *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return err_origin(-ENOMEM);
	pthread_mutex_init(&s->mutex, NULL);
	store_damaged_init(&s->damaged);
	if (strlen(dir) >= sizeof(s->dir))
		return diag_set(d, err_origin(-ENAMETOOLONG), 0, 0,
				"the folder's path is too long");
	memcpy(s->dir, dir, strlen(dir) + 1);
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return diag_set(d, err_origin(-errno), 0, 0, "cannot make the folder %s: %s", dir,
				strerror(errno));
	r = replay_init(&s->replay);
	if (r == 0)
		r = day_finish_removals(dir);
	if (r == 0)
		r = load_days(s, d);
	if (r == 0)
		*ret = TAKE(s);
	return r;
}

struct store *store_free(struct store *s)
{
	if (!s)
		return NULL;
	for (size_t i = 0; i < s->n_open; i++)
		day_free(s->open[i]);
	free(s->open);
	replay_done(&s->replay);
	store_damaged_done(&s->damaged);
	store_days_done(&s->days);
	store_days_done(&s->gone);
	pthread_mutex_destroy(&s->mutex);
	free(s);
	return NULL;
}

/* ---- writing ---- */

/* Leaves out the days whose transaction is open: they are rolled back. */
static int roll_back(struct store *s, int r)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_open; i++) {
		if (day_dirty(s->open[i]))
			day_free(s->open[i]);
		else
			s->open[n++] = s->open[i];
	}
	s->n_open = n;
	return r;
}

/* A clock far off must not make files without end. */
static uint32_t day_of(const struct block_info *i, uint64_t ingested_ns)
{
	uint64_t day = i->min_time_ns / ns_per_day, today = ingested_ns / ns_per_day;

	if (day + OLDEST_DAYS < today || day > today + FUTURE_DAYS)
		return 0;
	return (uint32_t)day;
}

static void move_to_front(struct store *s, size_t at)
{
	struct day *day = s->open[at];

	memmove(s->open + 1, s->open, at * sizeof(*s->open));
	s->open[0] = day;
}

static int close_day(struct store *s, uint32_t number);
static bool take_day(struct store *s, uint32_t number, struct day_summary *ret);

/* Somebody may have taken files of a day that is not written to.  What can be made again is made by
 * the next open_day(); of the rest nothing but the telling is left to do.  Returns an enum
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
static int mend_known(struct store *s, uint32_t number)
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

int store_writable_day(struct store *s, uint32_t number, struct day **ret)
{
	struct day *day = NULL;
	int r;

	for (size_t i = 0; i < s->n_open; i++) {
		if (day_summary(s->open[i])->number != number)
			continue;
		move_to_front(s, i);
		*ret = s->open[0];
		return 0;
	}
	if (s->n_open == s->open_room) {
		struct day **open = reallocarray(s->open, s->open_room + 8, sizeof(struct day *));

		if (!open)
			return err_origin(-ENOMEM);
		s->open = open;
		s->open_room += 8;
	}
	r = mend_known(s, number);
	if (r >= 0)
		r = open_day(s, number, &day, NULL);
	if (r < 0)
		return r;
	s->open[s->n_open++] = day;
	move_to_front(s, s->n_open - 1);
	*ret = day;
	return 0;
}

int store_append(struct store *s, struct block *b, const void *frame, size_t n,
		 uint64_t ingested_ns)
{
	struct day_entry entry = {
		.block = b,
		.frame = frame,
		.n_frame = n,
		.ingested_ns = ingested_ns,
		.last_seq = store_last_seq(b),
	};
	uint32_t number = day_of(block_info(b), ingested_ns);
	struct day *day = NULL;
	uint64_t row = 0;
	int r = filter_build(s->replay.filter, b, &entry.filter, &entry.n_filter);

	if (r == 0)
		r = store_writable_day(s, number, &day);
	if (r == 0)
		r = day_append(day, &entry, &row);
	if (r < 0)
		return roll_back(s, r);
	if (r > 0)
		return r;
	s->last_ingested_ns = ingested_ns;
	s->last_id = (uint64_t)number << 32 | row;
	return 0;
}

static void close_least_used(struct store *s)
{
	while (s->n_open > KEEP_DAYS)
		day_free(s->open[--s->n_open]);
}

/* What is written to a file that has no name any more would be lost with it. */
static int check_names(const struct store *s)
{
	for (size_t i = 0; i < s->n_open; i++)
		if (day_dirty(s->open[i]) && day_look(s->dir, day_summary(s->open[i])) != DAY_WHOLE)
			return err_origin(-ESTALE);
	return 0;
}

/* Readers learn of all days of a commit at once. */
int store_commit(struct store *s)
{
	int r = check_names(s);

	for (size_t i = 0; i < s->n_open && r == 0; i++)
		r = day_commit(s->open[i]);
	pthread_mutex_lock(&s->mutex);
	if (r == 0)
		r = store_days_room(&s->days, s->days.n + s->n_open);
	for (size_t i = 0; i < s->n_open && s->days.n < s->days.room; i++)
		if (!day_dirty(s->open[i]))
			store_days_put(&s->days, day_summary(s->open[i]));
	pthread_mutex_unlock(&s->mutex);
	if (r < 0)
		return roll_back(s, r);
	close_least_used(s);
	return 0;
}

uint64_t store_arrival(const struct store *s, uint64_t now_ns)
{
	return MAX(now_ns, s->last_ingested_ns + 1);
}

bool store_has_events(struct store *s, uint32_t day)
{
	bool has;

	pthread_mutex_lock(&s->mutex);
	has = store_days_find(&s->days, day) != NULL;
	pthread_mutex_unlock(&s->mutex);
	return has;
}

uint64_t store_arrived(struct store *s)
{
	uint64_t ns = 0;

	pthread_mutex_lock(&s->mutex);
	for (size_t i = 0; i < s->days.n; i++)
		ns = MAX(ns, s->days.list[i].ingested_ns);
	pthread_mutex_unlock(&s->mutex);
	return ns;
}

uint64_t store_last_id(const struct store *s)
{
	return s->last_id;
}

/* ---- merging ---- */

void store_day_changed(struct store *s, struct day *day)
{
	pthread_mutex_lock(&s->mutex);
	store_days_put(&s->days, day_summary(day)); /* its room is there: it was known */
	pthread_mutex_unlock(&s->mutex);
}

void store_drop_day(struct store *s, struct day *day)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_open; i++)
		if (s->open[i] != day)
			s->open[n++] = s->open[i];
	s->n_open = n;
	day_free(day);
}

/* ---- what others remove ---- */

void store_look(struct store *s)
{
	AUTO_MEM struct store_day *days = NULL;
	size_t n = 0;
	int r = store_list_days(s, &days, &n);

	for (size_t i = 0; i < n && r >= 0; i++) {
		AUTO(day) *day = NULL;

		r = mend_known(s, days[i].number);
		if (r != DAY_NO_INDEX)
			continue;
		r = open_day(s, days[i].number, &day, NULL);
		if (r == 0)
			store_day_changed(s, day);
	}
	if (r < 0)
		log_warn("store.not_looked_after", "error=\"%s\"", strerror(-r));
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

/* ---- removing ---- */

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
