#!/bin/bash
# part.sh DOCUMENT NAME COMMAND...: fails unless the part of DOCUMENT between "<!-- NAME -->" and "<!-- end -->" is
# what COMMAND writes.  With WRITE=1 it puts it there.
set -euo pipefail
document=$1 name=$2
shift 2
new=$(mktemp)
trap 'rm -f "$new" "$new.part"' EXIT
"$@" >"$new.part"
if grep -qx 'no rules at .*' "$new.part"; then
	cat "$new.part"
	exit 0
fi
awk -v name="<!-- $name -->" -v part="$new.part" '
	$0 == "<!-- end -->" { inside = 0 }
	!inside { print }
	$0 == name { inside = 1; while ((getline line < part) > 0) print line }
' "$document" >"$new"
grep -qx "<!-- $name -->" "$document" || { echo "$document has no part $name"; exit 1; }
if [ "${WRITE:-}" = 1 ]; then
	cat "$new" >"$document"
elif ! diff -u "$document" "$new"; then
	echo "$document: the part $name is out of date; WRITE=1 bash tests/house/part.sh $document $name $*"
	exit 1
fi
