#!/bin/sh
# matrix.sh [WORD]: settlement exactly once on real nodes, whatever ends, reorganises or lies. A cell is a domain's whole life (life.sh) on a chain
# of its own, with faults from its first payment on:
#     NODE,DEPTH,ANSWERS,END,ROLE:N:ACT+...
#   NODE     anvil, or ethereumjs with its consensus (tests/peer/ethereumjs/chain.mjs); a block a second, final four blocks behind
#   DEPTH    of a reorganisation every few seconds, 0 to 4; what was in those blocks is in none
#   ANSWERS  as, drop, delay, double, lie: what a third of the questions suffer (proxy.c); of three nodes two must agree, and one lies
#   END      stays; ends: the node ends at random moments, and comes again with what it had stored; loses: anvil comes again with a state older than
#            what was final, and the domain must stand still and say so
#   ROLE:N:ACT+...  gateway or enclave is killed before or after its N-th durable step (tests/kill/cf_kill.c), and when it came again before or after
#            another, steps counted from its first life on; none:0:0
# When the faults end, all must settle. Then every transaction of the chain is done again by the rules in C (chain.c): slots, head and value must be
# the model's, each payment made once, each settlement of the log on the chain once. Prints each violation with the folder it left, and at last
#   matrix: N cells, V violations
# Without WORD, a pattern of grep on cells, all. What was run is not run again while the programs are the same (FRESH=1: it is). PICK=N runs N
# cells, chosen by SEED, and those that CELLS names. JOBS cells run at a time, 8 at most;
# KILLS in a life, else 6.
set -u
cd "$(dirname "$0")/../.." || exit 2
word=${1:-.}
bin=$(cd "${CF_BIN:-build/release/bin}" && pwd -P)
tests=$PWD/build/release/tests
work=$PWD/build/matrix${PICK:+-pick}
ejs=$PWD/build/peers/ethereumjs
tmp=/dev/shm
[ -w $tmp ] || tmp=/tmp # short, because a TPM's socket lies in it

# ---- one cell: --cell WORK SEED PORT NAME ----

node_begin() {
  case $node in
    anvil)
      "$(cat "$work/anvil")" --host 127.0.0.1 --port "$rpc" --silent --slots-in-an-epoch 2 --block-time 1 --order fifo --state "$cell/chain.json" \
        >>"$cell/out/node" 2>&1 &
      ;;
    ethereumjs) node "$ejs/chain.mjs" "$cell/chain" "$rpc" 4 >>"$cell/out/node" 2>&1 & ;;
  esac
  node_pid=$!
}
node_answers() {
  if [ "$node" = ethereumjs ]; then grep -q '^ready' "$cell/out/node"; else "$tests/cf-evm-node" "$node_url" is-there >/dev/null 2>&1; fi
}
# A port may still be that of the node before for a moment.
node_start() {
  node_begin
  for _ in $(seq 600); do
    ! node_answers || return 0
    sleep 0.1
    kill -0 "$node_pid" 2>/dev/null || node_begin
  done
  echo "lost: the node does not start" >"$cell/out/verdict"
}
tell() { # METHOD PARAMS
  node -e 'fetch(process.argv[1], {method: "POST", headers: {"content-type": "application/json"}, body: `{"jsonrpc":"2.0","id":1,"method":"${process.argv[2]}","params":${process.argv[3]}}`})
    .then((r) => r.json()).then((a) => { if (a.error) { console.log(a.error.message); process.exitCode = 1; } }, (e) => { console.log(e.message); process.exitCode = 1; })' \
    "$consensus" "$1" "$2" >>"$cell/out/told" 2>&1
}
# The node ends and comes again: anvil when it has written its state, ethereumjs at once.
node_again() {
  if [ "$node" = anvil ]; then
    kill -INT "$node_pid"
    wait "$node_pid"
    sleep "$1"
    node_start
  else
    tell node_end '[]'
    sleep "$1"
    tell node_start '[]'
  fi
}
random() { # LESS-THAN: the next number of this cell
  seed=$(((seed * 1103515245 + 12345) % 2147483648))
  r=$((seed / 65536 % $1))
}

