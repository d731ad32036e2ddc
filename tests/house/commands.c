/* SPDX-License-Identifier: Apache-2.0 */
/* commands - every rtsecctl command that the documents named on the command line show is one that
 * rtsecctl takes: its command, verb, options and their values, and its query.
 *   commands FILE.md...
 * Looks into fenced blocks (commands may go over several lines there) and into `code`.  Words in
 * capitals stand for something, [..] may be left out, a|b is one of them. */
#include <ctype.h>

#include "ctl/cmds.h"
#include "ctl/shell.h"
#include "lib/pipe.h"

enum { LEAST_FOUND = 60 };

static size_t n_found, n_wrong;

static void wrong(const char *file, const char *command, const char *why)
{
	fprintf(stderr, "%s: %s\n    %s\n", file, command, why);
	n_wrong++;
}

static bool is_placeholder(const char *word)
{
	bool any = false;

	for (; *word; word++) {
		if (islower((unsigned char)*word))
			return false;
		any |= isupper((unsigned char)*word) != 0;
	}
	return any;
}

/* How long the command at @s is: to the end of the line, a comment, another command, or a gap that
 * sets off what it does. */
static size_t length_of(const char *s)
{
	char quote = 0;
	size_t i = 0;

	for (; s[i]; i++) {
		if (quote) {
			if (s[i] == '\\' && quote == '"' && s[i + 1])
				i++;
			else if (s[i] == quote)
				quote = 0;
		} else if (s[i] == '\'' || s[i] == '"') {
			quote = s[i];
		} else if (strchr(";&<>)\n", s[i]) || strncmp(s + i, " | ", 3) == 0 ||
			   strncmp(s + i, " #", 2) == 0 || strncmp(s + i, "   ", 3) == 0) {
			break;
		}
	}
	return i;
}

/* A copy in which [ and ] and all but the first of a|b are blanks, where no quotes are. */
static char *plain(const char *s, size_t n)
{
	char *copy = strndup(s, n), quote = 0;
	bool other = false;

	for (char *p = copy; copy && *p; p++) {
		if (quote) {
			if (*p == quote)
				quote = 0;
			continue;
		}
		if (*p == '\'' || *p == '"')
			quote = *p;
		other = *p == '|' || (other && *p != ' ' && *p != ']');
		if (other || *p == '[' || *p == ']')
			*p = ' ';
	}
	return copy;
}

static const struct cli_command *find(const char *name)
{
	for (const struct cli_command *const *c = cmds_all(); *c; c++)
		if (strcmp((*c)->name, name) == 0)
			return *c;
	return NULL;
}

static bool has_verb(const char *verbs, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = verbs; *p; p += strcspn(p, "|"), p += *p == '|')
		if (strcspn(p, "|") == n && memcmp(p, word, n) == 0)
			return true;
	return strspn(word, "0123456789") == n || is_placeholder(word);
}

static void check_query(const char *file, const char *command, const char *query)
{
	AUTO(pipe) *plan = NULL;
	struct diag d = { 0 };

	if (pipe_parse(&plan, query, strlen(query), &d) < 0)
		wrong(file, command, d.text);
}

static void check_words(const char *file, const char *text, int n, const char **words)
{
	static struct cli_values v;
	const struct cli_command *c;
	const char *operand;
	struct diag d = { 0 };

	if (n < 2 || strcmp(words[1], "help") == 0 || is_placeholder(words[1]) ||
	    words[1][0] == '-' || strcmp(words[1], "...") == 0)
		return;
	c = find(words[1]);
	if (!c) {
		wrong(file, text, "no such command");
		return;
	}
	for (int i = 2; i < n; i++) {
		const char *before = words[i - 1];

		if (strcmp(words[i], "TIME") == 0)
			words[i] = "1h";
		else if (strcmp(words[i], "N") == 0 || strcmp(words[i], "SECONDS") == 0)
			words[i] = "1";
		else if (is_placeholder(words[i]) && before[0] == '-' && strstr(before, "kind"))
			words[i] = "hash";
	}
	if (cli_parse(c, n - 2, words + 2, &v, &operand, &d) < 0) {
		wrong(file, text, d.text);
		return;
	}
	if (c->verbs && operand && !has_verb(c->verbs, operand))
		wrong(file, text, "no such verb");
	if (operand && (c == &cmd_query || c == &cmd_tail || c == &cmd_export))
		check_query(file, text, operand);
	if (v.query)
		check_query(file, text, v.query);
}

