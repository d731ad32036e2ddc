/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/sql_memory.h"

#include <malloc.h>
#include <pthread.h>

#include <sqlite3.h>

static __thread struct {
	bool counted;
	int64_t used, most;
} mine;

static bool has_room(size_t n)
{
	return !mine.counted || mine.used + (int64_t)n <= mine.most;
}

/* What was allocated before the count began may be freed while it runs: used may fall below 0. */
static void count(const void *p, int sign)
{
	if (mine.counted && p)
		mine.used += sign * (int64_t)malloc_usable_size((void *)(uintptr_t)p);
}

static void *on_malloc(int n)
{
	void *p = has_room((size_t)n) ? malloc((size_t)n) : NULL;

	count(p, 1);
	return p;
}

static void on_free(void *p)
{
	count(p, -1);
	free(p);
}

static void *on_realloc(void *p, int n)
{
	size_t before = malloc_usable_size(p);
	void *more =
		(size_t)n <= before || has_room((size_t)n - before) ? realloc(p, (size_t)n) : NULL;

	if (more && mine.counted)
		mine.used += (int64_t)malloc_usable_size(more) - (int64_t)before;
	return more;
}

static int on_size(void *p)
{
	return p ? (int)malloc_usable_size(p) : 0;
}

static int on_roundup(int n)
{
	return (n + 7) & ~7;
}

static int on_init(void *arg)
{
	(void)arg;
	return SQLITE_OK;
}

static void on_shutdown(void *arg)
{
	(void)arg;
}

static bool is_ours;

static void install(void)
{
	static sqlite3_mem_methods methods = { on_malloc,  on_free, on_realloc,	 on_size,
					       on_roundup, on_init, on_shutdown, NULL };

	is_ours = sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) == SQLITE_OK;
}

void sql_memory_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, install);
}

int sql_memory_begin(size_t bytes)
{
	sql_memory_init();
	if (!is_ours)
		return err_origin(-ENOTSUP);
	mine.used = 0;
	mine.most = (int64_t)bytes;
	mine.counted = true;
	return 0;
}

void sql_memory_end(void)
{
	mine.counted = false;
}
