#!/bin/bash
# table.sh CORPUS NAME...: what has been run of these targets on the inputs in CORPUS, over all their lives (life.sh),
# as a table.  WRITE=FILE: puts it between the marks in FILE, too.
set -euo pipefail
corpus=$1
shift

lives() {
	for name; do
		[ ! -s "$corpus/$name.lives" ] || sed "s/^/$name /" "$corpus/$name.lives"
	done
}

# Since a new edge: wall clock of the lives after the last one.
table() {
	echo '| target | wall min | CPU s | inputs | edges | min since a new edge | runs with a finding |'
	echo '|---|---|---|---|---|---|---|'
	lives "$@" | awk '
		{
			if (!($1 in wall)) order[++n] = $1
			wall[$1] += $3; cpu[$1] += $4; runs[$1] += $5; if ($6) edges[$1] = $6; found[$1] += $8
			since[$1] = $7 ? $2 - $7 : since[$1] + $3
			all_wall += $3; all_cpu += $4; all_runs += $5; all_found += $8
		}
		END {
			for (i = 1; i <= n; i++) {
				t = order[i]
				printf "| %s | %.0f | %d | %d | %d | %.0f | %d |\n", t, wall[t] / 60, cpu[t], runs[t],
					edges[t], since[t] / 60, found[t]
			}
			printf "| **all** | %.0f | %d | %d | | | %d |\n", all_wall / 60, all_cpu, all_runs, all_found
		}'
}

# When it was, before the table.
account() {
	lives "$@" | awk '{ begin = $2 - $3; if (!first || begin < first) first = begin; if ($2 > last) last = $2 }
		END { print strftime("%Y-%m-%d %H:%M", first, 1) " to " strftime("%Y-%m-%d %H:%M", last, 1) " UTC:" }'
	echo
	table "$@"
}

table "$@"
[ -n "${WRITE:-}" ] || exit 0
text=$(account "$@")
TEXT=$text awk '
	$0 == "<!-- end of fuzzed -->" { inside = 0 }
	!inside { print }
	$0 == "<!-- fuzzed -->" { inside = 1; print ENVIRON["TEXT"] }' "$WRITE" >"$WRITE.new"
cat "$WRITE.new" >"$WRITE"
rm "$WRITE.new"
