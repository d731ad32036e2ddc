/* SPDX-License-Identifier: Apache-2.0 */
/* progress - one line on stderr that tells how far long work is; only on a terminal.
 * Thread: one. */
#pragma once
#include "ctl/cli.h"

/* Set io; end with progress_end(). */
struct progress {
	const struct cli_io *io;
	bool shown;
};

/* Writes the line over the one before. */
void progress_show(struct progress *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Takes it away. */
void progress_end(struct progress *p);
