/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/cmds.h"

static const struct cli_command *const commands[] = {
	&cmd_query,	 &cmd_sql,     &cmd_tail,   &cmd_tree,	 &cmd_timeline, &cmd_flow,
	&cmd_edges,	 &cmd_hops,    &cmd_rare,   &cmd_spread, &cmd_export,	&cmd_import,
	&cmd_nodes,	 &cmd_status,  &cmd_fields, &cmd_rules,	 &cmd_alerts,	&cmd_incidents,
	&cmd_outputs,	 &cmd_node,    &cmd_token,  &cmd_audit,	 &cmd_shell,	&cmd_context,
	&cmd_completion, &cmd_version, NULL,
};

const struct cli_command *const *cmds_all(void)
{
	return commands;
}