static void check_command(const char *file, const char *s)
{
	static const char *words[SHELL_WORDS + 1];
	size_t length = length_of(s);
	char *text = plain(s, length), *shown = strndup(s, length);
	struct diag d = { 0 };
	int n = text ? shell_split(text, words, &d) : -ENOMEM;

	n_found++;
	while (n > 0 && strcmp(words[n - 1], "...") == 0)
		n--;
	if (n < 0)
		wrong(file, shown, d.text[0] ? d.text : strerror(-n));
	else
		check_words(file, shown, n, words);
	free(text);
	free(shown);
}

/* All commands in a line of a shell, or in a piece of code. */
static void check_text(const char *file, const char *text)
{
	static const char name[] = "rtsecctl";

	for (const char *p = text; (p = strstr(p, name)); p += sizeof(name) - 1) {
		char after = p[sizeof(name) - 1];
		bool begins = p == text || strchr(" /(;`", p[-1]);

		if (begins && after == ' ')
			check_command(file, p);
	}
}

/* Code in backquotes of a line outside of blocks. */
static void check_inline(const char *file, const char *line)
{
	const char *from, *to;

	while ((from = strchr(line, '`')) && (to = strchr(from + 1, '`'))) {
		char *code = strndup(from + 1, (size_t)(to - from - 1));

		if (code)
			check_text(file, code);
		free(code);
		line = to + 1;
	}
}

/* A command goes on in the next line while a quote is open, or behind a backslash. */
static bool goes_on(const char *s)
{
	size_t n = strlen(s);
	char quote = 0;

	if (!strstr(s, "rtsecctl "))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (quote && s[i] == quote)
			quote = 0;
		else if (!quote && (s[i] == '\'' || s[i] == '"'))
			quote = s[i];
		else if (!quote && s[i] == '#' && i && s[i - 1] == ' ')
			return false; /* a comment, with its apostrophes */
		else if (!quote && strncmp(s + i, "   ", 3) == 0 && i > 8)
			return false; /* prose */
	}
	return quote || (n > 1 && s[n - 2] == '\\');
}

static void check_file(const char *path)
{
	FILE *f = fopen(path, "re");
	AUTO_MEM char *line = NULL;
	AUTO_BUF struct buf command = { 0 };
	bool fenced = false;
	size_t cap = 0;

	if (!f) {
		wrong(path, "cannot be read", strerror(errno));
		return;
	}
	while (getline(&line, &cap, f) > 0) {
		if (strncmp(line, "```", 3) == 0) {
			fenced = !fenced;
			buf_clear(&command);
			continue;
		}
		if (!fenced) {
			check_inline(path, line);
			continue;
		}
		buf_str(&command, line);
		buf_byte(&command, 0);
		command.n--;
		if (goes_on((const char *)command.data)) {
			if (command.n > 1 && command.data[command.n - 2] == '\\')
				command.n -= 2;
			continue;
		}
		check_text(path, (const char *)command.data);
		buf_clear(&command);
	}
	fclose(f);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		check_file(argv[i]);
	printf("%zu commands in %d documents, %zu wrong\n", n_found, argc - 1, n_wrong);
	if (n_found < LEAST_FOUND) {
		fprintf(stderr, "fewer than %d commands: they are not found any more\n",
			LEAST_FOUND);
		return EXIT_FAILURE;
	}
	return n_wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}
