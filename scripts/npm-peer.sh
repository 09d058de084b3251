#!/bin/sh
# npm-peer.sh NAME WHAT: puts what tests/peer/NAME pins by hash into build/peers/NAME, once for all who ask; no install script is run.
# Prints nothing; status 77, after saying why, where npm cannot fetch it, 1 where it is not what is pinned.
set -eu
cd "$(dirname "$0")/.."
root=$PWD peer=$PWD/build/peers/$1
command -v npm >/dev/null || { echo "npm is not here to fetch $2"; exit 77; }
mkdir -p "$peer"
code=0
(
  cd "$peer" && exec 9>.lock && flock 9 && cp "$root/tests/peer/$1"/* . || exit 1
  ! cmp -s "$root/tests/peer/$1/package-lock.json" .for || exit 0
  timeout 120 npm i --no-audit --no-fund --ignore-scripts --omit=optional --fetch-retries=0 >npm.log 2>&1 &&
    cp "$root/tests/peer/$1/package-lock.json" .for
) || code=$?
[ "$code" -ne 0 ] || exit 0
! grep -q 'code EINTEGRITY' "$peer/npm.log" || { cat "$peer/npm.log"; echo "what npm gives is not what package-lock.json pins"; exit 1; }
why=$(sed -n 's/^npm [^ ]* code //p' "$peer/npm.log" | head -n 1)
echo "npm cannot fetch $2 here: ${why:-status $code}"
exit 77
