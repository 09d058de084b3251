#!/bin/sh
# life.sh BIN FOLDER: the life of a domain on a chain while node, answers and processes fail around it (matrix.sh): start, pay, stop, start, pay.
# Run under cf-kill, which ends gateway or enclave somewhere. Whatever ends or fails is done again, as a supervisor and a party would; then
# everything must have settled. FOLDER/out/verdict has "ok" or the fault, which begins with lost.
#
# Alice pays bob 1, 10, 100 and 1000: each digit of what bob has says how often that happened.
set -u
bin=$1 cell=$2 up=
cf() { timeout 30 "$bin/counterfoil" "$@"; } # a party's patience
domain=$(cat "$cell/domain")
url=$(sed -n 's/.*"address":"\([^"]*\)","port":\([0-9]*\).*/http:\/\/\1:\2/p' "$cell/d/domain.json")
cd "$cell/p" || exit 2
out=$cell/out
began=$(date +%s)

fault() {
  printf '%s' "$*" | tr '\n' ' ' >>"$out/verdict"
  [ -z "$up" ] || { kill -INT "$up" 2>/dev/null; wait "$up" 2>/dev/null; }
  exit 1
}
status() { cf status "$cell/d" --json 2>&1; }

up() {
  "$bin/counterfoil" up "$cell/d" >>"$out/up" 2>&1 &
  up=$!
}
# Patience, a fifth of a second at a time; WHAT is what would be lost.
again() { # WHAT
  [ $(($(date +%s) - began)) -lt "${CF_CELL_SECONDS:-420}" ] || fault "lost: $1"
  sleep 0.2
  kill -0 "$up" 2>/dev/null && return
  wait "$up"
  code=$?
  [ "$code" -eq 137 ] || [ "$code" -eq 3 ] || fault "lost: up ended with $code"
  up
}
serving() {
  until status | grep -q '"mode":"normal"'; do again "the domain does not serve: $(status)"; done
}
down() {
  kill -INT "$up"
  wait "$up"
  code=$? up=
  [ "$code" -eq 0 ] || [ "$code" -eq 137 ] || fault "lost: up ended with $code after Ctrl-C"
}

attest() {
  until cf attest "$url" --domain "$domain" --wallet alice -o d.bundle >>"$out/party" 2>&1; do again "evidence: $(tail -n 2 "$out/party")"; done
}
id() { sha256sum "e$1" | cut -d' ' -f1; }
seal() { # AMOUNT
  until echo "{\"pay\": {\"to\": 2, \"asset\": \"ETH\", \"amount\": $1}}" | cf seal d.bundle --wallet alice -o "e$1" 2>>"$out/party"; do
    again "sealing of $1"
    attest
  done
}
# A sealed input that was refused is sealed anew only when no receipt has it.
pay() { # AMOUNT WAIT
  [ -s "e$1" ] || seal "$1"
  until cf submit "$url" "e$1" --wait "$2" --timeout 10 >"$out/submit" 2>>"$out/party"; do
    again "payment of $1: $(cat "$out/submit") $(status)"
    grep -q refused "$out/submit" || continue
    cat "$out/submit" >>"$out/refused"
    serving
    cf receipt "$url" "$(id "$1")" >>"$out/party" 2>&1 && continue
    attest
    seal "$1"
  done
}

up
serving
touch "$out/chaos"
attest
pay 1 final
pay 10 receipt
pay 100 final
if [ -n "${LOSS:-}" ]; then # what was final is gone: the domain must stand still, and say so
  before=$(status | grep -o '"settled":[0-9]*')
  touch "$out/loss"
  until [ -e "$out/lost" ]; do again "the node did not come again"; done
  until grep -q '"level":"error","event":"\(observer-ended\|sender-halted\)"' "$cell"/d/logs/*.log; do again "nobody says that final blocks are gone: $(status)"; done
  seal 1000
  cf submit "$url" e1000 --wait final --timeout 20 >"$out/submit" 2>>"$out/party"
  status >"$out/status"
  grep -q "$before," "$out/status" || fault "lost: a payment was settled on a chain that had lost what was final"
  down
  printf ok >"$out/verdict"
  exit
fi
down
up
serving
attest
pay 1000 receipt
touch "$out/calm"
pay 1000 final
for amount in 1 10 100 1000; do
  until cf result "$url" "$(id $amount)" --wallet alice >"$out/result" 2>>"$out/party"; do again "result of $amount: $(tail -n 3 "$out/party")"; done
  [ "$(grep -c accepted "$out/result")" -eq 1 ] || fault "lost: payment of $amount: $(cat "$out/result")"
done
serving
until status | grep -q '"open":0'; do again "a transaction is not final: $(status)"; done
status >"$out/status"
down
printf ok >"$out/verdict"
