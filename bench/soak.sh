#!/bin/bash
# soak.sh - SECONDS_LONG (1800) at RATE (20,000) events a second: memory and descriptors of sensor and collector
# stay as they are, no event is lost.  Run by ./dev bench soak; fails when that is not so.
#
# The load and what the sensor watches are a network namespace of their own: what else the machine does makes alerts and
# new facts, which are kept.  WHOLE=yes: the sensor watches the whole machine.
# A twentieth of that time before it, 30 s at least, warms up: caches and tables fill to their bounds.  Then the mean RSS of the last fifth
# of the samples must be within 5 % of that of the first fifth; the most descriptors no more than 8
# above those of the first sample.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=bench/stack.bash
. bench/stack.bash
SECONDS_LONG=${SECONDS_LONG:-1800}
RATE=${RATE:-20000}
NETNS=rtsecs$$
writer=

end_all() {
	trap - EXIT
	[ -z "$writer" ] || kill "$writer" 2>/dev/null || true
	ip netns del "$NETNS" 2>/dev/null || true
	stop
}
trap end_all EXIT

fds() { find "/proc/$(pid "$1")/fd" -mindepth 1 2>/dev/null | wc -l; }
count() { ("$RTSEC_BIN/rtsecctl" query -o json --count --since "$begin" "$1" 2>/dev/null || true) | jq .count; }
sample() { echo "$SECONDS $(rss_kb sensor) $(fds sensor) $(rss_kb collector) $(fds collector)" >>"$T/samples"; }

ip netns add "$NETNS"
mkdir -m 700 "$RUN"
[ "${WHOLE:-no}" = yes ] || echo "only-netns: /run/netns/$NETNS" >"$RUN/sensor.yaml"
up
touch "$T/file"
begin=$(date -u +%FT%TZ)
warm=$((SECONDS_LONG / 20 > 30 ? SECONDS_LONG / 20 : 30))
ip netns exec "$NETNS" "$TOOLS/workload" -r "$RATE" -n $((RATE * (SECONDS_LONG + warm))) "$T/file" >"$T/made" &
writer=$!
sleep "$warm"
end=$((SECONDS + SECONDS_LONG))
while [ "$SECONDS" -lt "$end" ]; do
	sample
	sleep $((SECONDS_LONG / 60 > 1 ? SECONDS_LONG / 60 : 1))
done
wait "$writer"
writer=
made=$(jq .made "$T/made")
for _ in {1..60}; do
	stored=$(count "file where process.name == \"workload\" and file.path == \"$T/file\"")
	[ "$stored" -lt "$made" ] || break
	sleep 0.5
done
gaps=$(count 'rtsec where event.action in ("gap", "throttle")')
awk -v made="$made" -v stored="$stored" -v gaps="$gaps" -v seconds="$SECONDS_LONG" -v rate="$RATE" '
	{ for (i = 2; i <= 5; i++) v[NR, i] = $i }
	function mean(column, from, to,    i, sum) {
		for (i = from; i <= to; i++) sum += v[i, column]
		return sum / (to - from + 1)
	}
	function most(column,    i, m) { for (i = 1; i <= NR; i++) if (v[i, column] > m) m = v[i, column]; return m }
	END {
		fifth = int(NR / 5) > 0 ? int(NR / 5) : 1
		names[2] = "sensor_rss"; names[3] = "sensor_fds"; names[4] = "collector_rss"; names[5] = "collector_fds"
		ok = stored == made && gaps == 0
		printf "{\"seconds\":%d,\"rate\":%d,\"made\":%.0f,\"stored\":%.0f,\"gaps\":%d", seconds, rate, made, stored, gaps
		for (c = 2; c <= 4; c += 2) {
			first = mean(c, 1, fifth); last = mean(c, NR - fifth + 1, NR); change = (last / first - 1) * 100
			printf ",\"%s_first_kb\":%.0f,\"%s_last_kb\":%.0f,\"%s_change_percent\":%.1f", names[c], first, names[c], last, names[c], change
			if (change > 5 || change < -5) ok = 0
		}
		for (c = 3; c <= 5; c += 2) {
			printf ",\"%s_first\":%d,\"%s_most\":%d", names[c], v[1, c], names[c], most(c)
			if (most(c) > v[1, c] + 8) ok = 0
		}
		printf ",\"ok\":%s}\n", ok ? "true" : "false"
		exit !ok
	}' "$T/samples" || {
	echo "s, KiB and descriptors of the sensor, of the collector:" >&2
	cat "$T/samples" >&2
	exit 1
}
