#!/bin/sh
# verify evidence, as a person has it: every case of the shared vectors by the command alone, with its exit status and every member
# that is expected; then what a policy, another time and other collateral say of one of them.
set -eu
. tests/e2e/helpers

[ -d "$root/../shared/vectors" ] || { echo "the shared vectors are not beside this tree"; exit 77; }
node "$root/tests/e2e/evidence.mjs" "$cf" "$root/../shared/vectors"
