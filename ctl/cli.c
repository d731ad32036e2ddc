/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/cli.h"

#include <assert.h>
#include <stdarg.h>

#include "ctl/text.h"
#include "lib/timestamp.h"

enum { NAME_MAX_BYTES = 32, HELP_COLUMN = 28, HELP_INDENT = 4, HELP_WIDTH = 80 };

/* Levenshtein distance; names over NAME_MAX_BYTES are far from everything. */
static size_t distance(const char *a, const char *b)
{
	size_t row[NAME_MAX_BYTES + 1], na = strlen(a), nb = strlen(b);

	if (na > NAME_MAX_BYTES || nb > NAME_MAX_BYTES)
		return SIZE_MAX;
	for (size_t j = 0; j <= nb; j++)
		row[j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t change = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			row[j] = MIN(change, MIN(row[j], row[j - 1]) + 1);
		}
	}
	return row[nb];
}

/* Keeps in *best the candidate nearest to @given, when it is near enough to be meant. */
static void consider(const char *given, const char *candidate, const char **best, size_t *best_at)
{
	size_t d = distance(given, candidate);

	if (strlen(given) >= 3 && strncmp(given, candidate, strlen(given)) == 0)
		d = 1; /* its beginning: surely meant */
	if (d <= 1 + strlen(candidate) / 4 && d < *best_at) {
		*best = candidate;
		*best_at = d;
	}
}

static const struct cli_option *find_long(const struct cli_command *c, const char *name, size_t n)
{
	for (size_t i = 0; i < c->n_options; i++)
		if (strlen(c->options[i].name) == n && memcmp(c->options[i].name, name, n) == 0)
			return &c->options[i];
	return NULL;
}

static const struct cli_option *find_letter(const struct cli_command *c, char letter)
{
	for (size_t i = 0; i < c->n_options; i++)
		if (c->options[i].letter == letter && letter)
			return &c->options[i];
	return NULL;
}

static int unknown_option(const struct cli_command *c, const char *arg, struct diag *d)
{
	const char *near = NULL;
	char name[NAME_MAX_BYTES + 2];
	size_t best = SIZE_MAX;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(arg, "="), arg);
	for (size_t i = 0; name[0] == '-' && name[1] == '-' && i < c->n_options; i++)
		consider(name + 2, c->options[i].name, &near, &best);
	if (near)
		return diag_set(d, -EINVAL, 0, 0, "unknown option %s: did you mean --%s?", name,
				near);
	return diag_set(d, -EINVAL, 0, 0, "unknown option %s: see rtsecctl help %s", name, c->name);
}

static bool is_choice(const char *choices, const char *value)
{
	size_t n = strlen(value);

	for (const char *p = choices; *p; p += strcspn(p, "|"), p += *p == '|')
		if (strcspn(p, "|") == n && memcmp(p, value, n) == 0)
			return true;
	return false;
}

static int parse_number(const char *value, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(value, &end, 10);
	if (errno || *end || value[0] < '0' || value[0] > '9' || *ret == 0)
		return err_origin(-EINVAL);
	return 0;
}

static int set_value(const struct cli_option *o, const char *value, struct cli_values *v,
		     struct diag *d)
{
	void *at = (char *)v + o->offset;

	switch (o->type) {
	case CLI_FLAG:
		*(bool *)at = true;
		return 0;
	case CLI_NUMBER:
		if (parse_number(value, at) < 0)
			return diag_set(d, -EINVAL, 0, 0,
					"--%s wants a number of 1 or more, not \"%s\"", o->name,
					value);
		return 0;
	case CLI_CHOICE:
		if (!is_choice(o->metavar, value))
			return diag_set(d, -EINVAL, 0, 0, "--%s wants one of %s, not \"%s\"",
					o->name, o->metavar, value);
		break;
	case CLI_TEXT:
	case CLI_TIME:
	case CLI_AHEAD:
		if (!*value)
			return diag_set(d, -EINVAL, 0, 0, "--%s wants %s, not nothing", o->name,
					o->metavar);
		break;
	}
	*(const char **)at = value;
	return 0;
}

