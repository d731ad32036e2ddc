# coverage.awk KERNELS KINDS RESULT... - prints docs/coverage.md from what guest.sh printed on each
# kernel (build/vm/results/NAME.txt).  A kernel without a result says "not run".
FILENAME ~ /kernels$/ {
	if ($1 !~ /^#/ && NF)
		names[++n_names] = $1
	next
}
FILENAME ~ /kinds\.def$/ {
	if ($0 ~ /^K\(/) {
		split($0, part, "\"")
		if (part[2] != "rtsec") {
			kinds[++n_kinds] = part[4]
			category[part[4]] = part[2]
		}
	}
	next
}
FNR == 1 {
	name = FILENAME
	sub(/.*\//, "", name)
	sub(/\.txt$/, "", name)
	delete bad
}
$1 == "kernel" { kernel[name] = $2 " " $3 }
$1 == "commit" { commit[name] = $2 }
/^all were run$/ { whole[name] = 1 }
$1 == "tier" { tier[$2, name] = $3 }
$1 == "why" { action = $2; sub(/^why [^ ]* /, ""); whys[++n_whys] = name ": `" action "`: " $0 }
$1 == "note" { sub(/^note /, ""); notes[++n_notes] = name ": " $0 }
/^\[       OK \] / { good[name]++ }
/^\[  FAILED  \] [a-z_]+_given_/ {
	if (!bad[$4]++)
		failures[++n_failures] = name ": " $4
}
/^@ .* exit [0-9]+$/ {
	count = 0
	for (b in bad)
		count++
	if ($4 && !count)
		failures[++n_failures] = name ": " $2 " ended with " $4
	if (!($2 in seen)) {
		seen[$2] = 1
		programs[++n_programs] = $2
	}
	result[$2, name] = (good[name] + 0) " passed" (count ? ", " count " failed" : \
		$4 ? ", ended with " $4 : "")
	good[name] = 0
	delete bad
}
function row(first, table, key,    i, text, cell) {
	text = "| " first " |"
	for (i = 1; i <= n_names; i++) {
		cell = "not run"
		if ((key, names[i]) in table)
			cell = table[key, names[i]]
		else if (names[i] in whole)
			cell = missing
		text = text " " cell " |"
	}
	print text
}
function header(first,    i, text, rule) {
	text = "| " first " |"
	rule = "| --- |"
	for (i = 1; i <= n_names; i++) {
		text = text " " names[i] " |"
		rule = rule " --- |"
	}
	print text
	print rule
}
END {
	print "# Coverage: event kinds, kernels, tiers"
	print ""
	print "Written by `sudo ./dev test --matrix`; do not edit. Each column is a kernel on which the sensor's"
	print "programs were loaded and attached and every kernel test was run: `host` on the machine itself, the"
	print "others in QEMU (software emulation) with Debian's cloud kernels, by"
	print "`tests/matrix/kernel.sh NAME`. **none** is a kind that this kernel cannot serve, n/a one of which it does nothing"
	print "that could be seen (both with the reason below); sensor: told by the sensor itself, whatever the kernel."
	print ""
	for (i = 1; i <= n_names; i++)
		print "- " names[i] ": " (names[i] in kernel ? \
			"Linux " kernel[names[i]] ", rtsec at commit " commit[names[i]] \
			(names[i] in whole ? "" : "; broke off before the end of the tests") : "not run")
	print ""
	print "## Tier that attached"
	print ""
	header("kind")
	missing = "**none**"
	for (i = 1; i <= n_kinds; i++)
		row(category[kinds[i]] " " kinds[i], tier, kinds[i])
	print ""
	print "## Missing, and why"
	print ""
	for (i = 1; i <= n_whys; i++)
		print "- " whys[i]
	if (!n_whys)
		print "Nothing."
	print ""
	print "## Tests"
	print ""
	header("program")
	missing = "-"
	for (i = 1; i <= n_programs; i++)
		row(programs[i], result, programs[i])
	print ""
	print "`-`: not for this column; `smoke.sh` finds /bin/true through sensor, collector and rtsecctl in the VM."
	print ""
	print "## Failed"
	print ""
	for (i = 1; i <= n_failures; i++)
		print "- " failures[i]
	if (!n_failures)
		print "Nothing."
	if (n_notes) {
		print ""
		print "## What the sensor noted"
		print ""
		for (i = 1; i <= n_notes; i++)
			print "- " notes[i]
	}
}
