#!/bin/bash
# run.sh - every test of rtsec, as `./dev test [--fast | --vm | --matrix]` runs it (which installs
# packages first); --vm adds containers of real runtimes and the kernel tests on two other kernels, one
# of them arm64's; --matrix are the tests on every other kernel and for arm64 alone, which write docs/coverage.md, and
# the packages in a bare Debian under systemd.
# Each suite leaves its whole output in build/test-logs/SUITE.log; what failed is shown.  Ends with
# `N passed, N failed` and exits 1 when anything failed.  Nothing is skipped: a machine that cannot
# load eBPF programs fails.  What failed is run a second time, alone (docs/decisions/0013): passing
# then, it counts as passed, and a line `again: NAME` names it; what a sanitizer reports has no second run.
#
#   RTSEC_BIN=DIR  test these programs end to end instead of the ones built here (build/dev/bin, or all but --fast build/release/bin)
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
export LC_ALL=C UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

logs=build/test-logs
jobs=$(nproc)
waiting=$((jobs + 2)) # at a time, of tests among which there are those that mostly wait: the kernel's, end to end
total_passed=0
total_failed=0

# Adds a suite's numbers and says them.  A suite without a single case is a failure.
report() { # SUITE PASSED FAILED SECONDS
	local failed=$3

	if [ "$2" = 0 ] && [ "$failed" = 0 ]; then failed=1; fi
	total_passed=$((total_passed + $2))
	total_failed=$((total_failed + failed))
	printf '%-10s %5d passed %3d failed  %4d s\n' "$1" "$2" "$failed" "$4"
	if [ "$failed" != 0 ]; then show_failure "$1"; fi
}

# What an assertion, a sanitizer or a compiler said of it, and the end of the log.
show_failure() { # SUITE
	local log=$logs/$1.log

	echo "--- $log, what tells of a failure:"
	grep -nE '^([0-9]+: )?(\[ +(ERROR|LINE) +\]|\[  FAILED  \]|FAIL |SUMMARY: |WARNING: ThreadSan|==[0-9]+==ERROR)|: error: |\*\*\*(Failed|Timeout|Exception)' \
		"$log" | cut -c 1-400 | head -n 60
	echo "--- and its end:"
	tail -n 30 "$log" | cut -c 1-400
	echo "---"
}

# A build counts as one case: it has no warning and no error.  $target: only that.
suite_build() { # SUITE PRESET [cmake options]
	local suite=$1 preset=$2 start=$SECONDS r=0

	shift 2
	{ cmake --preset "$preset" "$@" && cmake --build "build/$preset" -j "$jobs" ${target:+--target "$target"}; } \
		>"$logs/$suite.log" 2>&1 || r=1
	report "$suite" $((1 - r)) "$r" $((SECONDS - start))
	return "$r"
}

sanitizer_spoke() { # LOG
	grep -qE 'WARNING: ThreadSanitizer|ERROR: AddressSanitizer|: runtime error: ' "$1"
}

# ctest: each case of each cmocka program counts, see count.awk.
suite_ctest() { # SUITE PRESET JOBS [ctest options]
	local suite=$1 preset=$2 jobs=$3 start=$SECONDS log=$logs/$1.log passed failed

	shift 3
	ctest --test-dir "build/$preset" --verbose -j "$jobs" "$@" >"$log" 2>&1
	awk -f tests/count.awk "$log" >"$log.count"
	read -r passed failed < <(tail -n 1 "$log.count")
	if [ "$failed" != 0 ] && ! sanitizer_spoke "$log" &&
		ctest --test-dir "build/$preset" --verbose --rerun-failed >"$log.again" 2>&1; then
		sed -n "s/^failed: /again: $suite /p" "$log.count"
		passed=$((passed + failed)) failed=0
	else
		grep '^failed: ' "$log.count"
	fi
	report "$suite" "$passed" "$failed" $((SECONDS - start))
}

