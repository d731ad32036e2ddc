/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/arena.h"

enum { CHUNK_BYTES = 256 << 10, KEEP_BYTES = 16 << 20 };

struct arena_chunk {
	struct arena_chunk *next;
	size_t cap, n;
	uint64_t data[];
};

static void free_list(struct arena_chunk *c)
{
	while (c) {
		struct arena_chunk *next = c->next;

		free(c);
		c = next;
	}
}

/* Puts a chunk with room for @n bytes first: a spare one when the foremost is large enough. */
static struct arena_chunk *grow(struct arena *a, size_t n)
{
	struct arena_chunk *c = a->spare;

	if (c && c->cap >= n) {
		a->spare = c->next;
	} else {
		size_t cap = MAX(n, (size_t)CHUNK_BYTES), bytes;

		if (!size_add(sizeof(*c), cap, &bytes))
			return NULL;
		c = malloc(bytes);
		if (!c)
			return NULL;
		c->cap = cap;
	}
	c->n = 0;
	c->next = a->chunks;
	a->chunks = c;
	return c;
}

void *arena_alloc(struct arena *a, size_t n)
{
	struct arena_chunk *c = a->chunks;
	void *p;

	if (n > SIZE_MAX - 8)
		return NULL;
	n = (n + 7) & ~(size_t)7;
	if (a->limit && n > a->limit - a->used)
		return NULL;
	if (!c || c->cap - c->n < n)
		c = grow(a, n);
	if (!c)
		return NULL;
	p = (uint8_t *)c->data + c->n;
	c->n += n;
	a->used += n;
	return p;
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
	size_t n;

	return size_mul(count, size, &n) ? arena_alloc(a, n) : NULL;
}

void arena_clear(struct arena *a)
{
	size_t kept = 0;

	free_list(TAKE(a->spare));
	while (a->chunks) {
		struct arena_chunk *c = a->chunks;

		a->chunks = c->next;
		if (kept + c->cap > KEEP_BYTES) {
			free(c);
			continue;
		}
		kept += c->cap;
		c->next = a->spare;
		a->spare = c;
	}
	a->used = 0;
}

void arena_done(struct arena *a)
{
	free_list(a->chunks);
	free_list(a->spare);
	*a = (struct arena){ .limit = a->limit };
}
