#!/bin/sh
# The way out of dead ledgers in mode root: made of calldata alone, it is for every account the call that a slow model makes, in an
# open domain and in a sealed one; and files that do not hold are refused by line.
set -eu
cf=$PWD/build/bin/counterfoil ops=$PWD/build/release/tests/cf-ledger-ops
cd "$CF_TEST_DIR"
for kind in open sealed; do
  "$ops" 4711 0 $kind >$kind.calls 2>$kind.ways
  grep -q '^inbox ' $kind.calls
  cnt=0
  while read -r id asset units leaf call; do
    cnt=$((cnt + 1))
    [ $((cnt % 8)) -eq 1 ] || continue
    [ $kind = open ] && leaf= || leaf="--leaf $leaf"
    "$cf" exit root $kind.calls --account "$id" --asset "$asset" $leaf --json >way.json
    grep -q "\"call\":\"$call\"" way.json && grep -q "\"units\":\"$units\"" way.json || { echo "account $id, asset $asset"; exit 1; }
  done <$kind.ways
  [ "$cnt" -gt 30 ]
done
grep -q '^leaves ' sealed.calls

# expect STATUS WORDS CALLS ARGS...
expect() {
  status=$1 words=$2
  shift 2
  code=0
  "$cf" exit root "$@" >out 2>&1 || code=$?
  [ "$code" -eq "$status" ] && grep -q "$words" out || { cat out; echo "exit root $*: status $code, wanted $status and '$words'"; exit 1; }
}
read -r id asset units leaf call <open.ways
expect 0 "^OK   account $id has $units units of asset $asset" open.calls --account "$id" --asset "$asset"
expect 2 'usage' open.calls --account "$id"
expect 2 'usage' open.calls --account "$id" --asset "$asset" --leaf 00
expect 1 'no deposit ever' open.calls --account 4000000 --asset "$asset"
expect 1 'another leaf stands there' open.calls --account "$id" --asset "$asset" --leaf "$(printf '%0128d' 1)"
grep -v ' 0\{128\} ' sealed.ways | head -n 1 >sealed.way # one of whom a leaf stands there
read -r sealed_id sealed_asset units leaf call <sealed.way
expect 1 'a leaf that is not published' sealed.calls --account "$sealed_id" --asset "$sealed_asset"
line=$(grep -n 6074c95d open.calls | sed -n 3p | cut -d: -f1) # a settle
sed "${line}d" open.calls >short.calls
expect 1 '^exit root: auth  short.calls, line' short.calls --account "$id" --asset "$asset"
sed "${line}s/.$/g/" open.calls >bad.calls
expect 1 "^exit root: format  bad.calls, line $line" bad.calls --account "$id" --asset "$asset"
sed 1d open.calls >headless.calls
expect 1 'not the creation of RootLedger' headless.calls --account "$id" --asset "$asset"
: >empty.calls
expect 1 '^exit root: format  empty.calls' empty.calls --account "$id" --asset "$asset"
expect 2 'unreadable' none.calls --account "$id" --asset "$asset"
