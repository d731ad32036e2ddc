/* SPDX-License-Identifier: Apache-2.0 */
/* shell - the lines of rtsecctl shell: cut into words, and what a word may become by completion.
 * Thread: any. */
#pragma once
#include "ctl/cli.h"

enum { SHELL_WORDS = 64 };

/* Cuts @line, in place, into words: blanks part them, '..' and ".." keep what is in them, \ the
 * next byte (but in '..'). The words lie in @line.  Returns how many, -EINVAL (a quote is not
 * closed, with @d) or -E2BIG. */
NODISCARD int shell_split(char *line, const char *words[SHELL_WORDS], struct diag *d);

/* Names of fields, for completion: lent by the caller. */
struct shell_names {
	const char *const *list;
	size_t n;
};

/* True when the @n bytes at @line end within a quoted value of a field, as process.name == "ba
 * does: *ret_at: where the value begins, behind its quote. */
enum { SHELL_FIELD_BYTES = 96 };
bool shell_value_at(const char *line, size_t n, char ret_field[SHELL_FIELD_BYTES], size_t *ret_at);

/* Calls @each for what the last word of the @n bytes at @line may become: a command, an option of
 * the command, its words, a field, or a word of the query language.  *ret_at: where that word
 * begins. */
void shell_complete(const char *line, size_t n, const struct shell_names *names,
		    void (*each)(const char *word, void *arg), void *arg, size_t *ret_at);
