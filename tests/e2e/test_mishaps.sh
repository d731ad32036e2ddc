#!/bin/bash
# test_mishaps.sh - what people do to a fleet by mistake: each ends in an error that says what is wrong, or heals by
# itself, and nothing is lost untold.  Real programs and mutual TLS over three nodes; sensors without eBPF (no_kernel.c), but for KERNEL=yes.
# shellcheck disable=SC2317,SC2154
# What is mounted here goes with the script, however that ends.
[ "${MISHAPS_ALONE:-}" = yes ] || MISHAPS_ALONE=yes exec unshare --mount --propagation private bash "$0" "$@"
KERNEL=${KERNEL:-no}
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/faults/rig.sh
. tests/faults/rig.sh

# What happens on each node now is stored, and all since the beginning is there once or told.
all_is_well() { # NAME
	local n

	until_true 60 serves || fail "$1: the collector answers" "$(tail -n 3 "$T/collector.log")"
	for n in "${NODES[@]}"; do
		if ! sees "$n" "${1//[^a-z]/-}" 60; then
			fail "$1: what happens on $n is stored" "$(tail -n 3 "$T/$n.log")"
		elif ! until_true 60 accounted "$n"; then
			fail "$1: accounts of $n" "events ${events:-?}, doubled ${doubled:-?}, untold ${untold:-?}"
		else
			ok "$1: all of $n is there once or told"
		fi
	done
	if sound "$T/collector"; then ok "$1: every database is sound"; else fail "$1: every database is sound" "see above"; fi
}

says() { # NAME PATTERN: in its log, since $mark_line
	tail -n "+$mark_line" "$T/$1.log" | grep -qE "$2"
}
mark_log() { mark_line=$(($(wc -l <"$T/$1.log") + 1)); }
expect_says() { # WHAT NAME PATTERN
	if until_true 60 says "$2" "$3"; then ok "$1"; else fail "$1" "$2 does not say '$3': $(tail -n 5 "$T/$2.log")"; fi
}

# The daemons run with an umask of 0, and what must not be read by others is not.
given_secrets_on_a_machine_of_many_users() {
	local n

	expect "an open umask: files that others may read" "$(find "$T/collector" "$T/a" "$T/b" "$T/c" -type f -perm /077 -printf '%f\n' |
		sort -u | tr '\n' ' ')" "api ca.pem collector collector.pem "
	expect "an open umask: keys" "$(stat -c %a "$T/collector/tls/ca.key" "$T/collector/tls/collector.key" "$T/a/tls/node.pem" |
		sort -u)" 600
	expect "an open umask: folders" "$(stat -c %a "$T/collector" "$T/collector/tls" "$T/a" "$T/a/tls" | sort -u)" 700
	for n in collector a; do
		expect "memory of $n: none of it in a core dump" \
			"$(cat "/proc/${pid[$n]}/coredump_filter") $(awk '/core file/ { print $5, $6 }' "/proc/${pid[$n]}/limits")" "00000000 0 0"
		expect "memory of $n: only root may look at it" "$(stat -c %U "/proc/${pid[$n]}/mem") $(stat -c %a "/proc/${pid[$n]}/mem")" "root 600"
	done
}

given_a_node_that_is_renamed() {
	end b TERM
	NODE_NAME=other-name start b
	all_is_well "a node that is renamed"
	expect "a node that is renamed: it is one node" \
		"$(ctl nodes -o json | jq -r '[.nodes[] | select(.id == "b") | .name] | join(" ")')" other-name
	if [ "$(ctl query --since -6h -o json --count --node other-name 'any where true' | jq .count)" -gt 0 ]; then
		ok "a node that is renamed: found by its new name"
	else
		fail "a node that is renamed: found by its new name" "no events"
	fi
	end b TERM
	start b
}

# A state folder on another machine, or another name for this one: the certificate is of the node it was made for.
given_a_state_folder_of_another_node() {
	cp -a "$T/c" "$T/moved"
	: >"$T/moved.log"
	calm moved
	mark_log moved
	start_sensor moved d c
	if until_true 60 dead moved; then ok "a state folder of another node: the sensor ends"; else fail "a state folder of another node: the sensor ends" "it runs"; fi
	expect_says "a state folder of another node: it says why" moved 'is of the node c, and this is d: enroll'
	unset "pid[moved]"
}

