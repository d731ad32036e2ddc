#!/bin/bash
# store.sh - CPU and bytes an event of storing: recorded activity of this machine (or the batches in the file
# FRAMES), replayed as NODES nodes; see bench/README.md.  Run by ./dev bench store.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=bench/stack.bash
. bench/stack.bash
# shellcheck source=bench/record.bash
. bench/record.bash
RUNS=${RUNS:-3}
NODES=${NODES:-200}
EVENTS=${EVENTS:-2000000}

if [ -z "${FRAMES:-}" ]; then
	record 20
	FRAMES=$(ls -S "$RECORD"/events-*.frames | head -n 1)
fi
for ((i = 0; i < RUNS; i++)); do
	rm -rf "$T/data" && mkdir "$T/data"
	"$TOOLS/store" "$FRAMES" "$NODES" "$EVENTS" "$T/data"
done | jq -sc 'def median: sort | .[length / 2 | floor];
	. as $runs | {bench: "store", runs: length} +
	(.[0] | del(.bench) | with_entries(.key as $k | .value = ([$runs[][$k]] | median)))'
