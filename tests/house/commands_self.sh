#!/bin/bash
# commands_self.sh PROGRAM: commands.c notices what is wrong, and takes what is right.
set -uo pipefail
T=$(mktemp -d /tmp/rtsec-commands.XXXXXX)
trap 'rm -rf "$T"' EXIT
failed=0

expect() { # 0|1 TEXT: found wrong or not, in a block and as `code`
	local form n

	for form in block inline; do
		for ((n = 0; n < 60; n++)); do echo '`rtsecctl nodes`'; done >"$T/page.md"
		if [ $form = block ]; then
			printf '```\n%s\n```\n' "$2" >>"$T/page.md"
		elif [[ $2 != *$'\n'* ]]; then
			printf 'see `%s`.\n' "$2" >>"$T/page.md"
		fi
		"$program" "$T/page.md" >"$T/out" 2>&1
		[ $? = "$1" ] || { echo "$form: $2: expected $1"; cat "$T/out"; failed=1; }
	done
}

program=$1
expect 0 "rtsecctl query --since 15m 'process where process.name == \"sh\"' | head"
expect 0 'rtsecctl rules enable|disable ID...'
expect 0 'eval x && rtsecctl node token create [--ttl 1h]      a join token: once'
expect 0 "rtsecctl query -p sh   # it's a comment"
expect 1 'rtsecctl qery'
expect 1 'rtsecctl query --sinse 15m'
expect 1 "rtsecctl query --since soon"
expect 1 "sudo /usr/bin/rtsecctl query 'process where process.nam == 1'"
expect 1 'rtsecctl rules explode DIR'
expect 1 "rtsecctl tail 'process where' | cat"
exit $failed
