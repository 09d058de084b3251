#!/bin/sh
# Fetches what builds and tests the contracts into build/contracts/node_modules: pinned by hash in
# contracts/package-lock.json, and no install script is run. Ends with 77 where there is no npm, or no registry.
set -eu
cd "$(dirname "$0")/.."
mkdir -p build/contracts
! cmp -s contracts/package-lock.json build/contracts/node_modules/.for || exit 0
command -v npm >/dev/null || { echo "npm is not here to fetch the contracts' compiler"; exit 77; }
cp contracts/package.json contracts/package-lock.json build/contracts
cd build/contracts
code=0
timeout 120 npm ci --no-audit --no-fund --ignore-scripts --omit=optional --fetch-retries=0 >npm.log 2>&1 || code=$?
if [ "$code" -ne 0 ]; then
  ! grep -q 'code EINTEGRITY' npm.log || { cat npm.log; echo "what npm gives is not what package-lock.json pins"; exit 1; }
  why=$(sed -n 's/^npm [^ ]* code //p' npm.log | head -n 1)
  echo "npm cannot fetch the contracts' compiler here: ${why:-status $code}"
  exit 77
fi
cp package-lock.json node_modules/.for
