/* SPDX-License-Identifier: Apache-2.0 */
/* util - the few macros every file may use: ownership, attributes, checked sizes, min/max.
 * Thread: any.  Memory: none of its own. */
#pragma once
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/param.h> /* MIN, MAX */
#include <unistd.h>

#include "lib/banned.h"

#define NODISCARD	  __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define UNUSED		  __attribute__((unused))
#define ARRAY_SIZE(a)	  (sizeof(a) / sizeof((a)[0]))

/* Moves ownership out of a pointer variable: yields its value and leaves NULL behind. */
#define TAKE(p)                         \
	__extension__({                 \
		__typeof__(p) _p = (p); \
		(p) = NULL;             \
		_p;                     \
	})

/* AUTO(noun) *x = NULL; calls noun_free(x) when x leaves scope.  The type needs DEFINE_FREEP. */
#define AUTO(noun) __attribute__((cleanup(noun##_freep))) struct noun
#define DEFINE_FREEP(noun)                                      \
	static inline UNUSED void noun##_freep(struct noun **p) \
	{                                                       \
		noun##_free(*p);                                \
	}

/* AUTO_MEM char *x = NULL; frees plain malloc memory when x leaves scope. */
static inline UNUSED void util_freep(void *p)
{
	free(*(void **)p);
}
#define AUTO_MEM __attribute__((cleanup(util_freep)))

/* AUTO_FD int fd = -1; closes the descriptor when fd leaves scope. */
static inline UNUSED void util_closep(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
#define AUTO_FD __attribute__((cleanup(util_closep), unused))

/* The one place every negative errno is born: a breakpoint here finds the origin of any failure. */
static inline int err_origin(int r)
{
	return r;
}

/* *ret = a * b.  Returns true when it fitted. */
static inline bool size_mul(size_t a, size_t b, size_t *ret)
{
	return !__builtin_mul_overflow(a, b, ret);
}

/* *ret = a + b.  Returns true when it fitted. */
static inline bool size_add(size_t a, size_t b, size_t *ret)
{
	return !__builtin_add_overflow(a, b, ret);
}
