/* SPDX-License-Identifier: Apache-2.0 */
/* cli - the command line as tables: a command has a name, a help text, a table of options and a
 * function.  The parser, the help, the suggestions for typing errors, and later the manual page and
 * shell completion come from these tables.
 *
 * rtsecctl COMMAND [OPTIONS] [OPERAND].  Options and operand may stand in any order after the
 * command; "--" ends the options.  --name VALUE, --name=VALUE, -l VALUE and -lVALUE are the same.
 * Names are never abbreviated, so that a new option breaks no script.
 *
 * Thread: one.  Memory: values point into argv; nothing is allocated. */
#pragma once
#include "ctl/when.h"
#include "lib/diag.h"

/* What rtsecctl exits with; docs/cli.md promises these numbers. */
enum exit_code {
	EXIT_HITS = 0,	  /* something was found and shown, or done */
	EXIT_NONE = 1,	  /* asked and answered, but nothing matched */
	EXIT_USAGE = 2,	  /* the command line or the query is wrong */
	EXIT_SERVER = 3,  /* the collector did not answer, or refused, or output failed */
	EXIT_PARTIAL = 4, /* something was shown, and events are known to be missing from it */
};

/* The world outside: where to write, and what is there.  Tests bring their own. */
struct cli_io {
	FILE *out, *err;
	bool out_tty, err_tty; /* a terminal: control characters are kept from it */
	bool color;	       /* colours may be used on out */
	bool local;	       /* times of this machine's zone, not UTC (--local) */
	unsigned width;	       /* columns of the terminal behind out; 0: cut nothing */
	const char *(*env)(const char *name); /* getenv(), or a test's */
};

enum {
	CLI_OPERANDS = 4096, /* most that a command which takes many can be given */
	CLI_TIMES = 4,	     /* options of one command that are times */
};

/* Values of all options of all commands; those not given are NULL, 0 or false. */
struct cli_values {
	const char *operands[CLI_OPERANDS]; /* of a command that takes many */
	size_t n_operands;
	const char *url, *token_file, *ca_file, *context, *output, *file, *format;
	const char *name, *role, *scope, *ttl;
	const char *since, *until, *fields, *node, *order, *query;
	const char *status, *level, *rule, *owner, *note, *condition, *expires;
	const char *process, *parent, *user, *container, *pod, *namespace, *action, *state, *from,
		*kind, *value, *within, *placeholders;
	uint64_t limit, depth, watch, hops, nodes, max_nodes;
	bool count, all, histogram, descendants, across, explain, dry_run, alerts, counters, local,
		help;
	char times[CLI_TIMES][WHEN_BYTES]; /* what options that are times point to */
};

enum cli_type {
	CLI_FLAG,   /* bool */
	CLI_TEXT,   /* const char *, not empty */
	CLI_NUMBER, /* uint64_t, 1 or more */
	CLI_CHOICE, /* const char *, one of the words of metavar, which | parts */
	CLI_TIME,   /* const char *, as the collector takes it; typed as ctl/when.h tells */
	CLI_AHEAD,  /* the same for a time to come */
};

struct cli_option {
	const char *name; /* without the dashes */
	char letter;	  /* 0: none */
	enum cli_type type;
	const char *metavar; /* NULL for a flag */
	size_t offset;	     /* in struct cli_values */
	const char *help;
};

/* A row of an option table: OPTION("since", 0, TIME, "TIME", since, "help"). */
#define OPTION(name_, letter_, type_, metavar_, member, help_)                                    \
	{                                                                                         \
		.name = (name_), .letter = (letter_), .type = CLI_##type_, .metavar = (metavar_), \
		.offset = offsetof(struct cli_values, member), .help = (help_)                    \
	}

/* Rows that tables of options end with: those of each command, of one that asks the collector, and
 * of one that shows events. */
#define CLI_OPTION_HELP OPTION("help", 'h', FLAG, NULL, help, "Show this help")
#define CLI_OPTIONS_COMMON                                              \
	OPTION("output", 'o', CHOICE, "table|json|ndjson|csv", output,  \
	       "Form of the output; table on a terminal, else ndjson"), \
		CLI_OPTION_HELP
#define CLI_OPTIONS_COLLECTOR                                                            \
	OPTION("url", 0, TEXT, "URL", url, "Address of the collector, else $RTSEC_URL"), \
		OPTION("token-file", 0, TEXT, "FILE", token_file,                        \
		       "File that holds the API token, else $RTSEC_TOKEN"),              \
		OPTION("ca", 0, TEXT, "FILE", ca_file,                                   \
		       "The collector's CA (its DIR/tls/ca.pem), else $RTSEC_CA"),       \
		OPTION("context", 0, TEXT, "NAME", context,                              \
		       "Collector and token kept by rtsecctl context add"),              \
		OPTION("local", 0, FLAG, NULL, local,                                    \
		       "Times, typed and in tables, of this machine's zone, not UTC")
#define CLI_OPTIONS_SERVER CLI_OPTIONS_COLLECTOR, CLI_OPTIONS_COMMON
#define CLI_OPTIONS_EVENTS                                                                       \
	CLI_OPTIONS_COLLECTOR,                                                                   \
		OPTION("output", 'o', CHOICE, "compact|table|json|ndjson|csv", output,           \
		       "Form of the output; compact: a line an event, nothing of it cut into a " \
		       "file"),                                                                  \
		CLI_OPTION_HELP

struct cli_command {
	const char *name;
	const char *operand; /* such as "[QUERY]"; NULL: takes none */
	bool many;	     /* takes any number of them, in values.operands */
	const char *verbs;   /* words that the first operand may be, | between; NULL: any */
	const char *summary; /* one line for the list of commands */
	/* its own help: paragraphs, lines ended by a newline, which are filled to 80 columns but
	 * for those that begin with a blank, as examples do */
	const char *about;
	const struct cli_option *options;
	size_t n_options;
	/* Returns an exit code.  @operand is NULL when none was given. */
	int (*run)(const struct cli_io *io, const struct cli_values *v, const char *operand);
};

/* Parses what follows the command's name.  Returns 0, or -EINVAL: @d says what is wrong, with a
 * suggestion where a name is near. */
NODISCARD int cli_parse(const struct cli_command *c, int argc, const char *const *argv,
			struct cli_values *ret, const char **ret_operand, struct diag *d);

/* Runs what argv[1] names out of @commands (ended by NULL); help, --help and --version are known
 * beside them.  Returns an exit code. */
int cli_main(const struct cli_io *io, const struct cli_command *const *commands, int argc,
	     const char *const *argv);

/* Says that @verb (NULL: none) is none of the command's verbs, and the nearest, or that what is
 * behind it is wrong.  Returns EXIT_USAGE. */
int cli_unknown_verb(const struct cli_io *io, const struct cli_command *c, const char *verb);

/* Writes "rtsecctl: TEXT\n" to io->err; control characters in the text are shown escaped. */
void cli_say(const struct cli_io *io, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Tells a person at a terminal that nothing was found: "no @what".  Programs have the exit code. */
void cli_say_none(const struct cli_io *io, const char *what);

/* Flushes io->out.  Returns @code, or EXIT_SERVER (said on io->err) when output could not be
 * written; a reader that closed the pipe is no failure. */
int cli_finish(const struct cli_io *io, int code);
