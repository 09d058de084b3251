#!/bin/sh
# A domain is founded, its files are shown, and what is not what it should be is refused by name.
set -eu
. tests/e2e/helpers

expect 1 "^init: test-root  software TPM" "$cf" init p --class production --asset USD:2:100
expect 1 "^init: policy  witnesses" "$cf" init bad --witnesses 1/2
expect 2 "^init: usage  0/3" "$cf" init bad2 --verifiers 0/3
echo '{"grace_s": 0}' >policy.json
expect 1 "^policy: format  grace_s" "$cf" init bad3 --policy policy.json
echo '{"clearing": {"min_parties": 2, "no_such": 1}}' >policy.json
expect 1 "^policy: format  no_such" "$cf" init bad4 --policy policy.json

expect 0 "" "$cf" init d --port $port --verifiers 1/1 --witnesses 1/1 --observers 1/1 --asset GBP:2 --asset JPY:0 --json
domain=$(json out v.domain)
expect 1 "^init: exists" "$cf" init d
[ -z "$(find d/keys -perm /077)" ] || [ "$(find d/keys -type f -perm /077)" = "" ] || die "a key is readable by others"

"$cf" show d/public/genesis --json >out
[ "$(json out v.domain)" = "$domain" ] || die "genesis shows another domain"
[ "$(json out 'v.document.assets.map(a => a.symbol).join()')" = GBP,JPY ] || die "assets are not those asked for"
"$cf" show d/public/genesis | grep -q '"name": "local"' || die "show for people"
"$cf" show d/public/genesis --tlog-policy >policy
[ "log $(cat d/public/log.vkey)" = "$(head -n 1 policy)" ] || die "the policy names another log"
[ "$(grep -c '^witness w1 witness-1+' policy)" -eq 1 ] || die "the policy's witnesses"
[ "$(tail -n 2 policy | tr '\n' ,)" = "group witnesses 1 w1,quorum witnesses," ] || die "the policy's quorum"
"$cf" show d/public/genesis --tlog-policy --json >out
[ "$(json out v.tlog_policy)" = "$(cat policy)" ] || die "the policy as JSON"
expect 1 "^show: format" "$cf" show d/public/log.vkey --tlog-policy
"$cf" show - <d/deployment --json -o deployment.json
[ "$(json deployment.json v.document.domain)" = "$domain" ] || die "deployment is another domain's"
"$cf" show d/configuration --json >out
[ "$(json out 'v.kind + v.document.suite')" = configuration1 ] || die "configuration"
"$cf" show d/public/log.vkey --json >out
[ "$(json out v.kind)" = vkey ] || die "vkey"

# Every document has a schema, and nothing else has one.
for name in $("$cf" schema | sed -n 's/^\([a-z-]*\) = .*/\1/p' | sort -u); do :; done
for name in genesis policy deployment boot epoch receipt settlement promise configuration; do
  "$cf" schema $name | grep -q "^$name = " || die "no schema of $name"
done
expect 2 "^schema: unknown document  frob" "$cf" schema frob

# A byte changed anywhere: shown as another thing, or refused; never taken for the domain's.
size=$(stat -c %s d/public/genesis)
for at in 0 1 7 60 200 500 $((size / 2)) $((size - 65)) $((size - 1)); do
  cp d/public/genesis g
  printf '\377' | dd of=g bs=1 seek="$at" conv=notrunc 2>/dev/null
  cmp -s g d/public/genesis && continue
  expect 1 "" "$cf" verify evidence --genesis g
  head -n 1 err | grep -q '^genesis: ' || die "byte $at: $(cat err)"
done
head -c $((size - 1)) d/public/genesis >g
expect 1 "^show: format" "$cf" show g
printf 'this is no file of ours' >g
expect 1 "^show: format" "$cf" show g

# Two heads of one log: proven by the file alone, against the key that is asked for, and by no altered file.
fork=$root/tests/vectors/translog/consistency.fork
sed -n 's/^log //p' "$fork" >log.vkey
expect 0 "" "$cf" verify fork "$fork" --vkey log.vkey --json
[ "$(json out 'v.heads[0].size + v.heads[1].size + v.witnesses.filter(w => w.lied).length')" = 16 ] || die "verify fork: $(cat out)"
expect 1 "^verify fork: policy" "$cf" verify fork "$fork" --vkey d/public/log.vkey
expect 1 "^verify fork: policy" "$cf" verify fork "$fork" --genesis d/public/genesis
tr 5 6 <"$fork" >f.fork
expect 1 "^verify fork: format  fork" "$cf" verify fork f.fork
expect 2 "^file: unreadable" "$cf" verify fork nowhere

# The ledger alone: its state by replay of its files.
"$cf" up d --only ledger >up.out 2>/dev/null &
up_pid=$!
for _ in $(seq 50); do [ ! -s up.out ] || break; sleep 0.1; done
ledger=$(sed -n 's/^ledger *//p' up.out)
"$cf" wallet new w >/dev/null
expect 0 "" "$cf" deposit "$ledger" --wallet w --asset 1 --amount 700
expect 1 "^deposit: refused by the ledger" "$cf" deposit "$ledger" --wallet w --asset 1 --amount 9223372036854775807
expect 2 "" "$cf" deposit "$ledger" --wallet w --asset 7 --amount 1
expect 2 "" "$cf" deposit "$ledger" --wallet w --asset 1 --amount 1.5
expect 1 "^exit finalize: refused by the ledger" "$cf" exit finalize "$ledger" --wallet w --asset 1
expect 0 "" "$cf" exit request "$ledger" --wallet w
stop
"$cf" ledger show d --json >out
[ "$(json out 'v.accounts[0].assets.JPY.lane')" = 700 ] || die "ledger show: $(cat out)"
[ "$(json out 'v.accounts[0].exit_at > 0')" = true ] || die "the exit was not taken"
block=$(ls d/public/ledger/blocks | tail -n 1)
printf '\377' | dd of="d/public/ledger/blocks/$block" bs=1 seek=40 conv=notrunc 2>/dev/null
expect 1 "^ledger: " "$cf" ledger show d
