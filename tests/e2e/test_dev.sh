#!/bin/bash
# test_dev.sh - the life of `./dev up` and `./dev down`, and their errors.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# Runs a command that must fail with exit code 1 and say what matches.
expect_error() { # NAME PATTERN COMMAND...
	local name=$1 pattern=$2 r=0

	shift 2
	"$@" >"$T/out" 2>&1 || r=$?
	if [ "$r" = 1 ] && grep -qE -e "$pattern" "$T/out"; then ok "$name"; else
		fail "$name" "exit $r: $(tail -n 3 "$T/out")"
	fi
}

given_machines_that_cannot() {
	local up=(./dev up --detach --dir "$T/never") tool

	mkdir "$T/nobody" "$T/bare" # folders for PATH: id of somebody else; no package manager
	printf '#!/bin/sh\necho 1000\n' >"$T/nobody/id"
	chmod +x "$T/nobody/id"
	for tool in bash dirname readlink id awk sed grep node npm uname tr cat stat; do
		ln -s "$(command -v "$tool")" "$T/bare/$tool"
	done
	expect_error "kernel too old is told" 'kernel 5\.7\.9-x is too old.*5\.8' \
		env RTSEC_KERNEL_RELEASE=5.7.9-x "${up[@]}"
	expect_error "no BTF is told" 'no BTF.*CONFIG_DEBUG_INFO_BTF' env RTSEC_BTF=/absent "${up[@]}"
	expect_error "not root is told" 'needs root.*sudo ./dev up' \
		env PATH="$T/nobody:$PATH" "${up[@]}"
	expect_error "an unknown package manager is told" 'package manager unknown' \
		env PATH="$T/bare" ./dev deps
	expect_error "an unknown option is told" 'unknown option --nonsense' "${up[@]}" --nonsense
	expect_error "a wrong port is told" '--http wants a port number' "${up[@]}" --http eighty
	expect "nothing was started by any of them" "$(find "$T" -path '*never*' -name '*.pid' | wc -l)" 0
}

given_a_port_that_is_taken() {
	local other

	other=$(free_port)
	expect_error "a taken web port is told with its holder" \
		"port $HTTP is taken.*rtsec-collector.*--http PORT" \
		./dev up --detach --dir "$T/second" --http "$HTTP" --port "$other"
	expect_error "a taken sensor port is told" "port $PORT is taken.*--port PORT" \
		./dev up --detach --dir "$T/second" --http "$other" --port "$PORT"
}

given_a_running_folder() {
	local collector sensor

	collector=$(cat "$T/run/collector.pid")
	sensor=$(cat "$T/run/sensor.pid")
	expect "pid file names the collector" "$(readlink "/proc/$collector/exe")" "$BIN/rtsec-collector"
	expect "pid file names the sensor" "$(readlink "/proc/$sensor/exe")" "$BIN/rtsec-sensor"
	expect "env is for its owner only" "$(stat -c %a "$T/run/env")" 600
	grep -q "http://127.0.0.1:$HTTP/#token=$RTSEC_TOKEN" "$T/up.log"
	expect "up prints the address with the token" $? 0
	expect_error "up on a running folder says so" "already running.*down --dir $T/run" dev_up
	expect_error "up with other ports says so" "already runs with --http $HTTP" \
		./dev up --detach --dir "$T/run" --http "$(free_port)"

	kill -KILL "$sensor"
	dev_up >"$T/out" 2>&1
	expect "up starts a sensor that has died" $? 0
	expect "and leaves the collector alone" "$(cat "$T/run/collector.pid")" "$collector"
	kill -KILL "$collector"
	sensor=$(cat "$T/run/sensor.pid")
	./dev up --detach --dir "$T/run" >"$T/out" 2>&1
	expect "up without ports starts a collector that has died" $? 0
	expect "and leaves the sensor alone" "$(cat "$T/run/sensor.pid")" "$sensor"
	expect "and keeps the token" "$(sed -n 's/^export RTSEC_TOKEN=//p' "$T/run/env")" "$RTSEC_TOKEN"
	# shellcheck disable=SC2317 # called by until_true
	node_is_back() { ctl nodes >/dev/null 2>&1; }
	until_true 60 node_is_back
	expect "which still opens it; the node is back" $? 0
}

given_a_stale_pid_file() {
	local sleeper

	sleep 300 &
	sleeper=$!
	./dev down --dir "$T/run" >/dev/null 2>&1
	expect "down stops" $? 0
	expect "down leaves no pid file" "$(find "$T/run" -name '*.pid' | wc -l)" 0
	echo "$sleeper" >"$T/run/sensor.pid"
	./dev down --dir "$T/run" >/dev/null 2>&1
	kill -0 "$sleeper"
	expect "down spares another program that has the pid now" $? 0
	echo "$sleeper" >"$T/run/sensor.pid"
	dev_up >"$T/out" 2>&1
	expect "up starts in spite of a stale pid file" $? 0
	kill "$sleeper"
}

given_up_in_the_foreground() {
	local dir=$T/fore pid n http port

	http=$(free_port)
	port=$(free_port)
	env --default-signal=INT setsid ./dev up --dir "$dir" --http "$http" --port "$port" >"$T/fore.log" 2>&1 &
	pid=$!
	# shellcheck disable=SC2317 # called by until_true
	events_follow() { [ "$(grep -c exec "$T/fore.log")" -ge 3 ]; }
	until_true 40 events_follow
	expect "up in the foreground follows live events" $? 0
	kill -INT -- "-$pid" # as Ctrl-C: the whole foreground group
	n=0
	wait "$pid" || n=$?
	expect "Ctrl-C ends it" "$n" 130
	expect "Ctrl-C leaves nothing behind" "$(find "$dir" -name '*.pid' | wc -l)" 0
}

start_stack
given_machines_that_cannot
given_a_port_that_is_taken
given_a_running_folder
given_a_stale_pid_file
given_up_in_the_foreground
finish