/* Reads the option at argv[*i] and its value; *i is moved past a value that stands alone. */
static int parse_option(const struct cli_command *c, int argc, const char *const *argv, int *i,
			struct cli_values *v, struct diag *d)
{
	const char *arg = argv[*i], *value = NULL;
	const struct cli_option *o;

	if (arg[1] == '-') {
		size_t n = strcspn(arg + 2, "=");

		o = find_long(c, arg + 2, n);
		value = arg[2 + n] ? arg + 2 + n + 1 : NULL;
	} else {
		o = find_letter(c, arg[1]);
		value = arg[2] ? arg + 2 : NULL;
	}
	if (!o)
		return unknown_option(c, arg, d);
	if (o->type == CLI_FLAG && value)
		return diag_set(d, -EINVAL, 0, 0, "--%s takes no value", o->name);
	if (o->type != CLI_FLAG && !value) {
		if (*i + 1 >= argc)
			return diag_set(d, -EINVAL, 0, 0, "--%s wants %s", o->name, o->metavar);
		value = argv[++*i];
	}
	return set_value(o, value, v, d);
}

/* Writes the times among the options as the collector takes them. */
static int read_times(const struct cli_command *c, bool local, struct cli_values *v, struct diag *d)
{
	struct diag why = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < c->n_options; i++) {
		const struct cli_option *o = &c->options[i];
		const char **at = (const char **)(void *)((char *)v + o->offset);
		enum when_side side = o->type == CLI_AHEAD ? WHEN_AHEAD : WHEN_PAST;

		if ((o->type != CLI_TIME && o->type != CLI_AHEAD) || !*at)
			continue;
		assert(n < CLI_TIMES);
		if (when_read(*at, side, local, timestamp_now(), v->times[n], &why) < 0)
			return diag_set(d, -EINVAL, 0, 0, "--%s %s", o->name, why.text);
		*at = v->times[n++];
	}
	return 0;
}

int cli_parse(const struct cli_command *c, int argc, const char *const *argv,
	      struct cli_values *ret, const char **ret_operand, struct diag *d)
{
	bool ended = false;

	*ret = (struct cli_values){ 0 };
	*ret_operand = NULL;
	for (int i = 0; i < argc; i++) {
		if (!ended && strcmp(argv[i], "--") == 0) {
			ended = true;
		} else if (!ended && argv[i][0] == '-' && argv[i][1]) {
			int r = parse_option(c, argc, argv, &i, ret, d);

			if (r < 0)
				return r;
		} else if (!c->operand) {
			return diag_set(d, -EINVAL, 0, 0,
					"%s takes no operand, but \"%s\" was given", c->name,
					argv[i]);
		} else if (c->many && ret->n_operands < CLI_OPERANDS) {
			ret->operands[ret->n_operands++] = argv[i];
			*ret_operand = ret->operands[0];
		} else if (c->many) {
			return diag_set(d, -EINVAL, 0, 0, "too many operands: at most %d",
					CLI_OPERANDS);
		} else if (*ret_operand) {
			return diag_set(d, -EINVAL, 0, 0,
					"%s takes one %s, but \"%s\" follows it: put quotes around "
					"the whole",
					c->name, c->operand, argv[i]);
		} else {
			*ret_operand = argv[i];
		}
	}
	return ret->help ? 0 : read_times(c, ret->local, ret, d);
}

/* ---- help ---- */

static void help_option(FILE *out, const struct cli_option *o)
{
	char left[80];
	int n = snprintf(left, sizeof(left), o->letter ? "-%c, --%s%s%s" : "%c   --%s%s%s",
			 o->letter ? o->letter : ' ', o->name, o->metavar ? " " : "",
			 o->metavar ? o->metavar : "");

	if (n > HELP_COLUMN - 4)
		fprintf(out, "  %s\n%*s", left, HELP_COLUMN, "");
	else
		fprintf(out, "  %-*s", HELP_COLUMN - 2, left);
	text_wrap(out, o->help, HELP_COLUMN, HELP_WIDTH);
	fputc('\n', out);
}

