#!/bin/bash
# test_web.sh - the web page in a real browser, on a running collector with real events.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

start_stack
/bin/true seen in the browser
query_until 1 'process where process.args == "browser"' >/dev/null
node tests/web/browser.mjs --url "$RTSEC_URL" --token "$RTSEC_TOKEN" >"$T/browser.log" 2>&1 </dev/null
r=$?
cat "$T/browser.log"
expect "the browser test passes" "$r" 0
finish
