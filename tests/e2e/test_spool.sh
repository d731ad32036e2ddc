#!/bin/bash
# test_spool.sh - the disk spool: the collector is away while 5,000 events a second happen, the sensor
# is stopped, or killed, and started again; what was on disk is stored once, without a gap, and a
# sensor whose collector answers leaves the disk alone.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

seconds=2
[ "$SCALE" != full ] || seconds=20
spool=$T/run/sensor/spool

opens() { echo "file where process.name == \"workload\" and file.path == \"$1\""; }

settled() { # MARKER MADE
	# shellcheck disable=SC2317 # called by until_true
	all_there() { [ "$(count "$(opens "$1")")" = "$2" ]; }
	until_true 60 all_there "$@"
	count "$(opens "$1")"
}

spool_files() { find "$spool" -name '*.seg' 2>/dev/null | wc -l; }
# shellcheck disable=SC2317 # called by until_true
spool_empty() { [ "$(spool_files)" = 0 ]; }

stop() { # collector|sensor SIGNAL
	local pid

	pid=$(cat "$T/run/$1.pid")
	kill "-$2" "$pid"
	# shellcheck disable=SC2317 # called by until_true
	gone() { ! kill -0 "$pid" 2>/dev/null; }
	until_true 60 gone || fail "$1: ends after SIG$2" "still there after a minute"
}

again() { # NAME
	if ! dev_up >"$T/up.log" 2>&1; then
		cat "$T/up.log"
		fail "$1: the programs start again" "./dev up failed"
	fi
}

# Opens with the collector away; sets made.
work_without_collector() { # MARKER
	touch "$1"
	stop collector KILL
	made=$("$TOOLS/workload" -r 5000 -n $((seconds * 5000)) "$1" | jq .made)
}

given_a_collector_that_answers() {
	local before after

	touch "$T/quiet"
	before=$(awk '$1 == "write_bytes:" { print $2 }' "/proc/$(cat "$T/run/sensor.pid")/io")
	made=$("$TOOLS/workload" -r 5000 -n $((seconds * 5000)) "$T/quiet" | jq .made)
	after=$(awk '$1 == "write_bytes:" { print $2 }' "/proc/$(cat "$T/run/sensor.pid")/io")
	expect "collector there: stored = made" "$(settled "$T/quiet" "$made")" "$made"
	expect "collector there: no spool file" "$(spool_files)" 0
	if [ $((after - before)) -le 65536 ]; then # the one line of the state file, now and then
		ok "collector there: the sensor writes nothing ($((after - before)) bytes)"
	else
		fail "collector there: the sensor writes nothing" "$((after - before)) bytes"
	fi
}

given_a_sensor_that_is_stopped() {
	work_without_collector "$T/stopped"
	stop sensor TERM
	if [ "$(spool_files)" -gt 0 ]; then ok "stopped: spool has files"; else fail "stopped: spool has files" none; fi
	again "stopped"
	expect "stopped without a collector: stored = made" "$(settled "$T/stopped" "$made")" "$made"
	expect "stopped without a collector: no gap" "$(count 'rtsec where event.action == "gap"')" 0
	until_true 60 spool_empty
	expect "stopped without a collector: the spool is empty again" "$(spool_files)" 0
}

# What is in memory alone is lost by a kill, and told; all that waited 4 s for its Ack is on disk.
given_a_sensor_that_is_killed() {
	local causes

	work_without_collector "$T/killed"
	sleep 4
	stop sensor KILL
	again "killed"
	expect "killed without a collector: stored = made" "$(settled "$T/killed" "$made")" "$made"
	causes=$(query --all 'rtsec where event.action == "gap"' 2>/dev/null | jq -r .rtsec.gap.cause | sort -u)
	expect "killed without a collector: the kill is told, and nothing else" "$causes" restart
}

start_stack
given_a_collector_that_answers
given_a_sensor_that_is_stopped
given_a_sensor_that_is_killed
finish
