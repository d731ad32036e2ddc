/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store_days.h"

void store_days_done(struct store_days *d)
{
	free(d->list);
	*d = (struct store_days){ 0 };
}

int store_days_room(struct store_days *d, size_t n)
{
	struct day_summary *list;

	if (n <= d->room)
		return 0;
	list = reallocarray(d->list, n + 16, sizeof(*list));
	if (!list)
		return err_origin(-ENOMEM);
	d->list = list;
	d->room = n + 16;
	return 0;
}

void store_days_put(struct store_days *d, const struct day_summary *summary)
{
	size_t at = d->n;

	while (at > 0 && d->list[at - 1].number >= summary->number)
		at--;
	if (at == d->n || d->list[at].number != summary->number) {
		memmove(d->list + at + 1, d->list + at, (d->n - at) * sizeof(*d->list));
		d->n++;
	}
	d->list[at] = *summary;
}

const struct day_summary *store_days_find(const struct store_days *d, uint32_t number)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->list[i].number == number)
			return &d->list[i];
	return NULL;
}

bool store_days_take(struct store_days *d, uint32_t number, struct day_summary *ret)
{
	const struct day_summary *found = store_days_find(d, number);
	size_t at = found ? (size_t)(found - d->list) : 0;

	if (!found)
		return false;
	*ret = *found;
	d->n--;
	memmove(d->list + at, d->list + at + 1, (d->n - at) * sizeof(*d->list));
	return true;
}

int store_days_clone(struct store_days *to, const struct store_days *from)
{
	int r = store_days_room(to, from->n);

	to->n = r == 0 ? from->n : 0;
	if (to->n)
		memcpy(to->list, from->list, to->n * sizeof(*to->list));
	return r;
}
