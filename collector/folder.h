/* SPDX-License-Identifier: Apache-2.0 */
/* folder - the collector's folder of data: made when missing, and of one collector at a time.
 * Thread: any, once.  Memory: none. */
#pragma once
#include "lib/diag.h"

/* Makes and locks @dir; the lock is let go at exit, however that comes.  Returns 0, -EBUSY (another
 * collector has it) or another negative errno, with @d. */
NODISCARD int folder_take(const char *dir, struct diag *d);
