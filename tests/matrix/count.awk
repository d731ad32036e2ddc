# Counts the cases in what guest.sh printed: "PASSED FAILED".  A program that ends badly without a
# failed case has one, and so has a kernel on which guest.sh did not come to its end.
function ended(status) {
	for (name in bad) {
		n_bad++
	}
	if (status != 0 && !n_bad)
		n_bad = 1
	if (status == 0 && !n_good)
		n_bad++
	passed += n_good
	failed += n_bad
	n_good = n_bad = 0
	delete bad
	programs++
}
/^\[       OK \] / { n_good++ }
/^\[  FAILED  \] [a-z_]+_given_/ { bad[$4] = 1 }
/^tier / { tiers++; if ($3 == "none") failed++; else passed++ }
/^@ .* exit [0-9]+$/ { ended($4) }
END {
	if (!tiers || programs < 4)
		failed++
	print passed + 0, failed + 0
}
