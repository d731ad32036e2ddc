#!/bin/bash
# flows.sh - connection events joined a second and core, and an edge found among EDGES (1,000,000;
# 10,000,000 takes some minutes and 5 GB below TMPDIR).  CONNECTIONS (400,000) are joined.
set -euo pipefail
: "${RTSEC_BIN:?the folder of the programs}"
"$RTSEC_BIN/../bench/flows" "${CONNECTIONS:-400000}" "${EDGES:-1000000}"
