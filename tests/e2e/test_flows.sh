#!/bin/bash
# test_flows.sh - three nodes as network namespaces, a sensor each, their clocks 3 s apart: a client on a
# reaches a server on b, which starts a command that connects to c, and the tree from a shows all of it,
# right to the process, in API, table and query; also over IPv6, through a relay, through translated addresses,
# with many at once, with b's sensor stopped, and with b's batches an hour late.
# shellcheck disable=SC2016,SC2317 source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

N=rtsecf$$ NET=10.77.0
# shellcheck source=tests/e2e/fleet.sh
. "$(dirname "$0")/fleet.sh"
many=60
[ "$SCALE" != full ] || many=200
declare -A skew=([a]=3 [b]=-3 [c]=0)
collector_ahead=0

# --------------------------------------------------------------------------- the fleet

start_collector() {
	local port_file=$T/http-port

	LD_PRELOAD=$TOOLS/libskew.so SKEW_S=$collector_ahead "$BIN/rtsec-collector" \
		--dir "$T/collector" --listen "tcp://127.0.0.1:$PORT" --http "127.0.0.1:$HTTP" \
		--http-plain >>"$T/collector.log" 2>&1 &
	collector_pid=$!
	serves() { curl -fsS -o "$port_file" "http://127.0.0.1:$HTTP/healthz" 2>/dev/null; }
	until_true 30 serves || fail "the collector starts" "$(tail -n 5 "$T/collector.log")"
}

# b reaches the collector by this way only, so that it can be cut.
open_way_of_b() {
	"$PEER" relay 127.0.0.1 "$WAY" 127.0.0.1 "$PORT" >"$T/way.log" 2>&1 &
	relay_pid=$!
}

cut_way_of_b() {
	kill -TERM "$relay_pid"
	wait "$relay_pid" 2>/dev/null
	relay_pid=
}

start_sensor() { # NODE
	local node=$1 port=$PORT

	[ "$node" != b ] || port=$WAY
	LD_PRELOAD=$TOOLS/libskew.so SKEW_S=${skew[$node]} "$BIN/rtsec-sensor" \
		--collector "tcp://127.0.0.1:$port" --state "$T/$node" --node-id "$node" \
		--node-name "$node" --only-netns "/run/netns/$N-$node" >>"$T/$node.log" 2>&1 &
	sensor_pid[$node]=$!
}

# A batch that was made after the clock was measured has come: the offset is the skew, to half a second.
clock_known() { # NODE
	ctl nodes -o json 2>/dev/null | jq -e --arg id "$1" --argjson skew "${skew[$1]}" \
		'.nodes[] | select(.id == $id) | (.clock_offset_ns / 1e9 - $skew) | fabs < 0.5' >/dev/null
}

need_sensors() { # NODE...
	local node

	for node in "$@"; do
		if ! until_true 60 sees "$node" || ! until_true 60 clock_known "$node" ||
			! until_true 30 sees "$node"; then
			fail "the sensor of $node tells events and its clock" "$(tail -n 5 "$T/$node.log")"
			finish_here
		fi
	done
}

# A client on a; the script ends here when it cannot connect.
call() { # ADDRESS PORT WORD
	if ! in_node a "$PEER" call "$@" 2>"$T/call.log"; then
		fail "a client on a reaches $1 $2" "$(cat "$T/call.log")"
		finish_here
	fi
}

# ------------------------------------------------------------------------------- questions

entity_of() { # WORD: of the call on a
	query "process where host.id == \"a\" and event.action == \"exec\" and process.name == \"peer\" \
		and process.args == \"$1\"" 2>/dev/null | jq -r '.process.entity_id' | head -n 1
}

tree_of() { ctl tree --across "$1" -o json 2>/dev/null || [ $? = 4 ]; } # 4: it breaks off

# The tree of the API's own answer, and what rtsecctl prints of it.
all_ways_agree() { # WORD
	local id api table shown

	id=$(entity_of "$1")
	api=$(curl -fsS -H "Authorization: Bearer $RTSEC_TOKEN" \
		"$RTSEC_URL/api/v1/processes/$id/tree?hosts=all")
	table=$(ctl tree --across "$id" -o table 2>&1)
	shown='[.processes[] | [.entity_id, .host.id, .above, .hop, .confidence]]'
	[ "$(jq -c "$shown" <<<"$api")" = "$(jq -c "$shown" <<<"$tree")" ] &&
		[ "$(jq '.breaks | length' <<<"$api")" = "$(grep -c 'broken off: ' <<<"$table")" ] &&
		[ "$(jq '[.processes[] | select(.via != [])] | length' <<<"$api")" = \
			"$(grep -c '=> [abc] :' <<<"$table")" ]
}

