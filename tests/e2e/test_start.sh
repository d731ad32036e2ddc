#!/bin/bash
# test_start.sh - docs/start.md, as printed: its blocks of shell are run in order, as somebody does who reads it for the first time.
# What asks is asked again until there is an answer, as that somebody would; all else must work at once.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

HTTP=$(free_port)
PORT=$(free_port)
N=rtsecs$$

# The lines of the page's blocks of sh, with this test's folder, ports and network; what asks is tried until it is answered.
lines() {
	sed -n '/^```sh$/,/^```$/p' docs/start.md | grep -v '^```' | sed \
		-e 's/\bsudo //g' \
		-e "s|\./dev up --detach|./dev up --detach --dir $T/run --http $HTTP --port $PORT|" \
		-e "s|\./dev down|./dev down --dir $T/run|" \
		-e "s|\.dev/|$T/run/|g" \
		-e "s|first\.yml|$T/first.yml|" \
		-e "s|\$PWD/build/release/bin|$BIN|" \
		-e "s|netns add web-1|netns add $N|; s|netns web-1|netns $N|; s|-n web-1|-n $N|; s|netns exec web-1|netns exec $N|; s|netns del web-1|netns del $N|; s|/run/netns/web-1|/run/netns/$N|" \
		-e "s|veth-web|v$$|g" \
		-e 's/^rtsecctl status$/& || true/' \
		-e 's/^rtsecctl tree/WANT="\\[.id.\\]" &/' \
		-e 's/^\(WANT=[^ ]* \)\?\(rtsecctl \(query\|tail\|alerts\|incidents\|edges\|tree\|nodes\|rules backtest\)\>.*\)/\1asks \2/'
}

cat >"$T/script" <<'END'
set -euo pipefail
asks() { # until it is answered: 4 is an answer too
	local end=$((SECONDS + 60)) r

	while :; do
		r=0
		"$@" >"$0.out" 2>&1 || r=$?
		if [ $r = 0 ] || [ $r = 4 ]; then
			if grep -q -e "${WANT:-}" "$0.out"; then cat "$0.out"; return 0; fi
		fi
		[ "$SECONDS" -lt "$end" ] || { cat "$0.out"; echo "no answer in 60 s: $*"; return 1; }
		sleep 0.3
	done
}
trap 'echo "failed at: $BASH_COMMAND"' ERR
END
echo "trap 'kill \$(jobs -p) 2>/dev/null || true; ip netns del $N 2>/dev/null || true' EXIT" >>"$T/script"
lines >>"$T/script"

(while :; do /bin/true; sleep 0.2; done) & # somebody works on this machine
busy=$!
bash "$T/script" >"$T/out" 2>&1
expect "every block of docs/start.md works as printed" "$?: $(grep -E 'failed at|no answer' "$T/out")" "0: "
kill "$busy"
for word in '1 tests, 0 failed' '"id":"shadow-file-read"' '"id":"archive-of-etc"' '"name":"web-1"' \
	'"parent_entity_id".*"args":\["id"\]'; do
	expect "the output has $word" "$(grep -c -e "$word" "$T/out" | sed 's/[1-9][0-9]*/some/')" some
done
[ "$n_failed" = 0 ] || tail -n 60 "$T/out"
finish
