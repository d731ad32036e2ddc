/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/cmds.h"
#include "ctl/lookup.h"
#include "ctl/session.h"

static const struct cli_option options[] = {
	OPTION("descendants", 0, FLAG, NULL, descendants, "What the processes below it did, too"),
	LOOKUP_OPTIONS,
	CLI_OPTIONS_EVENTS,
};

static int run(const struct cli_io *io, const struct cli_values *v, const char *operand)
{
	AUTO_BUF struct buf path = { 0 };

	if (!operand) {
		cli_say(io, "timeline wants the entity id of a process, as process.entity_id has "
			    "it");
		return EXIT_USAGE;
	}
	lookup_path(&path, "/api/v1/processes/", operand, "/timeline");
	if (!buf_ok(&path))
		return session_failed(io, err_origin(-ENOMEM), NULL);
	return lookup_events(io, v, (const char *)path.data);
}

const struct cli_command cmd_timeline = {
	.name = "timeline",
	.operand = "ENTITY_ID",
	.summary = "Show what one process did, oldest first",
	.about = "Shows the events of the process with this process.entity_id, and the fork that "
		 "made it.\n"
		 "\n"
		 "  rtsecctl timeline 9f1c0e6b5d2a4477 --descendants\n"
		 "  rtsecctl timeline 9f1c0e6b5d2a4477 --query 'network where true'\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.run = run,
};
