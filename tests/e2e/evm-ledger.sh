#!/bin/sh
# A domain whose ledger is on a chain, by its commands: founded, its contract deployed (killed in the middle, and again), run; parties
# deposit ether by wallet, by key file, and by a node that signs; one withdraws, one leaves; and it is audited, with the chain and without.
# The chain is Foundry's anvil, with a block a second, final two blocks later.
set -eu
. tests/e2e/helpers

peer node "a node of a chain"
anvil=$peer/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil
rpc=http://127.0.0.1:$port
"$anvil" --host 127.0.0.1 --port "$port" --silent --slots-in-an-epoch 1 --block-time 1 >node.log 2>&1 &
node_pid=$! liars=
finish_all() {
  was=$?
  set +e
  # shellcheck disable=SC2086
  kill $node_pid $liars 2>/dev/null
  (exit $was)
  finish
}
trap finish_all EXIT
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
expect 2 "usage  3" "$cf" init x --ledger evm --rpc "$rpc" --deployer deployer --validity 3
"$cf" init slow --ledger evm --rpc "$rpc" --deployer deployer --validity 3600 >/dev/null 2>&1
"$cf" show slow/public/genesis >genesis.json
[ "$(json genesis.json 'Object.entries(v.document.ledger).filter(([k]) => k.endsWith("_s")).map(([k, n]) => n).join()')" = 3600,1200,15600,16800,32400,3600,0 ] ||
  die "times that do not follow from --validity"
expect 3 "io  rpc" "$cf" init x --ledger evm --rpc "http://127.0.0.1:1" --deployer deployer
[ ! -e x ] || die "a domain that was refused left a folder"

# A fresh chain that makes blocks for transactions alone: nothing is final yet. It is said how far it is and what to do; then it goes on.
fresh=http://127.0.0.1:$((port + 44))
"$anvil" --host 127.0.0.1 --port $((port + 44)) --silent --slots-in-an-epoch 1 >fresh.log 2>&1 &
liars=$!
for _ in $(seq 100); do
  ! "$cf" init fresh --ledger evm --rpc "$fresh" --deployer deployer >/dev/null 2>&1 || break
  sleep 0.05
done
expect 2 "usage  0" "$cf" ledger deploy fresh --deployer deployer --wait 0
expect 3 "" "$cf" ledger deploy fresh --deployer deployer --wait 10
grep -q "in block 1 of 1; final is 0, 1 to go" err && grep -q "makes no blocks by itself" err || { cat err; die "it is not said why nothing gets final"; }
rpc=$fresh rpc anvil_mine '["0x3"]' >/dev/null
expect 0 "" "$cf" ledger deploy fresh --deployer deployer --wait 60
[ "$(rpc=$fresh rpc eth_getTransactionCount '["0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", "latest"]')" = 0x1 ] || die "a second creation was sent"
kill $liars
liars=

