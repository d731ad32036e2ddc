#!/bin/bash
# man.sh NAME COMMAND...: writes the manual page of our program NAME, which COMMAND runs, made from what it says of itself
# (--help), which it makes from its tables of options and commands.  The build runs it: build/*/man/NAME.SECTION.
set -euo pipefail
name=$1
shift
program=("$@")
case $name in
rtsecctl) section=1 purpose='asks an rtsec collector what happened on the fleet' ;;
rtsec-sensor) section=8 purpose='tells a collector what processes, files and sockets of a node do' ;;
rtsec-collector) section=8 purpose="stores and searches what rtsec's sensors see" ;;
*)
	echo "man.sh: $name is none of our programs" >&2
	exit 2
	;;
esac

# Help text as roff: an option has its words and its meaning, what is indented stands as it is.
roff() {
	awk '
	function safe(s) {
		gsub(/\\/, "\\e", s)
		gsub(/-/, "\\-", s)
		sub(/^[.'\'']/, "\\\\\\&&", s)
		return s
	}
	function block(on) {
		if (on != open) print on ? ".RS\n.nf" : ".fi\n.RE"
		open = on
	}
	/^ +(-[a-zA-Z], +)?--[a-z]/ {
		block(0)
		sub(/^ +/, "")
		at = match($0, /  +[^ -]/)
		spec = at ? substr($0, 1, at - 1) : $0
		if (at && spec ~ /^--[a-z-]+$/ && match(substr($0, at), /^ +[A-Z:]+ +/)) {
			words = substr($0, at, RLENGTH) # the value stands in a column of its own
			at += RLENGTH - 1
			gsub(/ /, "", words)
			spec = spec " " words
		}
		print ".TP\n.B " safe(spec)
		if (at) { meaning = substr($0, at); sub(/^ +/, "", meaning); print safe(meaning) }
		next
	}
	/^ {16,}/ && !open { sub(/^ +/, ""); print safe($0); next }
	/^$/ { block(0); print ".PP"; next }
	/^ / { block(1); sub(/^  /, ""); print safe($0); next }
	{ block(0); print safe($0) }
	END { block(0) }'
}

echo ".\\\" made by packaging/man.sh from what $name says of itself"
echo ".TH ${name^^} $section \"\" \"$("${program[@]}" --version)\" rtsec"
printf '.SH NAME\n%s \\- %s\n.SH DESCRIPTION\n' "${name//-/\\-}" "$purpose"
"${program[@]}" --help | roff
if [ "$name" = rtsecctl ]; then
	printf '.SH COMMANDS\n'
	"${program[@]}" help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' | while read -r command; do
		[ "$command" != help ] || continue
		printf '.SS %s\n' "$command"
		"${program[@]}" help "$command" | sed '1s/^usage: //' | roff
	done
fi
case $name in
rtsecctl) others='rtsec\-collector(8), rtsec\-sensor(8)' ;;
rtsec-sensor) others='rtsec\-collector(8), rtsecctl(1)' ;;
*) others='rtsec\-sensor(8), rtsecctl(1)' ;;
esac
printf '.SH SEE ALSO\n%s\n' "$others"
