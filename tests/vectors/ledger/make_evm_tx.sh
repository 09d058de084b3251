#!/bin/sh
# make_evm_tx.sh CAST: tests/vectors/ledger/evm_tx.txt, signed by Foundry's cast, which shares nothing with this code.
# A line: key chain nonce tip fee gas to value data raw, "-" for a creation or no data.
set -eu
cast=$1
key1=0x4646464646464646464646464646464646464646464646464646464646464646
key2=0x000000000000000000000000000000000000000000000000000000000000002a
a=0x3535353535353535353535353535353535353535
b=0x00000000000000000000000000000000000000ff
max64=18446744073709551615
bytes() { # N FIRST: N bytes of hex from FIRST on, counting up
  awk -v n="$1" -v f="$2" 'BEGIN { printf "0x"; for (i = 0; i < n; i++) printf "%02x", (f + i) % 256 }'
}
tx() { # key chain nonce tip fee gas to value data
  data=$9
  [ "$data" != - ] || data=
  if [ "$7" = - ]; then
    raw=$("$cast" mktx --private-key "$1" --chain "$2" --nonce "$3" --priority-gas-price "$4" --gas-price "$5" --gas-limit "$6" --value "$8" --create "$data")
  else
    raw=$("$cast" mktx --private-key "$1" --chain "$2" --nonce "$3" --priority-gas-price "$4" --gas-price "$5" --gas-limit "$6" --value "$8" "$7" $data)
  fi
  echo "$* $raw"
}
tx $key1 1 9 2000000000 30000000000 21000 $a 1000000000000000000 -
for nonce in 0 1 127 128 255 256 4294967296 18446744073709551614; do tx $key1 31337 "$nonce" 1 2 21000 $a 0 -; done
for chain in 10 11155111 4503599627370476; do tx $key2 "$chain" 7 0 1 21000 $b 1 -; done
for fee in 0 127 128 1000000007 $max64; do tx $key2 1 3 "$fee" "$fee" 30000000 $a 0 -; done
for value in 127 128 18446744073709551616 115792089237316195423570985008687907853269984665640564039457584007913129639935; do
  tx $key1 1 4 1 1 21000 $b "$value" -
done
for first in 0 127 128; do tx $key1 5 6 7 8 90000 $a 0 "$(bytes 1 "$first")"; done
for n in 2 54 55 56 57 190 191 192 200 255 256 257 1000 5000; do tx $key1 5 "$n" 7 8 1000000 $b 0 "$(bytes "$n" 250)"; done
for n in 1 56 3000; do tx $key2 31337 "$n" 1500000000 20000000000 16777216 - 0 "$(bytes "$n" 96)"; done
i=0
while [ $i -lt 40 ]; do # signatures differ: some r and s begin with zeros, both parities come
  tx $key2 31337 $i 3 4 21000 $a $i -
  i=$((i + 1))
done
