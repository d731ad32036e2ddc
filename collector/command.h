/* SPDX-License-Identifier: Apache-2.0 */
/* command - what rtsec-collector does beside serving: token, hold, release, holds, import.
 * Thread: main. */
#pragma once
#include "collector/options.h"

enum { EXIT_USAGE = 2 }; /* a person has to mend it: systemd does not start it again */

/* Each does what its command says with @o->words and returns the exit code. */
int command_token_create(const struct options *o);
int command_hold(const struct options *o);
int command_release(const struct options *o);
int command_holds(const struct options *o);
int command_import(const struct options *o); /* while no collector has the folder */

/* Logs why it ends: @d's text, else that of the negative errno @r.  Returns EXIT_USAGE when @d
 * names a place in a file, else EXIT_FAILURE. */
int command_failed(const struct diag *d, int r);

/* Tells on stderr how the command line is wrong.  Returns EXIT_USAGE. */
int command_usage(const char *text);
