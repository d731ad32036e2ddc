/* SPDX-License-Identifier: Apache-2.0 */
/* daemon - rtsec-collector as it serves: makes all its parts, joins them, and takes them down in
 * order.  One uv loop (the web server, the live tail, signals), one thread of ingest, one for each
 * observer, uv's thread pool for searches.
 * Thread: main. */
#pragma once
#include "collector/options.h"

/* Serves until a signal ends it.  @argc and @argv are main()'s: SIGHUP has them read again, with
 * the configuration file.  Returns the exit code. */
int daemon_serve(const struct options *o, int argc, char *const *argv);
