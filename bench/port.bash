# shellcheck shell=bash
# port.bash - a free port of this machine, for benchmarks and end-to-end tests.  Sourced, never run.

free_port() {
	local port

	while :; do
		port=$((20000 + RANDOM % 10000))
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
	done
	echo "$port"
}