# The node loses more blocks than are final: it comes again with a state of before the payments.
loss() {
  until [ -e "$cell/out/chaos" ]; do
    kill -0 "$life" 2>/dev/null || return
    sleep 0.1
  done
  kill -INT "$node_pid"
  wait "$node_pid"
  cp "$cell/chain.json" "$cell/old.json"
  node_start
  until [ -e "$cell/out/loss" ]; do
    kill -0 "$life" 2>/dev/null || return
    sleep 0.1
  done
  kill -KILL "$node_pid"
  wait "$node_pid"
  cp "$cell/old.json" "$cell/chain.json"
  node_start
  touch "$cell/out/lost"
}

# Anvil that makes a block while it reorganises has a hole in its chain for ever; and its clock goes back by the blocks that it leaves.
reorg() {
  [ "$node" != anvil ] || tell evm_setIntervalMining '[0]'
  tell anvil_reorg "[$depth,[]]"
  [ "$node" = anvil ] || return
  tell evm_setTime "[$(date +%s)]"
  tell evm_setIntervalMining '[1]'
}

# From the first payment to the last, at most 25 seconds.
chaos() {
  until [ -e "$cell/out/chaos" ]; do
    kill -0 "$life" 2>/dev/null || return
    sleep 0.1
  done
  [ "$answers" = as ] || echo "$answers" >"$cell/faults"
  ends=2
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    random 30
    sleep $((r / 10)).$((r % 10))
    [ ! -e "$cell/out/calm" ] && kill -0 "$life" 2>/dev/null || break
    [ "$depth" -eq 0 ] || reorg
    random 2
    [ "$end" = ends ] && [ $ends -gt 0 ] && [ "$r" -eq 0 ] || continue
    ends=$((ends - 1))
    random 3
    node_again "$r"
  done
  rm -f "$cell/faults"
  touch "$cell/out/chaos-ended"
}

