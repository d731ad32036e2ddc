#!/bin/bash
# floor.sh - what hooks cost that do nothing, beside the sensor, in interleaved rounds: below which no sensor on the same
# hooks can get.  Run by ./dev bench floor; what each figure means stands in bench/README.md.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=bench/stack.bash
. bench/stack.bash
ROUNDS=${ROUNDS:-20}
CALLS="bare open connect refused"
declare -A PLACES=(
	[one_return]=sys_exit_capset
	[own_returns]="sys_exit_openat sys_exit_connect sys_exit_accept4"
	[an_entry_too]="sys_exit_openat sys_exit_connect sys_exit_accept4 sys_enter_capset"
	[all_returns]=sys_exit
	[sensors_hooks]="sys_exit_openat sys_exit_connect sys_exit_accept4 inet_sock_set_state net_dev_queue sk_data_ready"
)

measure() { # NAME
	local kind

	for kind in $CALLS; do
		note "$kind $1" "$("$TOOLS/calls" "$kind" | jq .ns)"
	done
}

with_hooks() { # NAME
	local holder

	: >"$T/ready"
	# shellcheck disable=SC2086 # places are words
	"$TOOLS/hooks" ${PLACES[$1]} >"$T/ready" &
	holder=$!
	until grep -q ready "$T/ready"; do
		sleep 0.05
		kill -0 "$holder"
	done
	measure "$1"
	kill "$holder"
	wait "$holder" || true
}

with_sensor() {
	up
	measure sensor
	kill -TERM "$(pid sensor)"
	while [ -d "/proc/$(pid sensor)" ]; do sleep 0.1; done
}

for ((i = 0; i < ROUNDS; i++)); do
	measure nothing
	for places in "${!PLACES[@]}"; do
		with_hooks "$places"
	done
	with_sensor
done

jq -s 'group_by(.name) | map({key: .[0].name, value: (map(.value) | sort | .[length / 2 | floor])}) | from_entries |
	. as $ns | with_entries(.value = {ns: .value, times: (.value / $ns[(.key | split(" ")[0]) + " nothing"])})' \
	"$T/notes" >"$T/result"
jq -r 'to_entries[] | [.key, .value.ns, .value.times] | @tsv' "$T/result" |
	awk -F '\t' 'BEGIN { printf "%-28s %10s %8s\n", "call, hooks", "ns", "times" }
		{ printf "%-28s %10.0f %8.3f\n", $1, $2, $3 }'
jq -c --arg kernel "$(uname -r)" '{bench: "floor", kernel: $kernel, figures: .}' "$T/result"
