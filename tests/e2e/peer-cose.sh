#!/bin/sh
# What we sign, read by others: an npm COSE library verifies every signed document of a recorded domain, of one made now, and of
# the vectors. The libraries are pinned by hash in tests/peer/cose/package-lock.json, and none of their install scripts is run.
set -eu
. tests/e2e/helpers

command -v npm >/dev/null || { echo "npm is not here to fetch the COSE peer"; exit 77; }
cp "$root"/tests/peer/cose/* .
code=0
timeout 90 npm i --no-audit --no-fund --ignore-scripts --omit=optional --fetch-retries=0 >npm.log 2>&1 || code=$?
if [ "$code" -ne 0 ]; then
  ! grep -q 'code EINTEGRITY' npm.log || { cat npm.log; die "what npm gives is not what package-lock.json pins"; }
  why=$(sed -n 's/^npm [^ ]* code //p' npm.log | head -n 1)
  echo "npm cannot fetch the COSE peer here: ${why:-status $code}"
  exit 77
fi

mkdir now
"$bin/../tests/test_audit" --record now
node check.mjs "$root/tests/vectors" "$root/tests/vectors/audit/life.tree" now/life.tree
