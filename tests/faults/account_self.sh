#!/bin/bash
# account_self.sh - is account.awk able to fail?  What it must notice is put into a sound account, one thing at a time.
cd "$(dirname "$0")" || exit 1
failed=0

# Events 1..8, of which 2..7 tell numbered files; then the changes, sed commands over those lines.
account() { # CHANGES
	{
		echo 'event.sequence,event.action,file.path,rtsec.gap.first_sequence,rtsec.gap.last_sequence,message'
		echo '1,sensor,,,,start: version 1'
		for i in 2 3 4 5 6 7; do echo "$i,creation,/n/00000000$((i + 10)),,,"; done
		echo '8,sensor,,,,x'
	} | sed -E "$1" | LC_ALL=C sort -t, -k1,1n | awk -F, -v folder=/n/ -f account.awk
}

expect() { # WHAT CHANGES DOUBLED UNTOLD TOLD
	local got doubled untold told

	got=$(account "$2")
	read -r _ _ doubled untold told _ <<<"$got"
	[ "$doubled $untold $told" = "$3 $4 $5" ] || {
		echo "account.awk: $1: doubled, untold and told are '$doubled $untold $told', not '$3 $4 $5'"
		failed=1
	}
}

expect 'all is there' '' 0 0 0
expect 'an event is missing' '/^4,/d' 0 1 1
expect 'several are' '/^[456],/d' 0 3 3
expect 'a file is missing, its number taken by another event' 's/^4,.*/4,open,,,,/' 0 1 0
expect 'an event is missing and told' '/^4,/d; s/^8,.*/8,gap,,4,4,/' 0 0 1
expect 'told are too few' '/^[45],/d; s/^8,.*/8,gap,,4,4,/' 0 1 2
expect 'told by two that overlap' '/^[456],/d; s/^8,.*/8,gap,,4,5,\n9,gap,,5,6,/' 0 0 3
expect 'a number is there twice, the next is missing' 's/^5,.*/4,open,,,,/' 1 1 1
expect 'a whole event is there twice' 's/^(4,.*)/\1\n\1/' 2 0 0
expect 'a file is told twice' 's/^5,.*/5,creation,\/n\/000000014,,,/' 1 1 0
expect 'a sensor started between two files' 's/^4,.*/4,sensor,,,,start: version 1/' 0 0 1
exit "$failed"
