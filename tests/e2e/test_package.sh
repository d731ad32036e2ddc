#!/bin/bash
# test_package.sh - the Debian packages are made, and installed into a folder, upgraded, removed and purged there.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

R=$T/root
dpkg_here() {
	DEBIAN_FRONTEND=noninteractive dpkg --root="$R" --force-script-chrootless --force-depends --force-confold \
		--log=/dev/null "$@" >>"$T/dpkg.log" 2>&1
}

# shellcheck disable=SC2016 # of dpkg-query
state() { dpkg-query --admindir="$R/var/lib/dpkg" -W -f '${db:Status-Status}' "$1" 2>/dev/null; }

made() {
	bash packaging/deb.sh "$T/deb" >"$T/deb.log" 2>&1 || cat "$T/deb.log"
	expect "three packages are made" "$(find "$T/deb" -name '*.deb' | wc -l)" 3
}

installed() {
	mkdir -p "$R/var/lib/dpkg/info" "$R/var/lib/dpkg/updates" "$R/etc" "$R/tmp"
	: >"$R/var/lib/dpkg/status"
	dpkg_here -i "$T"/deb/*.deb || cat "$T/dpkg.log"
	for name in rtsec-sensor rtsec-collector rtsecctl; do
		expect "$name is installed" "$(state "$name")" installed
		expect "$name runs" "$("$R/usr/bin/$name" --version | awk '{ print $1 }')" "$name"
		expect "$name names the libraries it needs" \
			"$(dpkg-deb -f "$T/deb/$name"_*.deb Depends | grep -c 'libc6')" 1
	done
	expect "the units start what is installed" "$(sed -n 's/^ExecStart=//p' "$R"/usr/lib/systemd/system/rtsec-*.service |
		while read -r program; do [ -x "$R$program" ] && echo "$program"; done | sort | tr '\n' ' ')" \
		"/usr/bin/rtsec-collector /usr/bin/rtsec-sensor "
	expect "the collector's user is made" "$(grep -c '^rtsec:' "$R/etc/passwd")" 1
	expect "the rules that a new collector begins with" \
		"$(diff -r rules "$R/usr/share/rtsec/rules" | grep -vc '^Only in rules: .*\.md$')" 0
	expect "manual pages" "$(find "$R/usr/share/man" -name '*.gz' | wc -l)" 3
	expect "nothing is for all to write" "$(find "$R/usr" "$R/etc/rtsec" -perm -o+w ! -type l | wc -l)" 0
	for name in sensor collector; do
		expect "the $name takes the settings that are installed" \
			"$("$R/usr/bin/rtsec-$name" --config "$R/etc/rtsec/$name.yaml" --check-config >/dev/null 2>&1; echo $?)" 0
		sed 's/^# \([a-z-]*: \)/\1/' "$R/etc/rtsec/$name.yaml" >"$T/$name.yaml"
		expect "the $name takes them with what is commented out" \
			"$("$R/usr/bin/rtsec-$name" --config "$T/$name.yaml" --check-config >/dev/null 2>&1; echo $?) $(grep -c '^label:\|^listen:' "$T/$name.yaml")" "0 1"
	done
}

# Every kind is seen with the unit's powers as with all those of root.
powers_of_the_unit() {
	local unit=$R/usr/lib/systemd/system/rtsec-sensor.service as_root as_unit kept

	kept=$(sed -n 's/^CapabilityBoundingSet=//p' "$unit" | tr 'A-Z ' 'a-z,' | sed 's/cap_/+/g')
	findings() { "$@" "$R/usr/bin/rtsec-sensor" doctor -o json --state "$T/state" | jq -c 'map([.check, .state])'; }
	as_root=$(findings env)
	as_unit=$(findings setpriv --no-new-privs --inh-caps=-all --bounding-set "-all,$kept")
	expect_json "doctor looks at every kind" "$as_root" 'length > 50'
	expect "doctor finds no less with the unit's powers than as root" "$as_unit" "$as_root"
}

upgraded() {
	echo 'log-level: warn' >>"$R/etc/rtsec/sensor.yaml"
	dpkg_here -i "$T"/deb/rtsec-sensor_*.deb
	expect "settings that were changed outlive an upgrade" "$(tail -n 1 "$R/etc/rtsec/sensor.yaml")" 'log-level: warn'
}

removed() {
	mkdir -p "$R/var/lib/rtsec/sensor" "$R/var/lib/rtsec/collector"
	dpkg_here -r rtsec-sensor rtsec-collector rtsecctl
	expect "removed: the programs are gone" "$(find "$R/usr/bin" -name 'rtsec*' 2>/dev/null | wc -l)" 0
	expect "removed: settings and data stay" "$(find "$R/etc/rtsec" "$R/var/lib/rtsec" -mindepth 1 | wc -l)" 4
	dpkg_here -P rtsec-sensor rtsec-collector
	expect "purged: they are gone as well" "$(cd "$R" && find . -path '*rtsec*' ! -path '*/dpkg/*' | wc -l)" 0
}

made
installed
powers_of_the_unit
upgraded
removed
[ "$n_failed" = 0 ] || cat "$T/dpkg.log"
finish