/* Paragraphs are filled; lines that begin with a blank, as examples do, stay as they are. */
static void help_about(FILE *out, const char *about)
{
	AUTO_BUF struct buf paragraph = { 0 };

	while (*about) {
		size_t n = strcspn(about, "\n");
		bool text = n && *about != ' ', more;

		if (text) {
			buf_str(&paragraph, paragraph.n ? " " : "");
			buf_add(&paragraph, about, n);
		}
		about += n + (about[n] == '\n');
		more = *about && *about != '\n' && *about != ' ';
		if (text && more)
			continue;
		buf_byte(&paragraph, 0);
		if (text && buf_ok(&paragraph))
			text_wrap(out, (const char *)paragraph.data, 0, HELP_WIDTH);
		else if (!text)
			fprintf(out, "%.*s", (int)n, about - n - 1);
		fputc('\n', out);
		buf_clear(&paragraph);
	}
}

static void help(FILE *out, const struct cli_command *c)
{
	fprintf(out, "usage: rtsecctl %s [OPTIONS]%s", c->name, c->operand ? " " : "");
	text_wrap(out, c->operand ? c->operand : "", 2 * HELP_INDENT, HELP_WIDTH - 24);
	fputs("\n\n", out);
	help_about(out, c->about);
	fputs("\nOptions:\n", out);
	for (size_t i = 0; i < c->n_options; i++)
		help_option(out, &c->options[i]);
}

static void help_all(FILE *out, const struct cli_command *const *commands)
{
	fputs("usage: rtsecctl COMMAND [OPTIONS] [OPERAND]\n\n"
	      "Asks an rtsec collector what happened on the fleet. To begin with:\n"
	      "  rtsecctl status                  is all well?\n"
	      "  rtsecctl incidents               what the rules have found, told as stories\n"
	      "  rtsecctl tail --action exec      programs as they are started\n"
	      "  rtsecctl query -p curl --since 1h\n\n"
	      "Commands:\n",
	      out);
	for (; *commands; commands++)
		fprintf(out, "  %-12s%s\n", (*commands)->name, (*commands)->summary);
	fputs("  help        Show the options of a command: rtsecctl help COMMAND\n\n"
	      "Environment: RTSEC_URL and RTSEC_TOKEN (./dev up writes them to DIR/env), "
	      "NO_COLOR.\n"
	      "Exit codes: 0 hits, 1 none, 2 usage, 3 server, 4 shown but events are missing.\n",
	      out);
}

/* ---- which command ---- */

static const struct cli_command *find_command(const struct cli_command *const *commands,
					      const char *name)
{
	for (; *commands; commands++)
		if (strcmp((*commands)->name, name) == 0)
			return *commands;
	return NULL;
}

