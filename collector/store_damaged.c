/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store_damaged.h"

void store_damaged_init(struct store_damaged *d)
{
	pthread_mutex_init(&d->mutex, NULL);
}

void store_damaged_done(struct store_damaged *d)
{
	free(d->list);
	pthread_mutex_destroy(&d->mutex);
}

static const struct store_quarantined *find(const struct store_damaged *d, uint64_t id)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->list[i].id == id)
			return &d->list[i];
	return NULL;
}

static bool make_room(struct store_damaged *d)
{
	size_t room = d->room ? d->room * 2 : 16;
	struct store_quarantined *more;

	if (d->n < d->room)
		return true;
	if (d->n == STORE_QUARANTINE)
		return false;
	more = reallocarray(d->list, room, sizeof(*more));
	if (!more)
		return false;
	d->list = more;
	d->room = room;
	return true;
}

bool store_damaged_note(struct store_damaged *d, const struct store_quarantined *q)
{
	bool is_new;

	pthread_mutex_lock(&d->mutex);
	is_new = !find(d, q->id) && make_room(d);
	if (is_new) {
		d->list[d->n++] = *q;
		atomic_fetch_add(&d->n_held, q->holds);
	}
	pthread_mutex_unlock(&d->mutex);
	return is_new;
}

bool store_damaged_holds(struct store_damaged *d, uint64_t block_id, struct store_damage *ret)
{
	const struct store_quarantined *q;
	bool is;

	if (atomic_load(&d->n_held) == 0)
		return false;
	pthread_mutex_lock(&d->mutex);
	q = find(d, block_id);
	is = q && q->holds;
	if (is)
		*ret = q->damage;
	pthread_mutex_unlock(&d->mutex);
	return is;
}

void store_damaged_count(struct store_damaged *d, uint64_t *ret_blocks, uint64_t *ret_events)
{
	*ret_blocks = *ret_events = 0;
	pthread_mutex_lock(&d->mutex);
	for (size_t i = 0; i < d->n; i++) {
		*ret_blocks += d->list[i].holds;
		*ret_events += d->list[i].holds ? d->list[i].damage.n_events : 0;
	}
	pthread_mutex_unlock(&d->mutex);
}

bool store_damaged_next(struct store_damaged *d, struct store_quarantined *ret)
{
	bool found = false;

	pthread_mutex_lock(&d->mutex);
	for (size_t i = 0; i < d->n && !found; i++) {
		found = d->list[i].holds && !d->list[i].kept;
		if (found) {
			d->list[i].kept = true;
			*ret = d->list[i];
		}
	}
	pthread_mutex_unlock(&d->mutex);
	return found;
}

void store_damaged_forget(struct store_damaged *d, uint32_t day)
{
	size_t n = 0;

	pthread_mutex_lock(&d->mutex);
	for (size_t i = 0; i < d->n; i++) {
		if (d->list[i].id >> 32 != day)
			d->list[n++] = d->list[i];
		else
			atomic_fetch_sub(&d->n_held, d->list[i].holds);
	}
	d->n = n;
	pthread_mutex_unlock(&d->mutex);
}
