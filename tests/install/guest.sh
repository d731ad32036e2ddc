#!/bin/bash
# guest.sh STEP... - what run.sh looks at in the VM, step after step, with nothing but what a bare Debian has: no jq, no
# curl, no ps.  A step is a function below.
set -uo pipefail
export LC_ALL=C DEBIAN_FRONTEND=noninteractive NO_COLOR=1
STATE=/var/lib/rtsec
cp security.md /root/ && cd /root || exit # what outlives a boot

ok() { echo "ok   $1"; }
fail() { # NAME WHY
	echo "FAIL $1: $2"
	journalctl --no-pager -o short-monotonic -b -u 'rtsec-*' | grep -v probe.attached | tail -n 25
}
expect() { # NAME ACTUAL EXPECTED
	if [ "$2" = "$3" ]; then ok "$1"; else fail "$1" "got '$2', expected '$3'"; fi
}
holds() { # NAME COMMAND...: within two minutes, as emulation is slow
	local name=$1 end=$((SECONDS + 120))

	shift
	until "$@" >/tmp/holds 2>&1; do
		if [ "$SECONDS" -ge "$end" ]; then
			fail "$name" "not within two minutes: $(tail -n 5 /tmp/holds)"
			return 1
		fi
		sleep 0.3
	done
	ok "$name"
}
of() { systemctl show --value -p "$2" "rtsec-$1"; } # UNIT PROPERTY
is() { [ "$(of "$1" "$2")" = "$3" ]; }		     # UNIT PROPERTY VALUE
journal() { journalctl --no-pager -o cat --since "@$MARK" -u "rtsec-$1"; }
mark() { MARK=$(date +%s); }
said() { journal "$1" | grep -qE -- "$2"; } # UNIT PATTERN, since mark

found() { # QUERY; that there is a gap somewhere, too, is no matter here
	[ -n "$(rtsecctl query --since 1d --limit 1 -o ndjson "$1")" ]
}
run_marked() { # WORD: an exec that a query finds by it
	/bin/true "$1"
}
found_marked() { found "process where event.action == \"exec\" and process.args == \"$1\""; }

# ---- a collector, a node: as docs/operations.md says ----

collector_set_up() {
	expect "the collector runs: enabled by its package" "$(systemctl is-active rtsec-collector)" active
	expect "no unit has failed" "$(systemctl list-units --failed --plain --no-legend)" ""
	expect "the sensor waits to be enrolled" "$(systemctl is-enabled rtsec-sensor) $(systemctl is-active rtsec-sensor)" "disabled inactive"
	expect "the collector is its own user" "$(stat -c %U:%G "/proc/$(of collector MainPID)")" rtsec:rtsec
	echo '127.0.0.1 rtsec.example hooks.example' >>/etc/hosts
	cat >/etc/rtsec/collector.yaml <<-'END'
		listen: tls+tcp://0.0.0.0:7443      # sensors
		http: 0.0.0.0:8443                  # API and web page, HTTPS
		tls-name: [rtsec.example]           # by what name others reach this machine
		keep-days: 30
	END
	systemctl restart rtsec-collector
	rtsec-collector token create --name me --role admin >token
	cp $STATE/collector/tls/ca.pem rtsec-ca.pem
	rtsecctl context add here --url https://rtsec.example:8443 --token-file token --ca rtsec-ca.pem
	holds "rtsecctl reaches it by HTTPS under its name" rtsecctl fields
}

node_let_in() {
	mark
	systemctl start rtsec-sensor
	holds "a sensor that is not enrolled says how to do it" said sensor 'sensor.failed .*not enrolled.*rtsec-sensor enroll --help'
	expect "and is not started again and again" "$(of sensor ActiveState) $(of sensor NRestarts)" "failed 0"
	rtsecctl node token create >join
	rtsec-sensor enroll --collector https://rtsec.example:8443 --token-file join || fail "it enrols" "see above"
	systemctl enable --quiet --now rtsec-sensor
	expect "the sensor is ready" "$(of sensor ActiveState) $(of sensor SubState) $(of sensor Type)" "active running notify"
	run_marked first-event
	holds "what happens is found" found_marked first-event
	expect "status: nothing fails" "$(rtsecctl status 2>&1 | grep -c ' fail ')" 0
}

figures() {
	local name text

	for name in collector sensor; do
		text=$(systemd-analyze security --no-pager "rtsec-$name" | sed -n 's/.*Overall exposure level for .*: \([0-9.]*\) \([A-Z]*\) .*/\1 (\2/p')
		expect "docs/security.md has the figure of systemd-analyze security: $name $text" \
			"$(grep "^| rtsec-$name " security.md | grep -cF "| $text")" 1
	done
}

# ---- features, under the units' sandbox ----

