/* SPDX-License-Identifier: Apache-2.0 */
/* alert_story - one alert as a page for people: what, where, who started whom, the events, and
 * which commands go on from here.
 * Thread: any.  Memory: none kept. */
#pragma once
#include "ctl/printer.h"

/* Writes @alert, as /api/v1/alerts/{alert_id} tells it, to io->out.  Returns 0, -ENOMEM or the
 * negative errno of writing. */
NODISCARD int alert_story_print(const struct cli_io *io, const json_t *alert);
