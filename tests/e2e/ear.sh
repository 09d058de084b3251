#!/bin/sh
# verify evidence --ear, read by others: a COSE library that shares no code with us verifies what was signed, and reads what it says of
# accepted and of refused evidence; and evidence as one message (CMW) says the same as its files.
set -eu
. tests/e2e/helpers

vectors=$root/tests/vectors/evidence
node "$root/tests/e2e/vectors.mjs" "$vectors/quotes.json" "SGX, version 3" q >q.env
. ./q.env # at, words: ROLE=F..., and the root's digest
with=$(for word in $words; do echo "--with $word"; done)
printf '%064d\n' 5 >key
"$cf" verify --policy default --show --json >default.json
node -e '
  const p = JSON.parse(require("fs").readFileSync("default.json"));
  Object.assign(p, { name: "mine", class: "test", roots: [{ platform: "sgx", class: "owner-controlled", root: process.argv[1] }] });
  delete p.maker_roots;
  require("fs").writeFileSync("mine.json", JSON.stringify(p));' "$digest"

# What makes no sense is said before anything is judged.
for wrong in "--ear e" "--key key" "--ear e --key key" "--ear e --key key --policy default --expiry" "--ear e --key key --policy default --nonce 00"; do
  # shellcheck disable=SC2086
  expect 2 "usage" "$cf" verify evidence $with --at "$at" $wrong
done
printf 'zz' >nokey
# shellcheck disable=SC2086
{
  expect 1 "key: format  nokey" "$cf" verify evidence $with --at "$at" --policy mine.json --ear e --key nokey
  [ ! -e e ] || die "a result without a judgement"

  # As files, and as one message.
  expect 0 "" "$cf" verify evidence $with --at "$at" --policy mine.json --ear ok.ear --key key --cmw q.cmw --json
  cp out ok.json
  expect 0 "" "$cf" verify evidence --with cmw=q.cmw --with trusted_root=q/trusted_root --at "$at" --policy mine.json --ear cmw.ear --key key --json
  cmp out ok.json || die "the message says something else than its files"
  expect 1 "" "$cf" verify evidence $with --at "$at" --policy default --ear no.ear --key key --json
  cp out no.json
  nonce=$(dd if=q/quote bs=1 skip=368 count=64 2>/dev/null | od -An -tx1 | tr -d ' \n')
  expect 0 "" "$cf" verify evidence $with --at "$at" --nonce "$nonce" --policy mine.json --ear nonce.ear --key key
  expect 1 "rejected: nonce" "$cf" verify evidence $with --at "$at" --nonce 0011223344556677 --policy mine.json --ear other.ear --key key
}
head -c 100 q.cmw >torn.cmw
expect 2 "format" "$cf" verify evidence --with cmw=torn.cmw --at "$at"

peer cose "the COSE peer"
node "$peer/ear.mjs" ok.json q/quote ok.ear::ok no.ear::test-root "nonce.ear:$nonce:ok" other.ear:0011223344556677:nonce