given_a_clock_that_is_set_back_by_days() {
	plan collector -259200 none any 0 0 '*'
	sleep 2
	end collector KILL
	start collector
	sleep 4
	calm collector
	all_is_well "a clock that is set back by days"
}

given_files_of_the_day_that_somebody_removes() {
	mark_log collector
	rm -f "$T/collector"/events-*.db
	expect_says "an index that is removed: told" collector store.index_gone
	all_is_well "an index that is removed"
}

given_a_second_collector_on_the_folder() {
	rm -f "$T/collector/lock"
	in_node hub "$BIN/rtsec-collector" --dir "$T/collector" --listen ipc://"$T"/second --http 127.0.0.1:8555 \
		--http-plain >"$T/second.log" 2>&1
	expect "a second collector on the folder, its lock file removed: refused" \
		"$? $(grep -c 'another collector runs in the folder' "$T/second.log")" "1 1"
}

given_a_ca_that_is_replaced() {
	local n

	end collector TERM
	mv "$T/collector/tls" "$T/tls-before"
	mark_log a
	start collector
	expect_says "a CA that is replaced: the sensor says so" a 'CA|certificate'
	for n in "${NODES[@]}"; do
		ctl node token create --ttl 5m --node "$n" >"$T/join"
		in_node "$n" "$BIN/rtsec-sensor" enroll --collector "https://$HUB:$HTTP" \
			--token-file "$T/join" --state "$T/$n" --node-id "$n" >>"$T/$n.log" 2>&1 ||
			fail "a CA that is replaced: $n enrols again" "$(tail -n 2 "$T/$n.log")"
		end "$n" TERM
		start "$n"
	done
	all_is_well "a CA that is replaced, nodes enrolled again"
}

# What came after the backup was acknowledged, and sensors do not have it any more: it is gone, as docs/operations.md says.
given_a_backup_that_is_restored() {
	local n

	end collector TERM
	cp -a "$T/collector" "$T/backup"
	start collector
	all_is_well "before a backup is restored"
	end collector KILL
	rm -rf "$T/collector"
	mv "$T/backup" "$T/collector"
	start collector
	until_true 60 serves
	for n in "${NODES[@]}"; do
		if sees "$n" restored 60; then ok "a backup that is restored: what happens on $n is stored"; else fail "a backup that is restored: what happens on $n is stored" "$(tail -n 3 "$T/$n.log")"; fi
		accounted "$n"
		expect "a backup that is restored: nothing of $n is doubled" "${doubled:-?}" 0
	done
	if sound "$T/collector"; then ok "a backup that is restored: every database is sound"; else fail "a backup that is restored: every database is sound" "see above"; fi
}

# Tails that are not read, questions under way, requests that do not end, sensors that send.
given_a_stop_of_a_busy_collector() {
	local from took i clients=()

	for i in 1 2 3 4 5 6 7 8; do
		ip netns exec "$N-hub" curl -ksN --limit-rate 10 -H "Authorization: Bearer $RTSEC_TOKEN" \
			"https://127.0.0.1:$HTTP/api/v1/tail" >/dev/null 2>&1 &
		clients+=($!)
		ip netns exec "$N-hub" curl -ks --limit-rate 10 -H "Authorization: Bearer $RTSEC_TOKEN" \
			"https://127.0.0.1:$HTTP/api/v1/search?since=2020-01-01&limit=1000&progress=true" >/dev/null 2>&1 &
		clients+=($!)
		ip netns exec "$N-hub" timeout 60 bash -c "exec 3<>/dev/tcp/127.0.0.1/$HTTP; printf half >&3; sleep 60" >/dev/null 2>&1 &
		clients+=($!)
	done
	sleep 2
	from=${EPOCHREALTIME/./}
	end collector TERM
	took=$(((${EPOCHREALTIME/./} - from) / 1000))
	kill "${clients[@]}" 2>/dev/null
	echo "a busy collector ends in $took ms"
	if [ "$took" -lt 15000 ]; then ok "a stop of a busy collector: in time"; else fail "a stop of a busy collector: in time" "$took ms"; fi
	start collector
	all_is_well "a stop of a busy collector"
}

