#!/bin/bash
# store.sh - CPU and bytes an event of storing: activity of this machine, recorded for RECORD_S seconds (or the batches in
# the file FRAMES), replayed as NODES nodes; see bench/README.md.  Run by ./dev bench store.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${RTSEC_BIN:?the folder of the programs}"
export RTSEC_BIN LC_ALL=C
RUNS=${RUNS:-3}
NODES=${NODES:-200}
EVENTS=${EVENTS:-2000000}
RECORD_S=${RECORD_S:-20}
T=$(mktemp -d "${TMPDIR:-/tmp}/rtsec-bench.XXXXXX")
RUN=$T/run

stop() {
	trap - EXIT
	[ ! -d "$RUN" ] || ./dev down --dir "$RUN" >"$T/down.log" 2>&1 || cat "$T/down.log" >&2
	rm -rf "$T"
}
trap stop EXIT
trap 'exit 130' INT TERM

# What a machine that works does: programs run, trees of files read, files made and removed, local connections.
work() {
	local end=$((SECONDS + RECORD_S)) i

	while [ $SECONDS -lt $end ]; do
		find /usr/share/doc /etc -type f -newer /etc/hostname -name 'c*' >"$T/found" 2>/dev/null || true
		for i in 1 2 3 4 5 6 7 8; do
			cp "$T/found" "$T/copy.$i" && sort "$T/copy.$i" | tail -n 3 >"$T/end.$i"
			mv "$T/end.$i" "$T/renamed.$i" && rm "$T/copy.$i" "$T/renamed.$i"
		done
		git -C . log --oneline -n 20 >/dev/null 2>&1 || true
		"$RTSEC_BIN/rtsecctl" nodes >/dev/null 2>&1 || true
		sleep 0.05
	done
}

record() {
	./dev up --detach --dir "$RUN" >"$T/up.log" 2>&1 || {
		cat "$T/up.log" >&2
		exit 1
	}
	# shellcheck source=/dev/null
	. "$RUN/env"
	work
	"$RTSEC_BIN/rtsecctl" export --since -1h --format batches --file "$T/recorded"
	./dev down --dir "$RUN" >"$T/down.log" 2>&1
	FRAMES=$T/recorded
}

[ -n "${FRAMES:-}" ] || record
for ((i = 0; i < RUNS; i++)); do
	rm -rf "$T/data" && mkdir "$T/data"
	"$RTSEC_BIN/../bench/store" "$FRAMES" "$NODES" "$EVENTS" "$T/data"
done | jq -sc 'def median: sort | .[length / 2 | floor];
	. as $runs | {bench: "store", runs: length} +
	(.[0] | del(.bench) | with_entries(.key as $k | .value = ([$runs[][$k]] | median)))'
