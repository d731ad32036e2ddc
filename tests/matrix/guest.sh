#!/bin/sh
# guest.sh FOLDER - runs on the kernel that is examined, as root: in a VM with nothing but busybox, or
# on this machine.  Prints what the kernel is and the tier of each kind, then runs every test
# program of FOLDER (and in a VM smoke.sh); after each program its exit status.  count.awk and
# coverage.awk read that.
if [ ! -e /bin/true ]; then ln -s /.vm/busybox /bin/true; fi
if [ -n "${RTSEC_BIN:-}" ] && [ ! -e "$RTSEC_BIN" ]; then
	mkdir -p "${RTSEC_BIN%/*}" && ln -s "$1" "$RTSEC_BIN"
fi

echo "kernel $(uname -r) $(uname -m)"
"$1/matrix_tiers"
for program in "$1"/*_test_*; do
	"$program" 2>&1
	echo "@ ${program##*/} exit $?"
done
if [ -e "$1/smoke.sh" ]; then
	sh "$1/smoke.sh" "$1" 2>&1
	echo "@ smoke.sh exit $?"
fi
echo "all were run"
