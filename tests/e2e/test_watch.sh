#!/bin/bash
# test_watch.sh - self-watch: three nodes as network namespaces, and on them all that a sensor can suffer.  Each alarm
# is raised once with its node and reason and shown everywhere (events, nodes, status, /metrics, the API that the page
# of the fleet shows, alerts, a webhook), and cleared once, and told so, when its cause is gone.
# shellcheck disable=SC2154,SC2317 source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/faults/rig.sh
. tests/faults/rig.sh

HOOK_PORT=8080 # in the hub's namespace, where nobody else is
COLLECTOR_OPTIONS=(--config "$T/collector.yaml" --rules "$T/rules")
declare -A rule_of=([detached]=sensor-tampered [state_opened]=sensor-tampered [ring_opened]=sensor-tampered
	[duplicated]=sensor-replaced [downgraded]=sensor-replaced [silent]=sensor-silent [stopped]=sensor-silent
	[lagging]=sensor-late [skewed]=sensor-late)
hook=''

# Alarms of what comes now and then are over after so long; in force at once.
calm_after() { # TIME
	cat >"$T/collector.yaml" <<-END
		silent-after: 20s
		lagging-after: 12s
		calm-after: $1
	END
	[ -z "${pid[collector]:-}" ] || kill -HUP "${pid[collector]}"
}

finish_here() {
	[ -z "$hook" ] || kill "$hook" 2>/dev/null
	clean_up
	[ "$n_failed" = 0 ] || tail -n 15 "$T"/*.log
	rm -rf "$T"/*.graves
	finish
}
trap 'fail "the script ends" "it broke off"; finish_here' EXIT

# ------------------------------------------------------------------------------- what is told

events_of() { # NODE REASON STATE
	ctl query --all --since -1h -o ndjson --node "$1" "rtsec where rtsec.alarm.reason == \"$2\" and rtsec.alarm.state == \"$3\"" \
		2>/dev/null
}
is_event() { [ "$(events_of "$@" | wc -l)" -ge 1 ]; }

node_says() { # NODE REASON: what the API, and with it the page of the fleet, shows
	ctl nodes -o json 2>/dev/null | jq -e --arg n "$1" --arg r "$2" \
		'.nodes[] | select(.id == $n) | .alarms | index($r) != null' >/dev/null
}
node_says_not() { ! node_says "$@"; }

metric_of() { in_node hub curl -ks -H "Authorization: Bearer $RTSEC_TOKEN" "$RTSEC_URL/metrics" |
	awk -v m="rtsec_node_alarms{reason=\"$1\"}" '$1 == m { print $2 }'; }
# As many as the API says; another node may suffer the same meanwhile.
metric_counts() { # REASON
	[ "$(metric_of "$1")" = "$(ctl nodes -o json 2>/dev/null | jq --arg r "$1" '[.nodes[] | select(.alarms | index($r))] | length')" ]
}

hook_has() { # NODE RULE REASON
	jq -es --arg n "$1" --arg r "$2" --arg o "${3:-}" \
		'any(.[]; .node == $n and .rule.id == $r and ($o == "" or .object == $o))' "$T/told" >/dev/null 2>&1
}
status_has() { grep -q "$1" <<<"$(ctl status 2>/dev/null)"; } # its exit code says that all is not well

# What an alert's object is: of the sensor's own alarms the file, of others the reason.
object_of() {
	case $1 in
	state_opened | ring_opened) ;;
	*) echo "$1" ;;
	esac
}

given_raised() { # NODE REASON [SECONDS]
	local node=$1 reason=$2 step

	until_true "${3:-60}" is_event "$node" "$reason" raised || {
		fail "$reason: an alarm of $node is raised" "$(tail -n 3 "$T/$node.log" "$T/collector.log")"
		return
	}
	for step in "node_says $node $reason" "metric_counts $reason" "status_has $reason" \
		"hook_has $node ${rule_of[$reason]} $(object_of "$reason")"; do
		# shellcheck disable=SC2086 # words
		until_true 60 $step || fail "$reason: raised, and shown" "not true: $step; $(ctl nodes -o json | jq -c '[.nodes[] | {id, state, alarms}]')"
	done
	ok "$reason of $node: raised and shown (after $SECONDS s)"
}

given_cleared() { # NODE REASON
	local node=$1 reason=$2 step

	for step in "is_event $node $reason cleared" "node_says_not $node $reason" "metric_counts $reason" \
		"hook_has $node sensor-well-again $reason"; do
		# shellcheck disable=SC2086 # words
		until_true 60 $step || {
			fail "$reason of $node: cleared, and shown" "not true: $step"
			return
		}
	done
	ok "$reason of $node: cleared and shown (after $SECONDS s)"
}

told_so_often() { # NODE REASON TIMES
	[ "$(events_of "$1" "$2" raised | wc -l)" -ge "$3" ] && [ "$(events_of "$1" "$2" cleared | wc -l)" -ge "$3" ]
}

each() { # NODE REASON TIMES
	until_true 60 told_so_often "$@" # a node says that it is well a moment before the event is stored
	expect "$2 of $1: raised and cleared, $3 in all" \
		"$(events_of "$1" "$2" raised | wc -l) $(events_of "$1" "$2" cleared | wc -l)" "$3 $3"
}

# ------------------------------------------------------------------------------- what happens

freeze() { kill -STOP "${pid[$1]}"; }
thaw() { kill -CONT "${pid[$1]}"; }

# Nothing gets through for a while, then too little: what comes is old, and goes on to be.
choke() { # NODE
	in_node "$1" tc qdisc add dev eth0 root tbf rate 16kbit burst 3kb latency 3s
}
breathe() { in_node "$1" tc qdisc del dev eth0 root; }

# The same program that says an older version of itself.
make_older() {
	local version=$("$BIN/rtsec-sensor" --version | sed 's/.* //') older

	older=$(sed 's/^[0-9]*/0/; s/[0-9]/0/g' <<<"$version")
	sed "s/\([^_]\)${version//./\\.}/\1$older/g" "$BIN/rtsec-sensor" >"$T/copy/bin/older"
	chmod 755 "$T/copy/bin/older"
	expect "an older sensor says so" "$("$T/copy/bin/older" --version)" "rtsec-sensor $older"
}

