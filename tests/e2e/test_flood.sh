#!/bin/bash
# test_flood.sh - under attack: what four producers make as fast as the machine can is stored or told as lost
# or throttled, event for event; what matters more than files is not pushed out by them; a burst of
# execs is told; the sensor's memory has a bound.  Nothing here is timed: a slow machine loses more,
# and tells more.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

each=40000
execs=300
[ "$SCALE" != full ] || { each=250000 execs=2000; }

told() { # CLASS
	query --all "rtsec where rtsec.gap.class == \"$1\"" 2>/dev/null | jq -s 'map(.rtsec.gap.count) | add // 0'
}
throttled() { # CLASS
	[ "$1" = bulk ] || { echo 0; return; } # other kinds are not
	query --all 'rtsec where event.action == "throttle"' 2>/dev/null | jq -s 'map(.rtsec.throttle.count) | add // 0'
}

# Others on this machine lose events too, so what is told may be more than what is missing, never less.
expect_sum() { # NAME MADE STORED TOLD
	if [ "$3" = "$2" ] || { [ "$3" -lt "$2" ] && [ $(($3 + $4)) -ge "$2" ]; }; then
		ok "$1 (made $2, stored $3, told $4)"
	else
		fail "$1" "made $2, stored $3, told $4"
	fi
}

# Waits until stored and told make up what was made, or 60 s.
accounted() { # MADE QUERY CLASS
	# shellcheck disable=SC2317 # called by until_true
	enough() { [ $(($(count "$2") + $(told "$3") + $(throttled "$3"))) -ge "$1" ]; }
	until_true 60 enough "$@"
}

given_four_producers() {
	local i made query begins ends

	touch "$T/flood"
	for i in 1 2 3 4; do
		"$TOOLS/workload" -n "$each" "$T/flood" >"$T/made.$i" &
	done
	wait
	made=$(cat "$T"/made.* | jq -s 'map(.made) | add')
	query="file where process.name == \"workload\" and file.path == \"$T/flood\""
	accounted "$made" "$query" bulk
	expect_sum "four producers: stored + told = made" "$made" "$(count "$query")" $(($(told bulk) + $(throttled bulk)))
	# shellcheck disable=SC2317 # called by until_true
	lives() {
		begins=$(count "process where process.name == \"workload\" and process.args == \"$T/flood\" and event.action == \"exec\"")
		ends=$(count "process where process.name == \"workload\" and process.args == \"$T/flood\" and event.action == \"end\"")
		[ "$begins $ends" = "4 4" ]
	}
	until_true 60 lives
	expect "four producers: each of them, its begin and its end are told" "$begins $ends" "4 4"
}

given_a_burst_of_execs() {
	local made=$((2 * (execs + execs / 20))) kind query

	"$TOOLS/calls" exec -n "$execs" >/dev/null &
	"$TOOLS/calls" exec -n "$execs" >/dev/null &
	wait
	for kind in exec end; do
		query="process where event.action == \"$kind\" and process.args == \"end\" and process.name == \"calls\""
		accounted "$made" "$query" priority
		expect_sum "burst of execs: each $kind is stored or told" "$made" "$(count "$query")" "$(told priority)"
	done
}

given_what_came_before() {
	local kb

	kb=$(awk '/^VmHWM/ { print $2 }' "/proc/$(cat "$T/run/sensor.pid")/status")
	if [ "$kb" -lt 98304 ]; then ok "the sensor never held more than 96 MiB ($kb kB)"; else
		fail "the sensor never held more than 96 MiB" "$kb kB"
	fi
}

start_stack
given_four_producers
given_a_burst_of_execs
given_what_came_before
finish
