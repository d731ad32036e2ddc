/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/stat.h>

#include "collector/day.h"
#include "collector/store_writer.h"
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

/* ---- what the days hold ---- */

int store_days_copy(struct store *s, struct store_days *to)
{
	int r;

	pthread_mutex_lock(&s->mutex);
	r = store_days_clone(to, &s->days);
	pthread_mutex_unlock(&s->mutex);
	return r;
}

/* What the store has under the number of @day; false: nothing. */
static bool find_day(struct store *s, uint32_t number, struct day_summary *ret)
{
	const struct day_summary *has;

	pthread_mutex_lock(&s->mutex);
	has = store_days_find(&s->days, number);
	if (has)
		*ret = *has;
	pthread_mutex_unlock(&s->mutex);
	return has != NULL;
}

bool store_has_day(struct store *s, const struct day_summary *day)
{
	struct day_summary has;

	return find_day(s, day->number, &has) && has.inode == day->inode;
}

bool store_has_index(struct store *s, const struct day_summary *day)
{
	struct day_summary has;

	return find_day(s, day->number, &has) && has.inode == day->inode &&
	       has.index_inode == day->index_inode;
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
int store_open_day(struct store *s, uint32_t number, struct day **ret, struct diag *d)
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
	int r = store_open_day(s, number, &day, d);

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
	r = store_mend(s, number);
	if (r >= 0)
		r = store_open_day(s, number, &day, NULL);
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

/* Readers learn of all days of a commit at once. */
int store_commit(struct store *s)
{
	int r = store_check_names(s);

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
