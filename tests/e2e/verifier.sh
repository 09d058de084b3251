#!/bin/sh
# verifier serve, as an attester has it, with curl: a challenge, evidence over it made for it, a signed result that a COSE library of others
# verifies; and everything that is no answer to the challenge.
set -eu
. tests/e2e/helpers
command -v curl >/dev/null || { echo "curl is not here"; exit 77; }
command -v python3 >/dev/null || { echo "python3 is not here to play an attester"; exit 77; }
attester=$root/tests/e2e/attester.py

printf '%064d\n' 5 >key
mkdir made collateral
python3 "$attester" 00 made
"$cf" verify --policy default --show --json | node -e '
  const { createHash } = require("crypto"), { readFileSync, writeFileSync } = require("fs");
  const p = JSON.parse(readFileSync(0));
  const root = createHash("sha256").update(readFileSync("made/root")).digest("hex");
  Object.assign(p, { name: "mine", class: "test", nonce: "yes", roots: [{ platform: "nitro", class: "owner-controlled", root }] });
  delete p.maker_roots;
  delete p.revocation;
  writeFileSync("mine.json", JSON.stringify(p));'

# ---- what is said before anything is served ----

expect 2 "usage" "$cf" verifier serve
expect 2 "usage" "$cf" verifier serve --key key --listen 7480
expect 2 "usage" "$cf" verifier serve --key key --session 0
expect 2 "usage" "$cf" verifier serve --key key --with document=made/document
expect 2 "collateral: unreadable" "$cf" verifier serve --key key --collateral nowhere
expect 1 "key: format" "$cf" verifier serve --key mine.json
"$cf" verifier serve --help | grep -q '^example' || die "no help"

# ---- served ----

"$cf" verifier serve --key key --policy mine.json --with trusted_root=made/root --collateral collateral --listen "127.0.0.1:$port" --json >serve.json 2>serve.err &
up_pid=$!
url=http://127.0.0.1:$port
for _ in $(seq 300); do
  curl -sf -o /dev/null "$url/v1/status" && break
  kill -0 "$up_pid" || { cat serve.err; die "it does not serve"; }
  sleep 0.05
done
grep -qF "\"url\":\"$url\"" serve.json || die "it serves elsewhere than it says"
grep -q '^Seccomp:.2' "/proc/$up_pid/status" && grep -q '^CapEff:.0*$' "/proc/$up_pid/status" || die "it is not confined"
expect 3 "" "$cf" verifier serve --key key --policy mine.json --listen "127.0.0.1:$port"

# ask CODE ARGUMENT...: the body goes to answer, the head to head.
ask() {
  want=$1
  shift
  got=$(curl -sS -o answer -D head -w '%{http_code}' "$@") || die "curl: $*"
  [ "$got" = "$want" ] || { cat head answer; die "$got, not $want: $*"; }
}
# has TEXT...: the answer has each of them.
has() { for text; do grep -qF -e "$text" answer || { cat answer; die "no $text"; }; done; }
new() { # a session: sets at and nonce
  ask 201 --data '' "$url/challenge-response/v1/newSession$1"
  at=$url$(sed -n 's/^Location: \(.*\)\r$/\1/p' head)
  nonce=$(sed 's/^{"nonce":"\([^"]*\)".*/\1/' answer | base64 -d | od -An -tx1 | tr -d ' \n')
}
nitro="Content-Type: application/aws-nitro-document"

ask 200 "$url/.well-known/veraison/verification"
cp answer discovery.json
has '"newChallengeResponseSession":"/challenge-response/v1/newSession"'

