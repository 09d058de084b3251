#!/bin/sh
# Transactions as others sign them: Foundry's cast makes the vectors of tests/vectors/ledger/evm_tx.txt again, byte for byte; test_evm_tx
# compares ours with them. cast is pinned by hash in tests/peer/evm/package-lock.json.
set -eu
. tests/e2e/helpers

command -v npm >/dev/null || { echo "npm is not here to fetch the EVM peer"; exit 77; }
cp "$root"/tests/peer/evm/* .
code=0
timeout 120 npm i --no-audit --no-fund --ignore-scripts --fetch-retries=0 >npm.log 2>&1 || code=$?
if [ "$code" -ne 0 ]; then
  ! grep -q 'code EINTEGRITY' npm.log || { cat npm.log; die "what npm gives is not what package-lock.json pins"; }
  why=$(sed -n 's/^npm [^ ]* code //p' npm.log | head -n 1)
  echo "npm cannot fetch the EVM peer here: ${why:-status $code}"
  exit 77
fi
cast=$PWD/node_modules/@foundry-rs/cast-linux-amd64/bin/cast

sh "$root/tests/vectors/ledger/make_evm_tx.sh" "$cast" >evm_tx.txt
cmp evm_tx.txt "$root/tests/vectors/ledger/evm_tx.txt" || die "cast signs otherwise"

sh "$root/tests/vectors/ledger/make_evm_call.sh" "$cast" >evm_call.txt
cmp evm_call.txt "$root/tests/vectors/ledger/evm_call.txt" || die "cast encodes calls otherwise"
