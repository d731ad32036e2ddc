# shellcheck shell=bash disable=SC2034
# lib.sh - what the end-to-end tests share: cases and their count, a running rtsec of their own in
# a temporary folder on free ports, and questions to it.  Sourced, never run.
#
# RTSEC_BIN is the folder of the programs (else build/dev/bin); the tools of bench/ lie in ../bench beside it.  Each
# script takes `fast` or `full` as its first argument, or from RTSEC_SCALE (else fast), and ends by calling finish.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
# shellcheck source=bench/port.bash
. bench/port.bash
BIN=$(readlink -e "${RTSEC_BIN:-build/dev/bin}") || {
	echo "RTSEC_BIN: no folder of rtsec-sensor, rtsec-collector and rtsecctl: ${RTSEC_BIN:-build/dev/bin}" >&2
	exit 1
}
TOOLS=$BIN/../bench
SCALE=${1:-${RTSEC_SCALE:-fast}}
T=$(mktemp -d /tmp/rtsec-e2e.XXXXXX)
n_passed=0
n_failed=0
export RTSEC_BIN=$BIN LC_ALL=C

ok() {
	n_passed=$((n_passed + 1))
	echo "ok   $1"
}

fail() { # NAME WHY
	n_failed=$((n_failed + 1))
	echo "FAIL $1: $2"
}

expect() { # NAME ACTUAL EXPECTED
	if [ "$2" = "$3" ]; then ok "$1"; else fail "$1" "got '$2', expected '$3'"; fi
}

# The jq filter holds for the JSON document(s) in $2.
expect_json() { # NAME JSON FILTER [jq options]
	local name=$1 json=$2 filter=$3

	shift 3
	if [ -n "$json" ] && jq -e "$@" "$filter" <<<"$json" >/dev/null 2>&1; then
		ok "$name"
	else
		fail "$name" "not true: $filter of: ${json:0:2000}"
	fi
}

until_true() { # SECONDS COMMAND...
	local end=$((SECONDS + $1))

	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.1
	done
}

dev_up() { ./dev up --detach --dir "$T/run" --http "$HTTP" --port "$PORT"; }

# Brings everything up in $T/run; the script ends here when that fails.
start_stack() {
	HTTP=$(free_port)
	PORT=$(free_port)
	if ! dev_up >"$T/up.log" 2>&1; then
		cat "$T/up.log"
		fail "the programs start" "./dev up failed"
		finish
	fi
	# shellcheck source=/dev/null
	. "$T/run/env"
}

ctl() { "$BIN/rtsecctl" "$@"; }

# Documents of a query as NDJSON, of the time since this script began.
BEGIN=$(date -u +%FT%TZ)
query() { ctl query --since "$BEGIN" -o ndjson "$@"; }
count() { ctl query --since "$BEGIN" -o json --count "$1" 2>/dev/null | jq .count; }

# Waits up to 60 s until a query has at least $1 hits, then prints them.
query_until() { # HITS QUERY...
	local want=$1

	shift
	# shellcheck disable=SC2317 # called by until_true
	enough() { [ "$(query "$@" 2>/dev/null | wc -l)" -ge "$want" ]; }
	until_true 60 enough "$@"
	query "$@" 2>/dev/null
}

finish() {
	if [ -d "$T/run" ]; then
		if [ "$n_failed" -gt 0 ]; then
			tail -n 30 "$T"/run/*.log
			echo "gaps of this run:"
			query --all 'event.action == "gap"'
		fi
		./dev down --dir "$T/run" >/dev/null 2>&1
	fi
	rm -rf "$T"
	trap - EXIT
	echo "$n_passed passed, $n_failed failed"
	[ "$n_failed" = 0 ]
	exit
}
trap 'fail "the script ends" "it broke off"; finish' EXIT
trap 'exit 1' INT TERM
