#!/bin/bash
# test_loss.sh - nothing is lost, nothing comes twice, and what could not be kept is told:
# 10,000 opens a second in quiet, the same while the collector is killed three times, and a sensor
# that is held up until its ring overflows.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

seconds=6
[ "$SCALE" != full ] || seconds=60

opens_of() { count "file where event.action == \"open\" and file.path == \"$1\""; }

# Waits until the count of a marker's opens no longer grows, then prints it.
settled() { # MARKER MADE
	# shellcheck disable=SC2317 # called by until_true
	all_there() { [ "$(opens_of "$1")" = "$2" ]; }
	until_true 30 all_there "$@"
	opens_of "$1"
}

# Sequence numbers of all stored events of this node: "N lines, N distinct, N holes".
sequences() {
	query --all --fields event.sequence 'any where true' | jq .event.sequence | sort -n |
		awk '{ n++; if (n > 1 && $1 == last) twice++; else if (n > 1) holes += $1 - last - 1; last = $1 }
		     END { printf "events %d, twice %d, holes %d\n", n, twice, holes }'
}

check_sequences() { # NAME
	local got

	got=$(sequences)
	expect "$1: no sequence number twice, none missing (${got%%,*})" "${got#*, }" "twice 0, holes 0"
}

given_10000_opens_a_second() {
	local made

	touch "$T/quiet"
	made=$("$TOOLS/workload" -r 10000 -n $((seconds * 10000)) "$T/quiet" | jq .made)
	expect "10,000 opens a second for $seconds s: stored = made" "$(settled "$T/quiet" "$made")" "$made"
	expect "10,000 opens a second: no gap" "$(count 'rtsec where event.action == "gap"')" 0
	check_sequences "10,000 opens a second"
}

given_a_collector_that_is_killed_three_times() {
	local made pid i

	touch "$T/killed"
	"$TOOLS/workload" -r 10000 -n $((seconds * 10000)) "$T/killed" >"$T/made" &
	pid=$!
	for i in 1 2 3; do
		sleep "$(awk "BEGIN { print $seconds / 6 }")"
		kill -KILL "$(cat "$T/run/collector.pid")"
		sleep 0.3
		if ! dev_up >"$T/up.log" 2>&1; then
			cat "$T/up.log"
			fail "collector killed: start $i" "./dev up did not start it again"
		fi
	done
	wait "$pid"
	made=$(jq .made "$T/made")
	expect "collector killed 3 times: stored = made" "$(settled "$T/killed" "$made")" "$made"
	expect "collector killed 3 times: no gap" "$(count 'rtsec where event.action == "gap"')" 0
	check_sequences "collector killed 3 times"
}

# Lost in the kernel because nobody read the ring: the sum of what is stored and what the gaps tell
# is what was made, and rtsecctl says by its exit code that something is missing.
given_a_sensor_that_is_held_up() {
	local made stored lost sensor

	touch "$T/flood"
	sensor=$(cat "$T/run/sensor.pid")
	kill -STOP "$sensor"
	made=$("$TOOLS/workload" -n 300000 "$T/flood" | jq .made)
	kill -CONT "$sensor"
	# shellcheck disable=SC2317 # called by until_true
	gap_told() { [ "$(count 'rtsec where event.action == "gap"')" != 0 ]; }
	until_true 10 gap_told
	sleep 1
	stored=$(opens_of "$T/flood")
	lost=$(query --all 'rtsec where event.action == "gap"' 2>/dev/null | jq -s 'map(.rtsec.gap.count) | add // 0')
	if [ "$stored" -lt "$made" ] && [ $((stored + lost)) -ge "$made" ] &&
		[ $((stored + lost)) -le $((made + 20000)) ]; then
		ok "a ring that overflows: stored + told lost = made"
	else
		fail "a ring that overflows: stored + told lost = made" "made $made, stored $stored, lost $lost"
	fi
	ctl query --since "$BEGIN" --limit 1 "file where file.path == \"$T/flood\"" >/dev/null 2>&1
	expect "exit code 4 when a gap lies in the range" $? 4
	check_sequences "a ring that overflows"
}

start_stack
given_10000_opens_a_second
given_a_collector_that_is_killed_three_times
given_a_sensor_that_is_held_up
finish
