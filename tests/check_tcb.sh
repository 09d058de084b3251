#!/bin/sh
# docs/tcb.md against the enclave that was built: the same parts, none larger than it says, none less than three quarters of it.
set -eu
cd "$(dirname "$0")/.."
[ -f build/release/bin/counterfoil-enclave ] || { echo "build/release/bin/counterfoil-enclave is not built"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sh scripts/tcb.sh >"$work/now"

awk '
  $1 == "total" && NF == 3 { print "ours|lines|" $3 }
  /^linked in/ { linked = 1; next }
  linked && NF == 3 && $3 ~ /^[0-9]+$/ { printf "%s|KiB|%d\n", $1, ($3 + 1023) / 1024 }
  /^shared libraries, which/ { shared = 1; next }
  shared && /^  / { n++ }
  /^exported/ { linked = shared = 0; print "exported symbols||" $NF }
  END { print "shared libraries||" n + 0 }' "$work/now" | sort >"$work/is"
sed -n '/^<!-- table: parts/,/^<!-- end/p' docs/tcb.md | awk -F' *[|] *' '/^\| / && $2 != "part" { print $2 "|" $4 "|" $3 }' | sort >"$work/said"

# against NAMED FILE: what is, against what is said; prints the faults.
against() {
  awk -F'|' '
    NR == FNR { said[$1 "|" $2] = $3; next }
    !(($1 "|" $2) in said) { print $1 ": " $3 " " $2 ", and not in the table"; next }
    { most = said[$1 "|" $2] + 0; seen[$1 "|" $2] = 1 }
    $3 > most { print $1 ": " $3 " " $2 ", the table says at most " most }
    most > 3 && $3 < most * 3 / 4 { print $1 ": " $3 " " $2 ", the table says " most ": too much" }
    END { for (k in said) if (!(k in seen)) { split(k, part, "|"); print part[1] ": in the table, and not there" } }' "$1" "$2"
}
against "$work/said" "$work/is" >"$work/faults"
[ ! -s "$work/faults" ] || { cat "$work/faults"; echo "docs/tcb.md is not what was built: cut, or say so there"; exit 1; }

# The comparison can fail: a library more, one grown, one gone, a shared one.
for change in '$a libz.a|KiB|1' 's/^libc.a|KiB|.*/libc.a|KiB|99999/' '/^libnettle/d' 's/^shared libraries||0/shared libraries||1/'; do
  sed "$change" "$work/is" >"$work/other"
  [ -n "$(against "$work/said" "$work/other")" ] || { echo "not found: $change"; exit 1; }
done
echo "$(wc -l <"$work/is") parts are as docs/tcb.md says"
