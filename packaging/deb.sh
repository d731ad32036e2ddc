#!/bin/bash
# deb.sh OUT: makes rtsec-sensor, rtsec-collector and rtsecctl as Debian packages in the folder OUT, of what
# `cmake --install` installs from the build whose programs are in RTSEC_BIN; DEB_HOST_ARCH is their architecture when that
# is not this machine's.  `./dev package` builds first.
#
# Depends are asked of dpkg-shlibdeps.  A sensor is not started by its package: it has to enrol first; the
# collector is.  The settings in /etc/rtsec are conffiles.
set -euo pipefail
out=$(readlink -f "$1")
build=$(readlink -f "${RTSEC_BIN:?the folder of the programs}")/..
cd "$(dirname "$(readlink -f "$0")")"
[ -e "$build/CMakeCache.txt" ] || {
	echo "deb.sh: $RTSEC_BIN is not the bin of a build" >&2
	exit 1
}
version=$(sed -n 's/^CMAKE_PROJECT_VERSION:.*=//p' "$build/CMakeCache.txt")
arch=${DEB_HOST_ARCH:-$(dpkg --print-architecture)}
T=$(mktemp -d /tmp/rtsec-deb.XXXXXX)
trap 'rm -rf "$T"' EXIT
umask 022

maintainer='The rtsec authors <rtsec@users.noreply.github.com>'

put() { # MODE FILE TO: below the package's root
	install -D -m "$1" "$2" "$root/$3"
}

put_text() { # MODE TO: from standard input
	mkdir -p "$root/$(dirname "$2")"
	cat >"$root/$2"
	chmod "$1" "$root/$2"
}

depends_of() { # PROGRAM
	mkdir -p "$T/shlibs/debian"
	printf 'Source: rtsec\n\nPackage: x\nArchitecture: any\n' >"$T/shlibs/debian/control"
	(cd "$T/shlibs" && DEB_HOST_ARCH=$arch dpkg-shlibdeps -O --ignore-missing-info -e"$1" 2>/dev/null) | sed -n 's/^shlibs:Depends=//p'
}

# Begins package $1 with $2 as its description: what is installed of it, and what Debian wants beside that.
begin() {
	name=$1 description=$2
	root=$T/$name
	mkdir -p "$root/DEBIAN"
	DESTDIR=$root cmake --install "$build" --component "$name" --strip >/dev/null
	gzip -9n "$root"/usr/share/man/man*/*
	gzip -9nc <<END | put_text 644 "usr/share/doc/$name/changelog.gz"
rtsec ($version) unstable; urgency=medium

  * See CHANGELOG.md.gz beside this file.

 -- $maintainer  $(date -R -u -d "@$(stat -c %Y ../CHANGELOG.md)")
END
	gzip -9nc ../CHANGELOG.md | put_text 644 "usr/share/doc/$name/CHANGELOG.md.gz"
}

# The package has a unit, and settings that are conffiles.
daemon() {
	(cd "$root" && printf '/%s\n' etc/rtsec/*.yaml) >"$root/DEBIAN/conffiles"
	put 755 deb/postinst DEBIAN/postinst
	put 755 deb/prerm DEBIAN/prerm
	put 755 deb/postrm DEBIAN/postrm
	sed -i "s/@NAME@/$name/g" "$root/DEBIAN/"post* "$root/DEBIAN/prerm"
}

end() {
	local depends

	depends=$(depends_of "$root/usr/bin/$name")
	cat >"$root/DEBIAN/control" <<END
Package: $name
Version: $version
Architecture: $arch
Maintainer: $maintainer
Section: admin
Priority: optional
Depends: $depends${1:-}
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f 1)
Description: $description
END
	(cd "$root" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
	dpkg-deb --root-owner-group -Zxz --build "$root" "$out/${name}_${version}_$arch.deb" >/dev/null
	echo "$out/${name}_${version}_$arch.deb"
}

mkdir -p "$out"

begin rtsec-sensor "runtime security: tells what processes, files and sockets of this node do
 An eBPF sensor that streams what happens on a node to an rtsec collector,
 from Linux 5.8 on, x86-64 and arm64. It needs root, and to enrol once:
 rtsec-sensor enroll --collector https://HOST:8443 --token-file FILE"
daemon
end

begin rtsec-collector "runtime security: stores and searches what rtsec's sensors see
 Takes events from sensors by mutual TLS, stores them in a few bytes each,
 searches the fleet, runs detection rules, and serves API and page by HTTPS."
daemon
end ', systemd | systemd-standalone-sysusers | systemd-sysusers'

begin rtsecctl "runtime security: asks an rtsec collector what happened on the fleet
 Queries, live events, process trees, alerts, rules and nodes on the command
 line, with shell completion and the documents of all of rtsec."
mv "$root/usr/share/zsh/site-functions" "$root/usr/share/zsh/vendor-completions"
end
