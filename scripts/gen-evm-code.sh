#!/bin/sh
# Writes src/ledger/cf_evm_code.h, cf_evm_code.inc and cf_evm_root_code.inc from contracts/src, and src/cli/cf_demo_token.inc from contracts/demo, with the
# compiler that scripts/contracts-npm.sh has fetched; where it has not, says so and leaves them.
set -eu
cd "$(dirname "$0")/.."
[ -d build/contracts/node_modules/solc ] || { echo "the contracts are not rebuilt: their compiler is not here (make test-contracts)"; exit 0; }
node contracts/script/generate.js src/ledger
node contracts/script/generate.js --demo src/cli/cf_demo_token.inc
