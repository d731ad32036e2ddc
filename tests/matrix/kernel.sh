#!/bin/bash
# kernel.sh NAME - runs the kernel tests on one kernel of tests/matrix/kernels, from the programs of
# build/dev (x86-64) or build/arm64-cross.  What came out lies in build/vm/results/NAME.txt; ends
# with `N passed, N failed`.  Kernels are downloaded once, by get-vm-debs, and booted by run-in-vm.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
vm=tests/matrix
name=${1:?usage: kernel.sh NAME}
read -r _ arch suite tier options < <(awk -v name="$name" '$1 == name' tests/matrix/kernels) || {
	echo "kernel.sh: no kernel $name in tests/matrix/kernels" >&2
	exit 2
}
preset=dev
if [ "$arch" = arm64 ]; then preset=arm64-cross; fi
out=build/vm/results/$name.txt

# What emulated user space cannot serve (see tests/CMakeLists.txt, label native) runs here instead.
gather() { # FOLDER
	local bin=$PWD/build/$preset/bin test

	for test in tests/sensor/test_kernel*.c; do
		cp "$bin/sensor_$(basename -s .c "$test")" "$1/" || return
	done
	cp "$bin/matrix_tiers" tests/matrix/guest.sh "$1/" || return
	[ "$arch" != host ] || return 0
	cp "$bin"/rtsec* tests/matrix/smoke.sh "$1/"
	[ "$arch" = arm64 ] || return 0
	for test in sensor_test_procfs sensor_test_resolve sensor_test_powers sensor_test_runtime collector_test_main; do
		cp "$bin/$test" "$1/"
	done
	options+=" --env RTSEC_BIN=$bin" # where collector_test_main looks for the collector
}

# A module of the kernel that is examined, which some tests load.
module() { # FOLDER
	local ko="$1/dummy.ko"

	dpkg-deb --fsys-tarfile "build/vm/$name"/linux-image-*.deb |
		tar -x --wildcards -O '*/kernel/drivers/net/dummy.ko*' >"$ko" && [ -s "$ko" ] || return
	if xz -t "$ko" 2>/dev/null; then
		mv "$ko" "$ko.xz" && xz -d "$ko.xz"
	fi
	options+=" --env RTSEC_TEST_MODULE=/tests/dummy.ko --env RTSEC_MATRIX=1"
}

examine() { # FOLDER
	if [ "$arch" = host ]; then
		"$1/guest.sh" "$1"
		return
	fi
	ls "build/vm/$name"/*.deb >/dev/null 2>&1 ||
		"$vm/get-vm-debs" "$arch" "$suite" "build/vm/$name" || return
	module "$1" || return
	# shellcheck disable=SC2086 # options are words
	"$vm/run-in-vm" --timeout "${RTSEC_VM_SECONDS:-1500}" $options --add "$1:/tests" \
		"$arch" "build/vm/$name" /tests/guest.sh /tests
}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p build/vm/results
echo "commit ${RTSEC_COMMIT:-$(git describe --always --dirty)}" >"$out"
gather "$folder" && examine "$folder" 2>&1 | tr -d '\r' >>"$out"
cat "$out"
read -r passed failed < <(awk -f tests/matrix/count.awk "$out")
if [ "$tier" != - ] && ! grep -qx "tier rename $tier" "$out"; then
	echo "FAIL tier of rename is $tier: $(grep '^tier rename ' "$out")"
	failed=$((failed + 1))
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
