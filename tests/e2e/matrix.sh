#!/bin/sh
# Three cells of "make matrix", a domain's life on a real node with faults: one on the second node, and two on anvil, others each time.
set -eu
. tests/e2e/helpers
peer node "a node of a chain"
peer ethereumjs "a second node of a chain"
"$root/build/release/tests/cf-kill" true || { echo "processes cannot be traced here"; exit 77; }
cd "$root"
CELLS=ethereumjs,2,drop,ends,none:0:0 PICK=${CF_CELLS:-2} JOBS=3 sh tests/matrix/matrix.sh '^anvil'
