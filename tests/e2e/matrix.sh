#!/bin/sh
# Two cells of "make matrix", a domain's life on a real node with faults: one on the second node, and one on anvil, another each time.
set -eu
. tests/e2e/helpers
peer node "a node of a chain"
peer ethereumjs "a second node of a chain"
"$root/build/release/tests/cf-kill" true || { echo "processes cannot be traced here"; exit 77; }
cd "$root"
CF_CELL_SECONDS=150 KILLS=1 CELLS=ethereumjs,2,drop,ends,none:0:0 PICK=${CF_CELLS:-1} JOBS=2 sh tests/matrix/matrix.sh '^anvil'
