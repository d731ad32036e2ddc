/* SPDX-License-Identifier: Apache-2.0 */
/* session - one command's talk with the collector: where it is, with which token, and what a
 * failure means for the exit code.  Everything that goes wrong is said here, once.
 * Thread: one. */
#pragma once
#include "ctl/cli.h"
#include "ctl/client.h"
#include "lib/rawjson.h"

struct session;

/* Finds address and token (options, else RTSEC_URL and RTSEC_TOKEN).  Asks nothing yet.
 * Returns 0, or an exit code: what is missing was said. */
NODISCARD int session_open(struct session **ret, const struct cli_io *io,
			   const struct cli_values *v);
struct session *session_free(struct session *s);
DEFINE_FREEP(session)

/* Asks and checks that the answer is a JSON object.  *ret_doc lives in @body.
 * Returns 0, or an exit code: the reason was said. */
NODISCARD int session_ask(struct session *s, const struct client_request *q, struct buf *body,
			  struct slice *ret_doc);

/* Exit code of an answer to @q that was not 200; says what the collector said.  EXIT_NONE when what
 * the path names, as a process, is not known. */
int session_refused(struct session *s, const struct client_request *q, long status,
		    const struct buf *body);

/* Exit code of a negative errno, said with @d's text when it has one: EXIT_SERVER, but EXIT_USAGE
 * for -EINVAL and 0 for -EPIPE, when the reader of our output had enough, which is no failure. */
int session_failed(const struct cli_io *io, int r, const struct diag *d);

/* Address and token as session_open() finds them, but in no context.  Returns 0, or an exit code:
 * what is missing was said. */
struct context;
NODISCARD int session_where(const struct cli_io *io, const struct cli_values *v,
			    struct context *ret);

struct client *session_client(struct session *s);
