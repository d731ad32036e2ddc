#!/bin/bash
# rules.sh - CPU time an event of 0, 100, 1,000 and 5,000 rules on activity of this machine, recorded for
# SECONDS_OF (20), or on the store RECORD.  RUNS (5) passes.  Run by ./dev bench rules.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${RTSEC_BIN:?the folder of the programs}"
export RTSEC_BIN LC_ALL=C
RUNS=${RUNS:-5} SECONDS_OF=${SECONDS_OF:-20}
T=$(mktemp -d "${TMPDIR:-/tmp}/rtsec-bench.XXXXXX")
RUN=${RECORD:-$T/run}

stop() {
	trap - EXIT
	[ -n "${RECORD:-}" ] || [ ! -e "$RUN" ] || ./dev down --dir "$RUN" >"$T/down.log" 2>&1 || true
	rm -rf "$T"
}
trap stop EXIT
trap 'exit 130' INT TERM

free_port() {
	local port

	while :; do
		port=$((20000 + RANDOM % 10000))
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
	done
	echo "$port"
}

if [ -z "${RECORD:-}" ]; then
	./dev up --detach --dir "$RUN" --http "$(free_port)" --port "$(free_port)" >"$T/up.log" 2>&1 || { cat "$T/up.log" >&2; exit 1; }
	end=$((SECONDS + SECONDS_OF))
	while [ "$SECONDS" -lt "$end" ]; do
		find /usr/share/doc /etc -maxdepth 3 -type f 2>/dev/null | shuf -n 100 | xargs cat >/dev/null 2>&1 || true
		bash -c 'ps aux | sort | head -3; id; date; ls -la /tmp; grep -rl root /etc/pam.d' >/dev/null 2>&1 || true
		printf 'int main(void) { return 0; }\n' | cc -x c -o "$T/p" - 2>/dev/null && "$T/p"
	done
	sleep 2 # what was made last is stored
	./dev down --dir "$RUN" >"$T/down.log" 2>&1
fi
"$RTSEC_BIN/../bench/rules" "$RUN" rules "$RUNS"
