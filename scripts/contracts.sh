#!/bin/sh
# contracts.sh WHAT builds the contracts with their tests, and
#   test           runs all: units, fuzz, 30,000 calls of the invariants, the vectors, 2,000 calls of C, gas to the unit
#   test long      the same with a million and a half calls of the invariants
#   short          the same with less fuzz and fewer calls: for "make test"
#   gas            measures, and prints what ONCHAIN asks for beside it; the last line counts
#   coverage       how much of src the units and the vectors run; fails below 95 of 100 lines
#   differential N N random calls of the C ledger, done again by the contracts
# Ends with 77 where there is no npm, or no registry.
set -eu
cd "$(dirname "$0")/.."
sh scripts/contracts-npm.sh
made=$PWD/build/contracts
cd contracts
forge() { node_modules/@foundry-rs/forge-linux-amd64/bin/forge "$@"; }
forge build --quiet src test/optimized
export FOUNDRY_PROFILE=test
forge build --quiet

measure() {
  rm -f "$made/gas.txt"
  forge test --isolate --match-contract GasTest >"$made/gas.log" || { cat "$made/gas.log"; exit 1; }
}

# differential SEED CALLS, half of them in each mode, 5,000 at a time: a run of forge frees no memory
differential() {
  seed=$1 left=$2
  while [ "$left" -gt 0 ]; do
    some=$((left < 5000 ? left : 5000))
    ../build/release/tests/cf-ledger-ops "$seed" $((some / 2)) >"$made/ops.jsonl"
    ../build/release/tests/cf-ledger-ops "$seed" $((some - some / 2)) root >"$made/ops_root.jsonl"
    OPS=../build/contracts/ops.jsonl OPS_ROOT=../build/contracts/ops_root.jsonl \
      forge test -vv --match-contract ReplayTest >"$made/replay.log" ||
      { cat "$made/replay.log"; echo "from seed $seed (SEED=$seed repeats it)"; exit 1; }
    grep '  replayed' "$made/replay.log"
    left=$((left - some)) seed=$((seed + 100))
  done
}

tests() {
  forge test --no-match-contract GasTest "$@"
  differential "$(date +%s)" 2000
  measure
  cmp gas.txt "$made/gas.txt" || {
    diff gas.txt "$made/gas.txt" || true
    echo "gas has changed: when it may, copy build/contracts/gas.txt to contracts/gas.txt"
    exit 1
  }
  node script/generate.js "$made" "$made/out"
  for made_too in cf_evm_code.h cf_evm_code.inc cf_evm_root_code.inc; do
    cmp "$made/$made_too" "../src/ledger/$made_too" ||
      { echo "src/ledger/$made_too is not made from contracts/src: sh scripts/gen-evm-code.sh"; exit 1; }
  done
}

case ${1:-test} in
  test)
    [ "${2:-}" != long ] || export FOUNDRY_INVARIANT_RUNS=2000
    tests
    ;;
  short)
    export FOUNDRY_INVARIANT_RUNS=4 FOUNDRY_FUZZ_RUNS=64
    tests
    ;;
  gas)
    measure
    node script/gas.js "$made/gas.txt"
    ;;
  coverage)
    FOUNDRY_PROFILE=coverage LEDGER=NetLedger.sol:NetLedger ROOT_LEDGER=RootLedger.sol:RootLedger \
      HARNESS=BodyHarness.sol:BodyHarness TREE_HARNESS=TreeHarness.sol:TreeHarness \
      forge coverage --no-match-contract 'GasTest|InvariantTest' >"$made/coverage.log" 2>&1 || { cat "$made/coverage.log"; exit 1; }
    grep '^|\|^+' "$made/coverage.log"
    awk '$2 == "Total" { exit $4 + 0 < 95 }' "$made/coverage.log" || { echo "less than 95 of 100 lines are run"; exit 1; }
    ;;
  differential) differential "${SEED:-$(date +%s)}" "${2:-100000}" ;;
  *)
    echo "contracts.sh: not $1" >&2
    exit 2
    ;;
esac
