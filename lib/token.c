/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/token.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { TOKEN_MIN_BYTES = 2, TOKEN_STACK_BYTES = 256 };

/* What each byte becomes inside a token; 0: not part of one. */
static const uint8_t lowered[256] = {
	['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6',
	['7'] = '7', ['8'] = '8', ['9'] = '9', ['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd',
	['e'] = 'e', ['f'] = 'f', ['g'] = 'g', ['h'] = 'h', ['i'] = 'i', ['j'] = 'j', ['k'] = 'k',
	['l'] = 'l', ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p', ['q'] = 'q', ['r'] = 'r',
	['s'] = 's', ['t'] = 't', ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y',
	['z'] = 'z', ['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd', ['E'] = 'e', ['F'] = 'f',
	['G'] = 'g', ['H'] = 'h', ['I'] = 'i', ['J'] = 'j', ['K'] = 'k', ['L'] = 'l', ['M'] = 'm',
	['N'] = 'n', ['O'] = 'o', ['P'] = 'p', ['Q'] = 'q', ['R'] = 'r', ['S'] = 's', ['T'] = 't',
	['U'] = 'u', ['V'] = 'v', ['W'] = 'w', ['X'] = 'x', ['Y'] = 'y', ['Z'] = 'z',
};

static inline uint8_t lower(uint8_t c)
{
	return c >= 0x80 ? c : lowered[c];
}

bool token_byte(uint8_t c)
{
	return lower(c) != 0;
}

/* Hashes a long token piecewise, so that its length asks for no memory. */
static uint64_t hash_long(const char *s, size_t n)
{
	uint8_t part[TOKEN_STACK_BYTES];
	XXH3_state_t state;

	XXH3_64bits_reset(&state);
	for (size_t at = 0; at < n;) {
		size_t take = MIN(n - at, sizeof(part));

		for (size_t i = 0; i < take; i++)
			part[i] = lower((uint8_t)s[at + i]);
		XXH3_64bits_update(&state, part, take);
		at += take;
	}
	return XXH3_64bits_digest(&state);
}

uint64_t token_hash(const char *s, size_t n)
{
	uint8_t word[TOKEN_STACK_BYTES];

	if (n > sizeof(word))
		return hash_long(s, n);
	for (size_t i = 0; i < n; i++)
		word[i] = lower((uint8_t)s[i]);
	return XXH3_64bits(word, n);
}

/* A seed of its own keeps it apart from a word of so many bytes. */
static uint64_t prefix_of(const uint8_t word[TOKEN_PREFIX_BYTES])
{
	return XXH3_64bits_withSeed(word, TOKEN_PREFIX_BYTES, 0x7072);
}

bool token_has_prefix(const char *s, size_t n)
{
	for (size_t i = 0; i < TOKEN_PREFIX_BYTES; i++)
		if (i == n || lower((uint8_t)s[i]) < 'a')
			return false;
	return true;
}

uint64_t token_prefix_hash(const char *s)
{
	uint8_t word[TOKEN_PREFIX_BYTES];

	for (size_t i = 0; i < sizeof(word); i++)
		word[i] = lower((uint8_t)s[i]);
	return prefix_of(word);
}

uint64_t token_of_id(uint64_t id)
{
	/* A seed of its own keeps ids apart from words. */
	return XXH3_64bits_withSeed(&id, sizeof(id), 0x6964);
}

void token_each(const char *s, size_t n, void (*each)(uint64_t token, void *arg), void *arg)
{
	uint8_t word[TOKEN_STACK_BYTES];

	for (size_t i = 0; i < n;) {
		size_t len = 0;
		uint8_t c;

		while (i + len < n && (c = lower((uint8_t)s[i + len]))) {
			if (len < sizeof(word))
				word[len] = c;
			len++;
		}
		if (len > sizeof(word))
			each(hash_long(s + i, len), arg);
		else if (len >= TOKEN_MIN_BYTES)
			each(XXH3_64bits(word, len), arg);
		if (token_has_prefix(s + i, len))
			each(prefix_of(word), arg);
		i += len + 1;
	}
}
