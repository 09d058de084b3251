#!/bin/sh
# cell.sh BIN FOLDER: one life of the domain FOLDER/d, with what a supervisor, an operator and two parties do: start, fund, pay, withdraw, restart.
# Run under cf-kill, which ends one of its processes somewhere.  Whatever ends or fails is done again, as they would; then everything must have
# settled, nothing twice.  FOLDER/out/verdict has "ok" or the fault, which begins with lost, doubled or unclean.
#
# Alice pays bob 1, 10, 100 and 1000, and bob takes out half of the 40000 that he came with: each digit of what bob has says how often that happened.
set -u
cf=$1/counterfoil cell=$2 up=
domain=$(cat "$cell/out/domain")
url=$(sed -n 's/.*"address":"\([^"]*\)","port":\([0-9]*\).*/http:\/\/\1:\2/p' "$cell/d/domain.json")
cd "$cell/p" || exit 2
out=$cell/out
began=$(date +%s)

verdict() { printf '%s' "$*" | tr '\n' ' ' >>"$out/verdict"; }
fault() {
  verdict "$*"
  [ -z "$up" ] || { kill -INT "$up" 2>/dev/null; wait "$up" 2>/dev/null; }
  exit 1
}

# ---- the supervisor, and whoever supervises that ----

up() {
  "$cf" up "$cell/d" >>"$out/up" 2>&1 &
  up=$!
}
# Patience, one tenth of a second at a time; WHAT is what would be lost.
again() { # WHAT
  [ $(($(date +%s) - began)) -lt "${CF_CELL_SECONDS:-100}" ] || fault "lost: $1"
  sleep 0.1
  kill -0 "$up" 2>/dev/null && return
  wait "$up"
  code=$?
  [ "$code" -eq 137 ] || fault "lost: up ended with $code"
  up
}
serving() {
  until "$cf" status "$cell/d" --json 2>/dev/null | grep -q '"mode":"normal"'; do again "the domain does not serve: $("$cf" status "$cell/d" --json 2>&1)"; done
}

# ---- the ledger, by its files ----

# lanes WALLET: "main free" of its account.
lanes() {
  address=$("$cf" wallet show "$1") || { echo "0 0"; return; }
  set -- $("$cf" ledger show "$cell/d" --json 2>>"$out/err" |
    sed -n "s/.*\"owner\":\"$address\"[^}]*\"USD\":{\"lane\":\"\([0-9]*\)\",\"free\":\"\([0-9]*\)\".*/\1 \2/p")
  echo "${1:-0} ${2:-0}"
}

# ---- parties ----

wallet() { # DIR
  until "$cf" wallet show "$1" >/dev/null 2>&1; do
    "$cf" wallet new "$1" >>"$out/party" 2>&1 || again "wallet $1"
  done
}
fund() { # WALLET AMOUNT
  until [ "$(lanes "$1")" = "$2 0" ]; do
    "$cf" deposit "$url" --wallet "$1" --asset USD --amount "$2" >>"$out/party" 2>&1 || again "deposit of $1: $(lanes "$1")"
    sleep 0.1
  done
}
attest() {
  until "$cf" attest "$url" --domain "$domain" --wallet alice -o d.bundle >>"$out/party" 2>&1; do again "evidence"; done
}
# A sealed input that was refused is sealed anew only when no receipt has it.
pay() { # AMOUNT WAIT
  [ -s "e$1" ] || seal "$1"
  until "$cf" submit "$url" "e$1" --wait "$2" --timeout 5 >"$out/submit" 2>>"$out/party"; do
    again "payment of $1: $(cat "$out/submit")"
    [ -s "e$1" ] || seal "$1"
    grep -q refused "$out/submit" || continue
    cat "$out/submit" >>"$out/refused"
    serving
    "$cf" receipt "$url" "$(id "$1")" >>"$out/party" 2>&1 && continue
    attest
    seal "$1"
  done
}
seal() { # AMOUNT
  until echo "{\"pay\": {\"to\": 2, \"asset\": \"USD\", \"amount\": $1}}" | "$cf" seal d.bundle --wallet alice -o "e$1" 2>>"$out/party"; do
    again "sealing of $1"
    attest
  done
}
id() { sha256sum "e$1" | cut -d' ' -f1; }

# ---- the life ----

up
wallet alice
wallet bob
serving
fund alice 500000
fund bob 40000
attest
pay 1 final
pay 10 receipt
pay 100 final
until [ "$(lanes bob)" = "20111 0" ]; do
  "$cf" withdraw "$url" --domain "$domain" --wallet bob --asset USD --amount 20000 >>"$out/party" 2>&1 || again "withdrawal: bob has $(lanes bob)"
  case $(lanes bob) in "111 "*) fault "doubled: after the withdrawal bob has $(lanes bob)" ;; esac
done
kill -INT "$up"
wait "$up"
code=$?
[ "$code" -eq 0 ] || [ "$code" -eq 137 ] || fault "lost: up ended with $code after Ctrl-C"
up
serving
attest
pay 1000 final
for amount in 1 10 100 1000; do
  until "$cf" result "$url" "$(id $amount)" --wallet alice >"$out/result" 2>>"$out/party"; do again "result of $amount: $(tail -n 3 "$out/party")"; done
  [ "$(grep -c accepted "$out/result")" -eq 1 ] || fault "lost: payment of $amount: $(cat "$out/result")"
done
serving
kill -INT "$up"
wait "$up"
code=$? up=
[ "$code" -eq 0 ] || [ "$code" -eq 137 ] || fault "lost: up ended with $code after Ctrl-C"

# ---- the sums ----

alice=$(lanes alice) bob=$(lanes bob)
"$cf" audit "$cell/d/public" --domain "$domain" >"$out/audit" 2>&1 || fault "unclean: $(grep -v '^ *$' "$out/audit" | tail -n 1)"
case $bob in
  "21111 0") ;;
  *20000 | 1* | 2*[2-9]*) fault "doubled: bob has $bob" ;;
  *) fault "lost: bob has $bob" ;;
esac
[ "$alice" = "498889 0" ] || fault "unclean: alice has $alice"
grep -q '^ USD  *540000  *20000  *520000  *0 ' "$out/audit" || fault "unclean: $(grep '^ USD' "$out/audit")"
verdict ok
