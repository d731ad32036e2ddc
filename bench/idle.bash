# shellcheck shell=bash
# idle.bash - what the sensor costs where little happens: on this machine as it is, beside a defined hum in a network
# namespace of its own (it sees only that), and with nothing to tell.  Sourced by bench/sensor.sh, after bench/stack.bash.
NETNS=rtsec-idle-$$ HUM=''
WINDOWS=${WINDOWS:-3} WINDOW_S=10

# An idle server: 20 files opened and a program run in a second.
hum_on() {
	# shellcheck disable=SC2016 # for the other shell
	ip netns exec "$NETNS" bash -c 'exec 9<> <(:)
		for ((i = 0; ; i++)); do
			read -r _ </proc/stat
			read -r _ </proc/loadavg
			((i % 10)) || /bin/true
			read -r -t 0.1 -u 9 || :
		done' &
	HUM=$!
}

hum_off() {
	[ -z "$HUM" ] || kill "$HUM"
	wait "$HUM" 2>/dev/null || true
	HUM=''
}

idle_done() {
	[ -z "$HUM" ] || hum_off
	ip netns del "$NETNS" 2>/dev/null || true
}

# Thread id, CPU time in ns, times on a CPU, and name of each thread of the sensor.
threads() {
	local task

	for task in "/proc/$(pid sensor)"/task/*; do
		echo "${task##*/} $(cut -d ' ' -f 1,3 "$task/schedstat") $(cat "$task/comm")"
	done
}

hash_ns() { threads | awk '$4 == "rtsec-hash" { print $2 }'; }

# Programs that run when the sensor starts are hashed first: that is over when its helper has done nothing for 3 s.
await_hashed() {
	local last='' now still=0 i

	for ((i = 0; i < 240 && still < 6; i++)); do
		now=$(hash_ns)
		if [ "$now" = "$last" ]; then still=$((still + 1)); else still=0; fi
		last=$now
		sleep 0.5
	done
	[ "$still" = 6 ] || say "programs were still being hashed after 2 minutes"
}

# One window: CPU time by thread, how often any was put on a CPU, what was told and in how many batches.
idle_window() { # NAME
	local wall events batches

	events=$(metric rtsec_ingest_events_total)
	batches=$(metric rtsec_ingest_batches_total)
	threads >"$T/before"
	wall=$(now_ns)
	sleep "$WINDOW_S"
	threads >"$T/after"
	wall=$(($(now_ns) - wall))
	awk -v wall="$wall" -v name="$1" '
		function note(what, value) { printf "{\"name\":\"%s_%s\",\"value\":%.4f}\n", name, what, value }
		NR == FNR { cpu[$1] = $2; times[$1] = $3; next }
		{
			part = $4
			if (part ~ /spooler/ && $2 == cpu[$1]) next
			sub(/^rtsec-/, "", part)
			sub(/^nng:.*/, "nng", part)
			sub(/^sensor$/, "main", part)
			of[part] += $2 - cpu[$1]
			all += $2 - cpu[$1]
			n += $3 - times[$1]
		}
		END {
			for (part in of) note("cpu_percent_" part, 100 * of[part] / wall)
			note("cpu_percent", 100 * all / wall)
			note("wakeups_per_s", n * 1e9 / wall)
		}' "$T/before" "$T/after" >>"$T/notes"
	note "$1_events_per_s" "$(calc "($(metric rtsec_ingest_events_total) - $events) * 1e9 / $wall")"
	note "$1_batches_per_s" "$(calc "($(metric rtsec_ingest_batches_total) - $batches) * 1e9 / $wall")"
}

idle_windows() { # NAME
	local i

	await_hashed
	for ((i = 0; i < WINDOWS; i++)); do
		idle_window "$1"
	done
}

# From an exec until the collector had it, of what hums.
note_latency() {
	query --all -o ndjson 'process where event.action == "exec" and process.name == "true"' | jq -c '
		def ms: capture("T(?<h>..):(?<m>..):(?<s>[0-9.]+)") | ((.h | tonumber) * 60 + (.m | tonumber)) * 60000 + (.s | tonumber) * 1000;
		{name: "hum_exec_to_collector_ms", value: ((.event.ingested | ms) - (.["@timestamp"] | ms))}' >>"$T/notes"
}

# The sensor started by up sees what is in the namespace only.
up_in_netns() {
	mkdir -p "$RUN"
	ip netns add "$NETNS"
	echo "only-netns: /run/netns/$NETNS" >"$RUN/sensor.yaml"
	hum_on
	up
	rm "$RUN/sensor.yaml"
}

measure_hum() {
	# shellcheck disable=SC2034 # query's, of bench/sensor.sh
	SINCE=$(date -u +%FT%T.%NZ)
	up_in_netns
	idle_windows hum
	note hum_rss_mb "$(calc "$(kb Rss) / 1024")"
	note hum_private_dirty_mb "$(calc "$(kb Private_Dirty) / 1024")"
	note_latency
	hum_off
	idle_windows quiet
	stop_sensor
	idle_done
}
