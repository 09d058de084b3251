#!/bin/sh
# anvil.sh prints the path of a node of a chain for the demo, Foundry's anvil, fetched once into build/peers/node (where the tests have
# it, too): pinned by hash in tests/peer/node/package-lock.json, and no install script is run. Ends with 77, and says why, where there
# is no npm or no registry.
set -eu
cd "$(dirname "$0")/.."
mkdir -p build/peers/node
cd build/peers/node
exec 9>.lock
flock 9 # who comes at the same time waits
if ! cmp -s ../../../tests/peer/node/package-lock.json .for; then
  command -v npm >/dev/null || { echo "npm is not here to fetch a node of a chain; sh scripts/deps.sh chain installs it"; exit 77; }
  cp ../../../tests/peer/node/*.json .
  code=0
  timeout 120 npm i --no-audit --no-fund --ignore-scripts --omit=optional --fetch-retries=0 >npm.log 2>&1 || code=$?
  if [ "$code" -ne 0 ]; then
    ! grep -q 'code EINTEGRITY' npm.log || { cat npm.log; echo "what npm gives is not what package-lock.json pins"; exit 1; }
    why=$(sed -n 's/^npm [^ ]* code //p' npm.log | head -n 1)
    echo "npm cannot fetch a node of a chain here: ${why:-status $code}"
    exit 77
  fi
  cp package-lock.json .for
fi
echo "$PWD/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
