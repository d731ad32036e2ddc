/* SPDX-License-Identifier: Apache-2.0 */
/* contexts - collectors that rtsecctl knows by name, each with its address and token, in a JSON
 * file that is nobody else's: $XDG_CONFIG_HOME/rtsec/contexts.json, or
 * ~/.config/rtsec/contexts.json, mode 0600.
 *   {"current":"prod","contexts":{"prod":{"url":"https://..","token":"..","ca":".."}}}
 * Thread: one. */
#pragma once
#include <jansson.h>

#include "ctl/cli.h"

struct context {
	char url[1024], token[1024];
	char ca[1024]; /* file of the collector's CA; "": the system's */
};

/* What the file holds (an empty object when there is none).  Returns 0; -EACCES: others can read
 * it; -EINVAL: it is not what we wrote; or another negative errno; with @d.  *ret is the caller's
 * reference. */
NODISCARD int contexts_load(const struct cli_io *io, json_t **ret, struct diag *d);
/* Writes it anew, whole or not at all.  Returns 0 or a negative errno with @d. */
NODISCARD int contexts_save(const struct cli_io *io, const json_t *doc, struct diag *d);

/* The context @name, or the current one (NULL).  Returns 0; CONTEXTS_E_NONE: there is no such one,
 * or none at all, with
 * @d; or a negative errno with @d. */
enum { CONTEXTS_E_NONE = 1 };
NODISCARD int contexts_find(const struct cli_io *io, const char *name, struct context *ret,
			    struct diag *d);
