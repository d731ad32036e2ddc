/* SPDX-License-Identifier: Apache-2.0 */
/* token - the words of a string, as the store's filters know them.
 * A token is a maximal run of ASCII letters, digits and bytes from 0x80 on, lowered (ASCII), of at
 * least 2 bytes; it is known by its 64-bit XXH3 hash.
 * Thread: any.  Memory: none. */
#pragma once
#include "lib/util.h"

enum { TOKEN_PREFIX_BYTES = 4 };

/* Calls @each with the hash of every token of the string, and with token_prefix_hash() of each for
 * which token_has_prefix(), so that words can be looked for by how they begin. */
void token_each(const char *s, size_t n, void (*each)(uint64_t token, void *arg), void *arg);

/* Token under which an ID value (entity id) is entered. */
uint64_t token_of_id(uint64_t id);

/* True for bytes that tokens are made of. */
bool token_byte(uint8_t c);

/* True for a word that begins with TOKEN_PREFIX_BYTES letters.  Numbers and hex digits begin in too
 * many ways to be worth the room. */
bool token_has_prefix(const char *s, size_t n);

/* Hash of how a token begins: of its first TOKEN_PREFIX_BYTES bytes, at @s. */
uint64_t token_prefix_hash(const char *s);

/* Hash of one token, already known to be one; lowers it. */
uint64_t token_hash(const char *s, size_t n);
