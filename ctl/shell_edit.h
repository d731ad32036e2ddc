/* SPDX-License-Identifier: Apache-2.0 */
/* shell_edit - lines typed on a terminal, with history and completion; or read from what is no
 * terminal.  The only file that touches libedit. Thread: one. */
#pragma once
#include "ctl/shell.h"

struct shell_edit;

/* @history: a file that the lines before are read from, and kept in; NULL: none.  @names are asked
 * for when a word is completed first.  Returns 0 or -ENOMEM. */
NODISCARD int shell_edit_new(struct shell_edit **ret, const struct cli_io *io, const char *history,
			     void (*names)(struct shell_names *ret, void *arg), void *arg);
struct shell_edit *shell_edit_free(struct shell_edit *e);
DEFINE_FREEP(shell_edit)

/* The next line without its newline, lent until the next call; NULL: the end. */
char *shell_edit_line(struct shell_edit *e);
