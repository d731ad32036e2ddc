#!/bin/bash
# man.sh BUILD: each program has a manual page that names all its options and commands.
set -euo pipefail
build=$1
failed=0
for page in rtsecctl.1 rtsec-sensor.8 rtsec-collector.8; do
	program=${page%.*}
	text=$(sed 's/\\-/-/g' "$build/man/$page")
	grep -q '^\.TH ' <<<"$text" || { echo "$page has no title"; failed=1; }
	words=$("$build/bin/$program" --help | grep -oE -- '--[a-z][a-z-]+' | sort -u || true)
	if [ "$program" = rtsecctl ]; then
		for command in $("$build/bin/rtsecctl" help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
			[ "$command" != help ] || continue
			grep -q "^\.SS $command\$" <<<"$text" || { echo "$page lacks $command"; failed=1; }
			words+=" $("$build/bin/rtsecctl" help "$command" | grep -oE -- '--[a-z][a-z-]+' | sort -u || true)"
		done
	fi
	[ -n "$words" ] || { echo "$program names no options"; failed=1; }
	for word in $words; do
		grep -qF -- "$word" <<<"$text" || { echo "$page lacks $word"; failed=1; }
	done
done
exit $failed
