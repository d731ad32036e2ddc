/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/slots.h"

enum { MIN_SLOTS = 1024 };

static void place(struct slot *at, uint32_t cap, struct slot entry)
{
	uint32_t i = (uint32_t)entry.key & (cap - 1);

	while (at[i].number)
		i = (i + 1) & (cap - 1);
	at[i] = entry;
}

bool slots_room(struct slots *s)
{
	uint32_t cap = s->cap ? s->cap * 2 : MIN_SLOTS;
	struct slot *at;

	if (s->used < s->cap / 2)
		return true;
	at = calloc(cap, sizeof(*at));
	if (!at)
		return false;
	for (uint32_t i = 0; i < s->cap; i++)
		if (s->at[i].number)
			place(at, cap, s->at[i]);
	free(s->at);
	s->at = at;
	s->cap = cap;
	return true;
}

void slots_put(struct slots *s, uint64_t key, uint32_t number)
{
	place(s->at, s->cap, (struct slot){ key, number });
	s->used++;
}

void slots_clear(struct slots *s)
{
	if (s->used)
		memset(s->at, 0, s->cap * sizeof(*s->at));
	s->used = 0;
}

void slots_done(struct slots *s)
{
	free(s->at);
	*s = (struct slots){ 0 };
}