# A script that tells its own `N passed, N failed`.  Without that line, or with an exit code that
# does not fit it, the suite has failed.
suite_script() { # SUITE COMMAND...
	local suite=$1 start=$SECONDS passed failed

	shift
	run_script "$logs/$suite.log" "$@"
	if [ "$failed" != 0 ]; then
		grep '^FAIL ' "$logs/$suite.log" | cut -c 1-2000
		mv "$logs/$suite.log" "$logs/$suite.log.first"
		run_script "$logs/$suite.log" "$@"
		if [ "$failed" = 0 ]; then echo "again: $suite"; fi
	fi
	report "$suite" "$passed" "$failed" $((SECONDS - start))
}

run_script() { # LOG COMMAND...; sets passed and failed
	local log=$1 r=0 line

	shift
	passed=0 failed=0
	"$@" >"$log" 2>&1 </dev/null || r=$?
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1)
	if [ -n "$line" ]; then read -r passed _ failed _ <<<"${line/,/}"; fi
	if [ "$failed" = 0 ] && { [ "$r" != 0 ] || [ -z "$line" ]; }; then failed=1; fi
}

suite_build_arm64() { suite_build all-arm64 arm64-cross -DRTSEC_WEB=OFF; }
suite_kernel() { suite_script "$1" bash tests/matrix/kernel.sh "$1"; }

# The kernel tests on each kernel of the matrix, two at a time, for emulated machines mostly wait; what
# failed then is run alone.
suites_kernels() {
	local name names start=$SECONDS

	names=$(awk '!/^#/ && NF { print $1 }' tests/matrix/kernels)
	rm -rf build/vm/results
	xargs -P 2 -I NAME sh -c "bash tests/matrix/kernel.sh NAME >$logs/NAME.log 2>&1" <<<"$names"
	for name in $names; do
		if grep -qE '^[1-9][0-9]* passed, 0 failed$' "$logs/$name.log"; then
			report "$name" "$(grep -oE '^[0-9]+ passed' "$logs/$name.log" | cut -d ' ' -f 1)" 0 \
				$((SECONDS - start))
		else
			mv "$logs/$name.log" "$logs/$name.log.beside"
			suite_kernel "$name"
		fi
	done
}

# The kernels, then arm64's unit tests in emulated user space.
suites_matrix() {
	export RTSEC_COMMIT
	RTSEC_COMMIT=$(git describe --always --dirty) # of what is built now, whatever is edited meanwhile
	target=matrix suite_build gcc dev && target=matrix suite_build arm64 arm64-cross -DRTSEC_WEB=OFF || return 0
	suites_kernels
	awk -f tests/matrix/coverage.awk tests/matrix/kernels lib/kinds.def build/vm/results/*.txt \
		>docs/coverage.md
	suite_build_arm64 && suite_ctest unit-arm64 arm64-cross "$jobs" -LE 'kernel|native|browser' -E '^house/'
	suite_build release release && suite_script install bash tests/install/run.sh
}

mode=
case ${1:-} in
'') ;;
--fast | --vm | --matrix) mode=$1 ;;
*)
	echo "usage: ./dev test [--fast | --vm | --matrix]" >&2
	exit 2
	;;
esac
mkdir -p "$logs"
rm -f "$logs"/*

if [ "$mode" = --matrix ]; then
	suites_matrix
	echo "$total_passed passed, $total_failed failed"
	[ "$total_failed" = 0 ]
	exit
fi
if [ "$mode" = --fast ]; then
	suite_build gcc dev && suite_ctest tests dev "$waiting"
else
	suite_build gcc dev && suite_ctest unit dev "$waiting" -LE e2e
	suite_build clang clang
	suite_build asan asan && suite_ctest sanitized asan "$jobs" -LE 'kernel|browser'
	# test_query_bounds measures memory, of which most is ThreadSanitizer's here
	suite_build tsan tsan -DRTSEC_WEB=OFF && suite_ctest threads tsan "$jobs" -R '^(sensor|collector|ctl)/' \
		-LE 'kernel|browser' -E test_query_bounds
	suite_build release release && export RTSEC_BIN=${RTSEC_BIN:-$PWD/build/release/bin}
	RTSEC_SCALE=full suite_ctest e2e dev 1 -L e2e
fi
if [ "$mode" = --vm ]; then
	suite_script containers bash tests/containers/run.sh
	suite_kernel x86_64-6.1
	suite_build_arm64 && suite_kernel arm64-6.12
fi

echo "$total_passed passed, $total_failed failed"
[ "$total_failed" = 0 ]
