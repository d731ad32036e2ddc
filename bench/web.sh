#!/bin/bash
# web.sh - the page in Chromium on a collector with a day of six nodes and HITS (1,000,000) more events:
# how soon the first rows are there, and frames a second, of Chromium's own tracing, while a list of all
# of them, 200 lanes and a tree of 5,000 processes are scrolled and zoomed.  Needs node and chromium.
set -euo pipefail
: "${RTSEC_BIN:?the folder of the programs}"
cd "$(dirname "$0")/.."
cmake --preset dev >/dev/null
cmake --build build/dev --target web_fleet >/dev/null # fills the store; release builds have no tools of tests
RTSEC_FLEET=$PWD/build/dev/tests/fleet node tests/web/bench.mjs --bin "$RTSEC_BIN" --hits "${HITS:-1000000}"
