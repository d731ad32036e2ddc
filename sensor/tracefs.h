/* SPDX-License-Identifier: Apache-2.0 */
/* tracefs - numbers of the kernel's trace events, for attaching to them.
 *
 * Where tracefs is mounted it is read there.  Elsewhere it is mounted detached (fsopen, fsmount):
 * only our descriptor leads to it, no path, no mount table; it goes away with the descriptor.
 * Thread: any.  Memory: one descriptor. */
#pragma once
#include "lib/util.h"

enum tracefs_how { TRACEFS_MOUNTED, TRACEFS_DETACHED };

/* Opens the events folder.  Returns a descriptor that the caller closes, or a negative errno:
 * -ENODEV (kernel without tracefs), -EPERM. *ret_how tells how it was reached. */
NODISCARD int tracefs_open(enum tracefs_how *ret_how);

/* Number of the event @group/@name under @events.  Returns it (positive), -ENOENT (this kernel has
 * no such event), -EBADMSG or the errno of reading. */
NODISCARD int tracefs_event(int events, const char *group, const char *name);
