#!/bin/sh
# What we sign, read by others: an npm COSE library verifies every signed document of a recorded domain, of one made now, and of
# the vectors. The libraries are pinned by hash in tests/peer/cose/package-lock.json, and none of their install scripts is run.
set -eu
. tests/e2e/helpers

peer cose "the COSE peer"

mkdir now
"$bin/../tests/test_audit" --record now
node "$peer/check.mjs" "$root/tests/vectors" "$root/tests/vectors/audit/life.tree" now/life.tree
