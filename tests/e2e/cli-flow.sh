#!/bin/sh
# One domain, two parties, real processes: attest, seal, submit, settle, read, withdraw, leave; killed and restarted on the way; audited by a
# stranger with public/ alone.
set -eu
. tests/e2e/helpers

echo '{"clearing": {"min_parties": 2, "min_inputs": 1}}' >policy.json
"$cf" init d --port $port --verifiers 1/1 --witnesses 1/1 --observers 1/1 --policy policy.json >domain 2>/dev/null
domain=$(cat domain)
start d
cp d/public/log/checkpoint head
expect 3 "process [0-9]* works in this folder already" "$cf" gateway d # a log has one writer
cmp -s head d/public/log/checkpoint || "$cf" verify log d >/dev/null || die "a second writer has written"

"$cf" wallet new alice >/dev/null
"$cf" wallet new bob >/dev/null
"$cf" deposit "$url" --wallet alice --asset USD --amount 1000 >/dev/null
"$cf" deposit "$url" --wallet bob --asset USD --amount 500 >/dev/null
expect 2 "usage  --key" "$cf" deposit "$url" --wallet bob --asset USD --amount 500 --key nowhere # a ledger without transactions

# The enclave is checked before anything is sealed to it.
expect 1 "^refused: " "$cf" attest "$url" --domain "$(printf '%064d' 1)" -o wrong.bundle
[ ! -e wrong.bundle ] || die "a bundle that was refused was kept"
expect 0 "" "$cf" attest "$url" --genesis d/public/genesis --wallet alice --fresh --activate -o d.bundle
grep -q 'test root' out || die "a test root is to be said: $(cat out)"
grep -q "$domain" out || die "attest names another domain"
grep -q 'live in final block' out || die "the ledger was not asked: $(cat out)"
# Whether the key is live is asked of the ledger, by its observers' proof; without the ledger the offline half is all that is known.
ledger=$(pgrep -f "^$bin/counterfoil ledger serve $dir/d") || die "no ledger"
without_ledger() { # COMMAND...: runs it while the ledger stands still
  kill -STOP "$ledger"
  status=0
  "$@" || status=$?
  kill -CONT "$ledger"
  return "$status"
}
expect 3 "^attest: unavailable: ledger" without_ledger "$cf" attest "$url" --domain "$domain" -o blind.bundle
grep -q 'holds *the offline half' err || die "what was checked is to be said: $(cat err)"
[ ! -e blind.bundle ] || die "a bundle was kept, and its key may be revoked"
# A gateway that names a ledger of its own: what that says is not what the observers hold final.
node -e '
  const [url, ledger, port] = process.argv.slice(1)
  require("http").createServer(async (req, res) => {
    const state = req.url.startsWith("/ledger/")
    let body = Buffer.from(await (await fetch((state ? ledger : url) + req.url)).arrayBuffer())
    if (req.url === "/v1/domain") body = body.toString().replace(ledger, `http://127.0.0.1:${port}`)
    if (state) {
      const shown = JSON.parse(body)
      shown.header = shown.header.slice(0, -1) + (shown.header.endsWith("0") ? "1" : "0")
      body = JSON.stringify(shown)
    }
    res.end(body)
  }).listen(port, "127.0.0.1")
  setTimeout(process.exit, 60000)' "$url" "http://127.0.0.1:$((port + 1))" $((port + 40)) &
liar=$!
for _ in $(seq 50); do
  "$cf" status "http://127.0.0.1:$((port + 40))" >/dev/null 2>&1 && break
  sleep 0.1
done
expect 1 "^refused: signature  ledger" "$cf" attest "http://127.0.0.1:$((port + 40))" --domain "$domain" -o liar.bundle
kill "$liar"
[ ! -e liar.bundle ] || die "a bundle that was refused was kept"
"$cf" show d.bundle --json >out
[ "$(json out 'v.kind + v.fresh')" = bundletrue ] || die "the bundle: $(cat out)"

pay() { echo "{\"pay\": {\"to\": $1, \"asset\": \"USD\", \"amount\": \"$2\"}}"; }
pay 2 100 >in.json
"$cf" seal d.bundle --wallet alice in.json -o e1
expect 1 "^input: malformed  amount" sh -c "echo '{\"pay\": {\"to\": 2, \"asset\": \"USD\", \"amount\": 1.5}}' | $cf seal d.bundle --wallet alice"
cp d.bundle torn.bundle
printf '\377' | dd of=torn.bundle bs=1 seek=$(($(stat -c %s d.bundle) / 2)) conv=notrunc 2>/dev/null
expect 1 "" "$cf" seal torn.bundle --wallet alice in.json

# Final is when the settlement that covers this input is; stopped before, its state is told.
expect 2 "^submit: usage" "$cf" submit "$url" e1 --wait final --timeout 0
expect 3 "^submit: timeout  " without_ledger "$cf" submit "$url" e1 --wait final --timeout 2
grep -q 'receipt [0-9]' out || die "the state of what was sent: $(cat out)"
grep -q 'found.*settle' err || die "what is missing: $(cat err)"
"$cf" submit "$url" e1 --wait final >first
sequence=$(cut -d' ' -f4 first)
final=$(node -e '
  (async ([url, sequence]) => {
    for (let n = 1, r; (r = await fetch(`${url}/v1/settlements/${n}`)).ok; n++) {
      const s = await r.json();
      if (s.first <= sequence && sequence <= s.last && s.state === "final") return console.log("yes");
    }
  })(process.argv.slice(1))' "$url" "$sequence")
[ "$final" = yes ] || die "no settlement that covers receipt $sequence is final"
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
expect 0 "" "$cf" verify bundle d.bundle --genesis d/public/genesis --json
[ "$(json out v.kind)" = bundle ] || die "verify bundle: $(cat out)"
expect 1 "^refused: binding  genesis.domain" "$cf" verify bundle d.bundle --domain "$(printf '%064d' 0)"
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
"$cf" show stranger/genesis --tlog-policy >quorum
expect 0 "" "$cf" verify log stranger --quorum quorum
grep -q 'a quorum behind [1-9]' out || die "verify log --quorum: $(cat out)"
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
