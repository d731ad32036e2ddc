/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/spool_internal.h"

#include <fcntl.h>
#include <sys/stat.h>

enum { SCAN_BYTES = 64 << 10 };
static const uint64_t size_max = UINT32_MAX;

int spool_write_all(const struct spool_io *io, int fd, const void *data, size_t n, uint64_t at)
{
	const uint8_t *p = data;

	while (n) {
		ssize_t done = io->pwrite(fd, p, n, (off_t)at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return err_origin(done < 0 ? -errno : -EIO);
		p += done;
		n -= (size_t)done;
		at += (uint64_t)done;
	}
	return 0;
}

/* -EIO: the file is shorter. */
static int read_all(const struct spool_io *io, int fd, void *data, size_t n, uint64_t at)
{
	uint8_t *p = data;

	while (n) {
		ssize_t done = io->pread(fd, p, n, (off_t)at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return err_origin(done < 0 ? -errno : -EIO);
		p += done;
		n -= (size_t)done;
		at += (uint64_t)done;
	}
	return 0;
}

struct spool_path spool_segment_path(const struct spool *s, const struct spool_segment *g)
{
	struct spool_path path;

	snprintf(path.text, sizeof(path.text), "%s/%c-%016llx.seg", s->dir,
		 g->class == CLASS_BULK ? 'b' : 'p', (unsigned long long)g->number);
	return path;
}

struct spool_segment *spool_segment_new(uint64_t number, enum kind_class class)
{
	struct spool_segment *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->number = number;
	g->class = class;
	g->fd = -1;
	return g;
}

struct spool_segment *spool_segment_free(struct spool_segment *g)
{
	if (!g)
		return NULL;
	if (g->fd >= 0)
		close(g->fd);
	free(g->entries);
	free(g);
	return NULL;
}

int spool_segment_fd(struct spool *s, struct spool_segment *g)
{
	struct spool_chain *c = &s->chains[g->class];

	if (g->fd >= 0)
		return g->fd;
	g->fd = s->io->open(spool_segment_path(s, g).text, O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0);
	if (g->fd < 0)
		return err_origin(-errno);
	if (c->cached && c->cached != c->active) {
		close(c->cached->fd);
		c->cached->fd = -1;
	}
	c->cached = g;
	return g->fd;
}

int spool_segment_add(struct spool_segment *g, const struct spool_entry *e)
{
	if (g->n == g->cap) {
		uint32_t cap = g->cap ? g->cap * 2 : 16;
		struct spool_entry *more = realloc(g->entries, cap * sizeof(*more));

		if (!more)
			return err_origin(-ENOMEM);
		g->entries = more;
		g->cap = cap;
	}
	g->entries[g->n++] = *e;
	if (e->state != SPOOL_DONE)
		g->live++;
	return 0;
}

int spool_segment_read(struct spool *s, struct spool_segment *g, uint32_t i,
		       struct outbox_frame **ret, struct spool_head *ret_head, bool *ret_has_head)
{
	uint32_t offset = g->entries[i].offset;
	uint8_t bytes[SPOOL_HEAD_BYTES];
	int fd = spool_segment_fd(s, g), r;
	size_t n;

	*ret_has_head = false;
	if (fd < 0 || read_all(s->io, fd, bytes, sizeof(bytes), offset) < 0 ||
	    !spool_head_decode(ret_head, bytes, g->number, offset))
		return err_origin(-EBADMSG);
	*ret_has_head = true;
	n = spool_body_bytes(ret_head);
	buf_clear(&s->scratch);
	if (!buf_reserve(&s->scratch, n + 1))
		return err_origin(-ENOMEM);
	if (read_all(s->io, fd, s->scratch.data, n, offset + SPOOL_HEAD_BYTES) < 0)
		return err_origin(-EBADMSG);
	r = spool_body_decode(ret_head, s->scratch.data, n, ret);
	if (r < 0)
		return r;
	(*ret)->spooled = (struct spool_ref){ g->number, i };
	return 0;
}

/* ---- what is in a file ---- */

struct scan {
	struct spool *s;
	struct spool_segment *g;
	int fd;
	uint64_t at;
	struct spool_head before;   /* the last good one */
	bool has_before, is_broken; /* bytes that are no record lie since then */
};

/* Looks at every eighth byte from scan->at on for a head.  Returns false when there is none. */
static bool find_head(struct scan *c, struct spool_head *ret)
{
	static const size_t step = SCAN_BYTES - SPOOL_HEAD_BYTES + SPOOL_ALIGN;
	struct spool *s = c->s;

	for (; c->at + SPOOL_HEAD_BYTES <= c->g->size; c->at += step) {
		size_t n = (size_t)MIN(c->g->size - c->at, (uint64_t)SCAN_BYTES);

		if (read_all(s->io, c->fd, s->scratch.data, n, c->at) < 0)
			continue;
		for (size_t i = 0; i + SPOOL_HEAD_BYTES <= n; i += SPOOL_ALIGN)
			if (spool_head_decode(ret, s->scratch.data + i, c->g->number, c->at + i)) {
				c->at += i;
				return true;
			}
	}
	return false;
}

static bool read_head(struct scan *c, struct spool_head *ret)
{
	uint8_t bytes[SPOOL_HEAD_BYTES];

	return c->at + sizeof(bytes) <= c->g->size &&
	       read_all(c->s->io, c->fd, bytes, sizeof(bytes), c->at) == 0 &&
	       spool_head_decode(ret, bytes, c->g->number, c->at);
}

static int add_range(struct spool *s, const struct spool_head *h)
{
	uint64_t events = h->events[CLASS_PRIORITY] + h->events[CLASS_BULK] + h->n_losses;

	if (memcmp(h->boot_id, s->config.boot_id, sizeof(h->boot_id)) != 0 ||
	    h->last_seq - h->first_seq + 1 != events)
		return 0;
	if (s->n_ranges && s->ranges[s->n_ranges - 1].last + 1 == h->first_seq) {
		s->ranges[s->n_ranges - 1].last = h->last_seq;
		return 0;
	}
	if (s->n_ranges == s->cap_ranges) {
		size_t cap = s->cap_ranges ? s->cap_ranges * 2 : 16;
		struct spool_range *more = realloc(s->ranges, cap * sizeof(*more));

		if (!more)
			return err_origin(-ENOMEM);
		s->ranges = more;
		s->cap_ranges = cap;
	}
	s->ranges[s->n_ranges++] = (struct spool_range){ h->first_seq, h->last_seq };
	return 0;
}

/* A head stands at scan->at. */
static int scan_record(struct scan *c, const struct spool_head *h)
{
	uint64_t n = SPOOL_HEAD_BYTES + spool_body_bytes(h);
	struct spool_entry e = { h->order, (uint32_t)c->at, h->done ? SPOOL_DONE : SPOOL_UNREAD };
	struct spool *s = c->s;
	int r = 0;

	if (c->is_broken)
		spool_unknown_lost(s, c->g->class, c->has_before ? &c->before : NULL, h);
	c->before = *h;
	c->has_before = true;
	c->is_broken = false;
	if (!c->g->begun_ns)
		c->g->begun_ns = h->spooled_ns;
	s->next_order = MAX(s->next_order, h->order + 1);
	if (c->at + n > c->g->size) { /* torn */
		if (!h->done)
			spool_head_lost(s, h, LOSS_SPOOL_DAMAGED);
		c->at = c->g->size;
		return 0;
	}
	r = spool_segment_add(c->g, &e);
	if (r == 0)
		r = add_range(s, h);
	c->at += n;
	return r;
}

int spool_segment_scan(struct spool *s, struct spool_segment *g)
{
	struct scan c = { .s = s, .g = g, .fd = spool_segment_fd(s, g) };
	struct spool_head h;
	struct stat st;
	int r = 0;

	if (c.fd < 0)
		return c.fd;
	if (fstat(c.fd, &st) < 0)
		return err_origin(-errno);
	g->size = MIN((uint64_t)st.st_size, size_max);
	buf_clear(&s->scratch);
	if (!buf_reserve(&s->scratch, SCAN_BYTES))
		return err_origin(-ENOMEM);
	while (r == 0 && c.at < g->size) {
		if (!read_head(&c, &h)) {
			c.is_broken = true;
			if (!find_head(&c, &h))
				break;
		}
		r = scan_record(&c, &h);
	}
	if (r == 0 && c.is_broken)
		spool_unknown_lost(s, g->class, c.has_before ? &c.before : NULL, NULL);
	return r;
}