# A token: 18 decimals, all of it the third account's. A unit of the asset is 10^-6 of it.
rich=0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC
receipt() { # receipt HASH FIELD, when it is in a block
  for _ in $(seq 100); do
    if node -e 'fetch(process.argv[1], {method: "POST", headers: {"content-type": "application/json"},
      body: JSON.stringify({jsonrpc: "2.0", id: 1, method: "eth_getTransactionReceipt", params: [process.argv[2]]})})
      .then((r) => r.json()).then((a) => a.result ? console.log(a.result[process.argv[3]]) : process.exit(1))' "$rpc" "$@"; then return; fi
    sleep 0.1
  done
  die "$1 is in no block"
}
symbol=$(printf '%064x%064x544f4b%058x' 32 3 0)
token=$(receipt "$(rpc eth_sendTransaction \
  "[{\"from\": \"$rich\", \"data\": \"0x$(grep -o '0x..' "$root/src/cli/cf_demo_token.inc" | cut -c3- | tr -d '\n')$symbol\"}]")" contractAddress)

echo '{"clearing": {"min_parties": 2, "min_inputs": 1}}' >policy.json
"$cf" init d --ledger evm --rpc "$rpc" --deployer deployer --policy policy.json --port $((port + 1)) \
  --asset ETH:9:1000000000000:0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE --asset "TOK:6:1000000000000:$token" >domain 2>/dev/null
for amount in 1.5 0.5et 1..5eth 0.0000000000000000001eth 0.1wei eth 99999999999999999999999999999999999999999999999999999999999999999999999999999eth; do
  expect 2 "usage  $amount" "$cf" ledger deploy d --deployer deployer --fund $amount
done
expect 1 "up: missing  deployment" "$cf" up d
expect 1 "ledger show: missing  deployment" "$cf" ledger show d
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
[ "$(rpc eth_getBalance "[\"$(json again v.sender)\", \"latest\"]")" = 0x6f05b59d3b20000 ] || die "the gateway's account has not what it was given"
[ "$(json d/domain.json v.evm.from_block)" = "$(json deployed v.from_block)" ] || die "from_block was not kept"

"$cf" ledger show d --json >shown
[ "$(json shown v.accounts.length)" = 0 ] && [ "$(json shown 'v.block >= 1')" = true ] || die "an empty ledger is not shown so"

# Another domain's genesis named the same address: what stands there now is not its contract, and never will be.
expect 1 "policy  accountProof" "$cf" ledger deploy probe --deployer deployer
[ ! -e probe/deployment ] || die "another domain's contract was taken for its own"

# Another node, which answers as that one does, but for one thing.
cat >liar.mjs <<'END'
import {createServer} from "http";
import {existsSync, writeFileSync} from "fs";
const [, , port, to, how] = process.argv;
createServer(async (q, a) => {
  let body = "";
  for await (const part of q) body += part;
  if (how === "single" && body[0] === "[") return a.end(JSON.stringify({jsonrpc: "2.0", id: null, error: {code: -32600, message: "no batches"}}));
  if (how === "away" && body.includes("eth_getTransactionReceipt") && !existsSync("away")) return writeFileSync("away", ""), q.socket.destroy();
  if (how === "silent" && body[0] === "[") return q.socket.destroy();
  const said = await (await fetch(to, {method: "POST", headers: {"content-type": "application/json"}, body})).json();
  if (how === "quiet" && Array.isArray(said.result)) said.result = [];
  if (how === "forger" && said.result?.accountProof) said.result.accountProof[0] = said.result.accountProof[0].replace(/.$/, (c) => (c === "0" ? "1" : "0"));
  a.setHeader("content-type", "application/json");
  a.end(JSON.stringify(said));
}).listen(port, "127.0.0.1");
END
liar() {
  node liar.mjs "$1" "$rpc" "$2" &
  liars="$liars $!"
  for _ in $(seq 100); do
    ! node -e 'require("net").connect(process.argv[1], "127.0.0.1").on("connect", () => process.exit(0)).on("error", () => process.exit(1))' "$1" || break
    sleep 0.05
  done
}

# It runs; money goes in by three ways, and out by two.
start d
wallet() {
  "$cf" wallet new "$1" >"$1.addr"
  rpc eth_sendTransaction '[{"from": "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", "to": "0x'"$(cat "$1.addr")"'", "value": "0xde0b6b3a7640000"}]' >/dev/null
}
wallet alice
wallet bob
for _ in $(seq 30); do
  [ "$(rpc eth_getBalance "[\"0x$(cat bob.addr)\", \"latest\"]")" = 0x0 ] || break
  sleep 0.1
done
"$cf" wallet new carol >carol.addr
expect 1 "deposit: auth  genesis.domain" "$cf" deposit "$url" --wallet alice --asset ETH --amount 7 --domain "$(printf '%064d' 7)"
expect 1 "deposit: refused by a node" "$cf" deposit "$url" --wallet carol --asset ETH --amount 7
"$cf" deposit "$url" --wallet carol --asset ETH --amount 7 --key deployer >/dev/null &
by_key=$!
# Tokens: allowed exactly; then out of what was allowed before; then by way of nothing, because that was too little.
"$cf" wallet new dave >/dev/null
contract=$(json deployed v.contract)
sent() { rpc eth_getTransactionCount "[\"$rich\", \"latest\"]"; }
allowed() { rpc eth_call "[{\"to\": \"$token\", \"data\": \"0xdd62ed3e000000000000000000000000${rich#0x}000000000000000000000000${contract#0x}\"}, \"latest\"]" | sed 's/^0x0*//'; }
(
  "$cf" deposit "$url" --wallet dave --asset TOK --amount 3000000 --signer "$rpc" --from $rich >/dev/null
  [ "$(sent)" = 0x4 ] && [ -z "$(allowed)" ] || die "not open, approve, deposit: $(sent) sent, $(allowed) allowed"
  receipt "$(rpc eth_sendTransaction "[{\"from\": \"$rich\", \"to\": \"$token\", \"data\": \"0x095ea7b3000000000000000000000000${contract#0x}$(printf '%064x' 3000000000000000000)\"}]")" status >/dev/null
  "$cf" deposit "$url" --wallet dave --asset TOK --amount 2000000 --signer "$rpc" --from $rich >/dev/null
  [ "$(sent)" = 0x6 ] && [ "$(allowed)" = de0b6b3a7640000 ] || die "an allowance was not used: $(sent) sent, $(allowed) allowed"
  "$cf" deposit "$url" --wallet dave --asset TOK --amount 2000000 --signer "$rpc" --from $rich >/dev/null
  [ "$(sent)" = 0x9 ] && [ -z "$(allowed)" ] || die "an allowance was not renewed: $(sent) sent, $(allowed) allowed"
) &
by_token=$!
# The node goes away while it is asked what became of the transaction: that was sent, and is not sent again.
liar $((port + 45)) away
expect 0 "^deposit: sent in transaction 0x" "$cf" deposit "$url" --wallet bob --asset ETH --amount 1000 --domain "$(cat domain)" --rpc "http://127.0.0.1:$((port + 45))"
[ -e away ] || die "the node was always there"
wait $by_key
"$cf" deposit "$url" --wallet alice --asset ETH --amount 5000 --signer "$rpc" --from 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 >/dev/null
expect 0 "" "$cf" attest "$url" --domain "$(cat domain)" -o d.bundle
grep -q "^ledger  *its key is live in final block" out || die "attest does not prove the key on the chain"
was=$(rpc eth_getBalance "[\"0x$(cat bob.addr)\", \"latest\"]")
"$cf" withdraw "$url" --wallet bob --asset ETH --amount 400 --domain "$(cat domain)" >withdrawn
is=$(rpc eth_getBalance "[\"0x$(cat bob.addr)\", \"latest\"]")
[ $((is - was)) -lt 400000000000 ] && [ $((is - was + 1000000000000000)) -gt 400000000000 ] || die "bob had $was and has $is"

wait $by_token

# Leaving needs nobody but a node: genesis and entry 1 are in the bundle that was kept.
"$cf" exit request "$rpc" --wallet alice --bundle d.bundle >/dev/null
expect 1 "refused by the ledger  ExitDelay" "$cf" exit finalize "$rpc" --wallet alice --asset ETH --bundle d.bundle
expect 1 "refused by the ledger  Exiting" "$cf" deposit "$url" --wallet alice --asset ETH --amount 1

sleep 3 # until that is final
"$cf" ledger show d --json >shown
[ "$(json shown 'v.accounts.map((a) => (a.assets.ETH ?? a.assets.TOK).lane).sort().join()')" = 5000,600,7,7000000 ] || { cat shown; die "not what went in and out"; }
away=http://127.0.0.1:1
for nodes in "--rpc $rpc" "--rpc $away --rpc $rpc --rpc $rpc/" "--rpc $rpc --rpc $rpc/ --rpc $away"; do # one of three may be away
  # shellcheck disable=SC2086
  "$cf" ledger show "$url" $nodes --domain "$(cat domain)" --json >shown2
  [ "$(json shown 'JSON.stringify(v.accounts)')" = "$(json shown2 'JSON.stringify(v.accounts)')" ] || die "the gateway's domain shows other balances"
done
expect 3 "ledger show: io  rpc" "$cf" ledger show "$url" --rpc "$rpc" --rpc $away
[ "$(json shown 'v.accounts.filter((a) => a.exit_at).length')" = 1 ] || die "the request to leave is not shown"
[ $(($(rpc eth_getBalance "[\"$(json deployed v.contract)\", \"latest\"]"))) = 5607000000000 ] || die "the contract holds another amount"

# The audit asks the chain; without it, or with too little of it, nothing is said to hold.
"$cf" audit "$url" --domain "$(cat domain)" --ledger "evm:$rpc" >live || { cat live; die "a domain that runs does not hold on its chain"; }
stop
"$cf" audit d --domain "$(cat domain)" --ledger "evm:$rpc" --json >audited || { cat audited; die "the domain does not hold on its chain"; }
[ "$(json audited 'v.verdict + v.counts.settled + v.ledger.asked')" = ok1true ] || { cat audited; die "not one settlement, executed"; }
[ "$(json audited 'v.counts.registrations + v.counts.not_judged')" = 1 ] || { cat audited; die "not one registration, all judged"; }
expect 1 "" "$cf" audit d --json
[ "$(json out 'v.verdict + v.counts.faults')" = part0 ] || { cat out; die "it is not said that the chain was not asked"; }
expect 1 "" "$cf" audit d --ledger "evm:$rpc" --from-block $(($(json audited v.ledger.block) - 1)) --json
[ "$(json out 'v.verdict + v.faults[0].check')" = fail10 ] || { cat out; die "events that were not read are not missed"; }
expect 2 "usage" "$cf" audit d --ledger "$rpc"
expect 3 "" "$cf" audit d --ledger evm:http://127.0.0.1:1
"$cf" audit d --ledger "evm:$rpc" --ledger "evm:$rpc/" --rpc-quorum 2 >twice || { cat twice; die "not by two nodes"; }

# A node that keeps settlements quiet, forges a proof, takes no batches, or falls silent: the first is found out, and another one asked where there is
# one; the third is asked one by one; of the last nothing is taken for a block that is missing.
quiet=$((port + 40)) forger=$((port + 41)) single=$((port + 42)) silent=$((port + 43))
liar $quiet quiet
liar $forger forger
liar $single single
liar $silent silent
expect 1 "" "$cf" audit d --ledger "evm:http://127.0.0.1:$quiet" --json
[ "$(json out 'v.verdict + v.faults[0].check')" = fail10 ] || { cat out; die "settlements kept quiet are not missed"; }
"$cf" audit d --ledger "evm:http://127.0.0.1:$quiet" --ledger "evm:$rpc" >twice || { cat twice; die "the node that knows more is not heard"; }
expect 1 "auth  accountProof" "$cf" audit d --ledger "evm:http://127.0.0.1:$forger"
"$cf" audit d --ledger "evm:http://127.0.0.1:$single" >single || { cat single; die "a node without batches cannot be asked"; }
expect 3 "audit: nodes  block" "$cf" audit d --ledger "evm:http://127.0.0.1:$silent"

# What its lanes and the token itself hold is proven, and the withdrawal is what lanes say.
[ "$(json audited 'v.assets.map((a) => [a.deposited, a.paid, a.lanes, a.free, a.held, a.held_proven]).join()')" = \
  6007,400,5607,0,5607,true,7000000,0,7000000,0,7000000,true ] || { cat audited; die "not what went in and out, by proof"; }
[ "$(json audited 'v.counts.slots >= 12')" = true ] || { cat audited; die "too few slots were proven"; }

# A lane, a key, a fence, ether and tokens are made to be others behind the contract's back: the audit finds each, and says which.
word() { printf '%064d' 0 | cut -c1-$((64 - ${#1})) | tr -d '\n'; echo "$1"; }
hash() { rpc web3_sha3 "[\"0x$1\"]"; }
register=$(hash "$(printf 'Registered(address,uint40)' | od -An -tx1 | tr -d ' \n')")
key=$(node -p "($(rpc eth_getLogs "[{\"fromBlock\": \"0x0\", \"address\": \"$contract\", \"topics\": [\"$register\"]}]"))[0].topics[1].slice(26)")
[ "${#key}" = 40 ] || die "the chain's node does not tell which key was registered: $key"
plant() { # plant CONTRACT SLOT DIGIT: that digit of the slot, from the right and from 0, gets another low bit
  was=$(rpc eth_getStorageAt "[\"$1\", \"$2\", \"latest\"]")
  is=$(node -e 'const [w, at] = process.argv.slice(1); console.log("0x" + (BigInt(w) ^ 1n << 4n * BigInt(at)).toString(16).padStart(64, "0"))' "$was" "$3")
  [ "$(rpc anvil_setStorageAt "[\"$1\", \"$2\", \"$is\"]")" = true ] || die "the node cannot be made to lie"
}
plant "$contract" "$(hash "$(word 0)$(word 64)")" 17 # account 1's ether, in a slot of four lanes
plant "$contract" "$(hash "$(word "$key")$(word 10)")" 12 # the key's policy
plant "$contract" 0x2 38 # the fence
plant "$token" "$(hash "$(word "${contract#0x}")$(word 1)")" 14 # 0x6124…: what is held of it falls
rpc anvil_setBalance "[\"$contract\", \"0x1\"]" >/dev/null
sleep 4 # until that is final
expect 1 "" "$cf" audit d --ledger "evm:$rpc" --json
for says in "account 1 has .* of asset 0 in its lane" "key $(echo "$key" | cut -c1-8).*: its slot has other terms" "epochs below .* are fenced" \
  "the ledger holds 0 of asset 0's token" "the ledger holds [0-9]* of asset 1's token"; do
  json out 'v.faults.map((f) => f.text).join("\n")' | grep -q "$says" || { cat out; die "not found: $says"; }
done
[ "$(json out v.faults.length)" = 5 ] || { cat out; die "not the five alone"; }