sandboxed_sensor() {
	cp /bin/true /tmp/of-its-own
	/tmp/of-its-own
	holds "executables are hashed" found 'any where event.action == "executable_hashed" and process.executable == "/tmp/of-its-own"'
	mkdir -p /root/secret && cp /bin/true /root/secret/true && chmod 700 /root/secret && /root/secret/true
	holds "also those of other people's homes" found 'any where event.action == "executable_hashed" and process.executable == "/root/secret/true"'
}

OUTPUTS="outputs:
  - { name: hook, type: webhook, url: 'http://hooks.example:7001/x' }
  - { name: siem, type: syslog, url: 'tcp://hooks.example:7002' }
  - { name: file, type: ndjson, path: /var/log/rtsec/alerts.ndjson }"

receiver() { # PORT ANSWER FILE: takes connections, keeps what they say
	perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $ARGV[0], Listen => 5, ReuseAddr => 1) or die;
		while ($c = $s->accept) { sysread $c, $t, 65536; open F, ">>$ARGV[2]"; print F $t; close F; print $c $ARGV[1]; close $c if $ARGV[1]; push @k, $c }' "$@" &
}

sandboxed_collector() {
	receiver 7001 $'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n' /tmp/hook
	receiver 7002 '' /tmp/siem
	echo "$OUTPUTS" >$STATE/collector/outputs.yaml
	chown rtsec: $STATE/collector/outputs.yaml
	mark
	systemctl reload rtsec-collector
	holds "a reload takes the outputs" said collector 'collector.reloaded .*outputs'
	cat /etc/shadow >/dev/null
	holds "an alert is made" rtsecctl alerts --rule shadow-file-read
	holds "a webhook is told, by name" grep -q shadow-file-read /tmp/hook
	holds "syslog is told" grep -q shadow-file-read /tmp/siem
	holds "a file is written" grep -q shadow-file-read /var/log/rtsec/alerts.ndjson
	holds "regular expressions" found 'process where process.command_line regex ".*first-[a-z]{5}"'
	holds "SQL, with what SQLite keeps aside" rtsecctl sql "select process_name, count(*) from events group by 1 order by 2 desc limit 3"
	holds "live events" timeout 60 rtsecctl tail --limit 1
	rtsecctl export --format batches --since 1d --file day.frames && rtsecctl import day.frames
	expect "export and import" $? 0
	rtsecctl context list | grep -q here || fail "contexts" "none"
}

# ---- what systemd does with them ----

watched() {
	local name pid

	mark
	for name in collector sensor; do
		eval "${name}_was=$(of $name MainPID)"
		kill -STOP "$(of $name MainPID)"
	done
	for name in collector sensor; do
		pid=${name}_was
		begun_anew() { [ "$(of "$1" MainPID)" != "$2" ] && is "$1" ActiveState active && is "$1" NRestarts 1; }
		holds "the watchdog ends a $name that stands, and starts another" begun_anew $name "${!pid}"
	done
	run_marked after-the-watchdog
	holds "and events go on" found_marked after-the-watchdog
}

reloaded() {
	mark
	sed -i 's/^keep-days: .*/keep-days: 20/' /etc/rtsec/collector.yaml
	systemctl reload rtsec-collector rtsec-sensor
	holds "systemctl reload: the collector" said collector 'collector.reloaded .*keep-days'
	holds "systemctl reload: the sensor" said sensor 'filters.changed'
	expect "both go on" "$(of collector ActiveState) $(of sensor ActiveState)" "active active"
}

stopped() {
	local begin name

	mark
	run_marked before-the-stop
	for name in sensor collector; do
		begin=$(date +%s%3N)
		systemctl stop rtsec-$name
		expect "$name: a stop drains and ends ($(($(date +%s%3N) - begin)) ms)" "$(of $name Result) $(journal $name | grep -c "$name.stopped")" "success 1"
	done
	run_marked while-away # by nobody seen
	systemctl start rtsec-sensor
	run_marked seen-without-a-collector
	systemctl restart rtsec-sensor
	systemctl start rtsec-collector
	holds "what came before a stop is there" found_marked before-the-stop
	holds "what came without a collector is there, over a restart of the sensor" found_marked seen-without-a-collector
}

misconfigured() {
	local name

	for name in sensor collector; do
		mark
		cp -p /etc/rtsec/$name.yaml /tmp/right.yaml
		printf 'log-level: info\nring-bites: 3\n' >/etc/rtsec/$name.yaml
		systemctl restart rtsec-$name 2>/dev/null
		expect "$name: wrong settings fail the unit, once" "$(of $name ActiveState) $(of $name NRestarts) $(of $name ExecMainStatus)" "failed 0 2"
		expect "$name: the journal names file, line and column" "$(journal $name | grep -cE "/etc/rtsec/$name.yaml:2:1: .*ring-bites")" 1
		cp -p /tmp/right.yaml /etc/rtsec/$name.yaml
		systemctl start rtsec-$name
		expect "$name: mended, it starts" "$(of $name ActiveState)" active
	done
}

versions() { dpkg-query -W -f '${Version} ' rtsec-sensor rtsec-collector rtsecctl; }

