/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts that complete rtsecctl's command line in a shell, made from the tables of commands and
 * options.  Names of fields are asked of the collector once a shell session. */
#include "ctl/cmds.h"

static const struct cli_option options[] = { CLI_OPTIONS_COMMON };

/* ---- what all have in common ---- */

/* Words that an operand of @c may be, | between; NULL: anything. */
static const char *operands_of(const struct cli_command *c)
{
	return c == &cmd_completion ? c->operand : c->verbs;
}

static bool wants_file(const struct cli_option *o)
{
	return o->metavar && strcmp(o->metavar, "FILE") == 0;
}

static bool wants_fields(const struct cli_option *o)
{
	return strcmp(o->name, "fields") == 0;
}

static bool wants_node(const struct cli_option *o)
{
	return strcmp(o->name, "node") == 0;
}

/* a|b|c with blanks between. */
static void put_choices(FILE *out, const char *choices)
{
	for (; *choices; choices++)
		fputc(*choices == '|' ? ' ' : *choices, out);
}

/* For a text in single quotes. */
static void put_quoted(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", out);
		else
			fputc(*text, out);
	}
}

/* ---- bash ---- */

static void bash_values(FILE *out, const struct cli_command *c)
{
	for (size_t i = 0; i < c->n_options; i++) {
		const struct cli_option *o = &c->options[i];

		if (o->type == CLI_FLAG)
			continue;
		fprintf(out, "\t%s:--%s", c->name, o->name);
		if (o->letter)
			fprintf(out, "|%s:-%c", c->name, o->letter);
		fputs(") ", out);
		if (o->type == CLI_CHOICE) {
			fputs("COMPREPLY=($(compgen -W '", out);
			put_choices(out, o->metavar);
			fputs("' -- \"$cur\"))", out);
		} else if (wants_file(o)) {
			fputs("COMPREPLY=($(compgen -f -- \"$cur\"))", out);
		} else if (wants_fields(o)) {
			fputs("_rtsecctl_list \"$cur\"", out);
		} else if (wants_node(o)) {
			fputs("COMPREPLY=($(compgen -W \"$(_rtsecctl_nodes)\" -- \"$cur\"))", out);
		} else {
			fputs(":", out);
		}
		fputs("; return ;;\n", out);
	}
}

static void bash_words(FILE *out, const struct cli_command *c)
{
	const char *operands = operands_of(c);

	fprintf(out, "\t%s) words='", c->name);
	for (size_t i = 0; i < c->n_options; i++)
		fprintf(out, "%s--%s", i ? " " : "", c->options[i].name);
	fputs(operands ? " " : "", out);
	put_choices(out, operands ? operands : "");
	fputs("' ;;\n", out);
}

static void bash(FILE *out)
{
	fputs("# rtsecctl completion bash: source this, or put it into /etc/bash_completion.d\n"
	      "_rtsecctl_fields() {\n"
	      "\t[ -n \"${_rtsecctl_names-}\" ] || _rtsecctl_names=$(rtsecctl fields -o csv "
	      "2>/dev/null |\n"
	      "\t\tsed 1d | cut -d, -f1)\n"
	      "\tprintf '%s\\n' \"$_rtsecctl_names\"\n"
	      "}\n"
	      "_rtsecctl_nodes() { rtsecctl nodes -o csv 2>/dev/null | sed 1d | cut -d, -f1; }\n"
	      "_rtsecctl_list() { # the last of names with commas between\n"
	      "\tlocal before=''\n"
	      "\tcase $1 in *,*) before=${1%,*}, ;; esac\n"
	      "\tCOMPREPLY=($(compgen -P \"$before\" -W \"$(_rtsecctl_fields)\" -- \"${1##*,}\"))\n"
	      "}\n"
	      "_rtsecctl() {\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=''\n"
	      "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
	      "\t\tCOMPREPLY=($(compgen -W 'help",
	      out);
	for (const struct cli_command *const *c = cmds_all(); *c; c++)
		fprintf(out, " %s", (*c)->name);
	fputs("' -- \"$cur\"))\n\t\treturn\n\tfi\n\tcase ${COMP_WORDS[1]}:$prev in\n", out);
	for (const struct cli_command *const *c = cmds_all(); *c; c++)
		bash_values(out, *c);
	fputs("\tesac\n\tcase ${COMP_WORDS[1]} in\n\thelp) words='", out);
	for (const struct cli_command *const *c = cmds_all(); *c; c++)
		fprintf(out, "%s%s", c == cmds_all() ? "" : " ", (*c)->name);
	fputs("' ;;\n", out);
	for (const struct cli_command *const *c = cmds_all(); *c; c++)
		bash_words(out, *c);
	fputs("\tesac\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\n"
	      "complete -o default -F _rtsecctl rtsecctl\n",
	      out);
}

/* ---- zsh ---- */

/* In a specification : and [] have a meaning. */
static void zsh_help(FILE *out, const char *help)
{
	for (; *help; help++) {
		if (strchr(":[]", *help))
			fputc('\\', out);
		if (*help == '\'')
			fputs("'\\''", out);
		else
			fputc(*help, out);
	}
}

static void zsh_option(FILE *out, const struct cli_option *o)
{
	fprintf(out, "\t\t\t'--%s%s[", o->name, o->type == CLI_FLAG ? "" : "=");
	zsh_help(out, o->help);
	fputs("]", out);
	if (o->type != CLI_FLAG)
		fprintf(out, ":%s:", o->metavar);
	if (o->type == CLI_CHOICE) {
		fputc('(', out);
		put_choices(out, o->metavar);
		fputc(')', out);
	} else if (wants_file(o)) {
		fputs("_files", out);
	} else if (wants_fields(o)) {
		fputs("_rtsecctl_fields", out);
	} else if (wants_node(o)) {
		fputs("_rtsecctl_nodes", out);
	}
	fputs("' \\\n", out);
}

