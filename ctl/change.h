/* SPDX-License-Identifier: Apache-2.0 */
/* change - commands that have the collector do something: one POST (or DELETE), and what it
 * answers.
 * Thread: one. */
#pragma once
#include <jansson.h>

#include "ctl/cli.h"
#include "ctl/client.h"

/* Asks by POST, or DELETE where the request says so.  With -o json or ndjson the answer is printed
 * as it is; else @tell writes it for a person.  Returns an exit code. */
struct change {
	struct client_request request;
	void (*tell)(const struct cli_io *io, const json_t *answer);
};
int change_run(const struct change *c, const struct cli_io *io, const struct cli_values *v);

/* True when the operands are @words and, if @has_value, one more, to *ret_value. */
bool change_words(const struct cli_values *v, const char *words, bool has_value,
		  const char **ret_value);

/* A string of the answer, or "". */
const char *change_text(const json_t *answer, const char *key);
