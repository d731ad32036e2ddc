/* SPDX-License-Identifier: Apache-2.0 */
/* rules_server - the verbs of rtsecctl rules that speak of the collector's rule book: apply, diff,
 * get, history, enable, disable, delete, rollback.
 * Thread: one. */
#pragma once
#include "ctl/cli.h"

/* Runs @verb with the operands after it.  Returns an exit code, or -1: there is no such verb. */
int rules_server_run(const char *verb, const struct cli_io *io, const struct cli_values *v);

/* rules cost: the rules in force by the time they took, dearest first.  Returns an exit code. */
struct session;
int rules_cost(struct session *s, const struct cli_io *io, const struct cli_values *v);
