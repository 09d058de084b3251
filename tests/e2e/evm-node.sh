#!/bin/sh
# The chain client against a real node: Foundry's anvil, pinned by hash in tests/peer/node/package-lock.json. tests/evm/evm_node.c
# deploys the contract there, calls it, and proves what it holds; once with the limits of the main network, once without.
# tests/evm/evm_observer.c has an observer ask it, and undoes what was final. tests/sender/anvil.c runs the sender there, each case
# on a chain of its own, which is final six blocks behind its newest.
set -eu
. tests/e2e/helpers

peer node "a node of a chain"
anvil=$peer/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil

start_node() {
  "$anvil" --host 127.0.0.1 --port "$port" --silent "$@" >node.log 2>&1 &
  up_pid=$!
  for _ in $(seq 200); do
    ! "$root/build/release/tests/cf-evm-node" "http://127.0.0.1:$port" is-there >/dev/null 2>&1 || break
    sleep 0.05
  done
}
stop_node() {
  kill "$up_pid"
  wait "$up_pid" || true
  up_pid=
  port=$((port + 1))
}

for limits in "" --enable-tx-gas-limit; do
  # shellcheck disable=SC2086
  start_node $limits
  code=0
  "$root/build/release/tests/cf-evm-node" "http://127.0.0.1:$port" >out 2>&1 || code=$?
  stop_node
  [ "$code" -eq 0 ] || { cat out node.log; die "the client and a node $limits do not understand each other"; }
done

start_node --slots-in-an-epoch 1
code=0
"$root/build/release/tests/cf-evm-observer" "http://127.0.0.1:$port" >out 2>&1 || code=$?
stop_node
[ "$code" -eq 0 ] || { cat out node.log; die "the observer on a node"; }

for case in life replace gap reorg finality shared; do
  start_node --slots-in-an-epoch 3
  code=0
  "$root/build/release/tests/sender-anvil" "http://127.0.0.1:$port/" "sender-$case.db" "$case" || code=$?
  stop_node
  [ "$code" -eq 0 ] || { cat node.log; die "the sender on a node: $case"; }
done
