# Counts test cases in the output of `ctest --verbose`: a cmocka program counts each of its cases, a
# script what its last `N passed, N failed` says, any other test counts as one.  A test that ctest says
# failed has at least one failure, so that a crash in the middle cannot hide.  Prints "PASSED FAILED"
# and, before it, "failed: NAME" lines.
match($0, /^ *[0-9]+: /) {
	id = $0
	sub(/:.*/, "", id)
	id += 0
	line = substr($0, RSTART + RLENGTH)
	if (line ~ /^\[  PASSED  \] [0-9]+ test/) {
		split(line, word, " ")
		cases[id] = 1
		passed[id] += word[4]
	} else if (line ~ /^\[  FAILED  \] [0-9]+ test/ || line ~ /^ *[0-9]+ FAILED TEST\(S\)/) {
		match(line, /[0-9]+/)
		if (line ~ /^ /)
			failed[id] = substr(line, RSTART, RLENGTH)
	} else if (line ~ /^[0-9]+ passed, [0-9]+ failed$/) {
		split(line, word, " ")
		cases[id] = 1
		passed[id] = word[1]
		failed[id] = word[3]
	}
	next
}
# " 3/12 Test  #3: lib/test_batch ........   Passed    0.01 sec"
/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: / {
	match($0, /#[0-9]+/)
	id = substr($0, RSTART + 1, RLENGTH - 1) + 0
	good = $0 ~ / Passed +[0-9.]+ sec/
	if (!good) {
		name = $0
		sub(/^.*#[0-9]+: /, "", name)
		sub(/ \.+.*/, "", name)
		print "failed: " name
		if (!failed[id])
			failed[id] = 1
	} else if (!cases[id]) {
		passed[id] = 1
	}
	n_passed += passed[id]
	n_failed += failed[id]
}
END {
	print n_passed + 0, n_failed + 0
}