# A challenge, evidence over it, a result.
new "?nonceSize=48"
[ "${#nonce}" = 96 ] || die "not as long as was asked: $nonce"
has '"state":"waiting"'
case $at in "$url"/challenge-response/v1/session/*) ;; *) die "no Location: $at" ;; esac
ask 404 "$at/result"
python3 "$attester" "$nonce" made
ask 200 -H "$nitro" --data-binary @made/document "$at"
has '"state":"complete"' '"verdict":{"ok":true,' '"platform":"nitro"'
cp answer posted
ask 200 "$at"
cmp answer posted || die "the session says something else afterwards"
ask 200 "$at/result"
cp answer ok.ear
grep -q '^Content-Type: application/eat+cwt' head || die "a result of another type"
cp made/document ok.document && ok_nonce=$nonce
ask 409 -H "$nitro" --data-binary @made/document "$at"
grep -q '^Content-Type: application/problem+json' head || die "no problem document"

# The same evidence again: over another nonce than this session's.  Refused, and signed as that.
new ""
ask 200 -H "$nitro" --data-binary @ok.document "$at"
has '"state":"complete"' '"verdict":{"ok":false,"reason":"nonce"'
ask 200 "$at/result"
cp answer no.ear && no_nonce=$nonce

# The relying party's own nonce; as a wrapper around items.
own=00112233445566778899aabbccddeeff
python3 "$attester" $own made
new "?nonce=ABEiM0RVZneImaq7zN3u_w"
[ "$nonce" = $own ] || die "another nonce than his own: $nonce"
"$cf" verify evidence --with document=made/document --cmw made/cmw >/dev/null 2>&1 || true
ask 200 -H "Content-Type: application/cmw+cbor" --data-binary @made/cmw "$at"
has '"verdict":{"ok":true,'

# What is no answer leaves the session as it was.
new ""
ask 415 -H "Content-Type: application/octet-stream" --data-binary @made/document "$at"
ask 415 -H "Content-Type: application/counterfoil-trusted-root" --data-binary @made/root "$at"
ask 400 -H "Content-Type: application/cmw+cbor" --data-binary @made/document "$at"
ask 413 -H "$nitro" -H "Content-Length: 2097153" -H "Expect:" --data-binary x "$at"
ask 200 "$at"
has '"state":"waiting"'
ask 204 -X DELETE "$at"
ask 404 "$at"
ask 404 -X DELETE "$at"
ask 404 -H "$nitro" --data-binary @made/document "$at"
for query in "?nonceSize=7" "?nonceSize=65" "?nonceSize=" "?nonce=AAAA" "?size=32" "?nonceSize=32&nonce=ABEiM0RVZneImaq7zN3u_w"; do
  ask 400 --data '' "$url/challenge-response/v1/newSession$query"
done
ask 404 "$url/"

# Collateral that came into the folder after the process was confined is read, and an answer there that is torn is no verdict.
node "$root/tests/e2e/vectors.mjs" "$root/tests/vectors/evidence/quotes.json" "SGX, version 3" q >/dev/null
mkdir -p collateral/objects collateral/items/intel/root-crl
printf 'a list' >list
object=$(sha256sum list | cut -d' ' -f1)
answer=$(node -e 'process.stdout.write(Buffer.from(process.argv[1], "hex"))' "$object" | sha256sum | cut -c1-32)
printf '{"issued":"2020-01-01T00:00:00Z","fetched":"2020-01-01T00:00:00Z","source":"here","parts":[{"role":"root_ca_crl","sha256":"%s"}]}' "$object" \
  >"collateral/items/intel/root-crl/2020-01-01T00:00:00Z-$answer"
new ""
ask 503 -H "Content-Type: application/counterfoil-quote" --data-binary @q/quote "$at"
has '"type":"urn:counterfoil:collateral"' "names it, and it is not there"
cp list "collateral/objects/$object"
ask 200 -H "Content-Type: application/counterfoil-quote" --data-binary @q/quote "$at"
has '"verdict":{"ok":false'

ask 200 "$url/v1/status"
has '"role":"verifier","sessions":4,' '"judged":4,"accepted":2}'
kill -TERM "$up_pid"
code=0
wait "$up_pid" || code=$?
up_pid=
[ "$code" -eq 0 ] || { cat serve.err; die "it ends with $code"; }

peer cose "the COSE peer"
node "$peer/ear.mjs" discovery.json ok.document "ok.ear:$ok_nonce:ok" "no.ear:$no_nonce:nonce"
