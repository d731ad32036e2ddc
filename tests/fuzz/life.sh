#!/bin/bash
# life.sh NAME SECONDS: one life of the fuzz target NAME, SECONDS of wall clock (SIGTERM ends it sooner).
#
# CORPUS/NAME    seeds that it found; it goes on from them, and from tests/fuzz/corpus/NAME
# CORPUS/NAME.lives  a line is added: when it ended, wall and CPU seconds, inputs, edges, when the last new edge was
#                reached (both times since 1970; 0: none was), findings (0 or 1)
# FINDINGS/NAME.log, FINDINGS/NAME-*   what libFuzzer said; inputs that broke something
# BIN            where fuzz_NAME is
# Returns 0, or 1 when something was found.
set -uo pipefail
here=$(dirname "$(readlink -f "$0")")
name=$1 seconds=$2 log=$FINDINGS/$1.log began=$SECONDS
options=(-max_total_time="$seconds" -timeout=1200 -report_slow_units=1200 -rss_limit_mb=4096
	-print_final_stats=1 -entropic=0 -artifact_prefix="$FINDINGS/$name-")

# Writes the log, and to $log.edge inputs, edges and the time of the last new one.
watch_edges() {
	local line runs=0 covered=0 newest=0 n

	while IFS= read -r line; do
		echo "$line"
		case $line in
		*' cov: '*)
			n=${line##* cov: } n=${n%% *}
			if [ "$n" -le "$covered" ]; then continue; fi
			if [[ $line == *NEW* ]]; then newest=$EPOCHSECONDS; fi
			covered=$n
			;;
		stat::number_of_executed_units:*) runs=${line##* } ;;
		esac
	done >"$log"
	echo "$runs $covered $newest" >"$log.edge"
}

mkdir -p "$CORPUS/$name" "$FINDINGS"
"$here/dict.sh" "$name" >"$FINDINGS/$name.dict"
if [ -s "$FINDINGS/$name.dict" ]; then options+=(-dict="$FINDINGS/$name.dict"); fi
export LSAN_OPTIONS=suppressions=$here/lsan.supp:print_suppressions=0

fuzz() {
	(
		echo "$BASHPID" >"$log.pid"
		exec "$BIN/fuzz_$name" "${options[@]}" "$CORPUS/$name" "$here/corpus/$name"
	)
	echo $? >"$log.code"
	times >"$log.cpu"
}

fuzz 2>&1 | watch_edges &
trap 'kill -USR1 "$(cat "$log.pid")"' TERM INT
until wait "$!"; do :; done # a signal ends wait, too
found=$(($(cat "$log.code") != 0))
read -r runs covered newest <"$log.edge"
cpu=$(awk 'NR == 2 { gsub(/[ms]/, " "); printf "%.0f", $1 * 60 + $2 + $3 * 60 + $4 }' "$log.cpu")
echo "$(date +%s) $((SECONDS - began)) ${cpu:-0} $runs $covered $newest $found" >>"$CORPUS/$name.lives"
rm -f "$log.edge" "$log.cpu" "$log.code" "$log.pid"
exit "$found"
