#!/bin/bash
# powers.sh ROOT: the system calls that the sensor gives up, as docs/sensor.md lists them, are those of its
# table, calls[] of sensor/powers.c; so are the capabilities that it keeps.
set -euo pipefail
cd "$1"
failed=0

same() { # WHAT TABLE DOCUMENT
	diff <(sort -u <<<"$2") <(sort -u <<<"$3") | sed -n "s/^</$1 only in sensor\/powers.c:/p; s/^>/$1 only in docs\/sensor.md:/p"
	[ "$(sort -u <<<"$2")" = "$(sort -u <<<"$3")" ] || failed=1
}

table=$(sed -n '/^static const int calls\[\]/,/^};/s/.*SYS_\([a-z0-9_]*\),.*/\1/p' sensor/powers.c)
# shellcheck disable=SC2016 # backquotes of Markdown
listed=$(sed -n '/^<!-- tests\/house\/powers.sh/,/^Calls with/p' docs/sensor.md | grep -o '`[a-z0-9_]*`' | tr -d '`' | grep -vx bpf)
[ "$(wc -l <<<"$table")" -gt 40 ] || failed=1
same call "$table" "$listed"

kept=$(sed -n '/^static const uint64_t kept/p' sensor/powers.c | grep -o 'CAP_[A-Z_]*')
listed=$(sed -n '/^| kept | for |/,/^$/p' docs/sensor.md | grep -o '^| `CAP_[A-Z_]*' | tr -d '|` ')
same capability "$kept" "$listed"
exit "$failed"
