#!/bin/bash
# references.sh ROOT BUILD: what README, CONTRIBUTING and docs/*.md refer to is there: links between pages with their
# headings, options of our programs and of ./dev, routes of the API.
set -uo pipefail
cd "$1" || exit 1
build=$2
failed=0
n=0

wrong() {
	echo "$1"
	failed=1
}

# ---- links: [text](page.md#heading) from where the page lies
slugs() { # as GitHub makes them of headings
	sed -n '/^```/,/^```/!s/^#\{1,6\} //p' "$1" | tr '[:upper:]' '[:lower:]' | sed 's/[^a-z0-9 _-]//g; s/ /-/g'
}
for page in README.md CONTRIBUTING.md docs/*.md docs/decisions/*.md bench/README.md; do
	while read -r link; do
		file=${link%%#*} heading=''
		case $link in *'#'*) heading=${link#*#} ;; esac
		target=$(dirname "$page")/$file
		[ -n "$file" ] || target=$page
		n=$((n + 1))
		[ -e "$target" ] || { wrong "$page links to $link, which is not there"; continue; }
		[ -z "$heading" ] || slugs "$target" | grep -qxF -e "$heading" || wrong "$page links to $link, which has no such heading"
	done < <(grep -oE '\]\([^) ]+\)' "$page" | sed 's/^](//; s/)$//' | grep -vE '^(https?|mailto):' | sort -u)
done

# ---- options: in `code` and in blocks
code() { # the code of a page: blocks, and what stands in backquotes outside of them
	awk '/^```/ { open = !open; next } open { print; next }
	{ while (match($0, /`[^`]+`/)) { print substr($0, RSTART + 1, RLENGTH - 2); $0 = substr($0, RSTART + RLENGTH) } }' "$1"
}
known=$(
	{
		for program in rtsecctl rtsec-sensor rtsec-collector; do
			"$build/bin/$program" --help
		done
		"$build/bin/rtsec-sensor" enroll --help
		"$build/bin/rtsec-sensor" doctor --help
		for command in $("$build/bin/rtsecctl" help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
			"$build/bin/rtsecctl" help "$command"
		done
		./dev help
		# other programs'
		echo '--preset --build --install --component --test-dir --no-install-recommends --follow --data-binary --data-urlencode --cacert --delete --now --offline'
	} 2>&1 | grep -oE -- '--[a-z][a-z-]+' | sort -u
)
for page in README.md CONTRIBUTING.md docs/*.md; do
	[ "$page" != docs/web.md ] || continue # its custom properties of CSS look alike
	while read -r option; do
		n=$((n + 1))
		grep -qxF -e "$option" <<<"$known" || wrong "$page shows $option, which no program of ours takes"
	done < <(code "$page" | grep -oE -- '(^|[ |`([])--[a-z][a-z-]+' | grep -oE -- '--.*' | sort -u)
done

# ---- routes: {anything}, capitals and examples stand for parts of a path
routes=$(grep -ohE '"/(api/v1/[^"]*|metrics|healthz)"' collector/api.c | tr -d '"' | sed -E 's/\{[^}]*\}/[^\/]+/g' | sort -u)
for page in README.md docs/*.md; do
	while read -r route; do
		n=$((n + 1))
		grep -qxE -f <(echo "$routes") <<<"$route" || wrong "$page shows $route, which is no route"
	done < <(code "$page" | grep -oE '/api/v1/[A-Za-z0-9_{}/:.=%-]*' | sed 's/[.]$//; s,/$,,' | grep -vxE '/api/v1' | sort -u)
done
# ... and each route has its place in the reference, there as `/below/{it}` behind a longer one, too
while read -r route; do
	n=$((n + 1))
	short=${route#/api/v1}
	grep -qF -e "$route" docs/api.md || grep -qF -e "\`$short" docs/api.md ||
		grep -qF -e "/${route##*/}\`" docs/api.md || grep -qF -e "…/${route##*/}" docs/api.md || wrong "docs/api.md lacks $route"
done < <(grep -ohE '"/(api/v1/[^"]*|metrics|healthz)"' collector/api.c | tr -d '"' | sort -u)
[ "$n" -gt 150 ] || wrong "only $n references found"
echo "$n references"
exit $failed
