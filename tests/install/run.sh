#!/bin/bash
# run.sh [ARCH] - the packages in a bare Debian 12 (minbase and systemd, no more), under a real systemd, in a VM of QEMU:
# an older version is installed by apt with what it depends on, as who makes an image does; booted; upgraded; booted again;
# removed, purged and installed anew.  What is looked at stands in guest.sh.  The tree comes from the Debian mirror that
# this machine uses and is kept as build/vm/bare-ARCH.tar.  Ends with `N passed, N failed`.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
arch=${1:-amd64}
RTSEC_BIN=$(readlink -e "${RTSEC_BIN:-build/release/bin}") || {
	echo "RTSEC_BIN: no folder of programs: ${RTSEC_BIN:-build/release/bin}" >&2
	exit 1
}
export RTSEC_BIN LC_ALL=C
kernel=build/vm/x86_64-6.1
T=$(mktemp -d /tmp/rtsec-install.XXXXXX)
trap 'rm -rf "$T"' EXIT
n_passed=0
n_failed=0

broken() { # WHY
	echo "FAIL $1"
	echo "$n_passed passed, $((n_failed + 1)) failed"
	exit 1
}

# apt's lists stay in the tree: the packages are installed there without another download of them.
bare_tree() {
	local tar=build/vm/bare-$arch.tar

	[ -s "$tar" ] || {
		mmdebstrap --arch="$arch" --variant=minbase --include=systemd-sysv --skip=cleanup/apt/lists \
			bookworm "${tar/.tar/.new.tar}" && mv "${tar/.tar/.new.tar}" "$tar" || return
	}
	mkdir "$T/tree" && tar -C "$T/tree" -xf "$tar"
}

# The same packages with a lower version, as an older release would have left them.
older_packages() {
	local deb

	bash packaging/deb.sh "$T/new" || return
	mkdir "$T/old"
	for deb in "$T"/new/*.deb; do
		rm -rf "$T/repack"
		dpkg-deb -R "$deb" "$T/repack" && sed -i 's/^Version: .*/&~old/' "$T/repack/DEBIAN/control" &&
			dpkg-deb --root-owner-group -Znone -b "$T/repack" "$T/old" >/dev/null || return
	done
}

# By apt, in the tree, where no systemd runs.
install_older() {
	local begin=$SECONDS

	cp -r "$T/old" "$T/new" "$T/tree/root/" && cp /etc/resolv.conf "$T/tree/etc/" || return
	echo 'APT::Install-Recommends "false";' >"$T/tree/etc/apt/apt.conf.d/bare"
	unshare --mount --propagation private bash -c 'mount -t proc proc "$1/proc" &&
		chroot "$1" sh -c "DEBIAN_FRONTEND=noninteractive apt-get install -qy /root/old/*.deb && apt-get clean"' bash "$T/tree" || return
	echo "installed with what they depend on in $((SECONDS - begin)) s"
}

boot() { # STEP... of guest.sh
	local log=$T/log

	tests/matrix/run-in-vm --timeout 900 --mem 1536 --cpu max,-cx16 --disk "$T/disk" --add tests/install/guest.sh \
		--add docs/security.md x86_64 "$kernel" bash guest.sh "$@" 2>&1 | sed -u 's/\r//' | tee "$log"
	r=${PIPESTATUS[0]}
	n_passed=$((n_passed + $(grep -c '^ok ' "$log")))
	n_failed=$((n_failed + $(grep -c '^FAIL ' "$log")))
}
need_end() { # STEP...: the VM ended as it should
	boot "$@"
	[ "$r" = 0 ] || broken "the VM ends with 0, not $r: $*"
}

compgen -G "$kernel/*.deb" >/dev/null || tests/matrix/get-vm-debs x86_64 bookworm "$kernel" || broken "no kernel for the VM"
bare_tree || broken "no bare Debian"
older_packages || broken "no packages"
install_older || broken "apt does not install the packages in a bare Debian"
mkfs.ext4 -q -d "$T/tree" "$T/disk" 1500M || broken "no image of the tree"
need_end collector_set_up node_let_in figures sandboxed_sensor sandboxed_collector watched reloaded stopped misconfigured upgraded left_behind
boot back_again power_cut # which ends it as nothing else does
grep -qE '^(ok  |FAIL) stored, so that it must outlive a power cut' "$T/log" || broken "the VM comes to the power cut"
need_end back_after_the_cut removed purged imported_by_root
echo "$n_passed passed, $n_failed failed"
[ "$n_failed" = 0 ]
