#!/bin/bash
# documents.sh ROOT: what README, CONTRIBUTING and docs/ARCHITECTURE.md name exists: files in
# backquotes, tests by their function or ctest name, ARCHITECTURE keeps its 300 lines, and no two
# decisions have one number.
set -uo pipefail
cd "$1" || exit 1
failed=0
n=0

wrong() {
	echo "$1"
	failed=1
}

for document in README.md CONTRIBUTING.md docs/ARCHITECTURE.md; do
	# `folder/file.c`, `folder/file.{c,h}`, `folder/` and patterns such as `bpf/*.bpf.c`; words in
	# capitals stand for something and are no files, nor is anything under build/ and /proc.
	while read -r name; do
		n=$((n + 1))
		compgen -G "$name" >/dev/null || wrong "$document names $name, which is not there"
	done < <(grep -o '`[^` ]*`' "$document" | tr -d '`' |
		grep -E '^(bpf|sensor|proto|collector|ctl|web|migrations|lib|rules|tests|bench|packaging|docs|cmake|\.ci)/' |
		grep -vE '[A-Z]{3}|^docs/ARCHITECTURE' | sort -u)
	while read -r name; do
		n=$((n + 1))
		grep -rqw "$name" tests --include='*.c' || wrong "$document names $name, which no test is called"
	done < <(grep -oE '\btest_[a-z0-9_]+_given_[a-z0-9_]+' "$document" | sort -u)
done
[ "$n" -gt 20 ] || wrong "only $n names found in the documents"
twice=$(basename -a docs/decisions/*.md | cut -c 1-4 | uniq -d)
[ -z "$twice" ] || wrong "docs/decisions has more than one $twice"
lines=$(wc -l <docs/ARCHITECTURE.md)
[ "$lines" -le 300 ] || wrong "docs/ARCHITECTURE.md has $lines lines, at most 300"
exit $failed
