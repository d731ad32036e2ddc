#!/bin/bash
# e2e.sh - loss, CPU, memory, bytes and latency of sensor and collector on this machine.
# What each figure means and how it is taken stands in bench/README.md.  Run by ./dev bench e2e.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=bench/stack.bash
. bench/stack.bash
RUNS=${RUNS:-3}
PAIRS=${PAIRS:-5}
SECONDS_EACH=5

calc() { awk "BEGIN { printf \"%.3f\", $1 }"; }
count() { ("$RTSEC_BIN/rtsecctl" query -o json --count --since "$1" "$2" 2>/dev/null || true) | jq .count; }
disk_bytes() { du -cb "$RUN"/events-* | tail -n 1 | cut -f 1; }

# Opens $3 times at $1 a second, the file named $2; waits until all are stored or for 10 s.
# Sets MADE, STORED, GAPS, RATE (what the generator reached).
drive() {
	local since i

	touch "$T/$2"
	since=$(date -u +%FT%TZ)
	"$TOOLS/workload" -r "$1" -n "$3" "$T/$2" >"$T/made"
	MADE=$(jq .made "$T/made")
	RATE=$(jq '.made * 1e9 / .wall_ns | floor' "$T/made")
	for ((i = 0; i < 40; i++)); do
		STORED=$(count "$since" "file where process.name == \"workload\" and file.path == \"$T/$2\"")
		[ "$STORED" -lt "$MADE" ] || break
		sleep 0.25
	done
	GAPS=$(count "$since" 'rtsec where event.action == "gap"')
}

measure_idle() {
	sleep 3
	note sensor_rss_idle_kb "$(rss_kb sensor)"
	note collector_rss_idle_kb "$(rss_kb collector)"
}

# CPU and bytes an event of what the given command brings about, noted as ..._$1.
measure() { # NAME COMMAND...
	local name=$1 events wire disk sensor collector

	shift
	events=$(metric rtsec_ingest_events_total)
	wire=$(metric rtsec_ingest_bytes_total)
	disk=$(disk_bytes)
	sensor=$(cpu_ns sensor)
	collector=$(cpu_ns collector)
	"$@"
	sensor=$(($(cpu_ns sensor) - sensor))
	collector=$(($(cpu_ns collector) - collector))
	events=$(($(metric rtsec_ingest_events_total) - events))
	note "sensor_cpu_us_$name" "$(calc "$sensor / $events / 1000")"
	note "collector_cpu_us_$name" "$(calc "$collector / $events / 1000")"
	note "wire_bytes_$name" "$(calc "($(metric rtsec_ingest_bytes_total) - $wire) / $events")"
	note "disk_bytes_$name" "$(calc "($(disk_bytes) - $disk) / $events")"
}

# Ordinary programs: some 400 processes, each with a few dozen arguments, that open 15,000 files.
mixed_load() {
	find /usr -xdev -type f -size -64k 2>/dev/null | head -n 15000 | xargs -d '\n' -n 40 cat >/dev/null 2>&1 || true
	sleep 2
}

measure_steady() {
	measure at_10000 drive 10000 "rate10000.$run" $((10000 * SECONDS_EACH))
	measure at_50000 drive 50000 "rate50000.$run" $((50000 * SECONDS_EACH))
	note sensor_rss_loaded_kb "$(rss_kb sensor)"
	note collector_rss_loaded_kb "$(rss_kb collector)"
	measure mixed mixed_load
}

# Highest of the steps at which nothing is lost.
measure_most() {
	local step best=0

	for step in 25000 50000 75000 100000 150000 200000; do
		drive "$step" "most$step.$run" $((step * SECONDS_EACH))
		say "asked $step/s, reached $RATE/s: stored $STORED of $MADE, $GAPS gaps"
		if [ "$STORED" != "$MADE" ] || [ "$GAPS" != 0 ]; then break; fi
		if [ "$RATE" -gt "$best" ]; then best=$RATE; fi
	done
	note stored_per_s "$best"
}

stop_sensor() {
	local p i

	p=$(pid sensor)
	kill -TERM "$p"
	for ((i = 0; i < 100; i++)); do
		[ -d "/proc/$p" ] || return 0
		sleep 0.1
	done
}

# What an open and close cost their caller more while the sensor runs.
measure_kernel() {
	local i with without n=200000

	for ((i = 0; i < PAIRS; i++)); do
		with=$("$TOOLS/workload" -n "$n" "$T/quiet" | jq .cpu_ns)
		stop_sensor
		without=$("$TOOLS/workload" -n "$n" "$T/quiet" | jq .cpu_ns)
		up
		note kernel_ns "$(calc "($with - $without) / $n")"
		note open_close_bare_ns "$(calc "$without / $n")"
	done
}

measure_latency() {
	local dir=$T/lat.$run tail

	mkdir "$dir"
	mkfifo "$dir/tail"
	"$RTSEC_BIN/rtsecctl" tail -o ndjson "file where file.path like \"$dir/m*\"" \
		>"$dir/tail" 2>"$T/tail.err" &
	tail=$!
	"$TOOLS/latency" -r 1000 -n 5000 "$dir" <"$dir/tail" >"$T/latency" || true
	kill "$tail" 2>/dev/null || true
	wait "$tail" || true
	jq -e .p50_ns "$T/latency" >/dev/null || {
		say "the tail showed nothing"
		return 1
	}
	note latency_p50_ms "$(jq '.p50_ns / 1e6' "$T/latency")"
	note latency_p99_ms "$(jq '.p99_ns / 1e6' "$T/latency")"
	note latency_seen_of_5000 "$(jq .seen "$T/latency")"
}

touch "$T/quiet"
up
for ((run = 1; run <= RUNS; run++)); do
	say "run $run of $RUNS"
	[ "$run" != 1 ] || measure_idle
	measure_steady
	measure_latency
	measure_most
done
say "$PAIRS pairs with and without the sensor"
measure_kernel

jq -s 'group_by(.name) | map({key: .[0].name, value: (map(.value) | sort |
	{median: .[length / 2 | floor], min: .[0], max: .[-1], runs: length})}) | from_entries' \
	"$T/notes" >"$T/result"
jq -r 'to_entries[] | [.key, .value.median, .value.min, .value.max, .value.runs] | @tsv' "$T/result" |
	awk -F '\t' 'BEGIN { printf "%-28s %12s %12s %12s %5s\n", "figure", "median", "min", "max", "runs" }
		{ printf "%-28s %12.12g %12.12g %12.12g %5d\n", $1, $2, $3, $4, $5 }'
jq -c --arg cpu "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" --argjson cores "$(nproc)" \
	--arg kernel "$(uname -r)" '{bench: "e2e", cpu: $cpu, cores: $cores, kernel: $kernel, figures: .}' "$T/result"