restart_as() { # NODE PROGRAM: killed and started again
	end "$1" KILL
	wait "${pid[$1]}" 2>/dev/null
	SENSOR=$2 start_sensor "$1"
}

given_what_happens_to_the_process() {
	freeze a
	choke b
	calm c
	plan c 20 none any 0 0 '*' # its clock
	in_node c cat "$T/c/seq" >/dev/null
	in_node c head -c 0 "/proc/${pid[c]}/mem" >/dev/null
	given_raised c skewed
	given_raised c state_opened
	given_raised c ring_opened
	expect "who opened the state is named" "$(events_of c state_opened raised | jq -r '[.process.name, .file.path] | join(" ")')" \
		"cat $T/c/seq"
	expect "who opened the memory is named" "$(events_of c ring_opened raised | jq -r .process.name)" head
	calm c
	calm_after 1s
	given_raised a silent
	thaw a
	given_raised b lagging
	breathe b
	given_cleared c skewed
	given_cleared c state_opened
	given_cleared c ring_opened
	given_cleared a silent
	given_cleared b lagging
	calm_after 1h
}

given_what_happens_to_the_program() {
	plan a 0 unhook any 2 0 '*' # two links are closed
	restart_as c "$T/copy/bin/older"
	end b TERM
	given_raised c downgraded
	given_raised b stopped
	start b
	restart_as c "$BIN/rtsec-sensor"
	given_cleared c downgraded
	given_cleared b stopped
	given_raised a detached
	until_true 60 dead a || fail "a sensor that is detached ends" "$(tail -n 3 "$T/a.log")"
	calm a
	start a
	given_cleared a detached
}

given_a_clone() {
	cp -a "$T/a" "$T/clone"
	calm clone
	start_sensor clone a b
	in_node c "$TOOLS/attack" take-maps
	took_maps() {
		grep -qx "attack: a process got hold of a BPF map of the sensor" \
			<<<"$(events_of c ring_opened raised | jq -r '[.process.name, .message] | join(": ")')"
	}
	if until_true 60 took_maps; then ok "who took the maps is named"; else fail "who took the maps is named" "$(events_of c ring_opened raised)"; fi
	given_raised c ring_opened
	given_raised a duplicated
	expect "both addresses are named" "$(events_of a duplicated raised | jq -r '.rtsec.alarm.addresses[]' |
		sed 's/:[0-9]*$//' | sort | tr '\n' ' ')" "$NET.1 $NET.2 "
	end clone KILL
	calm_after 1s
	given_cleared a duplicated
	given_cleared c ring_opened
}

main() {
	mkdir "$T/rules"
	cp rules/sensors.yml "$T/rules/"
	take_copy
	mkdir -m 700 "$T/collector"
	cat >"$T/collector/outputs.yaml" <<-END
		outputs:
		  - { name: hook, type: webhook, url: "http://127.0.0.1:$HOOK_PORT/", per_minute: 1000, pause_ms: 100 }
	END
	: >"$T/told"
	calm_after 1h
	start_fleet || finish_here
	ip netns exec "$N-hub" node tests/e2e/hook.mjs "$HOOK_PORT" "$T/told" >"$T/hook.log" 2>&1 &
	hook=$!
	make_older
	given_what_happens_to_the_process
	given_what_happens_to_the_program
	given_a_clone
	for what in 'a silent 1' 'b lagging 1' 'c skewed 1' 'c state_opened 1' 'c ring_opened 2' 'c downgraded 1' 'b stopped 1' \
		'a detached 1' 'a duplicated 1'; do
		# shellcheck disable=SC2086 # words
		each $what
	done
	finish_here
}
main
