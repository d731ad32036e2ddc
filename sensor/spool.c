/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/spool_internal.h"

#include <endian.h>
#include <fcntl.h>
#include <time.h>

enum { SEGMENT_BYTES = 4 << 20, SEGMENTS_MIN = 8, SEGMENT_BYTES_MAX = 64 << 20 };
static const uint64_t second = 1000000000;

static int system_open(const char *path, int flags, mode_t mode)
{
	return open(path, flags, mode);
}

static uint64_t system_now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * second + (uint64_t)t.tv_nsec;
}

const struct spool_io spool_io_system = {
	system_open, pread, pwrite, ftruncate, fdatasync, unlink, system_now_ns,
};

/* ---- losses ---- */

void spool_head_lost(struct spool *s, const struct spool_head *h, enum loss_cause cause)
{
	struct outbox_frame f = {
		.first_seq = h->first_seq,
		.last_seq = h->last_seq,
		.from_ns = h->from_ns,
		.to_ns = h->to_ns,
		.events = { h->events[CLASS_PRIORITY], h->events[CLASS_BULK] },
		.foreign = memcmp(h->boot_id, s->config.boot_id, sizeof(h->boot_id)) != 0,
	};

	s->lost_events += outbox_frame_lost(&f, cause, &s->losses);
	if (h->n_losses == 0)
		return;
	f.events[CLASS_PRIORITY] = f.events[CLASS_BULK] = 0;
	spool_unknown_lost(s, CLASS_BULK, h, h); /* losses that it told, of unknown number */
}

void spool_unknown_lost(struct spool *s, enum kind_class class, const struct spool_head *before,
			const struct spool_head *after)
{
	uint64_t now = s->io->now_ns(CLOCK_REALTIME);
	struct loss l = {
		.class = class,
		.cause = LOSS_SPOOL_DAMAGED,
		.from_ns = before  ? before->to_ns
			   : after ? after->from_ns
				   : now,
		.to_ns = after	  ? after->from_ns
			 : before ? before->spooled_ns
				  : now,
	};

	l.to_ns = MAX(l.to_ns, l.from_ns);
	if (before && after && before->last_seq + 1 < after->first_seq &&
	    memcmp(before->boot_id, s->config.boot_id, sizeof(before->boot_id)) == 0 &&
	    memcmp(after->boot_id, s->config.boot_id, sizeof(after->boot_id)) == 0) {
		l.first_seq = before->last_seq + 1;
		l.last_seq = after->first_seq - 1;
	}
	losses_add(&s->losses, &l);
}

/* The numbers of another boot mean nothing in this one. */
static void note_boot(const struct spool *s, struct outbox_frame *f, const struct spool_head *head)
{
	f->foreign = memcmp(head->boot_id, s->config.boot_id, sizeof(head->boot_id)) != 0;
	for (size_t i = 0; f->foreign && i < f->n_losses; i++)
		f->losses[i].first_seq = f->losses[i].last_seq = 0;
}

/* ---- segments ---- */

static void chain_append(struct spool_chain *c, struct spool_segment *g)
{
	if (c->last)
		c->last->after = g;
	else
		c->first = g;
	c->last = g;
}

void spool_chain_remove(struct spool *s, struct spool_segment *g)
{
	struct spool_chain *c = &s->chains[g->class];
	struct spool_segment *before = NULL;

	for (struct spool_segment *at = c->first; at != g; at = at->after)
		before = at;
	if (before)
		before->after = g->after;
	else
		c->first = g->after;
	if (c->last == g)
		c->last = before;
	if (c->active == g)
		c->active = NULL;
	if (c->cached == g)
		c->cached = NULL;
}

void spool_remove_segment(struct spool *s, struct spool_segment *g)
{
	spool_chain_remove(s, g);
	(void)s->io->unlink(spool_segment_path(s, g).text);
	s->bytes -= g->size;
	spool_segment_free(g);
}

static void sync_folder(struct spool *s)
{
	int fd = s->io->open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);

	if (fd >= 0) {
		(void)s->io->fdatasync(fd);
		close(fd);
	}
}

