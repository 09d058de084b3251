#!/bin/sh
# make_evm_call.sh CAST >evm_call.txt: calldata of every call, one a line behind its name, as Foundry's cast encodes it.
set -eu
cast=$1

# of HEX N: N bytes of it
of() { printf "%0$((2 * $2))d" 0 | sed "s/00/$1/g"; }
say() {
  name=$1
  shift
  echo "$name $("$cast" calldata "$@" | cut -c 3-)"
}
words() { for byte in "$@"; do printf '0x%s ' "$(of "$byte" 32)"; done; }
sigs=01$(of 06 64)04$(of 07 64)
path() {
  for i in 1 2; do for j in 0 1 2 3 4 5 6 7 8 9 a b c d e f; do printf '%s0x%s' "$comma" "$(of "$i$j" 32)" && comma=,; done; done
}
comma=

say settle 'settle(uint256,bytes32,bytes32,bytes32,bytes32)' $(words 01 02 03 04 05)
say open 'open(address)' 0x"$(of 11 20)"
say openLane 'openLane(uint24,uint32)' 3 17
say deposit 'deposit(uint24,uint32,uint64)' 16777214 4294967295 18446744073709551615
say withdraw 'withdraw(uint24,uint32,uint64,address)' 1 2 3 0x"$(of 22 20)"
say requestExit 'requestExit(uint32)' 9
say finalizeExit 'finalizeExit(uint24,uint32,address)' 5 6 0x"$(of 00 20)"
say rootExit 'rootExit((uint256,bytes32,bytes32,bytes32,bytes32),uint24,uint32,(uint96,uint80,uint80,bytes32),bytes32[32])' \
  "($(words 01 02 03 08 09 | sed 's/ 0x/,0x/g; s/ $//'))" 16777214 4294967295 \
  "(79228162514264337593543950335,1208925819614629174706175,18446744073709551623,0x$(of 06 32))" "[$(path)]"
say alarm 'alarm()'
say declareDead 'declareDead()'
say register 'register(address,uint256,bytes32,bytes32,bytes32,bytes32,bytes32,bytes32,bytes)' \
  0x"$(of 33 20)" $(words 01 02 03 08 09 04 05) 0x"$sigs"
say revokeKey 'revokeKey(address,bytes32,bytes32)' 0x"$(of 33 20)" $(words 04 05)
say act 'act(uint8,uint32,uint48,uint40,bytes,bytes)' 2 7 281474976710655 1099511627775 0x"$sigs" 0x02
say act-unsigned 'act(uint8,uint32,uint48,uint40,bytes,bytes)' 1 7 8 9 0x 0x"$(of 55 33)"
