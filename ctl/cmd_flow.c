/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/cmds.h"
#include "ctl/lookup.h"
#include "ctl/session.h"

static const struct cli_option options[] = {
	LOOKUP_OPTIONS,
	CLI_OPTIONS_EVENTS,
};

static int run(const struct cli_io *io, const struct cli_values *v, const char *operand)
{
	AUTO_BUF struct buf path = { 0 };

	if (!operand) {
		cli_say(io, "flow wants a community id, as network.community_id has it");
		return EXIT_USAGE;
	}
	lookup_path(&path, "/api/v1/flows/", operand, "");
	if (!buf_ok(&path))
		return session_failed(io, err_origin(-ENOMEM), NULL);
	return lookup_events(io, v, (const char *)path.data);
}

const struct cli_command cmd_flow = {
	.name = "flow",
	.operand = "COMMUNITY_ID",
	.summary = "Show both sides of a connection, over all nodes",
	.about = "Shows the events with this network.community_id, oldest first.\n"
		 "\n"
		 "  rtsecctl flow 1:wCb3OG7yAFWelaUydu0D+125CLM=\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.run = run,
};
