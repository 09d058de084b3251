#!/bin/sh
# collateral fetch, list and show, and judging by what they kept, against a server that plays the makers (collateral.py).
set -eu
. tests/e2e/helpers
command -v python3 >/dev/null || { echo "python3 is not here to play the makers"; exit 77; }

touch asked
python3 -B "$root/tests/e2e/collateral.py" "$root/tests/vectors/evidence" >server.log 2>&1 &
up_pid=$! # ended by helpers, by SIGINT
for _ in $(seq 600); do
  [ ! -f port ] || break
  kill -0 "$up_pid" 2>/dev/null || { cat server.log; die "the server ended"; }
  sleep 0.1
done
url=https://127.0.0.1:$(cat port)
at=$(cat at)
asked() { wc -l <asked; }
fetch() { "$cf" collateral fetch --ca ca.pem --dir c --at "$at" --wait 0 "$@"; }

# What a quote needs, from the second of two sources; then nobody is asked again.
fetch --with quote=quote.bin --with trusted_root=root.der --source "$url/down" --source "$url/good" --json >out 2>err || { cat out err; die "not fetched"; }
[ "$(json out 'v.ok && v.items.map(i => i.outcome + " " + i.item).sort().join()')" = \
  'new intel/identity/tdx,new intel/pck-crl/platform,new intel/root-crl,new intel/tcb-info/tdx/a0b0c0d0e0f0' ] || { cat out; die "other items"; }
[ "$(json out 'v.items[0].why.length === 1 && v.items[0].why[0].includes("answered 500")')" = true ] || { cat out; die "no word of who failed"; }
before=$(asked)
fetch --with quote=quote.bin --with trusted_root=root.der --source "$url/good" | grep -c '^held ' | grep -qx 4 || die "asked again"
[ "$(asked)" -eq "$before" ] || die "somebody was asked"
fetch --with quote=quote.bin --offline >/dev/null || die "offline"
fetch intel/root-crl --fresh --with trusted_root=root.der --source "$url/good" | grep -q '^same  *intel/root-crl' || die "not the same"
[ "$(asked)" -eq $((before + 1)) ] || die "not asked"

# Judged by the folder alone, as of then; earlier, nothing was known.
"$cf" verify evidence --with quote=quote.bin --with trusted_root=root.der --collateral c --at "$at" --json >out || { cat out; die "does not verify"; }
[ "$(json out 'v.ok && v.tcb_status')" = UpToDate ] || die "another status"
expect 1 '^rejected: collateral-missing ' "$cf" verify evidence --with quote=quote.bin --with trusted_root=root.der --collateral c --at $((at - 86400 * 365))
"$cf" bundle make --with quote=quote.bin --with trusted_root=root.der --collateral c --at "$at" -o q.bundle >/dev/null || die "no bundle"
"$cf" verify bundle q.bundle >/dev/null || die "the bundle does not hold"

# What is there, and its bytes.
"$cf" collateral list --dir c --at "$at" --json >out
[ "$(json out v.items.length)" = 4 ] || { cat out; die "not four items"; }
"$cf" collateral show intel/tcb-info/tdx/a0b0c0d0e0f0 --dir c --at "$at" --part tcb_info -o got && cmp got tcb_info.json
expect 1 '^collateral: missing  amd/milan/vcek-crl$' "$cf" collateral show amd/milan/vcek-crl --dir c

# A chip's certificate tells the rest; what nobody has is named, with who was asked.
at=$(cat snp-at)
expect 3 '^collateral: missing  amd/milan/vcek-crl$' fetch --with report=report.bin --with trusted_root=ark.der --source kds="$url/good" --json
[ "$(json out 'v.items.filter(i => i.outcome !== "missing").length')" = 2 ] || { cat out; die "no VCEK and chain"; }
[ "$(json out 'v.items.find(i => i.outcome === "missing").why[0].includes("404")')" = true ] || { cat out; die "no 404"; }
"$cf" verify evidence --with report=report.bin --with trusted_root=ark.der --collateral c --at "$at" >/dev/null || die "the report does not verify"
at=$(cat at)

# Refused: another root than the maker's; a server that does not prove its name; what is no item, no source, no folder.
expect 1 '^collateral: missing  intel/identity/tdx$' "$cf" collateral fetch intel/identity/tdx --ca ca.pem --dir e --at "$at" --source "$url/good" --wait 0
grep -q 'gave chain' err || { cat err; die "no word of the root"; }
expect 3 '^collateral: missing  intel/identity/tdx$' "$cf" collateral fetch intel/identity/tdx --dir f --at "$at" --source "$url/good" --wait 0
expect 2 '^collateral fetch: usage  ' "$cf" collateral fetch intel/nothing --dir c
expect 2 '^collateral fetch: usage  ' "$cf" collateral fetch intel/root-crl --dir c --source http://127.0.0.1
expect 2 '^collateral: unreadable  nowhere$' "$cf" collateral list --dir nowhere
expect 2 '^collateral: unreadable  nowhere$' "$cf" verify evidence --with quote=quote.bin --collateral nowhere

# An altered object is found by name, and judged by nobody.
for object in c/objects/*; do
  cmp -s "$object" tcb_info.json || continue
  printf x >>"$object"
done
expect 1 'collateral' "$cf" verify evidence --with quote=quote.bin --with trusted_root=root.der --collateral c --at "$at"
grep -q 'objects/' err || { cat err; die "the object is not named"; }

# A process that ends in the middle of a question leaves no lock behind.
"$cf" collateral fetch intel/root-crl --ca ca.pem --dir g --at "$at" --with trusted_root=root.der --source "$url/slow" >/dev/null 2>&1 &
slow=$!
for _ in $(seq 600); do ! grep -q '^/slow/' asked || break; sleep 0.1; done
kill -STOP "$slow" # or its question would be over some day
expect 3 '^collateral: busy  g$' "$cf" collateral fetch intel/root-crl --ca ca.pem --dir g --at "$at" --with trusted_root=root.der --source "$url/good" --wait 0
kill -KILL "$slow"
wait "$slow" 2>/dev/null || true
"$cf" collateral fetch intel/root-crl --ca ca.pem --dir g --at "$at" --with trusted_root=root.der --source "$url/good" --wait 60 >/dev/null || die "still locked"
