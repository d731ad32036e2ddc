#!/bin/bash
# layers_self.sh LAYERS_SH: the layer test passes a clean tree and notices each kind of breach.
set -uo pipefail
layers=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

fresh() {
	rm -rf "${dir:?}"/*
	mkdir -p "$dir"/{lib,sensor,collector,ctl,web,bpf}
	printf '#pragma once\n' >"$dir/lib/a.h"
	printf '#include <stdio.h>\n#include "lib/a.h"\n' >"$dir/sensor/a.c"
}

expect() { # EXIT_CODE WHAT
	local r=0

	bash "$layers" "$dir" >"$dir/out" || r=1
	if [ "$r" != "$1" ]; then
		echo "$2: exit $r, expected $1"
		cat "$dir/out"
		failed=1
	fi
}

fresh
expect 0 "a clean tree"
fresh && echo '#include "sensor/a.h"' >"$dir/lib/b.c"
expect 1 "lib includes sensor"
fresh && echo '#include "collector/store.h"' >"$dir/ctl/b.c"
expect 1 "ctl includes collector"
fresh && echo '#include <sqlite3.h>' >"$dir/collector/api.c"
expect 1 "sqlite outside the store"
fresh && echo '  #  include <nng/nng.h>' >"$dir/sensor/main.c"
expect 1 "nng outside the uplink"
fresh && printf 'void f(void)\n{\n\tprintf("x");\n}\n' >"$dir/lib/b.c"
expect 1 "lib prints"
fresh && echo '#include "lib/log.h"' >"$dir/lib/b.c"
expect 1 "lib logs"
fresh && : >"$dir/lib/b.h"
expect 1 "a header without #pragma once"
rm -rf "${dir:?}"/*
expect 1 "an empty tree"
exit $failed
