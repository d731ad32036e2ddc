/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <sys/stat.h>

#include "ctl/cmds.h"
#include "ctl/session.h"
#include "ctl/shell_edit.h"

enum { PATH_BYTES = 1024, MAX_NAMES = 2000 };

static const struct cli_option options[] = { CLI_OPTIONS_SERVER };

struct shell {
	const struct cli_io *io;
	const struct cli_values *v;
	struct session *session;
	char *names[MAX_NAMES];
	size_t n_names;
};

/* ---- names for completion ---- */

static void add_name(struct shell *s, struct slice field)
{
	json_t *f = rawjson_load(field);
	const char *name = json_string_value(json_object_get(f, "name"));

	if (name && s->n_names < MAX_NAMES)
		s->names[s->n_names] = strdup(name);
	s->n_names += name && s->n_names < MAX_NAMES && s->names[s->n_names];
	json_decref(f);
}

static void find_names(struct shell_names *ret, void *arg)
{
	const struct client_request q = { .path = "/api/v1/fields" };
	struct shell *s = arg;
	AUTO_BUF struct buf body = { 0 };
	struct slice fields, key, field;
	long status = 0;
	size_t at = 0;

	if (client_ask(session_client(s->session), &q, &status, &body, NULL) < 0 || status != 200 ||
	    !rawjson_member((struct slice){ (const char *)body.data, body.n }, "fields", &fields))
		return; /* completion does without */
	while (rawjson_next(fields, &at, &key, &field))
		add_name(s, field);
	*ret = (struct shell_names){ (const char *const *)s->names, s->n_names };
}

/* ---- lines ---- */

static bool is_command(const char *line)
{
	size_t n = strcspn(line, " \t");

	if (n == 4 && memcmp(line, "help", 4) == 0)
		return true;
	for (const struct cli_command *const *c = cmds_all(); *c; c++)
		if (strlen((*c)->name) == n && memcmp((*c)->name, line, n) == 0)
			return true;
	return false;
}

/* Options of the shell itself hold for each command that takes them. */
static size_t add_server(const struct cli_values *v, const char **words, size_t n)
{
	const char *const given[][2] = { { "--url", v->url },
					 { "--token-file", v->token_file },
					 { "--context", v->context },
					 { "--output", v->output } };

	for (size_t i = 0; i < ARRAY_SIZE(given); i++)
		if (given[i][1]) {
			words[n++] = given[i][0];
			words[n++] = given[i][1];
		}
	return n;
}

static int run_line(struct shell *s, char *line)
{
	const char *words[SHELL_WORDS + 16] = { "rtsecctl" };
	struct diag d = { 0 };
	bool help = strncmp(line, "help", 4) == 0;
	int n = 1;

	if (is_command(line)) {
		n = shell_split(line, words + 2, &d);
		if (n < 0) {
			cli_say(s->io, "%s", d.text);
			return EXIT_USAGE;
		}
		words[1] = words[2];
		memmove(words + 2, words + 3, (size_t)MAX(n - 1, 0) * sizeof(*words));
		n++;
	} else {
		words[1] = "query";
		n = 2;
	}
	if (!help && strcmp(words[1], "context") != 0 && strcmp(words[1], "completion") != 0 &&
	    strcmp(words[1], "version") != 0 && strcmp(words[1], "shell") != 0)
		n = (int)add_server(s->v, words, (size_t)n);
	if (strcmp(words[1], "query") == 0 && !is_command(line)) {
		words[n++] = "--";
		words[n++] = line;
	}
	return cli_main(s->io, cmds_all(), n, words);
}

static int loop(struct shell *s, struct shell_edit *edit)
{
	int code = EXIT_HITS;
	char *line;

	while ((line = shell_edit_line(edit))) {
		while (isspace((unsigned char)*line))
			line++;
		if (strcmp(line, "exit") == 0 || strcmp(line, "quit") == 0)
			break;
		if (*line && *line != '#')
			code = run_line(s, line);
		fflush(s->io->out);
	}
	return s->io->out_tty ? EXIT_HITS : code;
}

/* In the state folder of the user; NULL: there is none. */
static const char *history_path(const struct cli_io *io, char path[PATH_BYTES])
{
	const char *state = io->env("XDG_STATE_HOME"), *home = io->env("HOME");

	if (state && *state == '/')
		snprintf(path, PATH_BYTES, "%s/rtsec_history", state);
	else if (home && *home == '/')
		snprintf(path, PATH_BYTES, "%s/.rtsec_history", home);
	else
		return NULL;
	return path;
}

static int run(const struct cli_io *io, const struct cli_values *v, const char *operand)
{
	AUTO_MEM struct shell *s = calloc(1, sizeof(*s));
	AUTO(shell_edit) *edit = NULL;
	char path[PATH_BYTES];
	int r;

	(void)operand;
	if (!s)
		return session_failed(io, err_origin(-ENOMEM), NULL);
	s->io = io;
	s->v = v;
	r = session_open(&s->session, io, v);
	if (r)
		return r;
	r = shell_edit_new(&edit, io, history_path(io, path), find_names, s);
	r = r < 0 ? session_failed(io, r, NULL) : loop(s, edit);
	for (size_t i = 0; i < s->n_names; i++)
		free(s->names[i]);
	session_free(s->session);
	return r;
}

const struct cli_command cmd_shell = {
	.name = "shell",
	.summary = "Ask one question after the other",
	.about = "Reads lines: a query, or a command of rtsecctl with its options. On a terminal "
		 "with history\n"
		 "(kept in ~/.rtsec_history) and completion of commands, options, fields and words "
		 "of the\n"
		 "query language by Tab. exit, quit or Ctrl-D end it.\n"
		 "\n"
		 "  rtsec> process where process.name == \"nc\"\n"
		 "  rtsec> query --since -5m --count 'file where file.path : \"/etc/*\"'\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.run = run,
};
