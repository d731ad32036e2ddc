#!/bin/bash
# layers.sh ROOT: keeps the layer table of docs/ARCHITECTURE.md.  Each line below names files and
# what of ours, or of which library, they may include; everything else of that sort is a breach.
set -euo pipefail
shopt -s nullglob
cd "$1"
failed=0

breach() {
	echo "$1:$2"
	failed=1
}

# Our own headers: files of a folder include only these folders.  A generated header counts for the
# folder it is made in.
declare -A may_include=(
	[lib]='lib proto'
	[bpf]='bpf'
	[sensor]='lib proto bpf sensor'
	[collector]='lib proto web collector'
	[ctl]='lib proto ctl'
	[web]='lib web'
)

# Foreign headers: PATTERN of the include, then the only files that may use it.  One library is
# touched in one place, so that its dialect of errors ends there.
foreign='
nng/           sensor/uplink* collector/ingest* lib/nng_end*
sqlite3\.h     collector/store* collector/maindb* collector/migrate* collector/sql* collector/rulebook* collector/alertbook* collector/flowdb* collector/facts*
microhttpd\.h  collector/http* collector/request*
gnutls/        collector/http_tls*
bpf/libbpf\.h  sensor/probe* sensor/ring* sensor/consum*
bpf/bpf\.h     sensor/probe* sensor/ring* sensor/consum*
uv\.h          sensor/* collector/*
curl/          ctl/http* ctl/client* collector/output*
histedit\.h    ctl/shell_edit*
jansson\.h     ctl/* collector/* sensor/runtime* lib/rawjson*
zstd\.h        lib/frame*
libfyaml\.h    lib/yaml*
pcre2\.h       lib/expr* lib/match* lib/pattern*
hs\.h          lib/expr* lib/match* lib/pattern*
mbedtls/       lib/* collector/maindb* collector/token* collector/ingest_tls* sensor/node* sensor/hash* sensor/https* collector/output*
nghttp2/       sensor/cri*
proto/cri\.pb-c\.h    sensor/cri*
proto/rtsec\.pb-c\.h  lib/batch* lib/block* sensor/ack* collector/ingest* collector/ack*
'

# "file line header" of every include in our C; quoted ones of other folders than ours do not exist.
includes=$(awk '
	/^[[:space:]]*#[[:space:]]*include[[:space:]]*["<]/ {
		kind = /include[[:space:]]*"/ ? "ours" : "foreign"
		sub(/^[^"<]*["<]/, "")
		sub(/[">].*/, "")
		print kind, FILENAME, FNR, $0
	}' /dev/null {lib,bpf,sensor,collector,ctl,web}/*.{c,h,def})
[ -n "$includes" ] || breach "$1" "0: no files found"

while read -r kind file line header; do
	folder=${file%%/*}
	if [ "$kind" = ours ] && [[ " ${may_include[$folder]} " != *" ${header%%/*} "* ]]; then
		breach "$file" "$line: $folder may include only ${may_include[$folder]}, not $header"
	fi
	if [ "$header" = lib/log.h ] && [[ $file == lib/* && $file != lib/log.c ]]; then
		breach "$file" "$line: lib never logs; whoever handles an error does"
	fi
	while read -r pattern allowed; do
		if [ -z "$pattern" ] || [[ ! $header =~ ^$pattern || $file == bpf/* ]]; then continue; fi
		for glob in $allowed ''; do
			# shellcheck disable=SC2053 # a pattern is meant
			if [[ $file == $glob ]]; then break; fi
		done
		[ -n "$glob" ] || breach "$file" "$line: $header is for $allowed only"
	done <<<"$foreign"
done <<<"$includes"

# Nothing in lib prints.
while IFS=: read -r file line text; do
	breach "$file" "$line: lib never prints: $text"
done < <(grep -nHE '\b(printf|fprintf|puts|perror|syslog|warnx?)\(' /dev/null lib/*.[ch])

# #pragma once in every header of ours.
while read -r file; do
	[ "$file" = /dev/null ] || breach "$file" "1: no #pragma once"
done < <(grep -L '^#pragma once' /dev/null {lib,sensor,collector,ctl,web,bpf}/*.h)
exit $failed