static void zsh(FILE *out)
{
	fputs("#compdef rtsecctl\n"
	      "# rtsecctl completion zsh: put this as _rtsecctl into a folder of $fpath\n"
	      "_rtsecctl_fields() {\n"
	      "\t(( ${+_rtsecctl_names} )) ||\n"
	      "\t\ttypeset -ga _rtsecctl_names=(${(f)\"$(rtsecctl fields -o csv 2>/dev/null | sed "
	      "1d | "
	      "cut -d, -f1)\"})\n"
	      "\t_values -s , field $_rtsecctl_names\n"
	      "}\n"
	      "_rtsecctl_nodes() {\n"
	      "\tcompadd ${(f)\"$(rtsecctl nodes -o csv 2>/dev/null | sed 1d | cut -d, -f1)\"}\n"
	      "}\n"
	      "_rtsecctl() {\n"
	      "\tif (( CURRENT == 2 )); then\n"
	      "\t\tlocal -a commands=(\n",
	      out);
	for (const struct cli_command *const *c = cmds_all(); *c; c++) {
		fprintf(out, "\t\t\t'%s:", (*c)->name);
		put_quoted(out, (*c)->summary);
		fputs("'\n", out);
	}
	fputs("\t\t\t'help:Show the options of a command')\n"
	      "\t\t_describe command commands\n\t\treturn\n\tfi\n"
	      "\tlocal command=$words[2]\n"
	      "\twords[1]=()\n\t(( CURRENT-- ))\n"
	      "\tcase $command in\n",
	      out);
	for (const struct cli_command *const *c = cmds_all(); *c; c++) {
		fprintf(out, "\t%s)\n\t\t_arguments -s \\\n", (*c)->name);
		for (size_t i = 0; i < (*c)->n_options; i++)
			zsh_option(out, &(*c)->options[i]);
		fputs("\t\t\t'*:operand:", out);
		if (operands_of(*c)) {
			fputc('(', out);
			put_choices(out, operands_of(*c));
			fputc(')', out);
		}
		fputs("' ;;\n", out);
	}
	fputs("\tesac\n}\n_rtsecctl \"$@\"\n", out);
}

/* ---- fish ---- */

static void fish_option(FILE *out, const struct cli_command *c, const struct cli_option *o)
{
	fprintf(out, "complete -c rtsecctl -n '__fish_seen_subcommand_from %s' -l %s", c->name,
		o->name);
	if (o->letter)
		fprintf(out, " -s %c", o->letter);
	if (o->type == CLI_CHOICE) {
		fputs(" -xa '", out);
		put_choices(out, o->metavar);
		fputs("'", out);
	} else if (wants_fields(o)) {
		fputs(" -xa '(__rtsecctl_fields)'", out);
	} else if (wants_node(o)) {
		fputs(" -xa '(rtsecctl nodes -o csv 2>/dev/null | sed 1d | cut -d, -f1)'", out);
	} else if (o->type != CLI_FLAG) {
		fputs(wants_file(o) ? " -rF" : " -x", out);
	}
	fputs(" -d '", out);
	for (const char *h = o->help; *h; h++)
		fprintf(out, *h == '\'' ? "\\'" : "%c", *h);
	fputs("'\n", out);
}

static void fish(FILE *out)
{
	fputs("# rtsecctl completion fish: put this into ~/.config/fish/completions/rtsecctl.fish\n"
	      "function __rtsecctl_fields\n"
	      "\tset -q __rtsecctl_names\n"
	      "\tor set -g __rtsecctl_names (rtsecctl fields -o csv 2>/dev/null | sed 1d | cut -d, "
	      "-f1)\n"
	      "\tprintf '%s\\n' $__rtsecctl_names\n"
	      "end\n"
	      "complete -c rtsecctl -f\n",
	      out);
	for (const struct cli_command *const *c = cmds_all(); *c; c++) {
		fprintf(out, "complete -c rtsecctl -n __fish_use_subcommand -a %s -d '",
			(*c)->name);
		put_quoted(out, (*c)->summary);
		fputs("'\n", out);
		for (size_t i = 0; i < (*c)->n_options; i++)
			fish_option(out, *c, &(*c)->options[i]);
		if (!operands_of(*c))
			continue;
		fprintf(out, "complete -c rtsecctl -n '__fish_seen_subcommand_from %s' -a '",
			(*c)->name);
		put_choices(out, operands_of(*c));
		fputs("'\n", out);
	}
}

static int run(const struct cli_io *io, const struct cli_values *v, const char *operand)
{
	static const struct {
		const char *name;
		void (*write)(FILE *out);
	} all[] = { { "bash", bash }, { "zsh", zsh }, { "fish", fish } };

	(void)v;
	for (size_t i = 0; operand && i < ARRAY_SIZE(all); i++)
		if (strcmp(operand, all[i].name) == 0) {
			all[i].write(io->out);
			return EXIT_HITS;
		}
	cli_say(io, "the name of a shell is expected: bash, zsh or fish");
	return EXIT_USAGE;
}

const struct cli_command cmd_completion = {
	.name = "completion",
	.operand = "bash|zsh|fish",
	.summary = "Write a script that completes rtsecctl in a shell",
	.about = "Writes a completion script: commands, options, their words, and after --fields "
		 "the names of fields as the collector knows them.\n"
		 "\n"
		 "  . <(rtsecctl completion bash)\n"
		 "  rtsecctl completion bash >/etc/bash_completion.d/rtsecctl\n"
		 "  rtsecctl completion fish >~/.config/fish/completions/rtsecctl.fish\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.run = run,
};
