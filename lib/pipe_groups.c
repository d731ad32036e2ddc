/* SPDX-License-Identifier: Apache-2.0 */
/* Three open-addressing tables, at most two thirds full, doubled while the limit allows. */
#include "lib/pipe_groups.h"

#include <xxhash.h>

enum { FIRST_SLOTS = 1024 };

void pipe_groups_init(struct pipe_groups *g, uint32_t n_keys, uint32_t n_aggregates, size_t limit)
{
	g->limit = limit;
	g->arena.limit = limit;
	g->n_keys = n_keys;
	g->stride = n_keys + n_aggregates * PIPE_CELL_WORDS;
}

void pipe_groups_done(struct pipe_groups *g)
{
	arena_done(&g->arena);
	free(g->strings);
	free(g->string_slots);
	free(g->records);
	free(g->group_slots);
	free(g->members);
	memset(g, 0, sizeof(*g));
}

static bool has_room(const struct pipe_groups *g, size_t more)
{
	size_t used = g->tables + g->arena.used;

	return used <= g->limit && more <= g->limit - used;
}

static void *alloc(struct pipe_groups *g, size_t n)
{
	return has_room(g, n + 8) ? arena_alloc(&g->arena, n) : NULL;
}

/* Doubles an array of @cap items of @size bytes. */
static bool grow(struct pipe_groups *g, void *array, uint32_t *cap, size_t size)
{
	uint32_t more = *cap ? *cap * 2 : 64;
	void *p, *old;

	if (more <= *cap || !has_room(g, (size_t)(more - *cap) * size))
		return false;
	memcpy(&old, array, sizeof(old));
	p = reallocarray(old, more, size);
	if (!p)
		return false;
	memcpy(array, &p, sizeof(p));
	g->tables += (size_t)(more - *cap) * size;
	*cap = more;
	return true;
}

/* An empty table of twice the slots; the old one is the caller's to free.  NULL: no room. */
static void *new_slots(struct pipe_groups *g, size_t n, size_t size)
{
	void *slots = has_room(g, n * size) ? calloc(n, size) : NULL;

	if (slots)
		g->tables += n * size;
	return slots;
}

static bool is_crowded(size_t n, size_t n_slots)
{
	return n >= n_slots / 3 * 2;
}

/* ---- strings ---- */

static uint64_t hash_bytes(const void *s, size_t n)
{
	return XXH3_64bits(s, n);
}

static bool grow_strings(struct pipe_groups *g)
{
	uint32_t n = g->n_string_slots ? g->n_string_slots * 2 : FIRST_SLOTS;
	uint32_t *slots;

	if (g->n_strings == g->cap_strings &&
	    !grow(g, &g->strings, &g->cap_strings, sizeof(*g->strings)))
		return false;
	if (!is_crowded(g->n_strings, g->n_string_slots))
		return true;
	slots = n ? new_slots(g, n, sizeof(*slots)) : NULL;
	if (!slots)
		return false;
	for (uint32_t i = 0; i < g->n_strings; i++) {
		const struct pipe_string *s = &g->strings[i];
		uint32_t at = (uint32_t)hash_bytes(s->s, s->n) & (n - 1);

		while (slots[at])
			at = (at + 1) & (n - 1);
		slots[at] = i + 1;
	}
	free(g->string_slots);
	g->tables -= g->n_string_slots * sizeof(*slots);
	g->string_slots = slots;
	g->n_string_slots = n;
	return true;
}

uint64_t pipe_intern(struct pipe_groups *g, struct block_string s)
{
	uint32_t at, mask;
	char *copy;

	if (!g->n_string_slots && !grow_strings(g))
		return PIPE_FULL;
	mask = g->n_string_slots - 1;
	for (at = (uint32_t)hash_bytes(s.s, s.n) & mask; g->string_slots[at];
	     at = (at + 1) & mask) {
		const struct pipe_string *known = pipe_string(g, g->string_slots[at]);

		if (known->n == s.n && memcmp(known->s, s.s, s.n) == 0)
			return g->string_slots[at];
	}
	if (is_crowded(g->n_strings, g->n_string_slots) || g->n_strings == g->cap_strings)
		return grow_strings(g) ? pipe_intern(g, s) : PIPE_FULL;
	copy = alloc(g, s.n);
	if (!copy)
		return PIPE_FULL;
	memcpy(copy, s.s, s.n);
	g->strings[g->n_strings++] = (struct pipe_string){ .s = copy, .n = s.n };
	g->string_slots[at] = g->n_strings;
	return g->n_strings;
}

