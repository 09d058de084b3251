#!/bin/sh
# One domain, two parties, real processes: attest, seal, submit, settle, read, withdraw, leave; killed and restarted on the way; audited by a
# stranger with public/ alone.
set -eu
. tests/e2e/helpers

echo '{"clearing": {"min_parties": 2, "min_inputs": 1}}' >policy.json
"$cf" init d --port $port --verifiers 1/1 --witnesses 1/1 --observers 1/1 --policy policy.json >domain 2>/dev/null
domain=$(cat domain)
start d

"$cf" wallet new alice >/dev/null
"$cf" wallet new bob >/dev/null
"$cf" deposit "$url" --wallet alice --asset USD --amount 1000 >/dev/null
"$cf" deposit "$url" --wallet bob --asset USD --amount 500 >/dev/null

# The enclave is checked before anything is sealed to it.
expect 1 "^refused: " "$cf" attest "$url" --domain "$(printf '%064d' 1)" -o wrong.bundle
[ ! -e wrong.bundle ] || die "a bundle that was refused was kept"
expect 0 "" "$cf" attest "$url" --genesis d/public/genesis --wallet alice --fresh --activate -o d.bundle
grep -q 'test root' out || die "a test root is to be said: $(cat out)"
grep -q "$domain" out || die "attest names another domain"
"$cf" show d.bundle --json >out
[ "$(json out 'v.kind + v.fresh')" = bundletrue ] || die "the bundle: $(cat out)"

pay() { echo "{\"pay\": {\"to\": $1, \"asset\": \"USD\", \"amount\": \"$2\"}}"; }
pay 2 100 >in.json
"$cf" seal d.bundle --wallet alice in.json -o e1
expect 1 "^input: malformed  amount" sh -c "echo '{\"pay\": {\"to\": 2, \"asset\": \"USD\", \"amount\": 1.5}}' | $cf seal d.bundle --wallet alice"
cp d.bundle torn.bundle
printf '\377' | dd of=torn.bundle bs=1 seek=$(($(stat -c %s d.bundle) / 2)) conv=notrunc 2>/dev/null
expect 1 "" "$cf" seal torn.bundle --wallet alice in.json

"$cf" submit "$url" e1 --wait final >first
id1=$(cut -d' ' -f1 first)
[ "$id1" = "$(sha256sum e1 | cut -d' ' -f1)" ] || die "an envelope's id is its hash"
"$cf" submit "$url" e1 | cmp -s - first || die "sent twice is another input"
pay 2 901 | "$cf" seal d.bundle --wallet alice - -o e2 # more than there is left
id2=$("$cf" submit "$url" e2 --wait log --json | node -e 'console.log(JSON.parse(require("fs").readFileSync(0))[0].id)')

"$cf" result "$url" "$id1" --wallet alice --json >out
[ "$(json out 'v[0].class')" = accepted ] || die "the first: $(cat out)"
"$cf" result "$url" "$id2" --wallet alice --json >out
[ "$(json out 'v[0].class')" = credit ] || die "the second: $(cat out)"
expect 1 "" "$cf" result "$url" "$id1" --wallet bob # sealed to another
"$cf" receipt "$url" "$id1" -o e1.receipt --proof e1.tlog-proof >/dev/null
expect 0 "" "$cf" verify receipt e1.receipt --genesis d/public/genesis --proof e1.tlog-proof --envelope e1 --bundle d.bundle --json
[ "$(json out v.logged)" = true ] || die "verify receipt: $(cat out)"
expect 1 "^verify receipt: auth" "$cf" verify receipt e1.receipt --genesis d/public/genesis --proof e1.tlog-proof --envelope e2
tr A B <e1.tlog-proof >torn.tlog-proof
expect 1 "^verify receipt: " "$cf" verify receipt e1.receipt --genesis d/public/genesis --proof torn.tlog-proof
"$cf" show e1.receipt --json >out
[ "$(json out 'v.kind + v.document.inputs')" = receipt-file1 ] || die "the receipt: $(cat out)"

# Killed: gateway and enclave come back, and what was accepted stays so.
for role in "counterfoil gateway $dir/d" "counterfoil-launch $dir/d"; do
  pid=$(pgrep -f "^$bin/$role") || die "no $role"
  kill -9 "$pid"
  sleep 2
  wait_normal d
done
for _ in $(seq 100); do # it serves before the new evidence is shown
  if "$cf" attest "$url" --genesis d/public/genesis --wallet alice -o d.bundle >/dev/null 2>&1; then break; fi
  sleep 0.1
done
pay 2 50 | "$cf" seal d.bundle --wallet alice - -o e3
"$cf" submit "$url" e3 --wait final >/dev/null
"$cf" submit "$url" e1 >again || true
cmp -s again first || grep -q refused again || die "an envelope of before was taken again: $(cat again)"

"$cf" withdraw "$url" --domain "$domain" --wallet bob --asset USD --amount 20 >/dev/null
"$cf" exit request "$url" --wallet alice >/dev/null
sleep 15
"$cf" exit finalize "$url" --wallet alice --asset 0 >/dev/null
stop

"$cf" ledger show d --json >out
[ "$(json out 'v.accounts[0].assets.USD?.lane ?? 0')" = 0 ] || die "alice left, and has: $(cat out)"
[ "$(json out 'v.accounts[1].assets.USD.lane')" = 630 ] || die "bob has 500 + 100 + 50 - 20: $(cat out)"

# A stranger has public/ and nothing else.
cp -r d/public stranger
expect 0 "" "$cf" audit stranger --domain "$domain" -o report.html
grep -q 'OK' out || die "audit: $(cat out)"
grep -q '<html' report.html || die "no report"
expect 0 "" "$cf" audit stranger --json
[ "$(json out v.verdict)" = ok ] || die "audit --json: $(cat out)"
expect 0 "" "$cf" verify log stranger
expect 1 "" "$cf" audit stranger --domain "$(printf '%064d' 1)"
for file in $(find stranger -type f | sort | awk 'NR % 9 == 1'); do
  cp "$file" kept
  at=$(($(stat -c %s "$file") / 2))
  [ "$at" -gt 0 ] || continue
  byte=$(od -An -tu1 -j "$at" -N 1 "$file" | tr -d ' ')
  # shellcheck disable=SC2059
  printf "\\$(printf %o $((byte ^ 1)))" | dd of="$file" bs=1 seek="$at" conv=notrunc 2>/dev/null
  expect 1 "" "$cf" audit stranger
  grep -q "${file#stranger/}" out err || die "$file was altered, and audit does not name it: $(head -n 3 out)"
  cp kept "$file"
done
echo surplus >stranger/surplus
expect 1 "" "$cf" audit stranger
grep -q surplus out || die "a file that nothing accounts for was not named"
