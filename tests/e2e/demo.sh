#!/bin/sh
# The demo on a small file with bad rows: what is refused is named, what is left adds up, and the audit holds.
set -eu
. tests/e2e/helpers

{
  echo "time_s,payer,payee,asset,amount_minor_units"
  for i in $(seq 1 60); do echo "$i,p$((i % 7)),p$(((i + 1 + i % 5) % 7)),USD,$((i * 100))"; done
  for i in $(seq 1 30); do echo "$i,p$((i % 5)),q$((i % 3)),EUR,$((i * 7))"; done
  echo "1,p1,p2,USD,12.50"
  echo "1,p1,p1,USD,5"
  echo "1,p1,p2,USD"
  echo "1,p1,p2,USD,9223372036854775808"
  echo "1,p1,,USD,5"
} >in.csv
rows=$(($(wc -l <in.csv) - 1))
code=0
"$cf" demo --input in.csv --dir d --keep >screen 2>err || code=$?
[ "$code" -eq 0 ] || { cat screen err; die "the demo ended with $code"; }
grep -q 'audit     OK' screen || { cat screen; die "no OK from the audit"; }
grep -q 'test root' screen || die "a test root is to be said"
selfs=$(awk -F, 'NR > 1 && $2 == $3' in.csv | wc -l)
grep -q '^in.csv:92:13: amount_minor_units: "12.50"' err || { cat err; die "the bad amount is not named"; }
"$cf" ledger show d --json >ledger.json
cat >check.js <<'JS'
const fs = require("fs"), d = JSON.parse(fs.readFileSync("d/demo.json")), l = JSON.parse(fs.readFileSync("ledger.json"));
const on = Object.fromEntries(l.accounts.map(a => [a.account, a.assets])), fail = m => { console.log(m); process.exit(1); };
const want = {}, lines = fs.readFileSync("in.csv", "utf8").trim().split("\n"), bad = new Set(d.refused.map(r => r.line));
lines.forEach((line, i) => {
  if (!i || bad.has(i + 1)) return;
  const [, payer, payee, asset, amount] = line.split(",");
  for (const [who, key] of [[payer, "out"], [payee, "in"]]) {
    const x = ((want[who] ??= {})[asset] ??= { in: 0n, out: 0n });
    x[key] += BigInt(amount);
  }
});
if (d.rows !== +process.argv[2] || d.accepted + d.refused.length !== d.rows) fail(`${d.rows} rows, ${d.accepted} accepted, ${d.refused.length} refused`);
if (d.refused.length !== 4 + +process.argv[3]) fail(`refused: ${JSON.stringify(d.refused)}`);
for (const [name, p] of Object.entries(d.parties))
  for (const [asset, x] of Object.entries(p.assets)) {
    const n = Object.fromEntries(Object.entries(x).map(([k, v]) => [k, BigInt(v)])), lane = on[p.account]?.[asset];
    if (n.balance + n.withdrawn !== n.funding + n.in - n.out) fail(`${name} ${asset} does not add up`);
    if (n.in !== (want[name]?.[asset]?.in ?? 0n) || n.out !== (want[name]?.[asset]?.out ?? 0n)) fail(`${name} ${asset} is not what the file says`);
    if (BigInt(lane?.lane ?? 0) + BigInt(lane?.free ?? 0) !== n.balance) fail(`${name} ${asset} is not what the ledger says`);
  }
JS
node check.js "$rows" "$selfs"
cp -r d/public alone
expect 0 "" "$cf" audit alone

expect 1 "^input: format  x.csv:1:1" sh -c "echo a,b,c >x.csv; $cf demo --input x.csv"
expect 2 "^file: unreadable" "$cf" demo --input nowhere.csv
