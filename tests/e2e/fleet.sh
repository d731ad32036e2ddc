# shellcheck shell=bash disable=SC2034,SC2154,SC2317
# fleet.sh - three nodes a, b and c as network namespaces behind the bridge of a fourth, the hub.  Sourced after lib.sh.
# In N stands what their names begin with (N-a), in NET what their addresses do: NET.1 to NET.3, fd77::1 to fd77::3.
#
# Scripts that start daemons of their own keep their pids in collector_pid, relay_pid and sensor_pid, and end by calling
# finish_here; others call remove_network themselves.
declare -A sensor_pid=() number=([a]=1 [b]=2 [c]=3)
server_pids=()
collector_pid='' relay_pid=''
PEER=$TOOLS/peer

in_node() { # NODE|hub COMMAND...
	local node=$1

	shift
	ip netns exec "$N-$node" "$@"
}

make_network() {
	local node

	ip netns add "$N-hub"
	ip -n "$N-hub" link set lo up
	ip -n "$N-hub" link add bridge type bridge
	ip -n "$N-hub" link set bridge up
	for node in a b c; do
		ip netns add "$N-$node"
		ip -n "$N-$node" link set lo up
		ip -n "$N-$node" link add eth0 type veth peer name "to-$node" netns "$N-hub"
		ip -n "$N-hub" link set dev "to-$node" master bridge up
		ip -n "$N-$node" addr add "$NET.${number[$node]}/24" dev eth0
		ip -n "$N-$node" addr add "fd77::${number[$node]}/64" dev eth0 nodad
		ip -n "$N-$node" link set eth0 up
	done
}

remove_network() {
	local node

	for node in a b c hub; do ip netns del "$N-$node" 2>/dev/null & done
	wait
}

# Ends all that was started here, by its pid.
clean_up() {
	local pid

	for pid in "${server_pids[@]}" "${sensor_pid[@]}" "$relay_pid" "$collector_pid"; do
		[ -z "$pid" ] || kill -TERM "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	remove_network
}

finish_here() {
	clean_up
	[ "$n_failed" = 0 ] || tail -n 20 "$T"/*.log
	finish
}

# To the collector of $T/collector, from here on.
make_token() {
	RTSEC_URL=http://127.0.0.1:$HTTP
	RTSEC_TOKEN=$("$BIN/rtsec-collector" token create --dir "$T/collector" --name e2e --role admin)
	export RTSEC_URL RTSEC_TOKEN
}

stop_sensor() { # NODE
	kill -TERM "${sensor_pid[$1]}"
	wait "${sensor_pid[$1]}" 2>/dev/null
	sensor_pid[$1]=
}

# Something that happens on the node now is told, so its sensor is at work.
sees() { # NODE
	local mark=mark-$RANDOM$RANDOM

	in_node "$1" /bin/true "$mark"
	told() { [ "$(count "process where host.id == \"$1\" and process.args == \"$2\"")" != 0 ]; }
	until_true 5 told "$1" "$mark"
}

start_server() { # NODE ADDRESS PORT COMMAND | relay NODE ADDRESS PORT TO_ADDRESS TO_PORT
	local verb=serve log=$T/server-${#server_pids[@]}.log

	if [ "$1" = relay ]; then
		verb=relay
		shift
	fi
	ip netns exec "$N-$1" "$PEER" "$verb" "${@:2}" >"$log" 2>&1 & # no shell between: its pid is the server's
	server_pids+=($!)
	listens() { grep -q ready "$log"; }
	until_true 30 listens || fail "a server of $1 listens" "$(cat "$log")"
}
