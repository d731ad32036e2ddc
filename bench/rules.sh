#!/bin/bash
# rules.sh - CPU time an event of 0, 100, 1,000 and 5,000 rules on activity of this machine, recorded for
# SECONDS_OF (20), or on the store RECORD.  RUNS (5) passes.  Run by ./dev bench rules.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=bench/stack.bash
. bench/stack.bash
# shellcheck source=bench/record.bash
. bench/record.bash

[ -n "${RECORD:-}" ] || record "${SECONDS_OF:-20}"
"$TOOLS/rules" "$RECORD" rules "${RUNS:-5}"
