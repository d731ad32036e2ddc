/* SPDX-License-Identifier: Apache-2.0 */
/* hostile - what the tests of hostile peers share: how many rounds, random bytes, and whether
 * anything leaks. */
#pragma once
#include "tests/collector/served.h"

#include <dirent.h>
#include <malloc.h>

enum { HONEST_EVERY = 200, MEBIBYTE = 1 << 20 };

/* Of each kind; HOSTILE_ROUNDS=10000 in the environment for the whole run. */
static inline UNUSED int rounds(void)
{
	const char *given = getenv("HOSTILE_ROUNDS");
	long n = given ? strtol(given, NULL, 10) : 0;

	return n > 0 ? (int)n : 1000;
}

static inline UNUSED uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static inline UNUSED size_t n_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* Bytes in use; 0 under sanitizers, which look for leaks themselves. */
static inline UNUSED size_t in_use(void)
{
	return mallinfo2().uordblks;
}
