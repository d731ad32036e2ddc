/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/shell.h"

#include <ctype.h>

#include "ctl/cmds.h"
#include "lib/eql.h"

/* ---- words ---- */

/* Copies the word at *@from to *@to without its quotes.  Returns false when a quote is open at the
 * end. */
static bool take_word(const char **from, char **to)
{
	char quote = 0;

	for (; **from && (quote || !isspace((unsigned char)**from)); ++*from) {
		char c = **from;

		if (quote ? c == quote : c == '\'' || c == '"') {
			quote = quote ? 0 : c;
			continue;
		}
		if (c == '\\' && quote != '\'' && (*from)[1])
			c = *++*from;
		*(*to)++ = c;
	}
	return quote == 0;
}

int shell_split(char *line, const char *words[SHELL_WORDS], struct diag *d)
{
	const char *from = line;
	char *to = line;
	int n = 0;

	for (;;) {
		bool ended;

		while (isspace((unsigned char)*from))
			from++;
		if (!*from)
			return n;
		if (n == SHELL_WORDS)
			return diag_set(d, err_origin(-E2BIG), 0, 0, "more than %d words",
					SHELL_WORDS);
		words[n++] = to;
		if (!take_word(&from, &to))
			return diag_set(d, err_origin(-EINVAL), 0, 0, "a quote is not closed");
		ended = *from == '\0';
		from += !ended;
		*to++ = '\0';
		if (ended)
			return n;
	}
}

/* ---- completion ---- */

struct completing {
	const char *word;
	size_t n;
	void (*each)(const char *word, void *arg);
	void *arg;
};

static void offer(const struct completing *c, const char *word)
{
	if (strncmp(word, c->word, c->n) == 0)
		c->each(word, c->arg);
}

static void offer_list(const struct completing *c, const char *const *list)
{
	for (; *list; list++)
		offer(c, *list);
}

static const struct cli_command *command_of(const char *line, size_t n)
{
	size_t len = strcspn(line, " \t");

	for (const struct cli_command *const *c = cmds_all(); *c; c++)
		if (len < n && strlen((*c)->name) == len && memcmp((*c)->name, line, len) == 0)
			return *c;
	return NULL;
}

static void offer_options(const struct completing *c, const struct cli_command *command)
{
	char name[64];

	for (size_t i = 0; i < command->n_options; i++) {
		snprintf(name, sizeof(name), "--%s", command->options[i].name);
		offer(c, name);
	}
}

static void offer_words(const struct completing *c, const struct shell_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		offer(c, names->list[i]);
	offer_list(c, eql_categories());
	offer_list(c, eql_keywords());
	offer_list(c, eql_functions());
}

/* Behind the quote that is open at the end of the line; 0: none is. */
static size_t open_quote(const char *line, size_t n)
{
	size_t open = 0;

	for (size_t i = 0; i < n; i++) {
		if (line[i] == '\\' && open)
			i++;
		else if (line[i] == '"')
			open = open ? 0 : i + 1;
	}
	return open;
}

static size_t skip_back(const char *line, size_t end)
{
	while (end > 0 && line[end - 1] == ' ')
		end--;
	return end;
}

/* Back over the values of a list that stand before, and its parenthesis. */
static size_t skip_list(const char *line, size_t end)
{
	for (;;) {
		end = skip_back(line, end);
		if (end > 0 && line[end - 1] == '(')
			return skip_back(line, end - 1);
		if (end == 0 || line[end - 1] != ',')
			return end;
		end = skip_back(line, end - 1);
		if (end == 0 || line[end - 1] != '"')
			return 0;
		for (end--; end > 0 && line[end - 1] != '"';)
			end--;
		end -= end > 0;
	}
}

bool shell_value_at(const char *line, size_t n, char ret_field[SHELL_FIELD_BYTES], size_t *ret_at)
{
	static const char *const operators[] = { "==", "!=", ":", "like~", "like", "in~", "in" };
	size_t end, begin, len = 0;

	*ret_at = open_quote(line, n);
	end = *ret_at ? skip_list(line, *ret_at - 1) : 0;
	for (size_t i = 0; i < ARRAY_SIZE(operators) && len == 0; i++) {
		size_t m = strlen(operators[i]);

		len = end >= m && memcmp(line + end - m, operators[i], m) == 0 ? m : 0;
	}
	end = len ? skip_back(line, end - len) : 0;
	for (begin = end; begin > 0 && !strchr(" \t\"'(),=:|[]!", line[begin - 1]);)
		begin--;
	if (begin == end || end - begin >= SHELL_FIELD_BYTES)
		return false;
	memcpy(ret_field, line + begin, end - begin);
	ret_field[end - begin] = '\0';
	return true;
}

void shell_complete(const char *line, size_t n, const struct shell_names *names,
		    void (*each)(const char *word, void *arg), void *arg, size_t *ret_at)
{
	struct completing c = { .each = each, .arg = arg };
	const struct cli_command *command;
	size_t at;

	command = command_of(line, n);
	for (at = n; at > 0 && !strchr(" \t\"'(),=:|[]", line[at - 1]);)
		at--;
	c.word = line + at;
	c.n = n - at;
	*ret_at = at;
	if (at == 0)
		for (const struct cli_command *const *k = cmds_all(); *k; k++)
			offer(&c, (*k)->name);
	if (command && c.n && c.word[0] == '-')
		offer_options(&c, command);
	else
		offer_words(&c, names);
}
