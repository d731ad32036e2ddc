#!/bin/bash
# dict.sh NAME: words for the fuzz target NAME, in libFuzzer's form: the texts that stand in the sources of its parser.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
case $1 in
query | pipe | search) from=(lib/eql*.c lib/pipe*.c lib/expr_function.c lib/fields.def lib/kinds.def) ;;
sql) from=(collector/sql_*.c lib/fields.def) ;;
sigma | rule) from=(lib/sigma*.[ch] lib/sigma_fields.def lib/rule*.c lib/sample.c lib/fields.def) ;;
config) from=(lib/config*.c tests/fuzz/fuzz_config.c) ;;
filter) from=(sensor/filter*.c lib/kinds.def) ;;
outputs) from=(collector/output_*.c) ;;
http | api) from=(collector/params.h collector/api.c lib/fields.def) ;;
documents) from=(collector/document*.c lib/fields.def lib/kinds.def) ;;
procfs | users) from=(sensor/procfs.c sensor/container.c) ;;
runtime | cri | asked) from=(sensor/runtime*.c sensor/cri.c) ;;
enrol | https) from=(lib/cert*.c sensor/enrol.c sensor/https.c collector/scope.c) ;;
page) from=(ctl/events.c ctl/problem.c ctl/pages.c) ;;
*) exit 0 ;;
esac
{
	grep -hv '^#' "${from[@]}" | grep -o '"[^"\\%]\{1,40\}"'
	if [ "$1" = sql ]; then
		printf '"%s"\n' SELECT FROM WHERE GROUP BY HAVING ORDER LIMIT OFFSET UNION ALL EXCEPT INTERSECT WITH RECURSIVE AS \
			JOIN LEFT CROSS ON USING VALUES CASE WHEN THEN END CAST COLLATE LIKE GLOB BETWEEN IN EXISTS NOT NULL DISTINCT \
			OVER PARTITION ROWS PRAGMA ATTACH events nodes count sum group_concat json_each printf randomblob zeroblob
	fi
} | sort -u
