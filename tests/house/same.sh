#!/bin/bash
# same.sh FILE COMMAND...: the committed file is what the command prints.
set -euo pipefail
file=$1
shift
if ! diff -u "$file" <("$@"); then
	echo "$file is out of date; renew it with: $* > $file"
	exit 1
fi
