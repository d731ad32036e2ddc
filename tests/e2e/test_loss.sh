#!/bin/bash
# test_loss.sh - nothing is lost, nothing comes twice, and what could not be kept is told:
# 10,000 opens a second in quiet, the same while the collector is killed three times, and a sensor
# that is held up until its ring overflows.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

seconds=6
[ "$SCALE" != full ] || seconds=60

opens() { echo "file where process.name == \"workload\" and file.path == \"$1\""; }

# Waits until all opens of a marker are stored, or 60 s, then prints how many are.
settled() { # MARKER MADE
	# shellcheck disable=SC2317 # called by until_true
	all_there() { [ "$(count "$(opens "$1")")" = "$2" ]; }
	until_true 60 all_there "$@"
	count "$(opens "$1")"
}

sequence_of() { # MARKER asc|desc
	query --order "$2" --limit 1 --fields event.sequence "$(opens "$1")" 2>/dev/null | jq .event.sequence
}

# All events of this machine, whoever made them, whose numbers lie between those of a marker's first
# and last open: no number twice, and none missing but what gaps tell.
check_sequences() { # NAME MARKER
	local got first last told

	first=$(sequence_of "$2" asc)
	last=$(sequence_of "$2" desc)
	got=$(query --all -o csv --fields event.sequence \
		"any where event.sequence >= $first and event.sequence <= $last" 2>/dev/null |
		grep -E '^[0-9]+$' | sort -n | awk '
			NR > 1 && $1 == last { twice++ }
			NR > 1 && $1 > last + 1 { holes += $1 - last - 1 }
			{ last = $1 }
			END { printf "events %d, twice %d, holes %d\n", NR, twice, holes }')
	told=$(query --all 'rtsec where rtsec.gap.first_sequence > 0' 2>/dev/null |
		jq -s "map(.rtsec.gap | select(.first_sequence >= $first and .last_sequence <= $last)
			| .last_sequence - .first_sequence + 1) | add // 0")
	expect "$1: no sequence number twice, none missing (${got%%,*})" "${got#*, }" \
		"twice 0, holes $told"
}

check_no_gap() { # NAME
	expect "$1: no gap" "$(count 'rtsec where event.action == "gap"')" 0
}

given_10000_opens_a_second() {
	local made

	touch "$T/quiet"
	made=$("$TOOLS/workload" -r 10000 -n $((seconds * 10000)) "$T/quiet" | jq .made)
	expect "10,000 opens a second for $seconds s: stored = made" "$(settled "$T/quiet" "$made")" "$made"
	check_no_gap "10,000 opens a second"
	check_sequences "10,000 opens a second" "$T/quiet"
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
	check_no_gap "collector killed 3 times"
	check_sequences "collector killed 3 times" "$T/killed"
}

# Lost in the kernel because nobody read the ring: the sum of what is stored and what the gaps tell
# is what was made (and what the rest of this machine made meanwhile), and rtsecctl says by its exit code that something is missing.
given_a_sensor_that_is_held_up() {
	local made stored lost sensor

	touch "$T/flood"
	sensor=$(cat "$T/run/sensor.pid")
	kill -STOP "$sensor"
	made=$("$TOOLS/workload" -n 300000 "$T/flood" | jq .made)
	kill -CONT "$sensor"
	# shellcheck disable=SC2317 # called by until_true
	all_told() { # a fast machine makes more than one workload may tell: throttled, and told too
		stored=$(count "$(opens "$T/flood")")
		lost=$(query --all 'rtsec where event.action in ("gap", "throttle")' 2>/dev/null |
			jq -s 'map(.rtsec.gap.count // .rtsec.throttle.count) | add // 0')
		[ $((stored + lost)) -ge "$made" ]
	}
	until_true 60 all_told
	sleep 1 # what is told twice comes later
	all_told
	if [ "$stored" -lt "$made" ] && [ $((stored + lost)) -ge "$made" ] &&
		[ $((stored + lost)) -le $((made + 150000)) ]; then
		ok "a ring that overflows: stored + told lost = made"
	else
		fail "a ring that overflows: stored + told lost = made" "made $made, stored $stored, lost $lost"
	fi
	ctl query --since "$BEGIN" --limit 1 "file where file.path == \"$T/flood\"" >/dev/null 2>&1
	expect "exit code 4 when a gap lies in the range" $? 4
	check_sequences "a ring that overflows" "$T/flood"
}

start_stack
given_10000_opens_a_second
given_a_collector_that_is_killed_three_times
given_a_sensor_that_is_held_up
finish
