#!/bin/bash
# run.sh [fast|full|ROUNDS [SEED]] - random faults over a fleet under steady load; after each round every event
# that a sensor read is stored once, or told in a gap; each database is sound; nobody helped.
#
# fast: 8 rounds, full: 12; `./dev test --faults` runs 200.  The same SEED plays the same faults in the same order.
# KERNEL=no: sensors without eBPF (rig.sh).  FAULTS=a,b: only these.  WRITE=FILE: puts the table of the run between the
# marks of FILE.  KEEP=DIR: what a run that failed leaves.  What runs is a copy: sources and programs may change meanwhile.
# shellcheck disable=SC2317,SC2154 source=tests/e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh"
# shellcheck source=tests/faults/rig.sh
. tests/faults/rig.sh

case $SCALE in
fast) rounds=8 ;;
full) rounds=12 ;;
*) rounds=$SCALE ;;
esac
SEED=${2:-${SEED:-$((RANDOM * 32768 + RANDOM))}}
RESULTS=$T/rounds.tsv
echo "seed: $SEED   (again: bash tests/faults/run.sh $rounds $SEED)"
RANDOM=$((SEED % 32768))

among() { # FROM TO: sets $some
	some=$(($1 + RANDOM % ($2 - $1 + 1)))
}
any_node() { node=${NODES[RANDOM % 3]}; } # sets $node
pause() { # LEAST MOST, in tenths of a second
	among "$1" "$2"
	sleep "$((some / 10)).$((some % 10))"
}

# The collector is away for the sensors while COMMAND runs.
without_collector() {
	end collector KILL
	"$@"
	start collector
}

# The kill point is reached; PUSH, if there is one, brings about what is to be killed in.
until_dead() { # NAME [PUSH]
	local end=$((SECONDS + 150))

	until dead "$1"; do
		[ "$SECONDS" -lt "$end" ] || {
			why="the point to kill at was not reached"
			break
		}
		"${@:2}"
		sleep 0.1
	done
	calm "$1"
}

# ------------------------------------------------------------------------------ faults

fault_collector_killed() {
	pause 0 10
	end collector KILL
	pause 0 20
}

fault_sensor_killed() {
	any_node
	pause 0 10
	end "$node" KILL
}

fault_both_killed() {
	any_node
	end collector KILL
	pause 0 25
	end "$node" KILL
}

fault_sensor_stopped_while_collector_is_away() {
	stop_both() {
		any_node
		pause 5 30
		end "$node" TERM
		start "$node"
		pause 0 5
	}
	without_collector stop_both
}

fault_link_down() {
	any_node
	ip -n "$N-$node" link set eth0 down
	pause 10 40
	ip -n "$N-$node" link set eth0 up
}

# Packets vanish both ways, nobody is told; every second time the collector is another one afterwards.
fault_half_open() {
	any_node
	ip -n "$N-hub" link set "to-$node" nomaster
	pause 10 60
	[ $((some % 2)) = 0 ] || end collector KILL
	ip -n "$N-hub" link set "to-$node" master bridge
}

fault_slow_link() {
	any_node
	in_node "$node" tc qdisc add dev eth0 root tbf rate 64kbit burst 8kb latency 2s
	pause 20 40
	in_node "$node" tc qdisc del dev eth0 root
}

fault_resets() {
	local i

	any_node
	for i in 1 2 3 4 5; do
		in_node "$node" ss -K dport = ":$PORT" >/dev/null 2>&1
		pause 1 6
	done
}

fault_collector_disk_full() {
	plan collector 0 fail write 1000 28 '*'
	pause 10 25
	calm collector
}

fault_sensor_disk_full() {
	full() {
		any_node
		plan "$node" 0 fail write 1000 28 '*'
		pause 25 40
		calm "$node"
	}
	without_collector full
}

fault_collector_short_writes() {
	plan collector 0 short write 500 0 '*'
	pause 10 20
	calm collector
}

fault_collector_write_errors() {
	plan collector 0 fail write 200 5 '*'
	pause 10 20
	calm collector
}

fault_collector_sync_errors() {
	plan collector 0 fail sync 500 5 '*'
	pause 10 20
	calm collector
}

fault_sensor_short_writes() {
	short() {
		any_node
		plan "$node" 0 short write 500 0 '*'
		pause 25 40
		calm "$node"
	}
	without_collector short
}

fault_sensor_write_errors() {
	errors() {
		any_node
		plan "$node" 0 fail any 300 5 '*'
		pause 25 40
		calm "$node"
	}
	without_collector errors
}

