#!/bin/bash
# coverage.sh RTSECCTL RULES: what docs/rules.md tells of the Linux rules of Sigma, counted by rtsecctl rules coverage.
set -euo pipefail
if [ ! -d "$2" ]; then
	echo "no rules at $2: nothing is counted"
	exit 0
fi
{ "$1" rules coverage "$2" -o json 2>/dev/null || [ $? = 1 ]; } | jq -r '
	def used(o): o | to_entries | sort_by([-.value, .key]) | map("\(.key) \(.value)") | join(", ");
	"Of \(.n_rules) Linux rules of Sigma \(.n_rules - .n_wrong) are valid to us and \(.n_can_fire) can fire on our events, \(.n_partial) of them in part:",
	"", "| rule | status | why |", "|---|---|---|",
	(.rules | sort_by(.status, .title)[] | select(.status != "ok") |
		"| \(.title) | \(.status) | \([.problems[].text] | unique | join("; ")) |"),
	"", "Rules that use a field: \(used(.used_fields)).",
	"", "Rules that use a modifier: \(used(.used_modifiers))."'