/* ---- groups ---- */

static uint64_t mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

static uint32_t hash_keys(const struct pipe_groups *g, const uint64_t *keys)
{
	uint64_t h = 0x243f6a8885a308d3;

	for (uint32_t i = 0; i < g->n_keys; i++)
		h = mix(h, keys[i]);
	return (uint32_t)(mix(h, 0) >> 16);
}

static bool grow_groups(struct pipe_groups *g)
{
	uint32_t n = g->n_group_slots ? g->n_group_slots * 2 : FIRST_SLOTS;
	uint32_t *slots;

	if (g->n_groups == g->cap_groups &&
	    !grow(g, &g->records, &g->cap_groups, g->stride * sizeof(*g->records)))
		return false;
	if (!is_crowded(g->n_groups, g->n_group_slots))
		return true;
	slots = n ? new_slots(g, n, sizeof(*slots)) : NULL;
	if (!slots)
		return false;
	for (uint32_t i = 0; i < g->n_groups; i++) {
		uint32_t at = hash_keys(g, pipe_record(g, i)) & (n - 1);

		while (slots[at])
			at = (at + 1) & (n - 1);
		slots[at] = i + 1;
	}
	free(g->group_slots);
	g->tables -= g->n_group_slots * sizeof(*slots);
	g->group_slots = slots;
	g->n_group_slots = n;
	return true;
}

uint32_t pipe_group(struct pipe_groups *g, const uint64_t *keys)
{
	size_t n = g->n_keys * sizeof(*keys);
	uint32_t at, mask;
	uint64_t *record;

	if (!g->n_group_slots && !grow_groups(g))
		return UINT32_MAX;
	mask = g->n_group_slots - 1;
	for (at = hash_keys(g, keys) & mask; g->group_slots[at]; at = (at + 1) & mask)
		if (memcmp(pipe_record(g, g->group_slots[at] - 1), keys, n) == 0)
			return g->group_slots[at] - 1;
	if (is_crowded(g->n_groups, g->n_group_slots) || g->n_groups == g->cap_groups)
		return grow_groups(g) ? pipe_group(g, keys) : UINT32_MAX;
	record = pipe_record(g, g->n_groups);
	memset(record, 0, g->stride * sizeof(*record));
	memcpy(record, keys, n);
	g->group_slots[at] = ++g->n_groups;
	return g->n_groups - 1;
}

/* ---- distinct values ---- */

static size_t hash_member(const struct pipe_member *m)
{
	return (size_t)(mix(mix((uint64_t)m->group << 8 | m->column, m->word), 0) >> 16);
}

static bool same_member(const struct pipe_member *a, const struct pipe_member *b)
{
	return a->word == b->word && a->group == b->group && a->column == b->column;
}

static bool grow_members(struct pipe_groups *g)
{
	size_t n = g->n_member_slots ? g->n_member_slots * 2 : FIRST_SLOTS;
	struct pipe_member *slots = new_slots(g, n, sizeof(*slots));

	if (!slots)
		return false;
	for (size_t i = 0; i < g->n_member_slots; i++) {
		size_t at = hash_member(&g->members[i]) & (n - 1);

		if (!g->members[i].column)
			continue;
		while (slots[at].column)
			at = (at + 1) & (n - 1);
		slots[at] = g->members[i];
	}
	free(g->members);
	g->tables -= g->n_member_slots * sizeof(*slots);
	g->members = slots;
	g->n_member_slots = n;
	return true;
}

int pipe_distinct(struct pipe_groups *g, uint32_t group, uint32_t column, uint64_t word)
{
	const struct pipe_member m = { .word = word, .group = group, .column = column + 1 };
	size_t at;

	if (!g->n_member_slots && !grow_members(g))
		return -1;
	for (at = hash_member(&m) & (g->n_member_slots - 1); g->members[at].column;
	     at = (at + 1) & (g->n_member_slots - 1))
		if (same_member(&g->members[at], &m))
			return 0;
	if (is_crowded(g->n_members, g->n_member_slots))
		return grow_members(g) ? pipe_distinct(g, group, column, word) : -1;
	g->members[at] = m;
	g->n_members++;
	return 1;
}
