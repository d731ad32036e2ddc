#!/bin/bash
# test_faults.sh - a few rounds of `./dev test --faults`: random faults over a fleet, nothing lost untold or doubled.
exec bash "$(dirname "$0")/../faults/run.sh" "$@"
