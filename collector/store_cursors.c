/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store_cursors.h"

enum { KEEP_OPEN = 8 };

void store_cursors_done(struct store_cursors *c)
{
	for (size_t i = 0; i < c->n; i++)
		cursor_free(c->list[i]);
	free(c->list);
	*c = (struct store_cursors){ 0 };
}

static struct cursor *find(const struct store_cursors *c, const struct day_summary *day)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->list[i]->day.number == day->number && c->list[i]->day.inode == day->inode &&
		    c->list[i]->day.index_inode == day->index_inode)
			return c->list[i];
	return NULL;
}

static void drop(struct store_cursors *c, size_t at)
{
	cursor_free(c->list[at]);
	c->list[at] = c->list[--c->n];
}

static int make_room(struct store_cursors *c)
{
	struct cursor **more;

	if (c->n < c->room)
		return 0;
	more = reallocarray(c->list, c->room + 8, sizeof(struct cursor *));
	if (!more)
		return err_origin(-ENOMEM);
	c->list = more;
	c->room += 8;
	return 0;
}

int store_cursors_get(struct store_cursors *c, struct store *s, const struct day_summary *day,
		      struct cursor **ret)
{
	struct cursor *found = find(c, day);
	int r = 0;

	if (!found) {
		r = make_room(c);
		if (r == 0)
			r = cursor_new(&found, s, day);
		if (r != 0)
			return r;
		c->list[c->n++] = found;
	}
	found->day = *day;
	found->used = c->n_scans;
	*ret = found;
	return 0;
}

struct cursor *store_cursors_best(const struct store_cursors *c, enum order order)
{
	struct cursor *best = NULL;

	for (size_t i = 0; i < c->n; i++) {
		struct cursor *at = c->list[i];

		if (at->active && (!best || cursor_before(order, &at->meta, &best->meta)))
			best = at;
	}
	return best;
}

/* Files of days, and of indexes, that were removed take space until nobody has them open. */
static void close_gone(struct store_cursors *c, struct store *s)
{
	for (size_t i = c->n; i-- > 0;)
		if (!store_has_index(s, &c->list[i]->day))
			drop(c, i);
}

static void close_least_used(struct store_cursors *c)
{
	while (c->n > KEEP_OPEN) {
		size_t least = 0;

		for (size_t i = 1; i < c->n; i++)
			if (c->list[i]->used < c->list[least]->used)
				least = i;
		drop(c, least);
	}
}

void store_cursors_rest(struct store_cursors *c, struct store *s)
{
	for (size_t i = 0; i < c->n; i++)
		cursor_end(c->list[i]);
	close_gone(c, s);
	close_least_used(c);
	c->n_scans++;
}

void store_cursors_drop(struct store_cursors *c, uint32_t number)
{
	for (size_t i = c->n; i-- > 0;)
		if (c->list[i]->day.number == number)
			drop(c, i);
}