if [ "${1:-}" = --cell ]; then
  work=$2 seed=$3 seed_was=$3 port=${4%:*} name=$5
  [ "${CELL:-0}" -lt 4 ] || port=${4#*:}
  port=$((port + ${CELL:-0} % 4 * 16))
  IFS=, read -r node depth answers end act <<X
$name
X
  rpc=$((port + 8)) node_url=http://127.0.0.1:$((port + 8)) consensus=http://127.0.0.1:$((port + 8)) node_pid='' proxy_pid=''
  [ "$node" = anvil ] || consensus=http://127.0.0.1:$((port + 10))
  cell=$(mktemp -d "$tmp/cf-matrix-XXXXXX")
  leave() {
    for pid in $proxy_pid $node_pid; do
      kill "$pid" 2>/dev/null
      wait "$pid" 2>/dev/null
    done
    rm -rf "$cell"
  }
  trap leave EXIT
  mkdir "$cell/p" "$cell/out" "$cell/chain"
  : >"$cell/out/verdict"
  prepare() {
    node_start
    tell anvil_mine '[6]' # so that some block is final
    [ "$node" = anvil ] || tell evm_setIntervalMining '[1]'
    "$tests/cf-proxy" "$cell/faults" "$seed" "$rpc" $((port + 12)) $((port + 13)) $((port + 14)) 2>>"$cell/out/node" &
    proxy_pid=$!
    for _ in $(seq 300); do # until it listens, at the last of them, too
      ! "$tests/cf-evm-node" "http://127.0.0.1:$((port + 14))" is-there >/dev/null 2>&1 || break
      sleep 0.1
    done
    echo ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80 >"$cell/deployer" # a node of tests has given its account money
    echo '{"clearing": {"min_parties": 2, "min_inputs": 1}}' >"$cell/policy.json"
    "$bin/counterfoil" init "$cell/d" --ledger evm --rpc "http://127.0.0.1:$((port + 12))" --rpc "http://127.0.0.1:$((port + 13))" \
      --rpc "http://127.0.0.1:$((port + 14))" --deployer "$cell/deployer" --port "$port" --verifiers 1/1 --witnesses 1/1 --observers 1/1 \
      --policy "$cell/policy.json" >"$cell/domain" || return
    for _ in $(seq 15); do # a node that is just behind refuses a question, and an operator asks again
      ! "$bin/counterfoil" ledger deploy "$cell/d" --deployer "$cell/deployer" --fund 5eth >"$cell/deployed" || break
      sleep 1
    done
    contract=$(cut -d' ' -f1 "$cell/deployed")
    for who in alice bob; do
      "$bin/counterfoil" wallet new "$cell/p/$who" && owner=$("$bin/counterfoil" wallet show "$cell/p/$who") || return
      "$tests/cf-chain" "$node_url" "$contract" fund "$owner" "$([ $who = alice ] && echo 500000 || echo 40000)" || return
    done
    echo "$contract" >"$cell/contract"
  }
  prepare >"$cell/out/prepare" 2>&1
  [ -s "$cell/contract" ] || echo "lost: $(tail -n 1 "$cell/out/prepare")" >>"$cell/out/verdict"
  # Chaos needs the processes that this shell has started, so that it runs here, and the life beside it.
  at=
  [ "${act%%:*}" = none ] || at="--at $(echo "$act" | sed 's/+/ --at /g')"
  if [ ! -s "$cell/out/verdict" ]; then
    # shellcheck disable=SC2086
    LOSS=$([ "$end" != loses ] || echo 1) timeout -k 5 360 "$tests/cf-kill" --root "$cell" --points "$cell/out/points" --seed "$seed" $at \
      sh tests/matrix/life.sh "$bin" "$cell" >"$cell/out/cell" 2>&1 </dev/null &
    life=$!
    if [ "$end" = loses ]; then loss; else chaos; fi
    wait "$life"
  fi
  verdict=$(cat "$cell/out/verdict")
  [ -n "$verdict" ] || verdict="lost: no verdict: $(tail -n 1 "$cell/out/cell")"
  if [ "$verdict" = ok ] && [ "$end" != loses ]; then
    "$tests/cf-chain" "$node_url" "$contract" check >"$cell/out/check" 2>&1 || verdict="broken: $(grep ERROR "$cell/out/check" | head -n 1)"
    accounts=$(sed -n 's/^account [^ ]* //p' "$cell/out/check" | tr '\n' ' ')
    [ "$verdict" != ok ] || [ "$accounts" = "498889 0 41111 0 " ] || verdict="doubled or lost: alice and bob have $accounts"
    logged=$(sed -n 's/.*"settled":\([0-9]*\).*/\1/p' "$cell/out/status") done=$(sed -n 's/^settled \([0-9]*\) .*/\1/p' "$cell/out/check")
    [ "$verdict" != ok ] || [ "$logged" = "$done" ] || verdict="doubled or lost: $done settlements on the chain, the gateway has $logged"
  fi
  if [ "$verdict" = ok ]; then
    [ -e "$work/points" ] || cp "$cell/out/points" "$work/points" # of the first life, which nobody disturbs
  else
    rm -rf "$work/failed/$name"
    mkdir -p "$work/failed"
    cp -r "$cell" "$work/failed/$name"
    printf '%s: %s\n  in %s, seed %s\n' "$name" "$verdict" "$work/failed/$name" "$seed_was"
  fi
  echo "$name $verdict" >>"$work/results"
  exit 0
fi

# ---- all of them ----

. tests/ports
claim_ports
ports=$port
claim_ports
ports=$ports:$port
kills=${KILLS:-6} # in a life
jobs=${JOBS:-$(($(nproc) + 1))}
[ "$jobs" -le 8 ] || jobs=8 # as many lives as there are ports for
anvil=$(sh scripts/anvil.sh) || { echo "$anvil"; exit 77; } # fetched, where it is not here
[ -f "$ejs/node_modules/.package-lock.json" ] || { echo "the second node is not here: make test ONLY=evm-second fetches it"; exit 77; }
key=$(cat "$bin"/counterfoil* "$tests"/cf-proxy "$tests"/cf-chain "$tests"/cf-kill tests/matrix/life.sh | sha256sum)
cp tests/peer/ethereumjs/* "$ejs"
if [ -n "${FRESH:-}${PICK:-}" ] || [ "$key" != "$(cat "$work/key" 2>/dev/null)" ]; then
  rm -rf "$work"
  mkdir -p "$work"
  echo "$anvil" >"$work/anvil"
  if [ -n "${PICK:-}" ]; then awk 'BEGIN { while (i++ < 700) print "gateway", i; while (j++ < 200) print "enclave", j }' >"$work/points"
  else sh tests/matrix/matrix.sh --cell "$work" 1 "$ports" anvil,0,as,stays,none:0:0; fi # its points are those of a life that nobody disturbs
  [ -s "$work/points" ] || exit 1
  echo "$key" >"$work/key"
fi

# All faults of node and answers with all others; then each durable step of gateway and enclave, before and after, some in each life and far from
# each other, with the next of those faults.
cells() {
  awk -v kills="$kills" '
    function fault(i) {
      return (i % 2 ? "ethereumjs" : "anvil") "," int(i / 2) % 5 "," answer[int(i / 10) % 5 + 1] "," (int(i / 50) % 2 ? "ends" : "stays")
    }
    function lives(role, act,   step, first, n, text) {
      step = int((points[role] + kills - 1) / kills)
      for (first = 1; first <= step; first++) {
        text = ""
        for (n = first; n <= points[role]; n += step) text = text (text ? "+" : "") role ":" n ":" act
        print fault(at) "," text
        at += 37
      }
    }
    BEGIN {
      split("as drop delay double lie", answer)
      for (i = 0; i < 100; i++) print fault(i) ",none:0:0"
      print "anvil,0,as,loses,none:0:0"
    }
    $2 > points[$1] { points[$1] = $2 }
    END {
      lives("gateway", "before")
      lives("enclave", "before")
      lives("gateway", "after")
      lives("enclave", "after")
    }' "$work/points" | grep -e "$word"
}
chosen() {
  # shellcheck disable=SC2086
  [ -z "${CELLS:-}" ] || printf '%s\n' $CELLS
  if [ -z "${PICK:-}" ]; then cells; else
    cells | awk -v seed="$seed" -v n="$PICK" 'BEGIN { srand(seed) } { line[NR] = $0 } END { while (n-- > 0 && NR) print line[1 + int(rand() * NR)] }'
  fi
}
seed=${SEED:-$(od -An -tu2 -N2 /dev/urandom | tr -d ' ')}
echo "matrix: SEED=$seed"
chosen >"$work/chosen"
awk -v done="$work/results" -v seed="$seed" -v port="$ports" '
  BEGIN { while ((getline < done) > 0) was[$1] = 1 }
  !($0 in was) { print seed * 1000 + NR, port, $0 }' "$work/chosen" |
  xargs -r -P "$jobs" --process-slot-var=CELL -L 1 sh -c 'sh tests/matrix/matrix.sh --cell "$@" || true' cell "$work" # who is killed ends no other

awk -v chosen="$work/chosen" '
  { was[$1] = 1; v += $2 != "ok" }
  END {
    while ((getline < chosen) > 0) left += !($1 in was)
    if (left) printf "matrix: %d cells more were not run to their end; the same command goes on with them\n", left
    printf "matrix: %d cells, %d violations\n", NR, v
    exit !NR || v > 0 || left > 0
  }' "$work/results"