static int begin_segment(struct spool *s, struct spool_chain *c, enum kind_class class)
{
	struct spool_segment *g = spool_segment_new(s->next_number, class);

	if (!g)
		return err_origin(-ENOMEM);
	g->fd = s->io->open(spool_segment_path(s, g).text,
			    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	s->next_number++;
	if (g->fd < 0) {
		int r = -errno;

		spool_segment_free(g);
		return err_origin(r);
	}
	if (s->config.max_age_ns)
		g->expires_ns = s->io->now_ns(CLOCK_BOOTTIME) + s->config.max_age_ns;
	chain_append(c, g);
	c->active = g;
	if (s->config.sync != SPOOL_SYNC_NEVER)
		sync_folder(s);
	return 0;
}

static int sync_segment(struct spool *s, struct spool_segment *g)
{
	if (!g->dirty || g->fd < 0)
		return 0;
	g->dirty = false;
	return s->io->fdatasync(g->fd) < 0 ? err_origin(-errno) : 0;
}

static int sync_all(struct spool *s)
{
	int r = 0;

	s->unsynced_since_ns = 0;
	for (size_t class = 0; class < CLASS_MAX; class ++) {
		struct spool_segment *g = s->chains[class].active;
		int one = g ? sync_segment(s, g) : 0;

		r = r ? r : one;
	}
	return r;
}

/* The active segment will not be written to any more. */
static int end_segment(struct spool *s, struct spool_chain *c)
{
	struct spool_segment *g = TAKE(c->active);
	int r = s->config.sync == SPOOL_SYNC_NEVER ? 0 : sync_segment(s, g);

	if (g->live == 0) {
		spool_remove_segment(s, g);
	} else if (g != c->cached) {
		close(g->fd);
		g->fd = -1;
	}
	return r;
}

static void set_state(struct spool *s, struct spool_segment *g, uint32_t i, enum spool_state to)
{
	struct spool_entry *e = &g->entries[i];

	if (e->state == SPOOL_UNREAD && to != SPOOL_UNREAD)
		s->unread--;
	if (e->state != SPOOL_DONE && to == SPOOL_DONE) {
		g->live--;
		s->records--;
	}
	e->state = (uint8_t)to;
}

/* Drops a segment with all that it holds; what is also in memory, under way, is not lost. */
static void drop_segment(struct spool *s, struct spool_segment *g, enum loss_cause cause)
{
	for (uint32_t i = 0; i < g->n; i++) {
		AUTO(outbox_frame) *f = NULL;
		struct spool_head head;
		bool has_head;

		if (g->entries[i].state == SPOOL_UNREAD) {
			if (spool_segment_read(s, g, i, &f, &head, &has_head) == 0) {
				note_boot(s, f, &head);
				s->lost_events += outbox_frame_lost(f, cause, &s->losses);
			} else if (has_head) {
				spool_head_lost(s, &head, cause);
			} else {
				spool_unknown_lost(s, g->class, NULL, NULL);
			}
		}
		set_state(s, g, i, SPOOL_DONE);
	}
	spool_remove_segment(s, g);
}

/* ---- opening ---- */

int spool_new(struct spool **ret, const struct spool_config *config, struct diag *d)
{
	AUTO(spool) *s = NULL;
	int r;

	if (config->max_bytes == 0)
		return diag_set(d, err_origin(-EINVAL), 0, 0, "a spool of 0 bytes holds nothing");
	s = calloc(1, sizeof(*s));
	if (!s)
		return err_origin(-ENOMEM);
	s->config = *config;
	s->io = config->io ? config->io : &spool_io_system;
	s->next_number = s->next_order = 1;
	if (s->config.segment_bytes == 0)
		s->config.segment_bytes = MIN(SEGMENT_BYTES, config->max_bytes / SEGMENTS_MIN);
	s->config.segment_bytes = MIN(s->config.segment_bytes, SEGMENT_BYTES_MAX);
	if ((size_t)snprintf(s->dir, sizeof(s->dir), "%s", config->dir) >= sizeof(s->dir))
		return diag_set(d, err_origin(-ENAMETOOLONG), 0, 0, "%s: too long", config->dir);
	r = spool_open_folder(s);
	if (r < 0)
		return diag_set(d, r, 0, 0, "cannot use the spool %s: %s", s->dir, strerror(-r));
	*ret = TAKE(s);
	return 0;
}

struct spool *spool_free(struct spool *s)
{
	if (!s)
		return NULL;
	for (size_t class = 0; class < CLASS_MAX; class ++) {
		struct spool_segment *after;

		for (struct spool_segment *g = s->chains[class].first; g; g = after) {
			after = g->after;
			spool_segment_free(g);
		}
	}
	free(s->ranges);
	buf_done(&s->scratch);
	free(s);
	return NULL;
}

/* ---- writing ---- */

/* Drops the oldest segments until @n more bytes fit; bulk never pushes out others. */
static bool make_room(struct spool *s, size_t n, enum kind_class class)
{
	while (s->bytes + n > s->config.max_bytes) {
		struct spool_segment *g = s->chains[CLASS_BULK].first;

		if (!g && class == CLASS_PRIORITY)
			g = s->chains[CLASS_PRIORITY].first;
		if (!g)
			return false;
		drop_segment(s, g, LOSS_SPOOL_FULL);
	}
	return true;
}

static int write_record(struct spool *s, struct spool_segment *g, const struct outbox_frame *f,
			struct spool_entry *e)
{
	struct spool_head head = { .order = e->order, .spooled_ns = s->io->now_ns(CLOCK_REALTIME) };
	int r;

	memcpy(head.boot_id, s->config.boot_id, sizeof(head.boot_id));
	buf_clear(&s->scratch);
	r = spool_record_encode(&s->scratch, f, &head, g->number, g->size);
	if (r < 0)
		return r;
	e->offset = (uint32_t)g->size;
	r = spool_segment_add(g, e);
	if (r < 0)
		return r;
	r = spool_write_all(s->io, g->fd, s->scratch.data, s->scratch.n, g->size);
	if (r < 0) {
		g->n--;
		g->live--;
		return r;
	}
	g->size += s->scratch.n;
	g->dirty = true;
	s->bytes += s->scratch.n;
	s->records++;
	s->unread += e->state == SPOOL_UNREAD;
	if (!s->unsynced_since_ns)
		s->unsynced_since_ns = s->io->now_ns(CLOCK_MONOTONIC);
	return 0;
}

int spool_append(struct spool *s, const struct outbox_frame *f, bool is_sent,
		 struct spool_ref *ret_ref)
{
	struct spool_entry e = { .order = s->next_order,
				 .state = is_sent ? SPOOL_SENT : SPOOL_UNREAD };
	enum kind_class class = outbox_frame_class(f);
	struct spool_chain *c = &s->chains[class];
	struct spool_head size = { .frame_bytes = (uint32_t)f->n,
				   .n_losses = (uint32_t)f->n_losses };
	size_t n = SPOOL_HEAD_BYTES + spool_body_bytes(&size);
	int r = 0;

	if (n > s->config.max_bytes || !make_room(s, n, class))
		return SPOOL_E_NO_ROOM;
	if (c->active && c->active->size && c->active->size + n > s->config.segment_bytes)
		r = end_segment(s, c);
	if (r == 0 && !c->active)
		r = begin_segment(s, c, class);
	if (r < 0)
		return r;
	r = write_record(s, c->active, f, &e);
	if (r < 0) {
		/* Half a record must not stay in front of the next one. */
		(void)!s->io->ftruncate(c->active->fd, (off_t)c->active->size);
		(void)!end_segment(s, c);
		return r;
	}
	s->next_order++;
	*ret_ref = (struct spool_ref){ c->active->number, c->active->n - 1 };
	if (s->config.sync != SPOOL_SYNC_BATCH)
		return 0;
	r = sync_all(s);
	if (r < 0)
		spool_done(s, ret_ref);
	return r;
}

/* ---- reading ---- */

/* The chain's oldest record not yet given.  Returns false when there is none. */
static bool oldest(const struct spool_chain *c, struct spool_segment **ret)
{
	for (struct spool_segment *g = c->first; g; g = g->after) {
		while (g->next < g->n && g->entries[g->next].state != SPOOL_UNREAD)
			g->next++;
		if (g->next < g->n) {
			*ret = g;
			return true;
		}
	}
	return false;
}

static struct spool_segment *next_segment(const struct spool *s)
{
	struct spool_segment *a = NULL, *b = NULL;
	bool has_a = oldest(&s->chains[CLASS_PRIORITY], &a);
	bool has_b = oldest(&s->chains[CLASS_BULK], &b);

	if (has_a && has_b)
		return a->entries[a->next].order < b->entries[b->next].order ? a : b;
	return has_a ? a : b;
}

static void mark_done(struct spool *s, struct spool_segment *g, uint32_t i)
{
	const uint64_t mark = htole64(spool_done_mark);
	uint64_t at = g->entries[i].offset + (uint64_t)SPOOL_DONE_AT;
	int fd;

	set_state(s, g, i, SPOOL_DONE);
	if (g->live == 0) {
		spool_remove_segment(s, g);
		return;
	}
	fd = spool_segment_fd(s, g);
	if (fd >= 0) /* when it fails, the record is sent again after a restart: harmless */
		(void)!spool_write_all(s->io, fd, &mark, sizeof(mark), at);
}

int spool_next(struct spool *s, struct outbox_frame **ret)
{
	struct spool_segment *g;

	while ((g = next_segment(s))) {
		struct spool_head head;
		bool has_head;
		uint32_t i = g->next;
		int r = spool_segment_read(s, g, i, ret, &head, &has_head);

		if (r == -ENOMEM)
			return r;
		if (r == 0) {
			note_boot(s, *ret, &head);
			set_state(s, g, i, SPOOL_SENT);
			return 0;
		}
		if (has_head)
			spool_head_lost(s, &head, LOSS_SPOOL_DAMAGED);
		else
			spool_unknown_lost(s, g->class, NULL, NULL);
		mark_done(s, g, i);
	}
	return SPOOL_E_EMPTY;
}

void spool_done(struct spool *s, const struct spool_ref *ref)
{
	for (size_t class = 0; class < CLASS_MAX; class ++)
		for (struct spool_segment *g = s->chains[class].first; g; g = g->after)
			if (g->number == ref->segment) {
				if (ref->record < g->n &&
				    g->entries[ref->record].state != SPOOL_DONE)
					mark_done(s, g, ref->record);
				return;
			}
}

/* ---- time ---- */

static void drop_expired(struct spool *s)
{
	uint64_t now = s->io->now_ns(CLOCK_BOOTTIME);

	for (size_t class = 0; class < CLASS_MAX; class ++) {
		struct spool_segment *after;

		for (struct spool_segment *g = s->chains[class].first; g; g = after) {
			after = g->after;
			if (g->expires_ns && g->expires_ns <= now)
				drop_segment(s, g, LOSS_SPOOL_EXPIRED);
		}
	}
}

int spool_tick(struct spool *s, bool now)
{
	drop_expired(s);
	if (!s->unsynced_since_ns || s->config.sync == SPOOL_SYNC_NEVER)
		return 0;
	if (!now && s->io->now_ns(CLOCK_MONOTONIC) - s->unsynced_since_ns < second)
		return 0;
	return sync_all(s);
}

/* ---- telling ---- */

uint64_t spool_losses(struct spool *s, struct losses *into)
{
	uint64_t n = s->lost_events;

	s->lost_events = 0;
	losses_move(into, &s->losses);
	return n;
}

uint64_t spool_reaches(const struct spool *s, uint64_t seq)
{
	for (size_t i = 0; i < s->n_ranges; i++)
		if (s->ranges[i].first <= seq && s->ranges[i].last >= seq)
			seq = s->ranges[i].last + 1;
	return seq;
}

void spool_totals(const struct spool *s, struct spool_totals *ret)
{
	*ret = (struct spool_totals){
		.unread = s->unread,
		.records = s->records,
		.bytes = s->bytes,
		.unsynced = s->unsynced_since_ns && s->config.sync != SPOOL_SYNC_NEVER,
	};
	for (size_t class = 0; class < CLASS_MAX; class ++)
		for (const struct spool_segment *g = s->chains[class].first; g; g = g->after)
			ret->files++;
}
