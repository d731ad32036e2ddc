#!/bin/bash
# test_incident.sh - three nodes as network namespaces, a sensor each: an attack that starts on a, runs a
# command on b and reaches c is one incident, told as one story in the API and by rtsecctl; the collector is
# killed in the middle of a sequence; and what was recorded, asked by backtest, gives the alerts of live.
# shellcheck disable=SC2016,SC2317 source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

N=rtseci$$ NET=10.78.0
# shellcheck source=tests/e2e/fleet.sh
. "$(dirname "$0")/fleet.sh"
B=$T/bin

# --------------------------------------------------------------------------- the fleet

trap 'fail "the script ends" "it broke off"; finish_here' EXIT

start_collector() {
	"$BIN/rtsec-collector" --dir "$T/collector" --listen "tcp://127.0.0.1:$PORT" \
		--http "127.0.0.1:$HTTP" --http-plain --rules "$PWD/rules" >>"$T/collector.log" 2>&1 &
	collector_pid=$!
	serves() { curl -fsS -o /dev/null "http://127.0.0.1:$HTTP/healthz" 2>/dev/null; }
	until_true 30 serves || fail "the collector starts" "$(tail -n 5 "$T/collector.log")"
}

kill_collector() {
	kill -KILL "$collector_pid"
	wait "$collector_pid" 2>/dev/null
	start_collector
}

start_sensor() { # NODE
	"$BIN/rtsec-sensor" --collector "tcp://127.0.0.1:$PORT" --state "$T/$1" --node-id "$1" \
		--node-name "$1" --only-netns "/run/netns/$N-$1" >>"$T/$1.log" 2>&1 &
	sensor_pid[$1]=$!
}

need_sensors() {
	local node

	for node in a b c; do
		if ! until_true 60 sees "$node"; then
			fail "the sensor of $node tells events" "$(tail -n 5 "$T/$node.log")"
			finish_here
		fi
	done
}

# Programs that do nothing, each with bytes of its own, so that no two have the same hash.
make_tools() {
	local name

	mkdir -p "$B"
	for name in chisel nmap .hidden insmod; do
		cp /bin/true "$B/$name"
		echo "$name" >>"$B/$name"
	done
}

# ------------------------------------------------------------------------------ the incident

incidents() { ctl incidents --since "$BEGIN" -o json 2>/dev/null; }

# The story of the incident that has an alert of all three nodes, when there is one.
fetch_story() {
	id=$(incidents | jq -r '[.incidents[] | select((.nodes | sort) == ["a", "b", "c"])][0].id // empty')
	[ -n "$id" ] && story=$(ctl incidents "$id" --since "$BEGIN" -o json) && jq -e '
		[.alerts[].rule.id] as $rules |
		all("remote-command-tool", "hidden-executable", "kernel-module-loaded";
			. as $r | any($rules[]; . == $r))' <<<"$story" >/dev/null
}

given_an_attack_over_three_nodes() {
	local shown incident

	start_server c 10.78.0.3 7101 "$B/insmod \"/tmp/\$1.ko\"; :"
	start_server b 10.78.0.2 7001 "$B/.hidden \"\$1\"; $PEER call 10.78.0.3 7101 \"\$1\"; :"
	# somebody else's on b at the same time, far from the attack in the tree of processes
	in_node b bash -c "bash -c \"bash -c \\\"bash -c '$B/nmap 192.0.2.0/24; :'; :\\\"; :\"; :"
	in_node a bash -c "$B/chisel client; $PEER call 10.78.0.2 7001 word-attack; :" 2>"$T/call.log" ||
		fail "the attack gets from a to b" "$(cat "$T/call.log")"
	story=
	if until_true 60 fetch_story; then
		ok "alerts of all three nodes are one incident"
	else
		fail "alerts of all three nodes are one incident" "$(incidents | cut -c 1-2000)"
		finish_here
	fi
	expect_json "one only" "$(incidents)" '[.incidents[] | select(.rules |
		any(. == "remote-command-tool" or . == "hidden-executable" or . == "kernel-module-loaded"))] | length == 1'
	expect_json "its story names the processes on all three, in order" "$story" '
		[.timeline[] | select(.process | test("chisel client|[.]hidden word-attack|insmod /tmp/word-attack[.]ko"))
		 | .node] | reduce .[] as $n ([]; if .[-1] == $n then . else . + [$n] end) | . == ["a", "b", "c"]'
	expect_json "each alert but the first says why it belongs" "$story" \
		'([.alerts[].id] | sort) as $all | ([.because[] | .alert, .with] | unique) == $all and
		 (.because | length) == ($all | length) - 1 and all(.because[]; .text != "")'
	expect_json "from node to node it is by connections" "$story" \
		'[.because[] | select(.kind == "flow" and (.text | test("between nodes")))] | length >= 2'
	expect_json "whoever else did something is not in it" "$story" 'all(.alerts[]; .process.args[1] != "192.0.2.0/24")'
	shown=$(ctl incidents "$id" --since "$BEGIN" -o table)
	for word in 'chisel client' '.hidden word-attack' 'insmod /tmp/word-attack.ko' 'between nodes'; do
		case $shown in
		*"$word"*) ok "rtsecctl tells of $word" ;;
		*) fail "rtsecctl tells of $word" "$shown" ;;
		esac
	done
	# shellcheck disable=SC2317 # called by until_true
	placed() {
		incident=$(ctl alerts get --since "$BEGIN" -o ndjson | jq -r 'select(.rule.id |
			IN("remote-command-tool", "hidden-executable", "kernel-module-loaded")) | .incident' | sort -u)
		[ "$incident" = "$id" ]
	}
	until_true 30 placed
	expect "the alerts say which incident they belong to" "$incident" "$id"
}

