/* SPDX-License-Identifier: Apache-2.0 */
/* filter - which words may occur in a batch: a blocked Bloom filter of 64-byte blocks.
 *
 * A token's hash chooses one block by its high half and one bit in each of the block's eight 64-bit
 * words by 48 of its low bits, so that a look-up touches one cache line.  Some ten bits a distinct
 * token: about one look-up in seventy of an absent token says "maybe" (bench/store measures it).
 * (Putze, Sanders, Singler: Cache-, Hash- and Space-Efficient Bloom Filters, 2007.)  The bytes are
 * stored, little-endian, then a byte FILTER_PREFIXES; filters of before, without it, do not know
 * how words begin.
 *
 * Thread: a builder has one owner; filter_has() any.  Memory: the builder's grow and are kept. */
#pragma once
#include "lib/block.h"

struct filter_builder;

enum { FILTER_PREFIXES = 1 };

NODISCARD int filter_builder_new(struct filter_builder **ret);
struct filter_builder *filter_builder_free(struct filter_builder *f);
DEFINE_FREEP(filter_builder)

/* Builds the filter of a batch: tokens of all its strings, those of its header, and its entity ids
 * (token_of_id()).  *ret_bits (64-byte aligned, *ret_n bytes) live until the next call.
 * Returns 0 or -ENOMEM. */
NODISCARD int filter_build(struct filter_builder *f, struct block *b, const void **ret_bits,
			   size_t *ret_n);

/* False only when @token was not entered.  Bits of a length that filter_build() cannot make hold
 * everything.  @bits needs no alignment. */
bool filter_has(const void *bits, size_t n, uint64_t token);

/* Was it built with how words begin (token_prefix_hash())? */
bool filter_has_prefixes(const void *bits, size_t n);
