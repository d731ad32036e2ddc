#!/bin/bash
# test_query.sh - what a person does on one machine is found, with every field that was promised:
# exec with its parent, a file through a symlink, both sides of a connection; and exit codes.
# shellcheck disable=SC2016 source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

given_true_with_three_arguments() {
	local doc

	/bin/true one two three
	doc=$(query_until 1 'process where process.args == "three" and event.action == "exec"')
	expect "exec is found once" "$(wc -l <<<"$doc")" 1
	expect_json "exec has its arguments as a list" "$doc" \
		'.process.args == ["/bin/true", "one", "two", "three"] and .process.args_count == 4'
	expect_json "exec has the executable that the kernel resolved" "$doc" \
		'.process.executable == $real and .process.name == "true"' \
		--arg real "$(readlink -f /bin/true)"
	expect_json "exec has its parent" "$doc" \
		'.process.parent.name == "bash" and .process.parent.executable == $bash
		 and .process.parent.pid == $pid' \
		--arg bash "$(readlink -f "/proc/$$/exe")" --argjson pid "$$"
	expect_json "exec has its user and group" "$doc" \
		'(.process.user // .user) as $u | $u.id == 0 and $u.name == "root"
		 and (.process.group // .group).id == 0'
	expect_json "exec has entity ids of 16 hex digits, its own and its parent's" "$doc" \
		'[.process.entity_id, .process.parent.entity_id]
		 | all(test("^[0-9a-f]{16}$")) and .[0] != .[1]'
	expect_json "exec has its working directory" "$doc" '.process.working_directory == $cwd' \
		--arg cwd "$PWD"
	expect_json "exec says which node and boot" "$doc" \
		'(.host.id | length > 0) and .host.name == $name and .host.boot.id == $boot' \
		--arg name "$(uname -n)" --arg boot "$(cat /proc/sys/kernel/random/boot_id)"
	expect_json "exec has a sequence number, kind and time" "$doc" \
		'.event.sequence > 0 and .event.action == "exec" and .event.category == "process"
		 and (."@timestamp" | startswith("20"))'
}

# A program of its own name and content: hashed after its first exec, known at its second.
given_an_executable_that_is_new_here() {
	local sha doc

	cp "$(readlink -f /bin/true)" "$T/fresh"
	echo >>"$T/fresh"
	sha=$(sha256sum "$T/fresh" | cut -d' ' -f1)
	"$T/fresh" first
	doc=$(query_until 1 'process where event.action == "executable_hashed" and process.name == "fresh"')
	expect_json "the first exec of a file is followed by its hash" "$doc" \
		'.process.hash.sha256 == $sha and .process.args[1] == "first"' --arg sha "$sha"
	"$T/fresh" second
	doc=$(query_until 1 "process where event.action == \"exec\" and process.hash.sha256 == \"$sha\"")
	expect_json "the next exec has the hash" "$doc" '.process.args[1] == "second"'
}

# A cgroup named as Docker names its own, with one process in it.
given_a_container() {
	local id root dir doc

	id=$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')
	# of the cpu controller, v1 or v2: the one that counts
	root=$(awk '$3 == "cgroup" && $4 ~ /(^|,)cpu(,|$)/ { v1 = $2 } $3 == "cgroup2" { v2 = $2 }
		END { print v1 ? v1 : v2 }' /proc/self/mounts)
	dir=$root/rtsec-e2e-$$/docker/$id
	mkdir -p "$dir"
	sh -c "echo \$\$ >$dir/cgroup.procs && exec sh -c '/bin/true inside; exit 3'"
	doc=$(query_until 1 "process where process.args == \"inside\" and container.id == \"$id\"")
	expect_json "a process in a container has its id and runtime" "$doc" \
		'.container.id == $id and .container.runtime == "docker"' --arg id "$id"
	doc=$(query_until 1 "container where event.action == \"container_started\" and container.id == \"$id\"")
	expect_json "the begin of the container is told" "$doc" '.process.comm == "sh"'
	doc=$(query_until 1 "container where event.action == \"container_stopped\" and container.id == \"$id\"")
	expect_json "the end of the container is told" "$doc" '.process.comm == "sh"'
	rmdir "$dir" "${dir%/*}" "$root/rtsec-e2e-$$"
}

given_a_failed_exec() {
	local doc

	/bin/sh -c 'exit 7'
	doc=$(query_until 1 'process where event.action == "end" and process.args == "exit 7"')
	expect_json "end has the exit code" "$doc" '.process.exit_code == 7'
}

given_a_relative_path_through_a_symlink() {
	local doc

	mkdir -p "$T/real/deep"
	echo data >"$T/real/deep/data"
	ln -s real/deep "$T/link"
	(cd "$T" && cat link/../deep/data >/dev/null)
	doc=$(query_until 1 "file where process.name == \"cat\" and file.path == \"$T/real/deep/data\"")
	expect_json "open has the real absolute path" "$doc" \
		'.file.path == $path and .file.name == "data" and .event.outcome == "success"' \
		--arg path "$T/real/deep/data"
	expect_json "open has what was asked" "$doc" '.file.open.flags | index("read") != null'
	cat "$T/absent" 2>/dev/null
	doc=$(query_until 1 "file where process.name == \"cat\" and file.path == \"$T/absent\"")
	expect_json "a failed open is told with its error" "$doc" \
		'.event.outcome == "failure" and .error.code == "ENOENT"'
}

given_a_created_renamed_and_deleted_file() {
	local doc

	sh -c "echo x >$T/before; mv $T/before $T/after; rm $T/after"
	doc=$(query_until 1 "file where event.action == \"creation\" and file.path == \"$T/before\"")
	expect_json "creation is told" "$doc" '.file.path == $p' --arg p "$T/before"
	doc=$(query_until 1 "file where event.action == \"rename\" and file.path == \"$T/after\"")
	expect_json "rename has both paths" "$doc" '.file.Ext.original.path == $p' --arg p "$T/before"
	doc=$(query_until 1 "file where event.action == \"deletion\" and file.path == \"$T/after\"")
	expect_json "deletion is told" "$doc" '.process.name == "rm"'
}

given_a_connection_on_this_host() { # -4|-6
	local pair docs

	pair=$("$TOOLS/pair" "$1")
	docs=$(query_until 2 "network where source.port == $(jq .client_port <<<"$pair") and
		destination.port == $(jq .server_port <<<"$pair") and
		event.action in (\"connection_attempted\", \"connection_accepted\")" | jq -s .)
	expect_json "both sides of a connection are told ($1)" "$docs" \
		'map(.event.action) | sort == ["connection_accepted", "connection_attempted"]'
	expect_json "both sides have both ends ($1)" "$docs" \
		'all(.source.ip == $pair.ip and .destination.ip == $pair.ip
		     and .network.transport == "tcp")' --argjson pair "$pair"
	expect_json "each side has its own process ($1)" "$docs" \
		'map({(.event.action): .process.pid}) | add
		 | .connection_attempted == $pair.client_pid and .connection_accepted == $pair.server_pid' \
		--argjson pair "$pair"
	expect_json "both sides have one community id ($1)" "$docs" \
		'map(.network.community_id) | unique | length == 1 and (.[0] | startswith("1:"))'
}

# What docs/sensor.md says is kept, and nothing else, in each of its threads.
given_its_powers() {
	local pid most=$((1 << 19 | 1 << 2)) more

	pid=$(cat "$T/run/sensor.pid")
	[ "$(printf '%s\n5.19\n' "$(uname -r)" | sort -V | head -1)" = 5.19 ] || most=$((most | 1 << 39))
	more=$(cat "/proc/$pid"/task/*/status | awk '$1 ~ /^Cap(Eff|Prm|Bnd|Amb):$/ { print "0x" $2 }' | sort -u |
		while read -r caps; do [ $((caps & ~most)) = 0 ] || echo "$caps"; done)
	expect "no thread of the sensor has more capabilities than it needs" "$more" ""
	expect "every thread of the sensor has seccomp and no_new_privs" \
		"$(cat "/proc/$pid"/task/*/status | grep -E '^(Seccomp|NoNewPrivs):' | tr -d '\t' | sort -u | tr '\n' ' ')" \
		"NoNewPrivs:1 Seccomp:2 "
}

given_a_doctor() {
	local found

	found=$("$BIN/rtsec-sensor" doctor -o json --config /dev/null --state "$T/state" \
		--collector "tcp://127.0.0.1:$PORT")
	expect "doctor is content with this machine" $? 0
	expect_json "doctor names each check and each kind's tier" "$found" \
		'(map(.check) | index("kernel") and index("btf") and index("cgroup") and index("clock"))
		 and (map(select(.check == "collector")) | first.state == "ok")
		 and (map(select(.check == "exec" or .check == "open")) | length == 2 and all(.state == "ok"))
		 and all(.found != "")'
	"$BIN/rtsec-sensor" doctor --config /dev/null --collector "tcp://127.0.0.1:$(free_port)" >"$T/doctor" 2>&1
	expect "doctor fails without a collector" $? 1
	expect "and says how to mend it" "$(grep -c 'to mend: start the collector' "$T/doctor")" 1
}

given_rtsecctl() {
	local r

	ctl query --since "$BEGIN" 'process where true' >/dev/null 2>&1
	expect "exit code 0 with hits" $? 0
	ctl query --since "$BEGIN" 'process where process.name == "no such program"' >/dev/null 2>&1
	expect "exit code 1 without hits" $? 1
	ctl query 'process where' >/dev/null 2>"$T/err"
	expect "exit code 2 for a wrong query" $? 2
	expect "a wrong query is shown with its place" "$(grep -c '1:1[34]' "$T/err")" 1
	ctl query --no-such-option >/dev/null 2>&1
	expect "exit code 2 for a wrong option" $? 2
	ctl query --url "http://127.0.0.1:$(free_port)" 'any where true' >/dev/null 2>&1
	expect "exit code 3 without a collector" $? 3
	RTSEC_TOKEN=wrong ctl query 'any where true' >/dev/null 2>&1
	expect "exit code 3 with a wrong token" $? 3
	expect "--count prints one JSON number" \
		"$(ctl query --since "$BEGIN" -o json --count 'process where event.action == "exec" and process.args == "three"' | jq -c .)" '{"count":1}'
	r=$(ctl nodes -o ndjson)
	expect_json "nodes shows this machine" "$r" '[.. | strings] | index($name) != null' \
		--arg name "$(uname -n)"
	ctl version >/dev/null
	expect "version answers" $? 0
	r=$(ctl status -o json)
	expect "status answers" $? "$(jq 'if any(.checks[]; .state == "fail") then 1 else 0 end' <<<"$r")"
	expect_json "and judges nodes, disk and rules" "$r" '[.checks[].check] | contains(["nodes", "disk", "rules"])'
	timeout 60 bash -c '"$0" tail "process where process.name == \"no such program\"" | true' \
		"$RTSEC_BIN/rtsecctl"
	expect "tail ends when its reader has gone, without an event" $? 0
	expect "sql counts what query finds" "$(ctl sql -o ndjson "SELECT count(*) AS n FROM events
		WHERE event_action = 'exec' AND process_command_line LIKE '%one two three'")" '{"n":1}'
	ctl export --since "$BEGIN" --format batches --file "$T/batches" 2>/dev/null
	"$RTSEC_BIN/rtsec-collector" import "$T/batches" --dir "$T/other" >"$T/imported"
	expect "exported batches are imported elsewhere" "$(grep -c ' 0 events were there, 0 batches refused' "$T/imported")" 1
	expect "exported batches are all there where they came from" \
		"$(ctl import "$T/batches" | grep -c '^0 batches with 0 events stored, .* 0 batches refused')" 1
	ctl export 'process.args == "three"' --since "$BEGIN" --file "$T/documents" 2>/dev/null
	"$RTSEC_BIN/rtsec-collector" import "$T/documents" --dir "$T/third" >"$T/imported"
	expect "exported documents are imported elsewhere" \
		"$(grep -c " with $(wc -l <"$T/documents") events stored, 0 events were there, 0 batches refused" "$T/imported")" 1
}

given_the_http_api() {
	local code

	for path in search tail hits fields nodes; do
		code=$(curl -s -o /dev/null -w '%{http_code}' "$RTSEC_URL/api/v1/$path")
		expect "/api/v1/$path wants a token" "$code" 401
	done
	code=$(curl -s -o /dev/null -w '%{http_code}' "$RTSEC_URL/metrics")
	expect "/metrics wants a token" "$code" 401
	code=$(curl -s -o /dev/null -w '%{http_code}' "$RTSEC_URL/healthz")
	expect "/healthz is open" "$code" 200
	code=$(curl -s -H "Authorization: Bearer $RTSEC_TOKEN" "$RTSEC_URL/api/v1/fields" |
		jq '[.. | strings] | index("process.parent.name") != null')
	expect "/api/v1/fields names the registry's fields" "$code" true
}

start_stack
given_true_with_three_arguments
given_an_executable_that_is_new_here
given_a_container
given_a_failed_exec
given_a_relative_path_through_a_symlink
given_a_created_renamed_and_deleted_file
given_a_connection_on_this_host -4
given_a_connection_on_this_host -6
given_its_powers
given_a_doctor
given_rtsecctl
given_the_http_api
finish
