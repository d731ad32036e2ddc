/* SPDX-License-Identifier: Apache-2.0 */
/* histogram - how many events a query finds over time, as bars.
 * Thread: one. */
#pragma once
#include "ctl/session.h"

/* Asks /api/v1/hits with the options since, until and node and shows the buckets.  Returns an exit
 * code. */
int histogram_run(struct session *s, const struct cli_io *io, const struct cli_values *v,
		  const char *query);
