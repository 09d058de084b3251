#!/bin/sh
# A domain whose ledger is on a chain, by its commands: founded, its contract deployed (killed in the middle, and again), shown. The
# chain is Foundry's anvil, with a block a second, final two blocks later.
set -eu
. tests/e2e/helpers

code=0
anvil=$(sh "$root/scripts/anvil.sh") || code=$?
[ "$code" -ne 77 ] || { echo "$anvil"; exit 77; }
[ "$code" -eq 0 ] || die "$anvil"
rpc=http://127.0.0.1:$port
"$anvil" --host 127.0.0.1 --port "$port" --silent --slots-in-an-epoch 1 --block-time 1 >node.log 2>&1 &
up_pid=$!
# The well-known first account of such a node: its key is public, and so is everybody's test money.
echo ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80 >deployer
for _ in $(seq 100); do
  ! "$cf" init probe --ledger evm --rpc "$rpc" --deployer deployer >/dev/null 2>&1 || break
  sleep 0.05
done

rpc() {
  node -e 'fetch(process.argv[1], {method: "POST", headers: {"content-type": "application/json"},
    body: JSON.stringify({jsonrpc: "2.0", id: 1, method: process.argv[2], params: JSON.parse(process.argv[3])})})
    .then((r) => r.json()).then((a) => console.log(a.result))' "$rpc" "$@"
}

# What init refuses.
expect 2 "usage.*--rpc" "$cf" init x --ledger evm
expect 2 "usage.*--deployer" "$cf" init x --ledger evm --rpc "$rpc"
expect 2 "usage.*--rpc" "$cf" init x --rpc "$rpc"
expect 2 "usage  USD:2:9:12" "$cf" init x --ledger evm --rpc "$rpc" --deployer deployer --asset USD:2:9:12
expect 1 "key: policy  deployer" "$cf" init x --class production --ledger evm --rpc "$rpc" --deployer deployer --asset USD:2:9
echo "two words" >password
"$cf" wallet keystore deployer.json --password-file password >/dev/null
expect 2 "usage  USD:2:9" "$cf" init x --class production --ledger evm --rpc "$rpc" --deployer deployer.json --asset USD:2:9
expect 3 "io  rpc" "$cf" init x --ledger evm --rpc "http://127.0.0.1:1" --deployer deployer
[ ! -e x ] || die "a domain that was refused left a folder"

"$cf" init d --ledger evm --rpc "$rpc" --deployer deployer >domain 2>/dev/null
expect 1 "up: missing  deployment" "$cf" up d
expect 1 "policy" "$cf" ledger deploy d --deployer "$(echo 11111111111111111111111111111111111111111111111111111111111111aa >other; echo other)"

# Killed when it has sent the creation; again it sends none that could be a second.
"$cf" ledger deploy d --deployer deployer --fund 0.5eth >deploy.out 2>deploy.err &
deploy=$!
for _ in $(seq 200); do
  ! grep -q "sent in transaction" deploy.err || break
  sleep 0.02
done
kill -9 $deploy || die "it ended before it could be killed"
wait $deploy 2>/dev/null || true
[ ! -e d/deployment ] || die "entry 1 was there before the contract was final"
"$cf" ledger deploy d --deployer deployer --fund 0.5eth --json >deployed 2>deploy.err || { cat deploy.err; die "not again"; }
nonce=$(rpc eth_getTransactionCount '["0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", "latest"]')
[ "$nonce" = 0x2 ] || die "the deployer sent $nonce transactions, not the creation and the funds"
"$cf" ledger deploy d --deployer deployer --json >again 2>/dev/null
[ "$(json again v.was)" = true ] && [ "$(json again v.code_hash)" = "$(json deployed v.code_hash)" ] || die "deployed twice"
[ "$(json d/domain.json v.evm.from_block)" = "$(json deployed v.from_block)" ] || die "from_block was not kept"

"$cf" ledger show d --json >shown
[ "$(json shown v.accounts.length)" = 0 ] && [ "$(json shown 'v.block >= 1')" = true ] || die "an empty ledger is not shown so"

# Another domain's genesis named the same address: what stands there now is not its contract, and never will be.
expect 1 "policy  accountProof" "$cf" ledger deploy probe --deployer deployer
[ ! -e probe/deployment ] || die "another domain's contract was taken for its own"
