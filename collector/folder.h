/* SPDX-License-Identifier: Apache-2.0 */
/* folder - the collector's folder of data: made when missing, of one collector at a time, and its
 * owner's.
 * Thread: any, once.  Memory: none. */
#pragma once
#include "lib/diag.h"

/* Makes and locks @dir; the lock is let go at exit, however that comes.  Returns 0, -EBUSY (another
 * collector has it) or another negative errno, with @d. */
NODISCARD int folder_take(const char *dir, struct diag *d);

/* Run by root, this process acts from now on as whom @dir belongs to (its effective ids), so that
 * what it makes there is not root's, which the daemon could not open.  Nothing when @dir is root's,
 * or not there, or for others than root.  Returns 0 or a negative errno with @d. */
NODISCARD int folder_as_owner(const char *dir, struct diag *d);
