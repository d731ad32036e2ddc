/* SPDX-License-Identifier: Apache-2.0 */
/* shell_edit - lines typed on a terminal, with history and completion; or read from what is no
 * terminal.  The only file that touches libedit.
 * Thread: one. */
#pragma once
#include "ctl/shell.h"

struct shell_edit;

/* What completion asks for: names of fields, when a word is completed first; values of a field that
 * begin with the
 * @n bytes at @prefix, each time. */
struct shell_source {
	void (*names)(struct shell_names *ret, void *arg);
	void (*values)(const char *field, const char *prefix, size_t n,
		       void (*each)(const char *value, void *arg), void *each_arg, void *arg);
	void *arg;
};

/* @history: a file that the lines before are read from, and kept in; NULL: none.
 * @source is copied.  Returns 0 or -ENOMEM. */
NODISCARD int shell_edit_new(struct shell_edit **ret, const struct cli_io *io, const char *history,
			     const struct shell_source *source);
struct shell_edit *shell_edit_free(struct shell_edit *e);
DEFINE_FREEP(shell_edit)

/* The next line without its newline, lent until the next call; NULL: the end. */
char *shell_edit_line(struct shell_edit *e);
