#!/bin/sh
# smoke.sh FOLDER - all three programs on the kernel of a VM: /bin/true with three arguments is found
# by a query.  Its lines look like cmocka's, so that one counter reads all.
dir=/tmp/smoke
name=smoke_given_all_three_programs_when_true_runs_then_a_query_finds_it

attempt() { # runs up to a minute, emulation is slow
	for _ in $(seq 60); do
		if "$@"; then return 0; fi
		sleep 1
	done
	return 1
}
token_made() {
	RTSEC_TOKEN=$("$1/rtsec-collector" token create --dir $dir --name vm --role admin 2>/dev/null) &&
		[ -n "$RTSEC_TOKEN" ]
}
found() {
	/bin/true one 'two words' three
	"$1/rtsecctl" query 'process where event.action == "exec" and process.args == "two words"' \
		--since -5m --limit 1 -o ndjson >$dir/found 2>$dir/query.log
	grep -q '"args":\["/bin/true","one","two words","three"\]' $dir/found
}

mkdir -p $dir/sensor
echo "[ RUN      ] $name"
export RTSEC_URL=http://127.0.0.1:8443 RTSEC_TOKEN=
"$1/rtsec-collector" --dir $dir --listen tcp://127.0.0.1:7443 --http 127.0.0.1:8443 --http-plain \
	>$dir/collector.log 2>&1 &
attempt token_made "$1"
export RTSEC_TOKEN
"$1/rtsec-sensor" --collector tcp://127.0.0.1:7443 --state $dir/sensor >$dir/sensor.log 2>&1 &
if attempt found "$1"; then
	cat $dir/found
	echo "[       OK ] $name"
	exit 0
fi
tail -n 20 $dir/*.log
cat $dir/found
echo "[  FAILED  ] $name"
exit 1
