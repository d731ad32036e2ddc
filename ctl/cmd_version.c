/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/cmds.h"
#include "ctl/printer.h"

static const struct cli_option options[] = { CLI_OPTIONS_COMMON };

static int run(const struct cli_io *io, const struct cli_values *v, const char *operand)
{
	(void)operand;
	if (printer_format_of(v->output ? v->output : "table", false) == PRINTER_TABLE)
		fputs("rtsecctl " RTSEC_VERSION "\n", io->out);
	else if (strcmp(v->output, "csv") == 0)
		fputs("version\n" RTSEC_VERSION "\n", io->out);
	else
		fputs("{\"version\":\"" RTSEC_VERSION "\"}\n", io->out);
	return EXIT_HITS;
}

const struct cli_command cmd_version = {
	.name = "version",
	.summary = "Show the version of rtsecctl",
	.about = "Shows the version of rtsecctl; it asks no collector.\n"
		 "\n"
		 "  rtsecctl version -o json\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.run = run,
};
