#!/bin/bash
# deb.sh OUT: makes rtsec-sensor, rtsec-collector and rtsecctl as Debian packages of this machine's architecture in the folder OUT,
# from the programs in RTSEC_BIN and the manual pages in ../man beside it.  `./dev package` builds both first.
#
# Depends are asked of dpkg-shlibdeps.  A sensor is not started by its package: it has to enrol first; the
# collector is.  The settings in /etc/rtsec are conffiles.
set -euo pipefail
out=$(readlink -f "$1")
bin=$(readlink -f "${RTSEC_BIN:?the folder of the programs}")
cd "$(dirname "$(readlink -f "$0")")"
man=$bin/../man
version=$("$bin/rtsec-collector" --version | awk '{ print $NF }')
arch=$(dpkg --print-architecture)
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
	(cd "$T/shlibs" && dpkg-shlibdeps -O --ignore-missing-info -e"$1" 2>/dev/null) | sed -n 's/^shlibs:Depends=//p'
}

# Begins package $1, whose only program it is, with $2 as its description, and a manual page of section $3.
begin() {
	name=$1 description=$2
	root=$T/$name
	mkdir -p "$root/DEBIAN"
	put 755 "$bin/$name" "usr/bin/$name"
	[ -z "$(command -v strip)" ] || strip --strip-unneeded "$root/usr/bin/$name"
	gzip -9nc "$man/$name.$3" | put_text 644 "usr/share/man/man$3/$name.$3.gz"
	put_text 644 "usr/share/doc/$name/copyright" <<END
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Source: https://github.com/rtsec/rtsec

Files: *
Copyright: 2026 The rtsec authors
License: Apache-2.0
 On Debian systems the whole text is in /usr/share/common-licenses/Apache-2.0
END
	gzip -9nc <<END | put_text 644 "usr/share/doc/$name/changelog.gz"
rtsec ($version) unstable; urgency=medium

  * See CHANGELOG.md.gz beside this file.

 -- $maintainer  $(date -R -u -d "@$(stat -c %Y ../CHANGELOG.md)")
END
	gzip -9nc ../CHANGELOG.md | put_text 644 "usr/share/doc/$name/CHANGELOG.md.gz"
}

unit() { # of the package: its unit, and a conffile $1
	put 644 "systemd/$name.service" "usr/lib/systemd/system/$name.service"
	put_text 644 "etc/rtsec/$1"
	echo "/etc/rtsec/$1" >"$root/DEBIAN/conffiles"
	put 755 deb/postinst DEBIAN/postinst
	put 755 deb/prerm DEBIAN/prerm
	put 755 deb/postrm DEBIAN/postrm
	sed -i "s/@NAME@/$name/g" "$root/DEBIAN/"post* "$root/DEBIAN/prerm"
	# no debhelper makes these scripts: what it would call, they do (packaging/deb/postinst)
	printf '%s: maintainer-script-calls-systemctl\n' "$name" | put_text 644 "usr/share/lintian/overrides/$name"
}

end() {
	local depends

	depends=$(depends_of "$bin/$name")
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
 rtsec-sensor enroll --collector https://HOST:8443 --token-file FILE" 8
unit sensor.yaml <<'END'
# Settings of rtsec-sensor; man rtsec-sensor tells them all, --check-config looks at them.
# collector: tls+tcp://rtsec.example:7443   # without it, where `rtsec-sensor enroll` was answered
# label: [site=home]
END
end

begin rtsec-collector "runtime security: stores and searches what rtsec's sensors see
 Takes events from sensors by mutual TLS, stores them in a few bytes each,
 searches the fleet, runs detection rules, and serves API and page by HTTPS." 8
unit collector.yaml <<'END'
# Settings of rtsec-collector; man rtsec-collector tells them all, --check-config looks at them.
# listen: tls+tcp://0.0.0.0:7443   # sensors; without it only those of this machine
# http: 0.0.0.0:8443               # API and web page
# keep-days: 30
END
put 644 systemd/rtsec.sysusers usr/lib/sysusers.d/rtsec.conf
put 644 systemd/rtsec.tmpfiles usr/lib/tmpfiles.d/rtsec.conf
for file in ../rules/*.yml; do
	put 644 "$file" "usr/share/rtsec/rules/${file##*/}"
done
end ', systemd | systemd-standalone-sysusers | systemd-sysusers'

begin rtsecctl "runtime security: asks an rtsec collector what happened on the fleet
 Queries, live events, process trees, alerts, rules and nodes on the command
 line." 1
"$bin/rtsecctl" completion bash | put_text 644 usr/share/bash-completion/completions/rtsecctl
"$bin/rtsecctl" completion zsh | put_text 644 usr/share/zsh/vendor-completions/_rtsecctl
"$bin/rtsecctl" completion fish | put_text 644 usr/share/fish/vendor_completions.d/rtsecctl.fish
end
