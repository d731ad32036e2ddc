/* SPDX-License-Identifier: Apache-2.0 */
/* rtsec-collector: the table of its commands. */
#include "collector/command.h"
#include "collector/daemon.h"
#include "lib/log.h"
#include "lib/service.h"

/* Of main(), for a reload. */
static struct {
	int n;
	char *const *at;
} arguments;

static int serve(const struct options *o)
{
	return daemon_serve(o, arguments.n, arguments.at);
}

static const struct command {
	const char *words[2]; /* NULL: any word */
	size_t n_words;
	int (*run)(const struct options *o);
} commands[] = {
	{ { NULL }, 0, serve },
	{ { "token", "create" }, 2, command_token_create },
	{ { "hold", NULL }, 2, command_hold },
	{ { "release", NULL }, 2, command_release },
	{ { "holds" }, 1, command_holds },
	{ { "import", NULL }, 2, command_import },
};

static const struct command *find_command(const struct options *o)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *c = &commands[i];
		bool same = c->n_words == o->n_words;

		for (size_t w = 0; same && w < c->n_words; w++)
			same = !c->words[w] || strcmp(c->words[w], o->words[w]) == 0;
		if (same)
			return c;
	}
	return NULL;
}

static int answer(const struct options *o)
{
	const char *file = config_file(o->config);

	if (o->common.help)
		options_help(stdout);
	else if (o->common.version)
		puts("rtsec-collector " RTSEC_VERSION);
	else
		printf("%s: the settings are right\n", file ? file : "no configuration file");
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	const struct command *command;
	char text[900];
	struct diag d = { 0 };
	struct options o;
	int code;

	service_no_core();
	arguments.n = argc;
	arguments.at = argv;
	if (options_parse(&o, argc, argv, &d) < 0)
		return command_usage(diag_format(&d, text, sizeof(text)));
	log_set_level(o.log_level);
	command = find_command(&o);
	if (o.common.help || o.common.version || o.common.check)
		code = answer(&o);
	else
		code = command ? command->run(&o) : command_usage("unknown command; see --help");
	options_done(&o);
	return code;
}
