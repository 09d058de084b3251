#!/bin/sh
# Bugs planted in the sender: each patch of tests/sender/mutants is applied to a copy, the file that it touches is compiled, and the model
# of a chain must find it with the seed that the patch's first line names, which the sender itself passes.  Uses the archives of
# build/release.      scripts/sender-mutants.sh [NAME...]        SEARCH=n: looks through n seeds for each, and prints the first
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
lib=$top/build/release
work=${WORK:-$lib/sender-mutants}
rm -rf "$work"
mkdir -p "$work/src" "$work/obj"
cp -R "$top/src/gateway" "$work/src/"
cc="${CC:-gcc} -std=c17 -D_GNU_SOURCE -O1 -I$work/src -I$top/src -I$top/tests/sender"

compile() { $cc -c "$1" -o "$2" 2>"$work/log" || { cat "$work/log"; return 1; }; }
link() {
  $cc "$work"/obj/*.o "$work"/sim.o "$work"/model.o "$lib"/libcf_observe.a "$lib"/libcf_ledger.a "$lib"/libcf_translog.a "$lib"/libcf_document.a \
    "$lib"/libcf_codec.a "$lib"/libcf_crypto.a "$lib"/libcf_base.a -lcrypto -lsecp256k1 -lnettle -o "$work/sim" 2>"$work/log" || { cat "$work/log"; return 1; }
}
for file in "$work"/src/gateway/cf_sender*.c; do compile "$file" "$work/obj/$(basename "$file" .c).o" || exit 1; done
for name in sim model; do compile "$top/tests/sender/$name.c" "$work/$name.o" || exit 1; done
link && cp "$work/sim" "$work/whole" || exit 1

found=0 lost=0
for patch in "$top"/tests/sender/mutants/*.patch; do
  name=$(basename "$patch" .patch) why=
  case " $* " in "  " | *" $name "*) ;; *) continue ;; esac
  seed=$(sed -n '1s/^seed //p' "$patch")
  touched=$(sed -n 's|^+++ b/src/gateway/\(.*\)\.c.*|\1|p' "$patch")
  if ! patch -s -f -p1 -d "$work" --fuzz=0 <"$patch"; then why="does not apply any more"
  elif ! for one in $touched; do compile "$work/src/gateway/$one.c" "$work/obj/$one.o" || exit 1; done || ! link; then why="does not compile"
  elif [ -n "${SEARCH:-}" ]; then
    first=$("$work/sim" --seeds "$SEARCH" --first 2>&1 | grep '^seed' | head -n 1)
    echo "$name: ${first:-not found in $SEARCH seeds}"
  elif ! "$work/whole" --seed "$seed" >"$work/log"; then why="fails without it, too"
  elif timeout 60 "$work/sim" --seed "$seed" >"$work/log" 2>&1; then why="not found with seed $seed"
  else found=$((found + 1)); fi
  [ -z "$why" ] || { echo "$name: $why"; lost=$((lost + 1)); }
  rm -rf "$work/src" && mkdir "$work/src" && cp -R "$top/src/gateway" "$work/src/"
  for one in $touched; do compile "$work/src/gateway/$one.c" "$work/obj/$one.o" || exit 1; done
done
echo "sender's mutants: $found found, $lost not"
[ "$lost" = 0 ]
