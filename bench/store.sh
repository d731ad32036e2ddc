#!/bin/bash
# store.sh - CPU and bytes an event of storing: recorded activity of this machine (or the batches in the file
# FRAMES), replayed as NODES nodes; see bench/README.md.  Run by ./dev bench store.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${RTSEC_BIN:?the folder of the programs}"
export RTSEC_BIN LC_ALL=C
RUNS=${RUNS:-3}
NODES=${NODES:-200}
EVENTS=${EVENTS:-2000000}
T=$(mktemp -d "${TMPDIR:-/tmp}/rtsec-bench.XXXXXX")
RUN=$T/run

stop() {
	trap - EXIT
	[ ! -d "$RUN" ] || ./dev down --dir "$RUN" >"$T/down.log" 2>&1 || cat "$T/down.log" >&2
	rm -rf "$T"
}
trap stop EXIT
trap 'exit 130' INT TERM

# shellcheck source=bench/record.bash
. bench/record.bash

if [ -z "${FRAMES:-}" ]; then
	record
	FRAMES=$(ls -S "$RECORD"/events-*.frames | head -n 1)
fi
for ((i = 0; i < RUNS; i++)); do
	rm -rf "$T/data" && mkdir "$T/data"
	"$RTSEC_BIN/../bench/store" "$FRAMES" "$NODES" "$EVENTS" "$T/data"
done | jq -sc 'def median: sort | .[length / 2 | floor];
	. as $runs | {bench: "store", runs: length} +
	(.[0] | del(.bench) | with_entries(.key as $k | .value = ([$runs[][$k]] | median)))'
