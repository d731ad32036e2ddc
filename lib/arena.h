/* SPDX-License-Identifier: Apache-2.0 */
/* arena - many small allocations, freed at once; never more than a limit in all.
 * Thread: one owner at a time.  Memory: chunks from malloc, kept over arena_clear(). */
#pragma once
#include "lib/util.h"

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks; /* the one in use first */
	struct arena_chunk *spare;  /* kept from before the last arena_clear() */
	size_t used;		    /* bytes handed out since the last arena_clear() */
	size_t limit;		    /* of used; 0: none */
};

/* @n bytes aligned to 8, not zeroed, valid until arena_clear().  NULL: out of memory or over the
 * limit. */
void *arena_alloc(struct arena *a, size_t n);

/* The same for @count items of @size bytes; overflow is NULL too. */
void *arena_array(struct arena *a, size_t count, size_t size);

/* Forgets all allocations; keeps up to 16 MiB of chunks for the next time. */
void arena_clear(struct arena *a);

/* Frees everything; the arena is as zero-initialised afterwards. */
void arena_done(struct arena *a);