fault_killed_in_a_commit() {
	local patterns=('*.frames' 'events-*.db-wal' 'main.db-wal' '*')

	among 1 6
	plan collector 0 kill any "$some" 0 "${patterns[RANDOM % 4]}"
	until_dead collector change_main
}
# main.db is written by what its users do.
change_main() { timeout 5 ip netns exec "$N-hub" "$BIN/rtsecctl" node token create --ttl 5m >/dev/null 2>&1; }

fault_killed_in_a_spool_write() {
	in_spool() {
		any_node
		among 1 5
		plan "$node" 0 kill any "$some" 0 'spool/*'
		until_dead "$node"
	}
	without_collector in_spool
}

# Blocks wait for a minute, and for an hour when they are few: the clock goes on by more than that, and once
# more when nothing was to be merged yet.
fault_killed_in_a_merge() {
	local how=kill next=0

	[ $((RANDOM % 2)) = 0 ] || how=cut
	among 1 2
	merge_now() {
		[ "$SECONDS" -ge "$next" ] || return 0
		next=$((SECONDS + 10)) ahead=$((ahead + 3720))
		plan collector "$ahead" "$how" any "$some" 0 '*.merged'
	}
	until_dead collector merge_now
}
ahead=0 # how far the collector's clock was, for a merge, at most

