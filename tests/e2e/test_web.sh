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
sum=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$T/browser.log")
read -r passed _ failed _ <<<"${sum/,/}"
n_passed=$((n_passed + ${passed:-0}))
n_failed=$((n_failed + ${failed:-0}))
if [ "${failed:-0}" = 0 ]; then expect "the browser test ends well" "$r" 0; fi
finish