upgraded() {
	local old

	old=$(versions)
	echo 'label: { site: test }' >>/etc/rtsec/sensor.yaml
	sensor_was=$(of sensor MainPID)
	apt-get install -qy /root/new/*.deb >/tmp/apt.log 2>&1 || fail "apt upgrades" "$(tail -n 5 /tmp/apt.log)"
	expect "the version is a higher one" "$(versions | sed 's/ /~old /g')" "$old"
	expect "both run anew" "$(of collector ActiveState) $(of sensor ActiveState) $([ "$(of sensor MainPID)" != "$sensor_was" ] && echo anew)" "active active anew"
	expect "settings are kept" "$(tail -n 1 /etc/rtsec/sensor.yaml)" 'label: { site: test }'
	holds "history is kept" found_marked first-event
	run_marked after-the-upgrade
	holds "and goes on" found_marked after-the-upgrade
}

# The collector is down, so this must be on the sensor's disk at the next boot.
left_behind() {
	systemctl stop rtsec-collector
	run_marked before-the-boot
}

# ---- the boots after that ----

back_again() {
	expect "no unit has failed after a boot" "$(systemctl list-units --failed --plain --no-legend)" ""
	expect "both are back after a boot" "$(systemctl is-active rtsec-collector rtsec-sensor | tr '\n' ' ')" "active active "
	holds "history is back" found_marked first-event
	holds "so is what lay in the sensor's spool" found_marked before-the-boot
	run_marked after-the-boot
	holds "events go on after a boot" found_marked after-the-boot
}

power_cut() {
	sync # what else is on this machine; the databases know themselves what they promise
	run_marked before-the-cut
	holds "stored, so that it must outlive a power cut" found_marked before-the-cut
	echo o >/proc/sysrq-trigger
	sleep 60
}

back_after_the_cut() {
	expect "no unit has failed after a power cut" "$(systemctl list-units --failed --plain --no-legend)" ""
	expect "both are back after a power cut" "$(systemctl is-active rtsec-collector rtsec-sensor | tr '\n' ' ')" "active active "
	holds "history is back after a power cut" found_marked before-the-cut
	run_marked after-the-cut
	holds "events go on after a power cut" found_marked after-the-cut
}

removed() {
	apt-get remove -qy rtsec-sensor rtsec-collector >/tmp/apt.log 2>&1 || fail "apt removes" "$(tail -n 5 /tmp/apt.log)"
	expect "removed: nothing runs" "$(find /proc -maxdepth 2 -name exe -lname '*rtsec-*' 2>/dev/null)" ""
	expect "removed: data and settings stay" "$(cd / && ls -d var/lib/rtsec/*/tls/*.key var/lib/rtsec/sensor/tls/node.pem etc/rtsec/*.yaml 2>/dev/null | wc -l)" 5
	apt-get install -qy /root/new/*.deb >/tmp/apt.log 2>&1 || fail "apt installs again" "$(tail -n 5 /tmp/apt.log)"
	expect "installed again, both run" "$(systemctl is-active rtsec-collector rtsec-sensor | tr '\n' ' ')" "active active "
	holds "with what they had" found_marked first-event
}

purged() {
	apt-get purge -qy rtsec-sensor rtsec-collector rtsecctl >/tmp/apt.log 2>&1 || fail "apt purges" "$(tail -n 5 /tmp/apt.log)"
	expect "purged: nothing is left" "$(find / -xdev -path '*rtsec*' ! -path '/proc/*' ! -path '/run/*' ! -path '/tmp/*' ! -path '/root/*' ! -path '/var/log/*')" ""
	expect "purged: no unit is left or has failed" "$(systemctl list-units --all --plain --no-legend 'rtsec*')" ""
	apt-get install -qy /root/new/*.deb >/tmp/apt.log 2>&1 || fail "apt installs anew" "$(tail -n 5 /tmp/apt.log)"
	expect "installed anew: the collector runs, the sensor waits" "$(systemctl is-active rtsec-collector rtsec-sensor | tr '\n' ' ')" "active inactive "
}

# With sudo and no -u, as people do it: nothing in the collector's folder becomes root's.
imported_by_root() {
	systemctl stop rtsec-collector
	rtsec-collector import day.frames && systemctl start rtsec-collector
	expect "import by root into a new collector" $? 0
	expect "what is in its folder is its user's" "$(find $STATE/collector ! -user rtsec)" ""
	rtsec-collector token create --name me --role admin >token
	rtsecctl context add there --url https://localhost:8443 --token-file token --ca $STATE/collector/tls/ca.pem
	rtsecctl context use there
	holds "what was imported is found" found_marked first-event
	expect "what goes wrong is an error in the journal, too" "$(journalctl --no-pager -p err -o cat -u rtsec-sensor | grep -c 'not enrolled')" 1
}

for step in "$@"; do
	"$step"
done
[ -z "$(jobs -p)" ] || kill $(jobs -p)
