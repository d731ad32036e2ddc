/* SPDX-License-Identifier: Apache-2.0 */
/* pattern_set - many literal texts looked for at once, in any case of ASCII letters, by vectorscan:
 * the cost of a scan hardly depends on how many there are.
 *
 * Thread: a compiled set is immutable and may be shared; each scanning thread has a
 * pattern_scratch of its own.  Memory: vectorscan's, some KiB a hundred texts. */
#pragma once
#include "lib/util.h"

struct pattern_set;

enum { PATTERN_TEXT_BYTES = 256 }; /* a longer text is looked for by so many of its bytes */

NODISCARD int pattern_set_new(struct pattern_set **ret);
struct pattern_set *pattern_set_free(struct pattern_set *s);
DEFINE_FREEP(pattern_set)

/* Adds a text of @n > 0 bytes, the first of them no NUL; *ret_number is its number from 0 on, the
 * same for the same text. Not after pattern_set_compile().  Returns 0 or -ENOMEM. */
NODISCARD int pattern_set_add(struct pattern_set *s, const char *text, size_t n,
			      uint32_t *ret_number);
/* Texts that differ. */
uint32_t pattern_set_count(const struct pattern_set *s);
/* Returns 0, -ENOMEM or -EINVAL (vectorscan refuses the machine). */
NODISCARD int pattern_set_compile(struct pattern_set *s);

struct pattern_scratch;
NODISCARD int pattern_scratch_new(struct pattern_scratch **ret, const struct pattern_set *s);
struct pattern_scratch *pattern_scratch_free(struct pattern_scratch *s);
DEFINE_FREEP(pattern_scratch)

/* Sets in @ret_found, pattern_set_count() bits that the caller cleared, those of the texts that
 * occur in the @n bytes at @data.  Returns 0 or -EIO. */
NODISCARD int pattern_set_scan(const struct pattern_set *s, struct pattern_scratch *scratch,
			       const char *data, size_t n, uint64_t *ret_found);
