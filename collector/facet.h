/* SPDX-License-Identifier: Apache-2.0 */
/* facet - counts the values of some fields over rows of blocks.
 *
 * Within a block numbers are counted: of strings of the dictionary, of process rows; each distinct
 * one meets the hash table once, at the block's end.  What is kept is bounded: past FACET_VALUES
 * values of a field, or FACET_BYTES of all, values not seen before are counted together, and that
 * is told.
 * Thread: one owner at a time.  Memory: malloc, bounded as told. */
#pragma once
#include "lib/block.h"
#include "lib/json.h"

struct facets;

enum { FACET_FIELDS = 16, FACET_VALUES = 100000, FACET_BYTES = 32 << 20 };

/* Makes counters of @names (@n bytes): fields with commas between, at most FACET_FIELDS.  *ret is
 * freed with facets_free().  Returns 0, -ENOMEM, or -EINVAL: no such field, too many, none; @d has
 * its column. */
NODISCARD int facets_new(struct facets **ret, const char *names, size_t n, struct diag *d);
struct facets *facets_free(struct facets *f);
DEFINE_FREEP(facets)

/* From now on only values that begin with @prefix, as JSON would show them, in any case of ASCII
 * letters.  Copied.  Returns 0 or -ENOMEM. */
NODISCARD int facets_prefix(struct facets *f, const char *prefix, size_t n);

/* Begins a block, counts a row of it (facets_row(), often), and enters what was counted.  Return 0
 * or -ENOMEM. */
NODISCARD int facets_begin(struct facets *f, struct block *b);
NODISCARD int facets_row(struct facets *f, uint32_t table, uint32_t row);
NODISCARD int facets_end(struct facets *f);

/* Rows counted; distinct values kept of the field that has fewest. */
uint64_t facets_rows(const struct facets *f);
uint32_t facets_least(const struct facets *f);

/* Writes an array of one object a field:
 *   {"field":"user.name","type":"keyword","distinct":3,"complete":true,"null":7,"other":12,
 *    "values":[{"value":"root","count":40},...]}
 * with the @limit most frequent values, or, in the order they were met, the first @limit.  null:
 * rows without a value; other: what the values not shown were counted; complete: false when values
 * were counted together, so that one of them might belong to the most frequent. */
enum facet_order { FACET_MOST, FACET_MET };
void facets_write(struct facets *f, enum facet_order order, uint32_t limit, struct json *j);
