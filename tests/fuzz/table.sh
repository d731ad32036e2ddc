#!/bin/bash
# table.sh CORPUS NAME...: what has been run of these targets, over all their lives (life.sh), as a table.
set -euo pipefail
corpus=$1
shift
echo '| target | wall min | CPU s | inputs | edges | min since a new edge | findings |'
echo '|---|---|---|---|---|---|---|'
for name; do
	[ ! -s "$corpus/$name.lives" ] || sed "s/^/$name /" "$corpus/$name.lives"
done | awk '
	function row(name, i) {
		printf "| %s | %.0f | %d | %d | %s | %s | %s |\n", name, wall[i] / 60, cpu[i], runs[i],
			edges[i], newest[i], found[i] ? found[i] : "none"
	}
	!($1 in wall) { order[++n] = $1; since[$1] = 0 }
	{
		wall[$1] += $3; cpu[$1] += $4; runs[$1] += $5; edges[$1] = $6; found[$1] += $8
		wall["*"] += $3; cpu["*"] += $4; runs["*"] += $5; found["*"] += $8
		# Wall clock of its lives after the last edge that was new.
		since[$1] = $7 ? $2 - $7 : since[$1] + $3
		newest[$1] = sprintf("%.0f", since[$1] / 60)
	}
	END {
		for (i = 1; i <= n; i++) row(order[i], order[i])
		row("**all**", "*")
	}'
