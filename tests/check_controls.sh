#!/bin/sh
# docs/controls.md against the tree: what a row points to exists, and the threat model calls upon rows that are there, and upon each.
set -eu
cd "$(dirname "$0")/.."
[ $# -eq 0 ] || cd "$1"
page=docs/controls.md model=docs/threat-model.md
faults=$(mktemp)
trap 'rm -f "$faults"' EXIT

rows() { awk -F'|' '/^\| [a-z]/ && $2 !~ /^ control $/ { print }' $page; }
rows | awk -F'|' 'NF != 7 { print $2 ": has " NF - 2 " columns, not 5" } $5 !~ /`/ || $6 !~ /`/ { print $2 ": names no code, or no test" }' >>"$faults"
rows | awk -F'|' '{ print $2 }' | sort | uniq -d | sed 's/$/: two rows/' >>"$faults"

rows | awk -F'|' '{ gsub(/ /, "", $2); n = split($5 "|" $6, part, "`"); for (i = 2; i <= n; i += 2) print $2, part[i] }' |
  while read -r control ref; do
    file=${ref%%:*} name=${ref#*:}
    [ -f "$file" ] || { echo "$control: $file is not there"; continue; }
    [ "$name" = "$ref" ] || grep -qw -- "$name" "$file" || echo "$control: nothing is called $name in $file"
    case $ref in
      tests/unit/*:*) grep -qE "(cmocka_unit_test[a-z_]*|TEST|T|X)\($name[,) ]" "$file" || grep -qE "\{ *\"[^\"]*\", *$name" "$file" ||
        echo "$control: $name is not a test that $file runs" ;;
    esac
  done >>"$faults"

grep -oE '\[[a-z-]+\]( \||$)' $model | tr -d '[] |' | sort -u | while read -r control; do
  rows | grep -q "^| $control |" || echo "$model calls upon $control, which is no row"
done >>"$faults"

# A planted bug that no longer applies plants nothing.
for patch in tests/mutants/*.patch sim/mutants/*.patch; do
  [ ! -f "$patch" ] || patch -s -f -p1 --dry-run --fuzz=0 <"$patch" >/dev/null 2>&1 || echo "$patch does not apply any more"
  case $patch in tests/*) [ ! -f "$patch" ] || rows | grep -q "^| $(basename "$patch" .patch) |" || echo "$patch is of no row" ;; esac
done >>"$faults"

[ -s "$faults" ] || { echo "$(rows | wc -l) controls point to what is there"; exit 0; }
cat "$faults"
exit 1
