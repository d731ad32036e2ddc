#!/bin/bash
# test_filters.sh - filters of the running sensor: what they leave out is not stored, a change by SIGHUP under a load
# loses nothing of what they keep and lets nothing by that both sets leave out, a wrong file changes nothing.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

each=20000
[ "$SCALE" != full ] || each=200000

settings() { # RULES, two columns in
	printf 'throttle: 0\nfilters:\n%s\n' "$1" >"$T/run/sensor.yaml.new" &&
		mv "$T/run/sensor.yaml.new" "$T/run/sensor.yaml"
}
quiet="- {name: quiet, action: drop, path-prefix: $T/quiet/}"
other="- {name: loud, action: keep, path: $T/loud}
- {name: quiet, action: drop, kinds: [open, creation], path-suffix: /quiet/file}"

# rtsec-sensor says something for the Nth time.
# shellcheck disable=SC2317 # called by until_true, as are those below
said() { [ "$(grep -c "$1" "$T/run/sensor.log")" -ge "$2" ]; }
reload() { kill -HUP "$(cat "$T/run/sensor.pid")"; }
opens() { count "file where event.action == \"open\" and file.path == \"$1\""; }
# shellcheck disable=SC2317
stored() { [ "$(opens "$T/loud")" -ge "$1" ]; }
# shellcheck disable=SC2317
accounted() { [ $(($(opens "$T/loud") + $(lost))) -ge "$1" ]; }
lost() { query --all 'rtsec where rtsec.gap.class == "bulk"' 2>/dev/null | jq -s 'map(.rtsec.gap.count) | add // 0'; }

given_rules_at_start() {
	mkdir "$T/quiet"
	touch "$T/loud" "$T/quiet/file"
	cat "$T/quiet/file" "$T/loud"
	until_true 30 stored 2
	expect "what no rule leaves out is stored (opened by touch and cat)" "$(opens "$T/loud")" 2
	expect "what a rule leaves out is not" "$(opens "$T/quiet/file")" 0
	# shellcheck disable=SC2317 # called by until_true
	counted() {
		ctl nodes -o ndjson 2>/dev/null | jq -e '.sensor.counters | index("filter quiet=3") != null'
	}
	until_true 30 counted >/dev/null
	expect_json "the node says what its rules decided (a creation, two opens)" "$(ctl nodes -o ndjson)" \
		'.sensor.counters | index("filter quiet=3") != null'
}

given_a_load_when_reloaded() {
	local before made i pids=()

	before=$(opens "$T/loud")
	"$TOOLS/workload" -n "$each" "$T/loud" >"$T/made.loud" &
	pids+=($!)
	"$TOOLS/workload" -n "$each" "$T/quiet/file" >"$T/made.quiet" &
	pids+=($!)
	for i in 1 2 3 4 5 6; do
		if [ $((i % 2)) = 1 ]; then settings "$other"; else settings "$quiet"; fi
		reload
		until_true 30 said filters.changed "$i" || break
	done
	expect "six changes are put in force" "$(grep -c filters.changed "$T/run/sensor.log")" 6
	wait "${pids[@]}"
	made=$(jq -s 'map(.made) | add' "$T/made.loud")
	until_true 60 accounted $((before + made))
	if [ "$(lost)" = 0 ]; then
		expect "none of $made numbered opens is lost by changes" "$(($(opens "$T/loud") - before))" "$made"
	else
		expect "what is missing is told as lost for another reason" \
			"$(($(opens "$T/loud") - before + $(lost) >= made))" 1
	fi
	expect "nothing is let by in between" "$(opens "$T/quiet/file")" 0
}

given_a_wrong_file() {
	settings "- {action: drop, path-prefix: $T}
- {action: forget}"
	reload
	until_true 30 said filters.refused 1
	expect_json "it is refused with its place" "$(jq -Rs . "$T/run/sensor.log")" \
		"contains(\"sensor.yaml:4:12: action: expected drop or keep\")"
	cat "$T/quiet/file" "$T/loud"
	expect "the rules before are in force" "$(opens "$T/quiet/file")" 0
	expect_json "a change is told by the sensor" "$(query 'rtsec where message : "filters in force: 1 rules"' | head -n 1)" \
		'.event.action == "sensor"'
}

# Of every thread of it, while it runs: docs/sensor.md lists the powers, tests/house/powers.sh holds them equal.
given_a_running_sensor() {
	local pid key
	local -A got

	pid=$(cat "$T/run/sensor.pid")
	for key in CapPrm CapEff CapBnd CapAmb CapInh NoNewPrivs Seccomp; do
		got[$key]=$(awk -v key="$key:" '$1 == key { print $2 }' "/proc/$pid"/task/*/status | sort -u | paste -sd' ')
	done
	# sys_ptrace and dac_read_search, on old kernels bpf too: bits 19, 2, 39
	for key in CapPrm CapEff CapBnd; do
		expect "all its threads have no more in $key than two or three capabilities" \
			"$((16#${got[$key]} & ~(1 << 19 | 1 << 2 | 1 << 39)))" 0
	done
	expect "none is ambient or inherited" "$((16#${got[CapAmb]} | 16#${got[CapInh]}))" 0
	expect "all its threads have no_new_privs and a seccomp filter" "${got[NoNewPrivs]} ${got[Seccomp]}" "1 2"
}

mkdir -p "$T/run"
settings "$quiet"
start_stack
given_rules_at_start
given_a_load_when_reloaded
given_a_wrong_file
given_a_running_sensor
finish