# ------------------------------------------------------------------- a kill within a sequence

given_a_kill_within_a_sequence() {
	local word=step-$RANDOM

	cat >"$T/steps.yml" <<-END
		id: steps
		name: steps
		query: |
		  sequence by host.id with maxspan=5m
		    [ process where event.action == "exec" and process.args == "$word-one" ]
		    [ process where event.action == "exec" and process.args == "$word-two" ]
	END
	cat >"$T/often.yml" <<-END
		id: often-base
		name: often
		query: process where event.action == "exec" and process.args == "$word-often"
		---
		title: often
		id: often
		correlation:
		  type: event_count
		  rules: [often-base]
		  group-by: [host.id]
		  timespan: 5m
		  condition: { gte: 3 }
	END
	ctl rules apply "$T/steps.yml" "$T/often.yml" >/dev/null
	seen() { [ "$(count "process where event.action == \"exec\" and process.args == \"$1\"")" -ge "$2" ]; }
	in_node a /bin/true "$word-one"
	in_node a /bin/true "$word-often"
	in_node a /bin/true "$word-often"
	until_true 30 seen "$word-often" 2
	kill_collector
	in_node a /bin/true "$word-two"
	in_node a /bin/true "$word-often"
	fired() { [ "$(ctl alerts get --rule "$1" -o ndjson | jq -s 'map(.count) | add')" = 1 ]; }
	until_true 30 fired steps
	until_true 30 fired often
	expect "a sequence that a kill cut in two is found" "$(ctl alerts get --rule steps -o ndjson | jq -s 'map(.count)' -c)" '[1]'
	expect "so is a count" "$(ctl alerts get --rule often -o ndjson | jq -s 'map(.count)' -c)" '[1]'
	expect_json "its alert has the events and who is above" "$(ctl alerts get "$(ctl alerts get --rule steps -o ndjson | jq .id)" -o ndjson)" \
		'(.events | length) == 2 and (.ancestry | length) >= 1 and .process.name == "true"'
	kill_collector
	in_node a /bin/true "$word-else"
	until_true 30 seen "$word-else" 1
}

# --------------------------------------------------------------------- live and history

# One line an alert: what it is, of what, how often, since when.
lines() {
	jq -r '[.rule.id, .node, .entity_id // "", .object // "", .count, .first] | @tsv' | sort
}

live() { ctl alerts get --limit 10000 -o ndjson | lines; }
then_() { ctl rules backtest --alerts --since "$BEGIN" --limit 10000 -o ndjson 2>/dev/null | lines; }

given_recorded_activity() {
	local i node

	for ((i = 1; i <= 15; i++)); do # no rule more than 200 alerts: which are made each then depends on what came first
		for node in a b c; do
			in_node "$node" bash -c "id; ls /tmp; cat /etc/shadow; $B/nmap 192.0.2.$i/32; chmod 4755 $B/nmap;
				find /usr/share/doc -maxdepth 1 | head -200 | xargs cat; date" >/dev/null 2>&1
		done
	done
	for node in a b c; do
		stop_sensor "$node"
	done
	same() { [ "$(live)" = "$(then_)" ]; }
	until_true 60 same
	expect "there are alerts of the time that was recorded" "$([ "$(live | wc -l)" -ge 20 ] && echo enough)" enough
	if [ "$(live)" = "$(then_)" ]; then
		ok "live and backtest give the same $(live | wc -l) alerts"
	else
		fail "live and backtest give the same alerts" "$(diff <(live) <(then_) | head -n 20)"
	fi
}

HTTP=$(free_port)
PORT=$(free_port)
make_tools
make_network
start_collector
make_token
for node in a b c; do start_sensor "$node"; done
need_sensors
given_an_attack_over_three_nodes
given_a_kill_within_a_sequence
given_recorded_activity
finish_here