disk_low() {
	in_node hub curl -ksS -H "Authorization: Bearer $RTSEC_TOKEN" "https://127.0.0.1:$HTTP/api/v1/status" | jq .ingest.disk_low
}
takes_no_batches() { [ "$(disk_low)" = 2 ]; }

# Not as a failing call: a file system without room.
given_a_disk_that_is_full() {
	end collector TERM
	mv "$T/collector" "$T/collector-before"
	mkdir -m 700 "$T/collector"
	mount -t tmpfs -o size=96m tmpfs "$T/collector"
	cp -a "$T/collector-before/." "$T/collector/"
	export MIN_FREE=16M # for who is started again, too
	start collector
	all_is_well "on a file system of its own"
	mark_log collector
	dd if=/dev/zero of="$T/collector/filler" bs=1M >/dev/null 2>&1
	expect_says "a full disk: the collector says so" collector 'disk.low .*batches_taken=none'
	until_true 30 takes_no_batches
	expect "a full disk: told by status" "$(disk_low)" 2
	sleep 5
	end collector KILL
	MIN_FREE=0 start collector # writes to the last byte
	sleep 5
	end collector KILL
	start collector # may end with an error that names the disk, and is started again then
	sleep 2
	rm "$T/collector/filler"
	all_is_well "a disk that was full"
	end collector TERM
	mv "$T/collector-before" "$T/gone-before"
	mkdir -m 700 "$T/collector-after"
	cp -a "$T/collector/." "$T/collector-after/"
	umount "$T/collector"
	rmdir "$T/collector"
	mv "$T/collector-after" "$T/collector"
	unset MIN_FREE
	start collector
	all_is_well "back on the first file system"
}

given_a_spool_that_is_full() {
	end b TERM
	mkdir -p "$T/b/spool"
	mount -t tmpfs -o size=1m tmpfs "$T/b/spool"
	dd if=/dev/zero of="$T/b/spool/filler" bs=64k >/dev/null 2>&1
	mark_log b
	start b
	end collector KILL
	expect_says "a full spool: the sensor says so" b 'spool.off .*No space'
	start collector
	all_is_well "a full spool"
	rm "$T/b/spool/filler"
	end b TERM
	umount "$T/b/spool"
	start b
	all_is_well "a spool that was full"
}

given_a_stop_while_the_collector_hangs() {
	local from=$EPOCHREALTIME took

	kill -STOP "${pid[collector]}"
	sleep 3
	from=${EPOCHREALTIME/./}
	end a TERM
	took=$(((${EPOCHREALTIME/./} - from) / 1000))
	kill -CONT "${pid[collector]}"
	echo "a sensor with a collector that hangs ends in $took ms"
	if [ "$took" -lt 15000 ]; then ok "a stop while the collector hangs: in time"; else fail "a stop while the collector hangs: in time" "$took ms"; fi
	all_is_well "a stop while the collector hangs"
}

finish_here() {
	clean_up
	umount "$T/collector" "$T/b/spool" 2>/dev/null
	[ "$n_failed" = 0 ] || {
		tail -n 15 "$T"/*.log
		[ -z "${KEEP:-}" ] || cp -a "$T" "$KEEP"
	}
	finish
}
trap 'fail "the script ends" "it broke off"; finish_here' EXIT

quick="secrets_on_a_machine_of_many_users a_second_collector_on_the_folder a_state_folder_of_another_node files_of_the_day_that_somebody_removes
	a_stop_while_the_collector_hangs a_stop_of_a_busy_collector"
long="a_node_that_is_renamed a_clock_that_is_set_back_by_days a_spool_that_is_full a_disk_that_is_full
	a_ca_that_is_replaced a_backup_that_is_restored"
[ "$SCALE" != fast ] || long=''
umask 0
take_copy
start_fleet || finish_here
for mishap in ${MISHAPS:-$quick $long}; do "given_$mishap"; done
finish_here
