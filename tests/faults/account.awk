# account.awk - accounts for every event of a node.  Reads CSV, by sequence number:
#   event.sequence, event.action, file.path, rtsec.gap.first_sequence, rtsec.gap.last_sequence, message
# and prints: events, numbered events stored, doubled, untold, numbered events that are told lost or were made
# while no sensor lived, last number.
# doubled: a sequence number, or a numbered event (a file made in -v folder), that is there twice.
# untold: sequence numbers that are missing and in no gap; numbered events that are missing where neither a
# sequence number is nor a sensor started.
$1 !~ /^[0-9]+$/ { next }
{
	seq[++n] = $1
	if ($2 == "creation" && index($3, folder) == 1)
		made[n] = substr($3, length(folder) + 1) + 0
	if ($2 == "sensor" && $6 ~ /^"?start/)
		began[n] = 1
	if ($4 != "") {
		first[++gaps] = $4
		last[gaps] = $5
	}
}
# How many of the numbers from..to no gap tells.
function missing(from, to,    i, again) {
	do {
		again = 0
		for (i = 1; i <= gaps; i++)
			if (first[i] <= from && last[i] >= from) {
				from = last[i] + 1
				again = 1
			}
	} while (again && from <= to)
	return from > to ? 0 : to - from + 1
}
END {
	for (i = 1; i <= n; i++) {
		if (i > 1 && seq[i] == seq[i - 1])
			doubled++
		if (i > 1 && seq[i] > seq[i - 1] + 1) {
			untold += missing(seq[i - 1] + 1, seq[i] - 1)
			holes++
		}
		if (i in began)
			holes++
		if (!(i in made))
			continue
		stored++
		if (before && made[i] <= before)
			doubled++
		else if (before && made[i] > before + 1 && holes)
			told += made[i] - before - 1
		else if (before && made[i] > before + 1)
			untold += made[i] - before - 1
		before = made[i]
		holes = 0
	}
	printf "%d %d %d %.0f %.0f %.0f\n", n, stored, doubled, untold, told, seq[n]
}
