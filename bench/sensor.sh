#!/bin/bash
# sensor.sh - what the sensor costs: idle, under load, and what the watched programs feel, as medians of
# interleaved pairs with and without it; what it loses under floods.  Run by ./dev bench sensor; what
# each figure means stands in bench/README.md.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=bench/stack.bash
. bench/stack.bash
# shellcheck source=bench/idle.bash
. bench/idle.bash
trap 'idle_done; stop' EXIT
PAIRS=${PAIRS:-9}
PARTS=${PARTS:-idle paced pairs floods}
CALLS="none bare open connect refused exec udp mprotect"
FILE_KINDS="open creation modification deletion rename link symlink chmod chown mount umount xattr"

calc() { awk "BEGIN { printf \"%.4f\", $1 }"; }
kb() { awk -v key="$1:" '$1 == key { print $2 }' "/proc/$(pid sensor)/smaps_rollup"; }
now_ns() { date +%s%N; }
query() { "$RTSEC_BIN/rtsecctl" query --since "$SINCE" "$@" 2>/dev/null || true; }
count() { query -o json --count "$1" | jq .count; }

runs() { [ -e "$RUN/sensor.pid" ] && [ -d "/proc/$(pid sensor)" ]; }

stop_sensor() {
	local p i

	p=$(pid sensor)
	kill -TERM "$p"
	for ((i = 0; i < 100; i++)); do
		[ -d "/proc/$p" ] || return 0
		sleep 0.1
	done
}

# Part of one core that the sensor takes while a command runs, in percent.
share_during() { # COMMAND...
	local cpu wall

	cpu=$(cpu_ns sensor)
	wall=$(now_ns)
	"$@" >"$T/out"
	cpu=$(($(cpu_ns sensor) - cpu))
	wall=$(($(now_ns) - wall))
	calc "100 * $cpu / $wall"
}

part_idle() {
	note ready_cpu_s "$(calc "$(cpu_ns sensor) / 1e9")"
	idle_windows idle
	note idle_rss_mb "$(calc "$(kb Rss) / 1024")"
	note idle_private_dirty_mb "$(calc "$(kb Private_Dirty) / 1024")"
	stop_sensor
	measure_hum
}

measure_paced() { # RATE
	note "cpu_percent_at_$1" "$(share_during "$TOOLS/workload" -r "$1" -n $(($1 * 8)) "$T/file")"
	note "rss_mb_at_$1" "$(calc "$(kb Rss) / 1024")"
}

call_ns() { "$TOOLS/calls" "$1" | jq .ns; }

# How much dearer each call is with the sensor than without; both are measured within seconds, and the
# sensor is started by COMMAND before each pair.
measure_pairs() { # PAIRS PREFIX COMMAND CALL...
	local pairs=$1 prefix=$2 start=$3 i kind
	local -A with

	shift 3
	for ((i = 0; i < pairs; i++)); do
		"$start"
		for kind; do
			with[$kind]=$(call_ns "$kind")
		done
		stop_sensor
		for kind; do
			note "$prefix$kind" "$(calc "${with[$kind]} / $(call_ns "$kind")")"
		done
	done
}

# The sensor once more as it was started before, but without the events of files.
up_without_files() {
	local kind
	local -a command

	up
	mapfile -d '' -t command <"/proc/$(pid sensor)/cmdline"
	stop_sensor
	for kind in $FILE_KINDS; do
		command+=(--without "$kind")
	done
	"${command[@]}" >>"$T/without.log" 2>&1 &
	echo $! >"$RUN/sensor.pid"
	until grep -q sensor.started "$T/without.log"; do
		sleep 0.1
		kill -0 "$(pid sensor)"
	done
	: >"$T/without.log"
}

# Waits until what a flood made is accounted for, or 20 s; then tells what is missing of it.
settle() { # NAME MADE QUERY
	local stored=0 i

	for ((i = 0; i < 40; i++)); do
		stored=$(count "$3")
		[ "$stored" -lt "$2" ] || break
		sleep 0.5
	done
	note "$1_made" "$2"
	note "$1_missing_percent" "$(calc "100 * ($2 - $stored) / $2")"
	note "$1_told_lost" "$(query --all -o ndjson 'rtsec where event.action == "gap"' |
		jq -s 'map(.rtsec.gap | select(.class == "bulk") | .count) | add // 0')"
	note "$1_told_throttled" "$(query --all -o ndjson 'rtsec where event.action == "throttle"' |
		jq -s 'map(.rtsec.throttle.count) | add // 0')"
	note "$1_priority_lost" "$(query --all -o ndjson 'rtsec where event.action == "gap"' |
		jq -s 'map(.rtsec.gap | select(.class == "priority") | .count) | add // 0')"
}

flood() { # NAME PRODUCERS RATE EACH
	local i made

	SINCE=$(date -u +%FT%T.%NZ)
	touch "$T/$1"
	for ((i = 0; i < $2; i++)); do
		"$TOOLS/workload" -r "$3" -n "$4" "$T/$1" >"$T/made.$i" &
	done
	wait
	made=$(for ((i = 0; i < $2; i++)); do cat "$T/made.$i"; done | jq -s 'map(.made) | add')
	settle "$1" "$made" "file where process.name == \"workload\" and file.path == \"$T/$1\""
}

exec_burst() {
	SINCE=$(date -u +%FT%T.%NZ)
	"$TOOLS/calls" exec -n 4000 >"$T/a" &
	"$TOOLS/calls" exec -n 4000 >"$T/b" &
	wait
	settle exec_burst 8400 'process where event.action == "exec" and process.args == "end"'
	note exec_burst_ends_missing "$((8400 - $(count 'process where event.action == "end" and process.args == "end"')))"
}

part_paced() {
	await_hashed
	measure_paced 10000
	measure_paced 50000
}

part_pairs() {
	stop_sensor
	# shellcheck disable=SC2086 # calls are words
	measure_pairs "$PAIRS" slower_ up $CALLS
	say "the same without events of files"
	measure_pairs "$((PAIRS / 2 + 1))" slower_without_files_ up_without_files open
}

part_floods() {
	flood one_flat_out 1 0 1000000
	flood paced_100000 1 100000 500000
	flood four_flat_out 4 0 250000
	exec_burst
}

touch "$T/file"
for part in $PARTS; do
	say "$part"
	runs || up
	"part_$part"
done

jq -s 'group_by(.name) | map({key: .[0].name, value: (map(.value) | sort |
	{median: .[length / 2 | floor], min: .[0], max: .[-1], runs: length})}) | from_entries' \
	"$T/notes" >"$T/result"
jq -r 'to_entries[] | [.key, .value.median, .value.min, .value.max, .value.runs] | @tsv' "$T/result" |
	awk -F '\t' 'BEGIN { printf "%-32s %12s %12s %12s %5s\n", "figure", "median", "min", "max", "runs" }
		{ printf "%-32s %12.12g %12.12g %12.12g %5d\n", $1, $2, $3, $4, $5 }'
jq -c --arg cpu "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" --argjson cores "$(nproc)" \
	--arg kernel "$(uname -r)" '{bench: "sensor", cpu: $cpu, cores: $cores, kernel: $kernel, figures: .}' "$T/result"
