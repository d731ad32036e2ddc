/* SPDX-License-Identifier: Apache-2.0 */
/* sql_memory - a bound on what SQLite may allocate in one thread, for statements of users: what is
 * over it fails with SQLITE_NOMEM, which costs that statement its answer and nobody else anything.
 *
 * SQLite's own limits (sqlite3_hard_heap_limit64()) are for the whole process, ingest included.  So
 * its allocator is malloc with a count kept by thread while sql_memory_begin() holds; other threads
 * are not counted.
 * Thread: any. */
#pragma once
#include "lib/util.h"

/* Before SQLite is used for the first time in the process; later calls do nothing. */
void sql_memory_init(void);

/* From now on SQLite's allocations of this thread may be @bytes more than they are.  Returns 0, or
 * -ENOTSUP: SQLite was there before sql_memory_init(). */
NODISCARD int sql_memory_begin(size_t bytes);
void sql_memory_end(void);
