#!/bin/sh
# Fetches what builds and tests the contracts into contracts/node_modules: pinned by hash in contracts/package-lock.json, and
# no install script is run. Ends with 77 where there is no npm, or no registry.
set -eu
cd "$(dirname "$0")/.."
mkdir -p build/contracts
ln -sfn ../../contracts/node_modules build/contracts/node_modules # for generators, which run in a copy of the tree
! cmp -s contracts/package-lock.json contracts/node_modules/.for || exit 0
command -v npm >/dev/null || { echo "npm is not here to fetch the contracts' compiler"; exit 77; }
cd contracts
code=0
timeout 120 npm ci --no-audit --no-fund --ignore-scripts --fetch-retries=0 >../build/contracts/npm.log 2>&1 || code=$?
if [ "$code" -ne 0 ]; then
  ! grep -q 'code EINTEGRITY' ../build/contracts/npm.log ||
    { cat ../build/contracts/npm.log; echo "what npm gives is not what package-lock.json pins"; exit 1; }
  why=$(sed -n 's/^npm [^ ]* code //p' ../build/contracts/npm.log | head -n 1)
  echo "npm cannot fetch the contracts' compiler here: ${why:-status $code}"
  exit 77
fi
cp package-lock.json node_modules/.for
