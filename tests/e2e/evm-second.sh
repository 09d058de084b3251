#!/bin/sh
# A second node, that shares no code with anvil: @ethereumjs/client, whose blocks are made over the Engine API (tests/peer/ethereumjs/chain.mjs).
# The chain client understands it as it does anvil, an observer follows it, and sees what was final undone; and the same transactions, from the creation of a ledger of each mode to its death, end there as they do
# on anvil: the same gas to the unit, the same head, inbox and slots.
set -eu
. tests/e2e/helpers
tests=$root/build/release/tests
peer node "a node of a chain"
anvil=$peer/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil
peer ethereumjs "a second node of a chain"
node=http://127.0.0.1:$port consensus=http://127.0.0.1:$((port + 2))

start_chain() {
  rm -rf chain
  : >chain.out # the one before was ready, too
  node "$peer/chain.mjs" "$dir/chain" "$port" "$@" >chain.out 2>&1 &
  up_pid=$!
  for _ in $(seq 600); do
    ! grep -q '^ready' chain.out || return 0
    sleep 0.1
  done
  cat chain.out chain/node.log
  die "the second node does not start"
}
stop_chain() {
  kill "$up_pid"
  wait "$up_pid" || true
  up_pid=
}

start_chain
ss -Hlntu "sport >= $port and sport <= $((port + 3))" 2>/dev/null | grep -v ' 127\.0\.0\.1:' && die "it listens to others than this machine"
"$tests/cf-evm-node" "$node" "$consensus" >out 2>&1 || { cat out chain.out; die "the client and the second node do not understand each other"; }
stop_chain

start_chain 2
"$tests/cf-evm-observer" "$node" "$consensus" >out 2>&1 || { cat out chain.out; die "the observer on the second node"; }
stop_chain

start_chain
"$tests/cf-evm-same" "$node" "$consensus" >second.out 2>&1 || { cat second.out chain.out; die "the ledger is another one on the second node"; }
stop_chain

node=http://127.0.0.1:$((port + 4))
"$anvil" --host 127.0.0.1 --port $((port + 4)) --silent >anvil.log 2>&1 &
up_pid=$!
for _ in $(seq 200); do
  ! "$tests/cf-evm-node" "$node" is-there >/dev/null 2>&1 || break
  sleep 0.05
done
"$tests/cf-evm-same" "$node" "$node" >first.out 2>&1 || { cat first.out anvil.log; die "the ledger is another one on anvil"; }
stop_chain
[ "$(grep -c ' gas ' first.out)" -ge 80 ] || { cat first.out; die "too few transactions"; }
diff first.out second.out || die "the two nodes do not agree"
sed -n '/ gas /!d; s/ tx .*//p' first.out