/* What other programs call it. */
static const char *our_word(const char *name)
{
	static const char *const words[][2] = {
		{ "doctor", "status" },	    { "health", "status" },
		{ "search", "query" },	    { "events", "query" },
		{ "find", "query" },	    { "getevents", "tail" },
		{ "logs", "tail" },	    { "follow", "tail" },
		{ "watch", "tail" },	    { "ps", "tree" },
		{ "login", "context" },	    { "config", "context" },
		{ "hosts", "nodes" },	    { "agents", "nodes" },
		{ "detections", "alerts" }, { "lineage", "tree" },
		{ "cases", "incidents" },   { "enroll", "node token create" },
		{ "notify", "outputs" },    { "users", "token" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasecmp(words[i][0], name) == 0)
			return words[i][1];
	return NULL;
}

static int unknown_command(const struct cli_io *io, const struct cli_command *const *commands,
			   const char *name)
{
	const char *near = our_word(name);
	size_t best = near ? 0 : SIZE_MAX;

	if (name[0] == '-') {
		cli_say(io, "options follow the command: rtsecctl COMMAND %s", name);
		return EXIT_USAGE;
	}
	for (; *commands; commands++)
		consider(name, (*commands)->name, &near, &best);
	consider(name, "help", &near, &best);
	if (near)
		cli_say(io, "unknown command %s: did you mean %s?", name, near);
	else
		cli_say(io, "unknown command %s: see rtsecctl help", name);
	return EXIT_USAGE;
}

int cli_unknown_verb(const struct cli_io *io, const struct cli_command *c, const char *verb)
{
	bool known = verb && is_choice(c->verbs, verb);
	char word[NAME_MAX_BYTES], list[256] = "", best_word[NAME_MAX_BYTES] = "";
	size_t best = SIZE_MAX, n = 0;

	for (const char *p = c->verbs; *p; p += strcspn(p, "|"), p += *p == '|') {
		const char *near = NULL;

		snprintf(word, sizeof(word), "%.*s", (int)strcspn(p, "|"), p);
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", n ? ", " : "", word);
		if (verb && !known)
			consider(verb, word, &near, &best);
		if (near)
			snprintf(best_word, sizeof(best_word), "%s", word);
	}
	if (known)
		cli_say(io, "%s %s takes something else behind it: see rtsecctl help %s", c->name,
			verb, c->name);
	else if (best_word[0])
		cli_say(io, "unknown word %s: did you mean rtsecctl %s %s?", verb, c->name,
			best_word);
	else if (verb)
		cli_say(io, "unknown word %s: %s takes %s; see rtsecctl help %s", verb, c->name,
			list, c->name);
	else
		cli_say(io, "%s takes %s; see rtsecctl help %s", c->name, list, c->name);
	return EXIT_USAGE;
}

static int run_help(const struct cli_io *io, const struct cli_command *const *commands,
		    const char *name)
{
	const struct cli_command *c = name ? find_command(commands, name) : NULL;

	if (name && !c)
		return unknown_command(io, commands, name);
	if (c)
		help(io->out, c);
	else
		help_all(io->out, commands);
	return cli_finish(io, EXIT_HITS);
}

int cli_main(const struct cli_io *io, const struct cli_command *const *commands, int argc,
	     const char *const *argv)
{
	struct cli_io here = *io;
	const struct cli_command *c;
	struct cli_values v;
	const char *operand;
	struct diag d = { 0 };

	if (argc < 2) {
		help_all(io->err, commands);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
	    strcmp(argv[1], "-h") == 0)
		return run_help(io, commands, argc > 2 ? argv[2] : NULL);
	c = find_command(commands, strcmp(argv[1], "--version") == 0 ? "version" : argv[1]);
	if (!c)
		return unknown_command(io, commands, argv[1]);
	if (cli_parse(c, argc - 2, argv + 2, &v, &operand, &d) < 0) {
		cli_say(io, "%s", d.text);
		return EXIT_USAGE;
	}
	if (v.help)
		return run_help(io, commands, c->name);
	here.local = io->local || v.local;
	return cli_finish(io, c->run(&here, &v, operand));
}

void cli_say(const struct cli_io *io, const char *fmt, ...)
{
	char text[2048];
	AUTO_BUF struct buf safe = { 0 };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	text_escape(text, strlen(text), &safe);
	fprintf(io->err, "rtsecctl: %.*s\n", (int)safe.n, safe.n ? (const char *)safe.data : "");
	fflush(io->err);
}

void cli_say_none(const struct cli_io *io, const char *what)
{
	if (io->out_tty && io->err_tty)
		cli_say(io, "no %s", what);
}

int cli_finish(const struct cli_io *io, int code)
{
	errno = 0;
	if (fflush(io->out) == 0 && !ferror(io->out))
		return code;
	if (errno == EPIPE)
		return code;
	cli_say(io, "cannot write the output: %s", strerror(errno ? errno : EIO));
	return EXIT_SERVER;
}
