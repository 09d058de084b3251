#!/bin/sh
# Transactions as others sign them: Foundry's cast makes the vectors of tests/vectors/ledger/evm_tx.txt again, byte for byte; test_evm_tx
# compares ours with them. cast is pinned by hash in tests/peer/evm/package-lock.json.
set -eu
. tests/e2e/helpers

peer evm "the EVM peer"
cast=$peer/node_modules/@foundry-rs/cast-linux-amd64/bin/cast

sh "$root/tests/vectors/ledger/make_evm_tx.sh" "$cast" >evm_tx.txt
cmp evm_tx.txt "$root/tests/vectors/ledger/evm_tx.txt" || die "cast signs otherwise"

sh "$root/tests/vectors/ledger/make_evm_call.sh" "$cast" >evm_call.txt
cmp evm_call.txt "$root/tests/vectors/ledger/evm_call.txt" || die "cast encodes calls otherwise"

# Key files of one open with the other.
key=4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318
echo "two words" >password
"$cast" wallet import -k . --unsafe-password "two words" --private-key "0x$key" theirs >/dev/null
[ "$("$cf" wallet show theirs --password-file password)" = 0x2c7536e3605d9c16a7a3d7b1898e529396a65c23 ] || die "cast's key file opens to another key"
ours=$("$cf" wallet keystore ours.json --password-file password)
[ "$("$cast" wallet address --keystore ours.json --password-file password | tr A-F a-f)" = "$ours" ] || die "cast opens our key file to another key"
echo other >password
expect 1 "auth.*keystore" "$cf" wallet show ours.json --password-file password