# An old folder, or none, is made new; killed at any call, it comes to the same in the end.
fault_killed_in_a_migration() {
	local dir=$T/old at p made

	rm -rf "$dir" "$dir.graves"
	mkdir -m 700 "$dir"
	calm old
	made=$(sqlite3 -readonly "$T/collector/main.db" 'PRAGMA user_version')
	among 0 $((made - 1))
	for at in $(printf '%s\n' "$COPY"/migrations/*.sql | sort | head -n "$some"); do
		sqlite3 "$dir/main.db" ".read $at" >/dev/null
	done
	[ "$some" = 0 ] || sqlite3 "$dir/main.db" "PRAGMA journal_mode = wal; PRAGMA user_version = $some" >/dev/null
	old() {
		(layered old ip netns exec "$N-hub" "$BIN/rtsec-collector" --dir "$dir" --listen \
			ipc://"$dir"/socket --http 127.0.0.1:8444 --http-plain) >>"$T/old.log" 2>&1 &
		pid[old]=$!
	}
	for _ in 1 2 3; do
		among 1 60
		plan old 0 "$([ $((RANDOM % 2)) = 0 ] && echo kill || echo cut)" any "$some" 0 '*'
		old
		old_serves() { dead old || in_node hub curl -fsS -o /dev/null http://127.0.0.1:8444/healthz 2>/dev/null; }
		until_true 60 old_serves
		end old KILL
	done
	calm old
	old
	comes_up() { in_node hub curl -fsS -o /dev/null http://127.0.0.1:8444/healthz 2>/dev/null; }
	until_true 60 comes_up || why="a collector killed in a migration does not start: $(tail -n 2 "$T/old.log")"
	end old TERM
	p=$(sqlite3 -readonly "$dir/main.db" 'PRAGMA user_version')
	[ "$p" = "$made" ] || why="a migration stopped at $p of $made"
	sound "$dir" || why="a migration harmed a database"
	unset "pid[old]"
}

fault_clock_of_the_collector() {
	local way=-3600

	[ $((RANDOM % 2)) = 0 ] || way=3600
	plan collector "$way" none any 0 0 '*'
	pause 10 20
	[ $((RANDOM % 2)) = 0 ] || end collector KILL
	pause 0 10
	calm collector
}

fault_clock_of_a_sensor() {
	local way=3600

	any_node
	[ $((RANDOM % 2)) = 0 ] || way=-3600
	plan "$node" "$way" none any 0 0 '*'
	pause 10 20
	calm "$node"
}

fault_power_cut_of_the_collector() {
	among 1 25
	plan collector 0 cut any "$some" 0 '*'
	until_dead collector
}

fault_power_cut_of_a_sensor() {
	cut() {
		any_node
		among 1 8
		plan "$node" 0 cut any "$some" 0 'spool/*'
		until_dead "$node"
	}
	without_collector cut
}

# ------------------------------------------------------------------------------- rounds

faults=$(compgen -A function fault_ | sed 's/^fault_//')
[ -z "${FAULTS:-}" ] || faults=${FAULTS//,/ }
bag=()

# Each fault once, in a random order, before any comes again.
draw() { # sets $fault
	local i f

	if [ ${#bag[@]} = 0 ]; then
		for f in $faults; do
			bag+=("$f")
		done
		for ((i = ${#bag[@]} - 1; i > 0; i--)); do
			among 0 "$i"
			f=${bag[i]} bag[i]=${bag[some]} bag[some]=$f
		done
	fi
	fault=${bag[-1]}
	unset 'bag[-1]'
}

# Sets $sums: stored told untold doubled of the round, and $why when something is wrong.
settle() {
	local n s=0 t=0 u=0 d=0

	until_true 60 serves || why="the collector does not answer: $(tail -n 3 "$T/collector.log")"
	for n in "${NODES[@]}"; do
		sees "$n" "$1" 60 || why="what happens on $n is not stored: $(tail -n 3 "$T/$n.log")"
		until_true 40 accounted "$n" ||
			why="accounts of $n: events ${events:-?}, doubled ${doubled:-?}, untold ${untold:-?}"
		s=$((s + ${stored:-0})) t=$((t + ${told:-0})) u=$((u + ${untold:-0})) d=$((d + ${doubled:-0}))
		base[$n]=${last:-${base[$n]}}
	done
	sound "$T/collector" || why="a database is not sound"
	sums="$s	$t	$u	$d"
}

play() { # ROUND
	local start=$SECONDS

	draw
	why=''
	"fault_$fault"
	keep_up
	settle "$1"
	printf '%s\t%s\n' "$fault" "$sums" >>"$RESULTS"
	if [ -z "$why" ]; then
		ok "round $1: ${fault//_/ } ($((SECONDS - start)) s)"
	else
		fail "round $1: ${fault//_/ }" "$why"
	fi
}

table() {
	echo '| fault | rounds | numbered events stored | made while no sensor lived, or told lost | lost untold | doubled |'
	echo '|---|---|---|---|---|---|'
	awk -F'\t' '{ n[$1]++; s[$1] += $2; t[$1] += $3; u[$1] += $4; d[$1] += $5 }
		END { for (f in n) { name = f; gsub("_", " ", name)
			printf "| %s | %d | %d | %d | %d | %d |\n", name, n[f], s[f], t[f], u[f], d[f] } }' "$RESULTS" | sort
	awk -F'\t' '{ n++; s += $2; t += $3; u += $4; d += $5 }
		END { printf "| **all** | %d | %d | %d | %d | %d |\n", n, s, t, u, d }' "$RESULTS"
}

# What ran, how it ended, and the table.
account_of_the_run() {
	local how="./dev test --faults $rounds $SEED"

	[ "$KERNEL" = yes ] || how="KERNEL=no $how"
	echo "\`$how\`, $(date -u +%F), $((SECONDS / 60)) min: $n_passed cases passed, $n_failed failed."
	echo
	table
}

# Puts it between the marks of such a run in FILE.
write_account() { # FILE
	account_of_the_run >"$T/account"
	awk -v account="$T/account" -v begin="<!-- rounds, kernel: $KERNEL -->" '
		$0 == "<!-- end of rounds -->" { inside = 0 }
		!inside { print }
		$0 == begin {
			inside = 1
			while ((getline line < account) > 0)
				print line
		}' "$1" >"$T/page" && cat "$T/page" >"$1"
}

# What the incremental accounts cannot see: something old that came a second time.
whole_accounts() {
	local n

	for n in "${NODES[@]}"; do
		base[$n]=$FIRST
		if until_true 120 accounted "$n"; then
			ok "all of $n: $events events, none doubled, none lost untold"
		else
			fail "all of $n" "doubled ${doubled:-?}, untold ${untold:-?}"
		fi
	done
}

alarms() { # NODE REASON
	ctl query --since -6h -o ndjson --node "$1" "rtsec where rtsec.alarm.reason == \"$2\" and
		rtsec.alarm.state == \"raised\"" 2>/dev/null
}

# A copy of a's state at work beside it: an alarm that rules can match, with both addresses.
given_a_clone() {
	local got

	cp -a "$T/a" "$T/clone"
	calm clone
	start_sensor clone a b
	duplicated() { [ -n "$(alarms a duplicated)" ]; }
	until_true 60 duplicated
	got=$(alarms a duplicated | jq -r '.rtsec.alarm.addresses[]' | sed 's/:[0-9]*$//' | sort | tr '\n' ' ')
	expect "a cloned sensor: an alarm names both addresses" "$got" "10.78.0.1 10.78.0.2 "
	expect "a cloned sensor: its state in nodes" \
		"$(ctl nodes -o json | jq -r '.nodes[] | select(.id == "a") | .state')" duplicated
	end clone TERM
}

# The clock of a's machine goes to where a third of the certificate's time is left: it gets the next one, and
# dials with it; all that was before is as it was.
given_a_certificate_that_is_to_be_renewed() {
	local before

	before=$(sha256sum <"$T/a/tls/node.pem")
	end a TERM
	plan a $((25 * 86400)) none any 0 0 '*'
	start a
	renewed() { grep -q identity.renewed "$T/a.log"; }
	until_true 40 renewed
	calm a
	if [ "$(sha256sum <"$T/a/tls/node.pem")" != "$before" ]; then
		ok "a certificate near its end is renewed"
	else
		fail "a certificate near its end is renewed" "$(tail -n 3 "$T/a.log")"
	fi
	if sees a renewed 60; then ok "events come with the new certificate"; else fail "events come with the new certificate" none; fi
}

given_somebody_who_looks_into_the_state() {
	in_node c cat "$T/c/seq" >/dev/null
	told_of_it() { [ -n "$(alarms c state_opened)" ]; }
	until_true 30 told_of_it
	expect "somebody opens the sensor's state: an alarm names him" \
		"$(alarms c state_opened | jq -r '[.process.name, .file.path] | join(" ")' | head -n 1)" "cat $T/c/seq"
	in_node c head -c 0 "/proc/${pid[c]}/mem" >/dev/null
	told_of_it() { [ -n "$(alarms c ring_opened)" ]; }
	until_true 30 told_of_it
	expect "somebody opens the sensor's memory: an alarm names him" \
		"$(alarms c ring_opened | jq -r .process.name | head -n 1)" head
}

given_a_sensor_that_stops() {
	end b TERM
	stopped() { [ -n "$(alarms b stopped)" ]; }
	until_true 60 stopped
	expect "a sensor that stops: its state in nodes" \
		"$(ctl nodes -o json | jq -r '.nodes[] | select(.id == "b") | .state')" stopped
}

# A batch of b between others that no gap tells of, as DATABASE ID, by what the store's own index says.
# shellcheck disable=SC2317 # called by until_true
find_batch() {
	local db

	ctl query --all --since -6h -o csv --node b --fields rtsec.gap.first_sequence,rtsec.gap.last_sequence \
		'rtsec where rtsec.gap.first_sequence > 0' 2>/dev/null >"$T/gaps"
	batch=$(for db in "$T/collector"/events-*.db; do
		sqlite3 -readonly -separator , "$db" "PRAGMA busy_timeout = 20000; SELECT first_seq, last_seq, '$db', block.id
			FROM block JOIN source ON source.id = source WHERE node_id = 'b' AND n_events > 1"
	done 2>/dev/null | LC_ALL=C sort -t, -k1,1n | awk -F, -v least="$FIRST" 'FNR == NR { first[++n] = $1; last[n] = $2; next }
		$1 < least { next }
		{ told = 0; for (i = 1; i <= n; i++) if (first[i] <= $2 && last[i] >= $1) told = 1 }
		!told { found[++m] = $3 " " $4 }
		END { if (m > 2) print found[int((m + 1) / 2)] }' "$T/gaps" -)
	[ -n "$batch" ]
}

# The accounts can fail: a batch that is taken out of the store is noticed.
given_a_loss_that_nobody_tells() {
	local db id

	base[b]=$FIRST
	until_true 60 accounted b || fail "before a batch is taken out all of b is there" "untold ${untold:-?}"
	if ! until_true 60 find_batch; then
		fail "there is a batch to take out" "none"
		return
	fi
	read -r db id <<<"$batch"
	end collector TERM
	sqlite3 "$db" "DELETE FROM filter WHERE id = $id; DELETE FROM block WHERE id = $id"
	start collector
	until_true 60 serves
	if accounted b; then fail "a batch that is lost is noticed" "all seems to be there"; fi
	if [ "${untold:-0}" -gt 0 ]; then ok "a batch that is lost is noticed: $untold untold"; else fail "a batch that is lost is noticed" "events ${events:-?}, untold ${untold:-?}"; fi
}

finish_here() {
	clean_up
	[ "$n_failed" = 0 ] || {
		tail -n 15 "$T"/*.log
		[ -z "${KEEP:-}" ] || cp -a "$T" "$KEEP"
	}
	rm -rf "$T"/*.graves
	finish
}
trap 'fail "the script ends" "it broke off"; finish_here' EXIT

# A function, so that this file is read to its end before anything runs.
main() {
	take_copy
	start_fleet || finish_here
	for ((round = 1; round <= rounds; round++)); do play "$round"; done
	whole_accounts
	given_a_certificate_that_is_to_be_renewed
	[ "$KERNEL" = no ] || given_somebody_who_looks_into_the_state
	given_a_sensor_that_stops
	given_a_clone
	given_a_loss_that_nobody_tells
	account_of_the_run
	[ -z "${WRITE:-}" ] || write_account "$WRITE"
	finish_here
}
main
