/* SPDX-License-Identifier: Apache-2.0 */
/* cmds - the commands of rtsecctl, one cmd_NAME.c each. */
#pragma once
#include "ctl/cli.h"

extern const struct cli_command cmd_query, cmd_tail, cmd_nodes, cmd_status, cmd_fields, cmd_rules,
	cmd_alerts, cmd_incidents, cmd_outputs, cmd_tree, cmd_timeline, cmd_flow, cmd_sql,
	cmd_export, cmd_import, cmd_shell, cmd_context, cmd_completion, cmd_version, cmd_node,
	cmd_token, cmd_audit;
extern const struct cli_command cmd_edges, cmd_hops, cmd_rare, cmd_spread;

/* All of them, ended by NULL, in the order of the help. */
const struct cli_command *const *cmds_all(void);
