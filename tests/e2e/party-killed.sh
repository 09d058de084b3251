#!/bin/sh
# A party's commands are killed where it costs most, and run again: an order to withdraw is not given twice, and a session whose opening
# never left does not shut its party out.
set -eu
. tests/e2e/helpers
killer=$root/build/release/tests/cf-kill
"$killer" true || { echo "processes cannot be traced here"; exit 77; }

echo '{"clearing": {"min_parties": 2, "min_inputs": 1}}' >policy.json
domain=$("$cf" init d --port $port --verifiers 1/1 --witnesses 1/1 --observers 1/1 --policy policy.json 2>/dev/null)
start d
for who in alice bob; do
  "$cf" wallet new $who >/dev/null
  "$cf" deposit "$url" --wallet $who --asset USD --amount 1000 >/dev/null
done
lane() { "$cf" ledger show d --json | node -e 'console.log(JSON.parse(require("fs").readFileSync(0)).accounts['"$1"'].assets.USD.lane)'; }

# The order is stored, then it leaves: killed after each of the next calls, the command is run again, and takes out what was asked once.
withdraw() { "$@" "$cf" withdraw "$url" --domain "$domain" --wallet bob --asset USD --amount 10; }
withdraw "$killer" --points points >/dev/null
stored=$(awk '$4 ~ /order-/ { print $2; exit }' points)
[ -n "$stored" ] || die "no order is stored before it leaves: $(cat points)"
left=990
for n in 0 1 2 3; do
  "$killer" --at "party:$((stored + n)):after" "$cf" withdraw "$url" --domain "$domain" --wallet bob --asset USD --amount 10 >/dev/null 2>&1 && die "not killed"
  withdraw env >/dev/null
  left=$((left - 10))
  [ "$(lane 1)" = "$left" ] || die "killed $n calls after the order was stored, and run again: $(lane 1) instead of $left"
done

# The wallet has a session, and its opening is lost with the process.
"$cf" attest "$url" --domain "$domain" --wallet alice -o d.bundle >/dev/null
pay() { echo '{"pay": {"to": 2, "asset": "USD", "amount": 5}}' | "$@" "$cf" seal d.bundle --wallet alice -o e1; }
pay "$killer" --points points
stored=$(awk '$4 ~ /account-/ { n = $2 } END { print n }' points)
"$cf" attest "$url" --domain "$domain" --wallet alice -o d.bundle >/dev/null
rm e1
pay "$killer" --at "party:$((stored + 1)):after" && die "not killed"
[ ! -e e1 ] || die "it left"
pay env
expect 1 "session-unknown" "$cf" submit "$url" e1
grep -q 'next *attest again' err || die "what to do: $(cat err)"
"$cf" attest "$url" --domain "$domain" --wallet alice -o d.bundle >/dev/null
pay env
expect 0 "" "$cf" submit "$url" e1 --wait final
[ "$(lane 1)" = $((left + 5)) ] || die "bob has $(lane 1)"
stop
expect 0 "" "$cf" audit d
