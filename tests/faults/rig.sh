# shellcheck shell=bash disable=SC2034,SC2154
# rig.sh - the fleet that faults come over: three nodes and a hub as network namespaces, a sensor
# and a load of numbered events on each node, a collector in the hub, mTLS between them, and
# liblayer.so (layer.h) below each daemon.  Sourced by run.sh, after tests/e2e/lib.sh.
#
# KERNEL=yes: the real sensor, which sees files being made; no: sensor-without-kernel (no_kernel.c), which
# makes the same events up, starts at once and disturbs nobody.
KERNEL=${KERNEL:-yes}

N=rtsecx$$ NET=10.78.0
NODES=(a b c)
HUB=$NET.254
PORT=7443 HTTP=8443
RATE=100 # numbered events a second and node
FIRST=1000000 # numbers below are of the collector's alarms: a sensor begins at the microseconds since boot
COLLECTOR_OPTIONS=() # more of them
declare -A pid=() writer=() base=() plan_of=()

# shellcheck source=tests/e2e/fleet.sh
. tests/e2e/fleet.sh

# A copy of all that is run and read during the rounds.
COPY=$T/copy
take_copy() {
	mkdir -p "$COPY/bin" "$COPY/bench" "$COPY/migrations"
	cp "$BIN"/rtsec-{sensor,collector} "$BIN/rtsecctl" "$COPY/bin/"
	cp "$TOOLS"/{liblayer.so,numbers,sensor-without-kernel,attack} "$COPY/bench/"
	cp migrations/main/*.sql "$COPY/migrations/"
	cp tests/faults/account.awk "$COPY/"
	BIN=$COPY/bin TOOLS=$COPY/bench
}

# Ends all that was started here, by its pid.
clean_up() {
	local node

	for node in "${!writer[@]}" "${!pid[@]}"; do
		[ -z "${writer[$node]:-}" ] || kill -KILL "${writer[$node]}" 2>/dev/null
		[ -z "${pid[$node]:-}" ] || kill -KILL "${pid[$node]}" 2>/dev/null
	done
	wait 2>/dev/null
	remove_network
}

# ------------------------------------------------------------------------------- daemons

# What the layer below a daemon does from now on; see layer.h.
plan() { # NAME CLOCK ACTION CALL N ERRNO PATTERN
	printf '%-255s\n' "${*:2}" 1<>"$T/$1.plan"
}
calm() { plan "$1" 0 none any 0 0 '*'; }

layered() { # NAME COMMAND...: becomes the daemon
	local name=$1

	shift
	LD_PRELOAD=$TOOLS/liblayer.so LAYER_PLAN=$T/$name.plan LAYER_ROOT=$T/$name exec "$@"
}

start_collector() {
	(layered collector ip netns exec "$N-hub" "$BIN/rtsec-collector" --dir "$T/collector" \
		--listen "tls+tcp://0.0.0.0:$PORT" --http "0.0.0.0:$HTTP" --tls-name "$HUB" \
		--min-free-bytes "${MIN_FREE:-0}" "${COLLECTOR_OPTIONS[@]}") >>"$T/collector.log" 2>&1 &
	pid[collector]=$!
}

start_sensor() { # NAME [NODE-ID AT-NODE]
	local program=${SENSOR:-$BIN/rtsec-sensor} id=${2:-$1} at=${3:-$1}

	[ "$KERNEL" = yes ] || program=$TOOLS/sensor-without-kernel
	(NUMBERS=$T/numbers-$1 layered "$1" ip netns exec "$N-$at" "$program" --collector "tls+tcp://$HUB:$PORT" \
		--state "$T/$1" --node-id "$id" --node-name "${NODE_NAME:-$id}" --only-netns "/run/netns/$N-$at" \
		--without deletion --spool-sync batch) >>"$T/$1.log" 2>&1 &
	pid[$1]=$!
}

start() { # collector|NODE
	if [ "$1" = collector ]; then start_collector; else start_sensor "$1"; fi
}

lives() { kill -0 "${pid[$1]}" 2>/dev/null; }
# shellcheck disable=SC2317 # called by until_true
dead() { ! lives "$1"; }

# What systemd does: who has ended is started again.  Nothing else ever helps a daemon here.
keep_up() {
	local name

	for name in collector "${NODES[@]}"; do
		lives "$name" && continue
		wait "${pid[$name]}" 2>/dev/null
		start "$name"
	done
}

end() { # NAME SIGNAL
	kill "-$2" "${pid[$1]}" 2>/dev/null
	until_true 60 dead "$1"
}

ctl() { in_node hub "$BIN/rtsecctl" "$@"; }
# shellcheck disable=SC2317 # called by until_true
serves() {
	keep_up
	ctl nodes -o json >/dev/null 2>&1
}
# shellcheck disable=SC2317 # called by until_true
listens() { in_node hub curl -kfsS -o /dev/null "https://127.0.0.1:$HTTP/healthz" 2>/dev/null; }

enroll() { # NODE
	ctl node token create --ttl 5m >"$T/join" &&
		in_node "$1" "$BIN/rtsec-sensor" enroll --collector "https://$HUB:$HTTP" \
			--token-file "$T/join" --state "$T/$1" --node-id "$1" >>"$T/$1.log" 2>&1
}

start_fleet() {
	local node

	make_network
	ip -n "$N-hub" addr add "$HUB/24" dev bridge
	for node in collector "${NODES[@]}"; do
		mkdir -m 700 -p "$T/$node"
		calm "$node"
	done
	start_collector
	until_true 30 listens || {
		fail "the collector starts" "$(tail -n 5 "$T/collector.log")"
		return 1
	}
	RTSEC_TOKEN=$("$BIN/rtsec-collector" token create --dir "$T/collector" --name e2e --role admin)
	export RTSEC_TOKEN RTSEC_URL=https://127.0.0.1:$HTTP RTSEC_CA=$T/collector/tls/ca.pem
	for node in "${NODES[@]}"; do
		enroll "$node" || {
			fail "node $node enrols" "$(tail -n 3 "$T/$node.log")"
			return 1
		}
		start_sensor "$node"
		base[$node]=$FIRST
		mkdir "$T/numbers-$node"
	done
	for node in "${NODES[@]}"; do
		sees "$node" start 60 || {
			fail "the sensor of $node tells events" "$(tail -n 5 "$T/$node.log")"
			return 1
		}
		[ "$KERNEL" = yes ] || continue
		ip netns exec "$N-$node" "$TOOLS/numbers" "$T/numbers-$node" "$RATE" >"$T/made-$node" &
		writer[$node]=$!
	done
}

# ------------------------------------------------------------------------------- accounts

# Sets $mark: the path of a file that is made on the node now.
make_mark() { # NODE FOLDER
	if [ "$KERNEL" = yes ]; then
		mark=$2/$SECONDS
		in_node "$1" touch "$mark"
	else # a number for every 10 ms since boot
		mark=$T/numbers-$1/$(awk '{ printf "%09d", $1 * 100 + 1 }' /proc/uptime)
	fi
}

# What happens on the node now is told: a new mark every 2 s, for a sensor may just be starting.
# shellcheck disable=SC2317 # called by until_true
told() { # NODE FOLDER
	keep_up
	if [ "$((SECONDS - touched))" -ge 2 ]; then
		make_mark "$1" "$2"
		touched=$SECONDS
	fi
	[ "$(ctl query --since -6h -o json --count --node "$1" "file where file.path == \"$mark\"" 2>/dev/null |
		jq .count)" -gt 0 ]
}

sees() { # NODE WORD SECONDS
	mkdir -p "$T/marks/$1-$2"
	touched=-9
	until_true "$3" told "$1" "$T/marks/$1-$2"
}

# Every number of the node from @base on: "events stored doubled untold told last-sequence".
account() { # NODE BASE
	ctl query --all --since -6h -o csv --node "$1" --fields \
		event.sequence,event.action,file.path,rtsec.gap.first_sequence,rtsec.gap.last_sequence,message \
		"any where event.sequence >= $2" 2>/dev/null |
		LC_ALL=C sort -t, -k1,1n | awk -F, -v folder="$T/numbers-$1/" -f "$COPY/account.awk"
}

# All that was read before the round's end is stored once or told; sets the node's numbers.
# shellcheck disable=SC2317 # called by until_true
accounted() { # NODE
	keep_up
	result=$(account "$1" "${base[$1]}")
	read -r events stored doubled untold told last <<<"$result"
	[ "${events:-0}" -gt 1 ] && [ "$untold" = 0 ] && [ "$doubled" = 0 ]
}

# Each database of the folder, from outside, while it is at work.
sound() { # FOLDER
	local db r=0

	for db in "$1"/*.db; do
		[ "$(sqlite3 -readonly "$db" 'PRAGMA busy_timeout = 20000; PRAGMA integrity_check' 2>&1 | tail -n 1)" = ok ] || {
			echo "integrity_check of $db: $(sqlite3 -readonly "$db" 'PRAGMA integrity_check' 2>&1 | head -n 3)"
			r=1
		}
	done
	return "$r"
}
