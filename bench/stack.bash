# shellcheck shell=bash disable=SC2034
# stack.bash - collector and sensor for a benchmark, in a folder of their own.  Sourced from the checkout's root, by scripts
# that run with `set -euo pipefail`.
#
# Sets T, a temporary folder, RUN in it for the daemons, and TOOLS.  up starts what does not run yet; at the end of the
# script all is stopped and T removed.
: "${RTSEC_BIN:?the folder of the programs}"
export RTSEC_BIN LC_ALL=C
TOOLS=$RTSEC_BIN/../bench
T=$(mktemp -d "${TMPDIR:-/tmp}/rtsec-bench.XXXXXX")
RUN=$T/run
HTTP='' PORT=''

# shellcheck source=bench/port.bash
. bench/port.bash

say() { echo "$(basename -s .sh "$0"): $*" >&2; }

up() {
	HTTP=${HTTP:-$(free_port)} PORT=${PORT:-$(free_port)}
	./dev up --detach --dir "$RUN" --http "$HTTP" --port "$PORT" >"$T/up.log" 2>&1 || {
		cat "$T/up.log" >&2
		exit 1
	}
	# shellcheck source=/dev/null
	. "$RUN/env"
}

down() {
	[ ! -e "$RUN" ] || ./dev down --dir "$RUN" >"$T/down.log" 2>&1 || cat "$T/down.log" >&2
}

stop() {
	trap - EXIT
	down
	rm -rf "$T"
}
trap stop EXIT
trap 'exit 130' INT TERM
trap 'say "line $LINENO failed: $BASH_COMMAND"' ERR

pid() { cat "$RUN/$1.pid"; } # collector|sensor
cpu_ns() { cat "/proc/$(pid "$1")"/task/*/schedstat | awk '{ n += $1 } END { printf "%.0f", n }'; }
rss_kb() { awk '/^VmRSS/ { print $2 }' "/proc/$(pid "$1")/status"; }
note() { echo "{\"name\":\"$1\",\"value\":$2}" >>"$T/notes"; } # one value of one run

metric() { # NAME: a counter of the collector
	curl -fsS -H "Authorization: Bearer $RTSEC_TOKEN" "$RTSEC_URL/metrics" |
		awk -v name="$1" '$1 == name { printf "%.0f", $2; found = 1 } END { exit !found }'
}
