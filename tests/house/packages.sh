#!/bin/bash
# packages.sh ROOT: every pkg-config module and library that CMakeLists.txt asks for comes from a
# package of packaging/debian-packages.  Reads the installed packages' own file lists.
set -euo pipefail
cd "$1"
failed=0

listed() { # PACKAGE
	awk '!/^#/ && NF { gsub(/\|/, "\n", $1); print $1 }' packaging/debian-packages | grep -qxF "$1"
}

modules=$(sed -n 's/^pkg_check_modules([a-z]* REQUIRED IMPORTED_TARGET \([^)]*\)).*/\1/p' CMakeLists.txt)
modules="$modules cmocka"
for module in $modules; do
	file=$(find /usr/lib /usr/share -path "*/pkgconfig/$module.pc" -print -quit)
	package=$(dpkg-query -S "$file" | sed 's/:.*//')
	if ! listed "$package"; then
		echo "$package (pkg-config $module) is missing in packaging/debian-packages"
		failed=1
	fi
done
[ -n "$modules" ] && exit $failed
