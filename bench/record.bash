# shellcheck shell=bash disable=SC2034
# record.bash - for benchmarks: records what this machine does.  Sourced after stack.bash; record sets RECORD, the
# collector's folder, when the daemons are down again.

# What machines do: programs read and written, compiled, searched, fetched, listed.
act() {
	local end=$((SECONDS + $1)) i=0 dir=$T/work

	mkdir -p "$dir"
	while [ "$SECONDS" -lt "$end" ]; do
		i=$((i + 1))
		printf '#include <stdio.h>\nint main(void) { return printf("%%d", %d) > 9; }\n' "$i" >"$dir/p$i.c"
		cc -O1 -o "$dir/p$i" "$dir/p$i.c" && "$dir/p$i" >/dev/null || true
		find /usr/share/doc /etc -maxdepth 3 -type f 2>/dev/null | shuf -n 60 | xargs cat >/dev/null 2>&1 || true
		grep -rl "user$i" /etc >/dev/null 2>&1 || true
		curl -fsS -m 2 "http://127.0.0.1:$HTTP/healthz" >/dev/null || true
		bash -c 'ps aux | sort | head -3; id; date; ls -la /tmp' >/dev/null 2>&1 || true
		git log --oneline -5 >/dev/null 2>&1 || true
		rm -f "$dir/p$i" "$dir/p$i.c"
	done
}

record() { # SECONDS
	up
	act "$1"
	sleep 2 # the last batch of the sensor lingers
	down
	RECORD=$RUN
}