# Both commands that the word went to are in the tree, and nothing of another word.
whole='def words: [(.process.args // [])[] | select(startswith("word-"))];
	any(.processes[]; .host.id == "b" and (.process.args // [])[0] == "sh" and (words | index($w))) and
	any(.processes[]; .host.id == "c" and (.process.args // [])[0] == "sh" and (words | index($w))) and
	all(.processes[] | select(.depth >= 0) | words[]; . == $w)'

tree_is() { # WORD FILTER
	local id

	id=$(entity_of "$1")
	[ -n "$id" ] && tree=$(tree_of "$id") && jq -e --arg w "$1" "$2" <<<"$tree" >/dev/null 2>&1
}

expect_tree() { # NAME WORD FILTER
	tree=
	if until_true 30 tree_is "$2" "$3"; then
		ok "$1"
		if until_true 60 all_ways_agree "$2"; then
			ok "$1: API and table say the same"
		else
			fail "$1: API and table say the same" "$(ctl tree --across "$(entity_of "$2")" -o table 2>&1)"
		fi
	else
		fail "$1" "$(jq -c '[.processes[]? | [.depth, .host.id, .process.name, .process.args]],
			.breaks' <<<"$tree" 2>/dev/null | cut -c 1-3000)"
	fi
}

# -------------------------------------------------------------------------------- cases

given_a_command_that_connects_on() {
	local id lines

	call 10.77.0.2 "$B4" word-plain
	expect_tree "a -> b -> c with clocks 3 s apart: the tree has the command on b and on c" \
		word-plain "$whole"
	expect_json "each hop has its edge, with both events" "$tree" \
		'[.processes[].via[0] | select(.)] | length == 2 and all(.[];
		 .state == "joined" and .connected.event_id != null and .accepted.event_id != null)'
	expect_json "what clocks are apart is out of the edges" "$tree" \
		'all(.processes[].via[]; .skew_ns | fabs < 1e9)'
	expect_json "nothing is broken off" "$tree" '.breaks == []'
	id=$(entity_of word-plain)
	lines=$(ctl tree --across "$id" -o table)
	case $lines in
	*"=> b :$B4"*"word-plain"*"=> c :$C4"*"word-plain"*) ok "rtsecctl shows it" ;;
	*) fail "rtsecctl shows it" "$lines" ;;
	esac
	# in the order of time, which the clocks of a busy machine leave open within some milliseconds
	expect_json "hops has both steps" "$(ctl hops --from "$id" -o json)" \
		'[.hops[] | [.hop, .edge.connected.node.id, .edge.accepted.node.id]] | sort ==
		 [[1, "a", "b"], [2, "b", "c"]]'
	expect_json "a query over descendants finds both commands, and no other" \
		"$(query --all "process where event.action == \"exec\" and process.name in (\"sh\", \"dash\")
			and descendant of [process where process.entity_id == \"$id\"]" 2>/dev/null | jq -s .)" \
		'[.[] | .host.id] | sort == ["b", "c"]'
	id=$(jq -r '[.processes[] | select(.host.id == "c" and (.process.args // [])[0] == "sh")][0].entity_id' \
		<<<"$tree")
	expect_json "from c the ancestors reach a" "$(tree_of "$id")" \
		'any(.processes[]; .host.id == "a" and .depth < 0 and
		 ((.process.args // []) | index("word-plain")))'
}

given_ipv6() {
	call fd77::2 "$B6" word-six
	expect_tree "the same over IPv6" word-six "$whole"
}

given_a_relay_between() {
	call 10.77.0.2 "$RELAY" word-relayed
	expect_tree "through a relay on b the tree reaches the command on c" word-relayed \
		'any(.processes[]; .host.id == "c" and .hop == 2 and (.process.args // [])[0] == "sh" and
		 ((.process.args // []) | index($w)))'
}

given_many_at_once() {
	local i id word wrong=0 pids=()

	for ((i = 0; i < many; i++)); do
		in_node a "$PEER" call 10.77.0.2 "$B4" "word-many-$i" &
		pids+=($!)
	done
	wait "${pids[@]}"
	all_called() {
		[ "$(count 'process where host.id == "c" and event.action == "exec" and
			process.args[0] == "sh" and process.args : "word-many-*"')" -ge "$many" ] &&
			[ "$(count 'process where host.id == "a" and event.action == "exec" and
				process.name == "peer" and process.args : "word-many-*"')" -ge "$many" ]
	}
	until_true 60 all_called || fail "$many clients at once" "not all are stored"
	query --all 'process where host.id == "a" and event.action == "exec" and
		process.name == "peer" and process.args : "word-many-*"' 2>/dev/null |
		jq -r '[.process.entity_id, .process.args[-1]] | @tsv' >"$T/many"
	expect "$many clients at once: each is stored once" "$(wc -l <"$T/many")" "$many"
	while read -r id word; do
		jq -e --arg w "$word" "$whole" <<<"$(tree_of "$id")" >/dev/null 2>&1 ||
			until_true 60 tree_is "$word" "$whole" || wrong=$((wrong + 1))
	done <"$T/many"
	expect "$many clients at once: each tree has its own commands and no other's" "$wrong" 0
}

# b leads its port NAT to B4: a and b have different addresses of one connection.
given_translated_addresses() {
	in_node b nft -f - <<-END
		table ip nat {
			chain prerouting {
				type nat hook prerouting priority -100
				tcp dport $NAT redirect to :$B4
			}
		}
	END
	call 10.77.0.2 "$NAT" word-translated
	expect_tree "b leads the port to another: the tree is whole" word-translated "$whole"
	expect_json "both tuples are told" "$tree" \
		'any(.processes[].via[0] | select(.); .destination.port == $p and
		 .translated.destination.port == $q and .translated.community_id != .community_id)' \
		--argjson p "$NAT" --argjson q "$B4"
	expect_json "so is the translation" "$(query 'event.action == "connection_translated" and
		host.id == "b"' 2>/dev/null | jq -s .)" \
		'any(.[]; .destination.port == $p and .destination.nat.port == $q and
		 .source.ip == "10.77.0.1" and .source.nat.ip == "10.77.0.1")' \
		--argjson p "$NAT" --argjson q "$B4"
}

# The collector's clock goes on by an hour while b cannot reach it: its batches come out of the spool then.
given_batches_of_b_that_come_an_hour_late() {
	cut_way_of_b
	call 10.77.0.2 "$B4" word-late
	expect_tree "b's batches are away: the tree breaks off, and says so" word-late \
		'any(.breaks[]; .missing.reason == "evidence_late" and .missing.node.id == "b")'
	kill -TERM "$collector_pid"
	wait "$collector_pid" 2>/dev/null
	collector_ahead=3600
	start_collector
	open_way_of_b
	expect_tree "b's batches come an hour late: the tree is whole" word-late "$whole"
	expect_json "they did come an hour late" "$(query 'process where host.id == "b" and
		process.args == "word-late"' 2>/dev/null | jq -s .)" \
		'def s: .[0:19] + "Z" | fromdate;
		 length > 0 and all(.[]; (.event.ingested | s) - (.["@timestamp"] | s) > 3500)'
}

given_a_sensor_that_was_stopped() {
	stop_sensor b
	call 10.77.0.2 "$B4" word-unseen
	start_sensor b
	need_sensors b
	expect_tree "b's sensor was stopped: the break has the reason" word-unseen \
		'any(.breaks[]; .missing.reason == "evidence_lost" and .missing.cause == "stopped" and
		 .missing.node.id == "b") and all(.processes[]; .host.id == "a")'
	call 10.77.0.2 "$B4" word-again
	expect_tree "b's sensor is back: so is the tree" word-again "$whole"
}

# The same program out of a temporary folder on all three nodes; another one on two of them.
given_a_program_that_spreads() {
	local node

	ctl rules apply rules/network.yml >/dev/null
	cp /bin/true "$T/two"
	cp /bin/true "$T/three"
	in_node a "$T/two"
	in_node c "$T/two"
	for node in a b c; do in_node "$node" "$T/three"; done
	spread() { ctl alerts get --rule fleet-spread -o ndjson | jq -e 'select(.object == "process.name=three")' >/dev/null; }
	until_true 30 spread
	expect "a program that three nodes run is told, one of two is not" \
		"$(ctl alerts get --rule fleet-spread -o ndjson | jq -r .object)" "process.name=three"
}

# --------------------------------------------------------------------------------- run

trap 'fail "the script ends" "it broke off"; finish_here' EXIT

HTTP=$(free_port)
PORT=$(free_port)
WAY=$(free_port)
B4=7001 B6=7002 RELAY=7003 NAT=7004 C4=7101 C6=7102
make_network
start_collector
make_token
open_way_of_b
for node in a b c; do start_sensor "$node"; done
need_sensors a b c
start_server c 10.77.0.3 "$C4" 'true "$1"; :'
start_server c fd77::3 "$C6" 'true "$1"; :'
start_server b 10.77.0.2 "$B4" "$PEER call 10.77.0.3 $C4 \"\$1\"; :"
start_server b fd77::2 "$B6" "$PEER call fd77::3 $C6 \"\$1\"; :"
start_server relay b 10.77.0.2 "$RELAY" 10.77.0.3 "$C4"
given_a_command_that_connects_on
given_ipv6
given_a_relay_between
given_translated_addresses
given_many_at_once
given_a_sensor_that_was_stopped
given_a_program_that_spreads
given_batches_of_b_that_come_an_hour_late
finish_here
