#!/bin/bash
# batch.sh - CPU ns and bytes an event of writing, sealing and loading batches: medians of RUNS runs.
set -euo pipefail
: "${RTSEC_BIN:?the folder of the programs}"
for ((i = 0; i < ${RUNS:-5}; i++)); do
	"$RTSEC_BIN/../bench/batch"
done | jq -sc 'def median: sort | .[length / 2 | floor];
	. as $runs | {bench: "batch", runs: length} +
	(.[0] | del(.bench) | with_entries(.key as $k | .value = ([$runs[][$k]] | median)))'
