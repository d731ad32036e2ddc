#!/bin/bash
# query.sh - CPU time of questions over a large store.  What each figure means stands in bench/README.md.
# EVENTS (20000000), NODES (200), RUNS (5), RECORD (a store that was recorded before; else real activity
# of this machine is recorded for some 20 s).  Run by ./dev bench query.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=bench/stack.bash
. bench/stack.bash
# shellcheck source=bench/record.bash
. bench/record.bash
EVENTS=${EVENTS:-20000000} NODES=${NODES:-200} RUNS=${RUNS:-5}

measure() { # NAME STORE
	say "asking $1"
	"$TOOLS/query" "$2" "$RUNS" | tee "$T/$1.json" | jq -r '"query: \(.name) \(.cpu_ms // .wall_p99_ms) ms" +
		(if .most_ms > 0 then " (of \(.most_ms))" else "" end) +
		", \(.blocks_read) of \(.blocks) blocks"' >&2
	du -sb "$2" | cut -f 1 >"$T/$1.bytes"
}

[ -n "${RECORD:-}" ] || { say "recording this machine"; record 20; }
say "replaying as $NODES nodes, $EVENTS events"
mkdir "$T/replayed" "$T/worst"
"$TOOLS/replay" "$RECORD" "$T/replayed" "$NODES" "$EVENTS" >"$T/replayed.made"
measure replayed "$T/replayed"
rm -rf "$T/replayed"
say "the worst case: nothing repeats"
"$TOOLS/replay" - "$T/worst" "$NODES" "$((EVENTS / 4))" worst >"$T/worst.made"
measure worst "$T/worst"

summary() {
	jq -sc --argjson made "$(cat "$T/$1.made")" --argjson disk "$(cat "$T/$1.bytes")" \
		'{made: $made, disk_bytes_per_event: ($disk / $made.events * 10 | round / 10),
		cpu_ms: map(select(.cpu_ms) | {(.name): .cpu_ms}) | add,
		first_page_while_ingesting: (map(select(.wall_p99_ms))[0] | {wall_p50_ms, wall_p99_ms, ingested_per_s}), rss_peak_kb: (map(.rss_peak_kb) | max)}' "$T/$1.json"
}
jq -nc --argjson replayed "$(summary replayed)" --argjson worst "$(summary worst)" \
	'{bench: "query", replayed: $replayed, worst: $worst}'
