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

/* Values of @field that begin so, those of the last week, as the collector meets them. */
static void find_values(const char *field, const char *prefix, size_t n,
			void (*each)(const char *value, void *arg), void *each_arg, void *arg)
{
	char begin[256];
	const struct client_param params[] = {
		{ "field", field }, { "prefix", begin }, { "since", "-7d" }, { "limit", "100" }
	};
	const struct client_request q = { "/api/v1/values", params, ARRAY_SIZE(params),
					  CLIENT_GET };
	struct shell *s = arg;
	AUTO_BUF struct buf body = { 0 };
	long status = 0;
	json_t *doc, *value;
	size_t i;

	snprintf(begin, sizeof(begin), "%.*s", (int)MIN(n, sizeof(begin) - 1), prefix);
	if (client_ask(session_client(s->session), &q, &status, &body, NULL) < 0 || status != 200)
		return;
	doc = json_loadb((const char *)body.data, body.n, 0, NULL);
	json_array_foreach(
		json_object_get(json_array_get(json_object_get(doc, "fields"), 0), "values"), i,
		value)
	{
		const char *text = json_string_value(json_object_get(value, "value"));

		/* in another case it would be other text; what needs an escape is left to be typed
		 */
		if (text && strncmp(text, begin, strlen(begin)) == 0 &&
		    !strpbrk(text, "\"\\\n\r\t"))
			each(text, each_arg);
	}
	json_decref(doc);
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
	struct shell_source source = { .names = find_names, .values = find_values };
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
	source.arg = s;
	r = shell_edit_new(&edit, io, history_path(io, path), &source);
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
		 "(kept in ~/.rtsec_history) and completion of commands, options, fields, their "
		 "values\n"
		 "and words of the query language by Tab. exit, quit or Ctrl-D end it.\n"
		 "\n"
		 "  rtsecctl shell\n"
		 "  rtsec> process where process.name == \"nc\"\n"
		 "  rtsec> query --since -5m --count 'file where file.path : \"/etc/*\"'\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.run = run,
};
